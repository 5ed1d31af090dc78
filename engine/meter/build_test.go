package meter

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// wasmModule assembles a module from sections that the tests write by hand. Empty sections are left out.
type wasmModule struct {
	types   []funcType
	imports [][]byte
	funcs   []uint32 // type of each
	tables  [][]byte
	memory  []byte // limits
	globals [][]byte
	exports [][]byte
	start   []byte
	elems   [][]byte
	count   []byte // the data count section
	code    [][]byte
	data    [][]byte
	last    []byte // sections appended as they are
}

func (m wasmModule) bytes() []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, entries [][]byte) {
		if len(entries) == 0 {
			return
		}
		body := appendU32(nil, uint32(len(entries)))
		for _, e := range entries {
			body = append(body, e...)
		}
		b = appendSection(b, id, body)
	}
	var types, funcs, code [][]byte
	for _, t := range m.types {
		e := append(appendU32([]byte{0x60}, uint32(len(t.params))), t.params...)
		types = append(types, append(appendU32(e, uint32(len(t.results))), t.results...))
	}
	for _, f := range m.funcs {
		funcs = append(funcs, appendU32(nil, f))
	}
	for _, c := range m.code {
		code = append(code, append(appendU32(nil, uint32(len(c))), c...))
	}
	section(secType, types)
	section(secImport, m.imports)
	section(secFunction, funcs)
	section(secTable, m.tables)
	if m.memory != nil {
		section(secMemory, [][]byte{m.memory})
	}
	section(secGlobal, m.globals)
	section(secExport, m.exports)
	if m.start != nil {
		b = appendSection(b, secStart, m.start)
	}
	section(secElement, m.elems)
	if m.count != nil {
		b = appendSection(b, secDataCount, m.count)
	}
	section(secCode, code)
	section(secData, m.data)
	return append(b, m.last...)
}

func importOf(module, name string, kind byte, desc ...byte) []byte {
	return append(append(appendName(appendName(nil, module), name), kind), desc...)
}

func exportOf(name string, kind byte, index uint32) []byte {
	return appendU32(append(appendName(nil, name), kind), index)
}

func customSection(name string, body []byte) []byte {
	return appendSection(nil, secCustom, append(appendName(nil, name), body...))
}

func cat(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// oneFunction is a module with a memory, a table and one exported function "run" of type () -> ().
func oneFunction(code ...byte) wasmModule {
	return wasmModule{
		types:   []funcType{{}, {[]byte{valI32}, []byte{valI32}}, {[]byte{valI32}, nil}},
		funcs:   []uint32{0},
		tables:  [][]byte{{refFunc, 0, 4}},
		memory:  []byte{0, 1},
		exports: [][]byte{exportOf("run", kindFunc, 0), exportOf("memory", kindMemory, 0)},
		code:    [][]byte{append([]byte{0}, code...)},
	}
}

// The engines on which rewritten modules have to behave alike.
var engines = []struct {
	name   string
	config func() wazero.RuntimeConfig
}{
	{"compiler", wazero.NewRuntimeConfigCompiler},
	{"interpreter", wazero.NewRuntimeConfigInterpreter},
}

// errSpent is what the test's refuel ends a call with.
var errSpent = errors.New("no fuel left")

// host runs modules and plays the sandbox: it owns refuel and records what a guest does.
type host struct {
	runtime wazero.Runtime
	slice   int64 // what refuel returns
	limit   int   // refuels allowed; 0 = any number
	refuels int
	bought  int64 // fuel handed out by refuel, besides the debt that it covered
	bad     error // a call of refuel that should not have happened
	seen    []int32
}

func newHost(t testing.TB, config wazero.RuntimeConfig) *host {
	t.Helper()
	ctx := context.Background()
	h := &host{runtime: wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(api.CoreFeaturesV2))}
	t.Cleanup(func() { _ = h.runtime.Close(ctx) })
	_, err := h.runtime.NewHostModuleBuilder("thaw").NewFunctionBuilder().WithFunc(func(balance int64) int64 {
		if balance >= 0 {
			h.bad = fmt.Errorf("refuel called with a balance of %d", balance)
		}
		if h.refuels++; h.limit > 0 && h.refuels > h.limit {
			panic(errSpent)
		}
		h.bought += h.slice - balance
		return h.slice
	}).Export("refuel").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.runtime.NewHostModuleBuilder("env").NewFunctionBuilder().WithFunc(func(v int32) {
		h.seen = append(h.seen, v)
	}).Export("seen").Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// outcome is everything that a run lets one observe.
type outcome struct {
	Results []uint64
	Trap    string
	Seen    []int32
	Memory  [sha256.Size]byte
	Pages   uint32
	Globals []uint64
}

// run instantiates a module and calls its export "run".
func (h *host) run(wasm []byte, slice int64, limit int, globals []string, args ...uint64) (o outcome, used int64, err error) {
	ctx := context.Background()
	h.slice, h.limit, h.refuels, h.bought, h.bad, h.seen = slice, limit, 0, 0, nil, nil
	mod, err := h.runtime.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return o, 0, err
	}
	defer mod.Close(ctx)
	fuel, metered := mod.ExportedGlobal(FuelGlobal).(api.MutableGlobal)
	if metered {
		fuel.Set(uint64(slice))
		h.bought += slice
	}
	o.Results, err = mod.ExportedFunction("run").Call(ctx, args...)
	if err != nil {
		if errors.Is(err, errSpent) || errors.As(err, new(*sys.ExitError)) {
			return o, 0, err
		}
		o.Trap = firstLine(err.Error())
	}
	o.Seen = h.seen
	mem := mod.Memory()
	all, _ := mem.Read(0, mem.Size())
	o.Memory, o.Pages = sha256.Sum256(all), mem.Size()/pageSize
	for _, name := range globals {
		o.Globals = append(o.Globals, mod.ExportedGlobal(name).Get())
	}
	if metered {
		used = h.bought - int64(fuel.Get())
	}
	return o, used, h.bad
}

func firstLine(s string) string {
	for i := range len(s) {
		if s[i] == '\n' {
			return s[:i]
		}
	}
	return s
}
