package meter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"pgregory.net/rapid"

	"github.com/thawrun/thaw/engine/meter"
)

// Types of generated functions and blocks. Loops take the parameters of theirs at every round.
var genTypes = []struct{ params, results string }{
	{"", ""}, {"i", "i"}, {"iI", "I"}, {"I", "iI"}, {"ii", "ii"}, {"", "i"},
}

const (
	genGas    = 0 // i32 global: every round and every call takes one; at none the function returns
	genWide   = 1 // i64 global
	genLocals = 6 // of ours, after the parameters: i i i I I I
)

// program turns bytes into a valid module that ends. What the bytes say decides on every choice, so that the same generator
// serves rapid and the fuzzer.
type program struct {
	choices []byte
	b       []byte
	labels  []string // values that a branch to each open label takes
	params  string   // of the current function
	results string
	funcs   []int // type of each
	size    int
}

func (p *program) pick(n int) int {
	if len(p.choices) == 0 {
		return 0
	}
	c := int(p.choices[0])
	p.choices = p.choices[1:]
	return c % n
}

func uleb(v uint64) []byte { return binary.AppendUvarint(nil, v) }

func sleb(v int64) (b []byte) {
	for v < -64 || v > 63 {
		b = append(b, byte(v)&0x7F|0x80)
		v >>= 7
	}
	return append(b, byte(v)&0x7F)
}

func (p *program) emit(b ...byte)       { p.b = append(p.b, b...) }
func (p *program) index(op byte, i int) { p.b = append(append(p.b, op), uleb(uint64(i))...) }
func (p *program) constant(t byte, v int64) {
	p.b = append(append(p.b, map[byte]byte{'i': 0x41, 'I': 0x42}[t]), sleb(v)...)
}

// local picks a local of a type.
func (p *program) local(t byte) int {
	all := p.params + "iiiIII"
	var fit []int
	for i := range len(all) {
		if all[i] == t {
			fit = append(fit, i)
		}
	}
	return fit[p.pick(len(fit))]
}

func (p *program) exprs(types string, depth int) {
	for i := range len(types) {
		p.expr(types[i], depth)
	}
}

// consume takes values off the stack.
func (p *program) consume(types string) {
	for i := len(types) - 1; i >= 0; i-- {
		if p.pick(3) == 0 {
			p.emit(0x1A)
		} else {
			p.index(0x21, p.local(types[i]))
		}
	}
}

func (p *program) expr(t byte, depth int) {
	if p.size++; depth <= 0 || p.size > 400 {
		p.constant(t, int64(p.pick(200)-100))
		return
	}
	wide := t == 'I'
	switch p.pick(9) {
	case 0:
		p.constant(t, int64(p.pick(256))<<p.pick(24))
	case 1, 2:
		p.index(0x20, p.local(t))
	case 3:
		p.expr(t, depth-1)
		p.expr(t, depth-1)
		op := []byte{0x6A, 0x6B, 0x6C, 0x6D, 0x71, 0x73}[p.pick(6)] // the fourth divides, and may trap
		if wide {
			op += 0x12
		}
		p.emit(op)
	case 4:
		p.address(depth)
		if wide {
			p.emit(0x29, 3, 0)
		} else {
			p.emit(0x28, 2, 0)
		}
	case 5:
		if wide {
			p.expr('i', depth-1)
			p.emit(0xAC)
		} else {
			p.expr('I', depth-1)
			p.emit(0xA7)
		}
	case 6:
		if wide {
			p.index(0x23, genWide)
		} else {
			p.expr('I', depth-1)
			p.expr('I', depth-1)
			p.emit(0x53)
		}
	case 7:
		p.expr(t, depth-1)
		p.expr(t, depth-1)
		p.expr('i', depth-1)
		p.emit(0x1B)
	case 8: // an if with a result
		p.expr('i', depth-1)
		p.emit(0x04, map[byte]byte{'i': 0x7F, 'I': 0x7E}[t])
		p.labels = append(p.labels, string(t))
		p.statements(depth - 1)
		p.expr(t, depth-1)
		p.emit(0x05)
		p.statements(depth - 1)
		p.expr(t, depth-1)
		p.emit(0x0B)
		p.labels = p.labels[:len(p.labels)-1]
	}
}

func (p *program) address(depth int) {
	p.expr('i', depth-1)
	p.constant('i', 0x7FF8)
	p.emit(0x71)
}

