package meter

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The new import comes after the module's own, so every reference to a defined function moves up by one: exports, the
// start function, element segments, references in globals and code, and names.
func TestFunctionsAreRenumberedEverywhere(t *testing.T) {
	write := func(v byte) []byte { // adds a digit to global 0
		return []byte{0, opGlobalGet, 0, 0x41, 10, 0x6C, 0x41, v, 0x6A, opGlobalSet, 0, opEnd}
	}
	names := cat(
		appendSection(nil, 0, appendName(nil, "mod")),
		appendSection(nil, 1, cat([]byte{3, 0}, appendName(nil, "host"), []byte{1}, appendName(nil, "first"), []byte{2}, appendName(nil, "second"))),
		appendSection(nil, 2, []byte{0}), // local names
	)
	m := wasmModule{
		types:   []funcType{{}, {[]byte{valI32}, nil}},
		imports: [][]byte{importOf("env", "seen", kindFunc, 1)},
		funcs:   []uint32{0, 0, 0, 0},
		tables:  [][]byte{{refFunc, 0, 4}},
		memory:  []byte{0, 1},
		globals: [][]byte{{valI32, 1, 0x41, 0, opEnd}, {refFunc, 0, opRefFunc, 4, opEnd}},
		exports: [][]byte{exportOf("run", kindFunc, 2), exportOf("memory", kindMemory, 0)},
		start:   []byte{1},
		elems: [][]byte{
			{0, 0x41, 0, opEnd, 1, 3},                // active, by index
			{4, 0x41, 1, opEnd, 1, opRefFunc, 3, 11}, // active, by expression
			{3, 0, 1, 4},                             // declarative
		},
		code: [][]byte{
			write(1),
			// run: the import, function 3 directly and twice through the table, function 4 by two references
			{0, 0x41, 42, opCall, 0, opCall, 3, 0x41, 0, opCallIndirect, 0, 0, 0x41, 1, opCallIndirect, 0, 0,
				0x41, 2, opGlobalGet, 1, opTableSet, 0, 0x41, 2, opCallIndirect, 0, 0,
				0x41, 3, opRefFunc, 4, opTableSet, 0, 0x41, 3, opCallIndirect, 0, 0, opEnd},
			write(3),
			write(4),
		},
		last: cat(customSection("name", names), customSection("kept", []byte("as it is")), customSection(".debug_info", []byte("x"))),
	}
	for _, e := range engines {
		for label, cfg := range map[string]Config{"metered": {}, "trusted": {Trusted: true}, "unmetered": {Unmetered: true}} {
			t.Run(e.name+"/"+label, func(t *testing.T) {
				out, err := Rewrite(m.bytes(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				o, _, err := newHost(t, e.config()).run(out.Wasm, 1000, 0, []string{"thaw:g0"})
				if err != nil || o.Trap != "" {
					t.Fatal(err, o.Trap)
				}
				if o.Globals[0] != 133344 {
					t.Errorf("functions called, by digit: %d, want 133344", o.Globals[0])
				}
				if !slices.Equal(o.Seen, []int32{42}) {
					t.Errorf("the import saw %v", o.Seen)
				}
				if got, err := decode(out.Wasm); err != nil {
					t.Error(err)
				} else if k := got.customs; len(k) < 2 || k[len(k)-1].name != "kept" && k[1].name != "kept" {
					t.Errorf("custom sections %v", k)
				}
				if bytes.Contains(out.Wasm, []byte(".debug_info")) {
					t.Error("debugging information was kept, though its offsets are wrong now")
				}
			})
		}
	}

	t.Run("names", func(t *testing.T) {
		out, err := Rewrite(m.bytes(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		r := wazero.NewRuntime(ctx)
		defer r.Close(ctx)
		c, err := r.CompileModule(ctx, out.Wasm)
		if err != nil {
			t.Fatal(err)
		}
		var imported []string
		for _, f := range c.ImportedFunctions() {
			imported = append(imported, f.DebugName())
		}
		if diff := cmp.Diff([]string{"mod.host", "mod.thaw.refuel"}, imported); diff != "" {
			t.Error(diff)
		}
		if n := c.ExportedFunctions()["run"].DebugName(); n != "mod.second" {
			t.Errorf("run is called %q", n)
		}
	})
}

func TestModuleDescribesItself(t *testing.T) {
	m := oneFunction(opEnd)
	m.imports = [][]byte{importOf("env", "seen", kindFunc, 2), importOf("env", "offset", kindGlobal, valI32, 0)}
	m.exports = [][]byte{exportOf("own", kindFunc, 1), exportOf("again", kindFunc, 0)}
	m.globals = [][]byte{
		{valI32, 1, 0x41, 0, opEnd}, {valI32, 0, 0x41, 0, opEnd}, {valI64, 1, 0x42, 0, opEnd},
		{valF32, 1, 0x43, 0, 0, 0, 0, opEnd}, {valF64, 1, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, opEnd},
	}
	m.memory = []byte{0, 2}
	out, err := Rewrite(m.bytes(), Config{MaxMemoryPages: 5})
	if err != nil {
		t.Fatal(err)
	}
	want := &Module{
		MinPages:     2,
		MaxPages:     5,
		Initial:      make([]uint64, 4),
		Snapshotable: true,
		Globals:      []Global{{"thaw:g1", valI32}, {"thaw:g3", valI64}, {"thaw:g4", valF32}, {"thaw:g5", valF64}},
		Imports:      []Func{{"env", "seen", []byte{valI32}, []byte{}}},
		Exports:      []Func{{"", "own", []byte{}, []byte{}}, {"", "again", []byte{valI32}, []byte{}}},
	}
	got := *out
	got.Wasm, got.Stats = nil, Stats{}
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Error(diff)
	}
	back, err := decode(out.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	if *back.memory != (limits{2, 5, true}) {
		t.Errorf("memory %+v", *back.memory)
	}
	exported := map[string]byte{}
	for _, x := range back.exports {
		exported[x.name] = x.kind
	}
	if k, ok := exported["memory"]; !ok || k != kindMemory {
		t.Error("the memory isn't exported")
	}
	if k, ok := exported[FuelGlobal]; !ok || k != kindGlobal {
		t.Error("the balance isn't exported")
	}

	m.memory = []byte{0, 6}
	if _, err := Rewrite(m.bytes(), Config{MaxMemoryPages: 5}); err == nil {
		t.Error("a memory that begins above the maximum was accepted")
	}
}

// What isn't in memory and globals alone can't be snapshotted, and the module says why.
func TestReasonsAgainstSnapshots(t *testing.T) {
	withData := func(code ...byte) wasmModule {
		m := oneFunction(code...)
		m.data, m.count = [][]byte{{1, 1, 'x'}, {1, 1, 'y'}}, []byte{2}
		return m
	}
	init0 := []byte{0x41, 0, 0x41, 0, 0x41, 0, opMisc, miscMemoryInit, 0, 0}
	dropped := withData(append(init0, opMisc, miscDataDrop, 1, opMisc, miscDataDrop, 0, opEnd)...)
	dropped.funcs, dropped.code = []uint32{0, 0}, append(dropped.code, []byte{0, opMisc, miscDataDrop, 0, opEnd})
	tables := oneFunction(0x41, 0, 0xD0, refFunc, opTableSet, 0, opEnd)
	importsTable := oneFunction(opEnd)
	importsTable.imports, importsTable.tables = [][]byte{importOf("env", "t", kindTable, refFunc, 0, 1)}, nil
	importsGlobal := oneFunction(opEnd)
	importsGlobal.imports = [][]byte{importOf("env", "g", kindGlobal, valI32, 1)}
	reference := oneFunction(opEnd)
	reference.globals = [][]byte{{refFunc, 1, 0xD0, refFunc, opEnd}}
	noMemory := oneFunction(opEnd)
	noMemory.memory, noMemory.exports = nil, noMemory.exports[:1]
	for name, c := range map[string]struct {
		module wasmModule
		want   []string
	}{
		"dropped data":               {dropped, []string{"code drops a data segment that it also uses (function 0: data.drop 0; 1 more functions)"}},
		"data that is never dropped": {withData(append(init0, opEnd)...), nil},
		"data that only others use":  {withData(append(init0, opMisc, miscDataDrop, 1, opEnd)...), nil},
		"table.set":                  {tables, []string{"code changes a table (function 0: table.set)"}},
		"imported table":             {importsTable, []string{"imported table (import env.t)"}},
		"imported mutable global":    {importsGlobal, []string{"imported mutable global (import env.g)"}},
		"global of reference":        {reference, []string{"mutable global that is no number (global 0)"}},
		"no memory":                  {noMemory, []string{"no memory of its own"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := Rewrite(c.module.bytes(), Config{LiftData: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range out.Reasons {
				got = append(got, r.String())
			}
			if out.Snapshotable != (c.want == nil) || !slices.Equal(got, c.want) {
				t.Errorf("snapshotable %v, reasons %q", out.Snapshotable, got)
			}
			if out.Image != nil {
				t.Error("its data was lifted all the same")
			}
		})
	}
}

func TestLiftedData(t *testing.T) {
	m := oneFunction(opEnd)
	m.data = [][]byte{{0, 0x41, 4, opEnd, 2, 'a', 'b'}, {2, 0, 0x41, 5, opEnd, 2, 'x', 'y'}} // the later one wins
	out, err := Rewrite(m.bytes(), Config{LiftData: true})
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Image) != "\x00\x00\x00\x00axy" {
		t.Errorf("image %q", out.Image)
	}
	if bytes.Contains(out.Wasm, []byte("ab")) {
		t.Error("the data is still in the module")
	}

	m.start = []byte{0}
	if out, err = Rewrite(m.bytes(), Config{LiftData: true}); err != nil || out.Image != nil {
		t.Errorf("with a start function: image %q, %v, want the data to stay", out.Image, err)
	}
	m.start = nil

	named := m // by code, which makes it no state: active segments are used up when code runs
	named.code = [][]byte{{0, 0x41, 0, 0x41, 0, 0x41, 0, opMisc, miscMemoryInit, 1, 0, opEnd}}
	named.count = []byte{2}
	if out, err = Rewrite(named.bytes(), Config{LiftData: true}); err != nil || out.Image != nil {
		t.Errorf("with code that names a segment: image %q, %v, want the data to stay", out.Image, err)
	}
	if o, _, err := newHost(t, engines[1].config()).run(out.Wasm, 1000, 0, nil); err != nil || o.Trap != "" {
		t.Errorf("with code that names a segment: %v %q", err, o.Trap)
	}

	m.data = [][]byte{append([]byte{0}, cat([]byte{0x41}, appendSigned(nil, pageSize-1), []byte{opEnd, 2, 'a', 'b'})...)}
	if _, err = Rewrite(m.bytes(), Config{LiftData: true}); !errors.Is(err, ErrMalformed) {
		t.Errorf("data beyond the memory: %v", err)
	}
}

// Features that the contract excludes (abi/README.md, section 1).
func TestUnsupported(t *testing.T) {
	edit := func(change func(m *wasmModule)) []byte {
		m := oneFunction(opEnd)
		change(&m)
		return m.bytes()
	}
	for name, wasm := range map[string][]byte{
		"shared memory":           edit(func(m *wasmModule) { m.memory = []byte{3, 1, 1} }),
		"64-bit memory":           edit(func(m *wasmModule) { m.memory = []byte{4, 1} }),
		"two memories":            appendSection([]byte("\x00asm\x01\x00\x00\x00"), secMemory, []byte{2, 0, 1, 0, 1}),
		"imported memory":         edit(func(m *wasmModule) { m.memory = nil; m.imports = [][]byte{importOf("env", "m", kindMemory, 0, 1)} }),
		"own import of refuel":    edit(func(m *wasmModule) { m.imports = [][]byte{importOf("thaw", "refuel", kindFunc, 0)} }),
		"import of a tag":         edit(func(m *wasmModule) { m.imports = [][]byte{importOf("env", "t", 4, 0, 0)} }),
		"tag section":             edit(func(m *wasmModule) { m.last = appendSection(nil, 13, []byte{0}) }),
		"struct type":             appendSection([]byte("\x00asm\x01\x00\x00\x00"), secType, []byte{1, 0x5F, 0}),
		"typed reference":         edit(func(m *wasmModule) { m.tables = [][]byte{{0x64, 0, 0, 1}} }),
		"extended constant":       edit(func(m *wasmModule) { m.globals = [][]byte{{valI32, 0, 0x41, 0, 0x41, 0, 0x6A, opEnd}} }),
		"tail call":               oneFunction(0x12, 0, opEnd).bytes(),
		"exceptions":              oneFunction(0x06, 0x40, opEnd, opEnd).bytes(),
		"throw":                   oneFunction(0x08, 0, opEnd).bytes(),
		"atomics":                 oneFunction(0xFE, 3, 0, opEnd).bytes(),
		"relaxed vectors":         oneFunction(0xFD, 0x80, 2, opEnd).bytes(),
		"unknown 0xFC":            oneFunction(0xFC, 18, opEnd).bytes(),
		"memory.size of memory 1": oneFunction(0x3F, 1, 0x1A, opEnd).bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Rewrite(wasm, Config{}); !errors.Is(err, ErrUnsupported) {
				t.Errorf("got %v, want ErrUnsupported", err)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	good := oneFunction(opLoop, 0x40, opEnd, opEnd)
	edit := func(change func(m *wasmModule)) []byte {
		m := good
		m.exports = slices.Clone(m.exports)
		change(&m)
		return m.bytes()
	}
	for name, wasm := range map[string][]byte{
		"nothing":                       nil,
		"no header":                     []byte("#!/bin/sh"),
		"another version":               []byte("\x00asm\x02\x00\x00\x00"),
		"a section that goes on":        append(good.bytes(), secCustom, 200),
		"a section with bytes too many": append([]byte("\x00asm\x01\x00\x00\x00"), secType, 2, 0, 0),
		"sections out of order":         append(good.bytes(), secType, 1, 0),
		"a section twice":               append([]byte("\x00asm\x01\x00\x00\x00"), secType, 1, 0, secType, 1, 0),
		"a promise of many types":       append([]byte("\x00asm\x01\x00\x00\x00"), secType, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F),
		"an endless number":             append([]byte("\x00asm\x01\x00\x00\x00"), secType, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF),
		"functions without bodies":      edit(func(m *wasmModule) { m.code = nil }),
		"an import of unknown type":     edit(func(m *wasmModule) { m.imports = [][]byte{importOf("env", "seen", kindFunc, 48)} }),
		"an unknown type":               edit(func(m *wasmModule) { m.funcs = []uint32{9} }),
		"an export of no function":      edit(func(m *wasmModule) { m.exports = [][]byte{exportOf("run", kindFunc, 1)} }),
		"an export of no global":        edit(func(m *wasmModule) { m.exports = [][]byte{exportOf("g", kindGlobal, 0)} }),
		"an export twice":               edit(func(m *wasmModule) { m.exports = append(m.exports, m.exports[0]) }),
		"an export with a reserved name": edit(func(m *wasmModule) {
			m.exports = append(m.exports, exportOf(FuelGlobal, kindFunc, 0))
		}),
		"a start that doesn't exist":     edit(func(m *wasmModule) { m.start = []byte{1} }),
		"an element that doesn't exist":  edit(func(m *wasmModule) { m.elems = [][]byte{{0, 0x41, 0, opEnd, 1, 1}} }),
		"mutability 2":                   edit(func(m *wasmModule) { m.globals = [][]byte{{valI32, 2, 0x41, 0, opEnd}} }),
		"minimum above maximum":          edit(func(m *wasmModule) { m.memory = []byte{1, 2, 1} }),
		"too many pages":                 edit(func(m *wasmModule) { m.memory = []byte{0, 0x81, 0x80, 4} }),
		"too many locals":                edit(func(m *wasmModule) { m.code = [][]byte{{1, 0xFF, 0xFF, 0xFF, 0xFF, 15, valI32, opEnd}} }),
		"a call of the import to come":   oneFunction(opCall, 1, opEnd).bytes(),
		"the fuel global, by its number": oneFunction(opGlobalGet, 0, 0x1A, opEnd).bytes(),
		"an indirect call of no type":    oneFunction(0x41, 0, opCallIndirect, 9, 0, opEnd).bytes(),
		"a local of no function":         oneFunction(opLocalGet, 0, 0x1A, 0x41, 0, 0x41, 0, 0x41, 0, opMisc, miscMemoryFill, 0, opEnd).bytes(),
		"a block of the type to come":    oneFunction(0x42, 0, opBlock, 3, opEnd, 0x1A, opEnd).bytes(),
		"a loop of the type to come":     oneFunction(0x42, 0, opLoop, 3, opEnd, 0x1A, opEnd).bytes(),
		"a branch too far":               oneFunction(opBr, 1, opEnd).bytes(),
		"a branch table too far":         oneFunction(0x41, 0, opBrTable, 1, 0, 1, opEnd).bytes(),
		"else without if":                oneFunction(opBlock, 0x40, opElse, opEnd, opEnd).bytes(),
		"else twice":                     oneFunction(0x41, 0, opIf, 0x40, opElse, opElse, opEnd, opEnd).bytes(),
		"a function without end":         oneFunction(opBlock, 0x40, opEnd).bytes(),
		"code after the end":             oneFunction(opEnd, 0x01).bytes(),
		"data count without the data":    edit(func(m *wasmModule) { m.count = []byte{1} }),
		"memory.init without data count": edit(func(m *wasmModule) {
			m.data = [][]byte{{1, 1, 'x'}}
			m.code = [][]byte{{0, 0x41, 0, 0x41, 0, 0x41, 0, opMisc, miscMemoryInit, 0, 0, opEnd}}
		}),
		"a constant of two": edit(func(m *wasmModule) { m.globals = [][]byte{{refFunc, 0, opRefFunc, 0, opRefFunc, 0, opEnd}} }),
	} {
		t.Run(name, func(t *testing.T) {
			for _, cfg := range []Config{{}, {Trusted: true, LiftData: true}} {
				if _, err := Rewrite(wasm, cfg); !errors.Is(err, ErrMalformed) {
					t.Errorf("with %+v: %v, want ErrMalformed", cfg, err)
				}
			}
		})
	}
	t.Run("every beginning of a module", func(t *testing.T) {
		wasm := good.bytes()
		for n := range wasm {
			m, err := Rewrite(wasm[:n], Config{})
			if err == nil && strings.Contains(string(m.Wasm), "run") {
				t.Errorf("%d of %d bytes were accepted", n, len(wasm))
			}
		}
	})
}

// FuzzRewrite: Rewrite never panics, refuses with one of its two errors, and what it accepts compiles if and only if the
// original did.
func FuzzRewrite(f *testing.F) {
	f.Add(oneFunction(opEnd).bytes())
	f.Add(oneFunction(opLoop, 0x40, opBr, 0, opEnd, opEnd).bytes())
	f.Add(oneFunction(0x41, 1, opLoop, 1, 0x41, 0, opBrIf, 0, opEnd, 0x1A, opEnd).bytes())
	f.Add(oneFunction(0x41, 0, opBrTable, 0, 0, opEnd).bytes())
	f.Add(oneFunction(0x41, 0, 0x41, 0, 0x41, 8, opMisc, miscMemoryFill, 0, opEnd).bytes())
	f.Add(oneFunction(0x41, 0, opCallIndirect, 0, 0, opEnd).bytes())
	f.Add(oneFunction(0xFD, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x1A, opEnd).bytes())
	full := oneFunction(opCall, 0, opGlobalGet, 0, 0x1A, opEnd)
	full.globals = [][]byte{{valI32, 1, 0x41, 0, opEnd}}
	full.elems = [][]byte{{0, 0x41, 0, opEnd, 1, 0}}
	full.data = [][]byte{{0, 0x41, 4, opEnd, 1, 'x'}}
	full.count = []byte{1}
	full.start = []byte{0}
	f.Add(full.bytes())
	for _, shape := range []int{1, 2, 3} {
		f.Add(rapidExample(shape))
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	f.Cleanup(func() { _ = r.Close(ctx) })
	compiles := func(wasm []byte) error {
		c, err := r.CompileModule(ctx, wasm)
		if err == nil {
			_ = c.Close(ctx)
		}
		return err
	}
	f.Fuzz(func(t *testing.T, wasm []byte) {
		// Asked only about modules that Rewrite accepts: wazero 1.12 panics at an imported function of a type that isn't there.
		compilesAsItIs := sync.OnceValue(func() error { return compiles(wasm) })
		for _, cfg := range []Config{{}, {Trusted: true, LiftData: true}, {Unmetered: true}} {
			m, err := Rewrite(wasm, cfg)
			if err != nil {
				if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
					t.Fatalf("%+v: %v", cfg, err)
				}
				continue
			}
			original := compilesAsItIs()
			// A custom section for names that is broken goes away, and data that is lifted is no longer looked at.
			again := compiles(m.Wasm)
			if original == nil && again != nil {
				t.Fatalf("%+v: compiled before, now: %v", cfg, again)
			}
			if original != nil && again == nil && !cfg.LiftData && !bytes.Contains(wasm, []byte("name")) {
				t.Fatalf("%+v: compiles, though the original did not: %v", cfg, original)
			}
		}
	})
}