// tick takes from the gas and returns from the function when none is left. It leaves the stack as it is.
func (p *program) tick() {
	p.index(0x23, genGas)
	p.constant('i', 1)
	p.emit(0x6B)
	p.index(0x24, genGas)
	p.index(0x23, genGas)
	p.constant('i', 0)
	p.emit(0x48, 0x04, 0x40)
	for i := range len(p.results) {
		p.constant(p.results[i], 1)
	}
	p.emit(0x0F, 0x0B)
}

func (p *program) statements(depth int) {
	for range p.pick(4) {
		p.statement(depth)
	}
}

func (p *program) statement(depth int) {
	if p.size++; depth <= 0 || p.size > 400 {
		p.emit(0x01)
		return
	}
	switch p.pick(16) {
	case 0, 1:
		t := "iI"[p.pick(2)]
		p.expr(t, depth-1)
		p.index(0x21, p.local(t))
	case 2:
		p.expr('I', depth-1)
		p.index(0x24, genWide)
	case 3:
		p.address(depth)
		p.expr('I', depth-1)
		p.emit(0x37, 3, 0)
	case 4, 5, 6: // block, loop, loop
		n := p.pick(len(genTypes))
		ty := genTypes[n]
		p.exprs(ty.params, depth-1)
		loop := p.pick(3) > 0
		if loop {
			p.index(0x03, n)
			p.labels = append(p.labels, ty.params)
			p.tick()
		} else {
			p.index(0x02, n)
			p.labels = append(p.labels, ty.results)
		}
		p.consume(ty.params)
		p.statements(depth - 1)
		if loop {
			p.exprs(ty.params, depth-2)
			p.expr('i', depth-2)
			p.emit(0x0D, 0)
			p.consume(ty.params)
		}
		p.exprs(ty.results, depth-2)
		p.emit(0x0B)
		p.labels = p.labels[:len(p.labels)-1]
		p.consume(ty.results)
	case 7, 8: // br, br_if
		d := p.pick(len(p.labels))
		types := p.labels[len(p.labels)-1-d]
		p.exprs(types, depth-1)
		if p.pick(3) == 0 {
			p.index(0x0C, d)
			return
		}
		p.expr('i', depth-1)
		p.index(0x0D, d)
		p.consume(types)
	case 9: // br_table
		types := p.labels[len(p.labels)-1-p.pick(len(p.labels))]
		var fit []int
		for d := range p.labels {
			if p.labels[len(p.labels)-1-d] == types {
				fit = append(fit, d)
			}
		}
		p.exprs(types, depth-1)
		p.expr('i', depth-1)
		p.constant('i', 3)
		p.emit(0x71)
		n := p.pick(4)
		p.index(0x0E, n)
		for range n + 1 {
			p.b = append(p.b, uleb(uint64(fit[p.pick(len(fit))]))...)
		}
	case 10:
		p.exprs(p.results, depth-1)
		p.emit(0x0F)
	case 11:
		f := p.pick(len(p.funcs))
		ty := genTypes[p.funcs[f]]
		p.exprs(ty.params, depth-1)
		p.index(0x10, f+1)
		p.consume(ty.results)
	case 12:
		f := p.pick(len(p.funcs))
		ty := genTypes[p.funcs[f]]
		p.exprs(ty.params, depth-1)
		p.constant('i', int64(f))
		p.index(0x11, p.funcs[f])
		p.emit(0)
		p.consume(ty.results)
	case 13: // memory.copy, memory.fill
		p.address(depth)
		p.address(depth)
		p.expr('i', depth-1)
		p.constant('i', 0x3FFF)
		p.emit(0x71)
		if p.pick(2) == 0 {
			p.emit(0xFC, 10, 0, 0)
		} else {
			p.emit(0xFC, 11, 0)
		}
	case 14:
		p.constant('i', int64(p.pick(2)))
		p.emit(0x40, 0)
		p.index(0x21, p.local('i'))
	case 15: // the host sees a value
		p.expr('i', depth-1)
		p.emit(0x10, 0)
	}
}

func section(id byte, n int, body []byte) []byte {
	body = append(uleb(uint64(n)), body...)
	return append(append([]byte{id}, uleb(uint64(len(body)))...), body...)
}

func name(s string) []byte { return append(uleb(uint64(len(s))), s...) }

func valTypes(s string) []byte {
	b := uleb(uint64(len(s)))
	for _, t := range s {
		b = append(b, map[rune]byte{'i': 0x7F, 'I': 0x7E}[t])
	}
	return b
}

// generateProgram makes a module with an export "run" of type (i32) -> i32, which is function 1.
func generateProgram(choices []byte) []byte {
	p := &program{choices: choices, funcs: []int{1}}
	for range p.pick(4) {
		p.funcs = append(p.funcs, p.pick(len(genTypes)))
	}
	var types, funcs, code, elem []byte
	for _, t := range genTypes {
		types = append(append(append(types, 0x60), valTypes(t.params)...), valTypes(t.results)...)
	}
	types = append(types, 0x60, 1, 0x7F, 0)
	for f, t := range p.funcs {
		ty := genTypes[t]
		p.b, p.labels, p.params, p.results, p.size = []byte{2, 3, 0x7F, 3, 0x7E}, []string{ty.results}, ty.params, ty.results, 0
		p.tick()
		p.statements(5)
		p.statement(5)
		p.exprs(ty.results, 4)
		p.emit(0x0B)
		funcs = append(funcs, byte(t))
		code = append(append(code, uleb(uint64(len(p.b)))...), p.b...)
		elem = append(elem, byte(f+1))
	}
	n := len(p.funcs)
	w := []byte("\x00asm\x01\x00\x00\x00")
	w = append(w, section(1, len(genTypes)+1, types)...)
	w = append(w, section(2, 1, append(append(name("env"), name("seen")...), 0, byte(len(genTypes))))...)
	w = append(w, section(3, n, funcs)...)
	w = append(w, section(4, 1, []byte{0x70, 0, byte(n)})...)
	w = append(w, section(5, 1, []byte{1, 1, 4})...)
	w = append(w, section(6, 2, append(append([]byte{0x7F, 1, 0x41}, append(sleb(300), 0x0B)...), 0x7E, 1, 0x42, 9, 0x0B))...)
	w = append(w, section(7, 1, append(name("run"), 0, 1))...)
	w = append(w, section(9, 1, append([]byte{0, 0x41, 0, 0x0B, byte(n)}, elem...))...)
	w = append(w, section(10, n, code)...)
	return append(w, section(11, 1, append([]byte{0, 0x41, 16, 0x0B, 5}, "hello"...))...)
}

// machine runs modules on one of wazero's engines and plays the host.
type machine struct {
	name    string
	runtime wazero.Runtime
	grant   int64
	limit   int // refuels before the call is ended; 0 = none
	refuels int
	granted int64
	seen    []uint64
	worst   error
}

var errOutOfFuel = errors.New("out of fuel")

func machines(t testing.TB) []*machine {
	ctx := context.Background()
	var all []*machine
	for n, c := range map[string]wazero.RuntimeConfig{"compiler": wazero.NewRuntimeConfigCompiler(), "interpreter": wazero.NewRuntimeConfigInterpreter()} {
		m := &machine{name: n, runtime: wazero.NewRuntimeWithConfig(ctx, c.WithCoreFeatures(api.CoreFeaturesV2))}
		t.Cleanup(func() { _ = m.runtime.Close(ctx) })
		host := func(module, name string, params, results []api.ValueType, f func(stack []uint64)) {
			_, err := m.runtime.NewHostModuleBuilder(module).NewFunctionBuilder().
				WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) { f(stack) }), params, results).
				Export(name).Instantiate(ctx)
			if err != nil {
				t.Fatal(err)
			}
		}
		i64 := []api.ValueType{api.ValueTypeI64}
		host("thaw", "refuel", i64, i64, func(stack []uint64) {
			left := int64(stack[0])
			if left == meter.DepthExceeded {
				panic(errTooDeep)
			}
			if left >= 0 {
				m.worst = fmt.Errorf("refuel with a balance of %d", left)
			}
			if m.refuels++; m.limit > 0 && m.refuels > m.limit {
				panic(errOutOfFuel)
			}
			m.granted += m.grant - left
			stack[0] = uint64(m.grant)
		})
		host("env", "seen", []api.ValueType{api.ValueTypeI32}, nil, func(stack []uint64) { m.seen = append(m.seen, uint64(uint32(stack[0]))) })
		all = append(all, m)
	}
	return all
}

// trace is everything of a run that can be observed.
type trace struct {
	Results, Seen, State []uint64
	Trap                 string
}

// run calls "run". used is the fuel spent, 0 in an unmetered module.
func (m *machine) run(wasm, image []byte, globals []string, grant int64, limit int, args ...uint64) (tr trace, used int64, err error) {
	ctx := context.Background()
	m.grant, m.limit, m.refuels, m.granted, m.seen, m.worst = grant, limit, 0, 0, nil, nil
	mod, err := m.runtime.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return tr, 0, err
	}
	defer mod.Close(ctx)
	if mem := mod.ExportedMemory("memory"); mem != nil {
		mem.Write(0, image)
	}
	fuel, metered := mod.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal)
	if metered {
		fuel.Set(uint64(grant))
		m.granted = grant
	}
	tr.Results, err = mod.ExportedFunction("run").Call(ctx, args...)
	if errors.Is(err, errOutOfFuel) || errors.Is(err, errTooDeep) {
		return tr, 0, err
	}
	if err != nil {
		tr.Trap, _, _ = strings.Cut(err.Error(), "\n")
	}
	tr.Seen = m.seen
	if mem := mod.ExportedMemory("memory"); mem != nil {
		all, _ := mem.Read(0, mem.Size())
		h := fnv.New64a()
		h.Write(all)
		tr.State = append(tr.State, h.Sum64(), uint64(mem.Size()))
	}
	for _, g := range globals {
		tr.State = append(tr.State, mod.ExportedGlobal(g).Get())
	}
	if metered {
		used = m.granted - int64(fuel.Get())
	}
	return tr, used, m.worst
}

// checkProgram compares a generated module with what Rewrite makes of it.
func checkProgram(t interface{ Fatalf(string, ...any) }, ms []*machine, choices []byte) {
	wasm := generateProgram(choices)
	// The unmetered form has the globals exported; that it is faithful is checked against the original besides.
	plain, err := meter.Rewrite(wasm, meter.Config{Unmetered: true})
	if err != nil {
		t.Fatalf("unmetered: %v", err)
	}
	var globals []string
	for _, g := range plain.Globals {
		globals = append(globals, g.Export)
	}
	for _, m := range ms {
		original, _, err := m.run(wasm, nil, nil, 0, 0, 3)
		if err != nil {
			t.Fatalf("original: %v", err)
		}
		want, _, err := m.run(plain.Wasm, nil, globals, 0, 0, 3)
		if err != nil {
			t.Fatalf("unmetered: %v", err)
		}
		if d := cmp.Diff(original.Results, want.Results) + cmp.Diff(original.Seen, want.Seen); d != "" || original.Trap != want.Trap {
			t.Fatalf("%s: unmetered: %s, trap %q, want %q", m.name, d, want.Trap, original.Trap)
		}
		for _, cfg := range []meter.Config{{}, {Trusted: true}, {Trusted: true, LiftData: true}, {MaxCallDepth: 1 << 20}, {Trusted: true, MaxCallDepth: 1 << 20}} {
			out, err := meter.Rewrite(wasm, cfg)
			if err != nil {
				t.Fatalf("%+v: %v", cfg, err)
			}
			total := int64(-1)
			for _, grant := range []int64{0, 1, 100, math.MaxInt64 / 2} {
				got, used, err := m.run(out.Wasm, out.Image, globals, grant, 0, 3)
				if err != nil {
					t.Fatalf("%s %+v, grants of %d: %v", m.name, cfg, grant, err)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%s %+v, grants of %d (-want +got):\n%s", m.name, cfg, grant, d)
				}
				if total >= 0 && used != total {
					t.Fatalf("%s %+v: %d spent in grants of %d, %d in smaller ones", m.name, cfg, used, grant, total)
				}
				total = used
			}
		}
	}
}

func TestMeteredProgramsDoTheSame(t *testing.T) {
	ms := machines(t)
	rapid.Check(t, func(t *rapid.T) {
		checkProgram(t, ms, rapid.SliceOfN(rapid.Byte(), 20, 600).Draw(t, "choices"))
	})
}

func FuzzMeteredProgramsDoTheSame(f *testing.F) {
	f.Add([]byte("loops, calls, branches and the like"))
	f.Add([]byte{3, 1, 2, 3, 3, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5})
	ms := machines(f)
	f.Fuzz(func(t *testing.T, choices []byte) {
		if len(choices) < 4096 {
			checkProgram(t, ms, choices)
		}
	})
}
