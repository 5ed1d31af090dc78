package meter_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/thawrun/thaw/engine/meter"
)

var errTooDeep = errors.New("too deep")

// small is a module written by hand: its first type is that of "run", (i32) -> i32.
type small struct {
	types   []byte // after the first
	nTypes  int
	table   []byte
	memory  []byte
	globals []byte
	nGlobal int
	elems   []byte
	count   []byte
	code    [][]byte // with local declarations; the types are the first one's
	data    []byte
	nData   int
	tail    []byte
}

func (s small) bytes() []byte {
	w := []byte("\x00asm\x01\x00\x00\x00")
	w = append(w, section(1, 1+s.nTypes, append([]byte{0x60, 1, 0x7F, 1, 0x7F}, s.types...))...)
	w = append(w, section(3, len(s.code), make([]byte, len(s.code)))...)
	if s.table != nil {
		w = append(w, section(4, 1, s.table)...)
	}
	if s.memory != nil {
		w = append(w, section(5, 1, s.memory)...)
	}
	if s.nGlobal > 0 {
		w = append(w, section(6, s.nGlobal, s.globals)...)
	}
	w = append(w, section(7, 1, append(name("run"), 0, 0))...)
	if s.elems != nil {
		w = append(w, section(9, 1, s.elems)...)
	}
	if s.count != nil {
		w = append(append(w, 12, byte(len(s.count))), s.count...)
	}
	var code []byte
	for _, c := range s.code {
		code = append(append(code, uleb(uint64(len(c)))...), c...)
	}
	w = append(w, section(10, len(s.code), code)...)
	if s.nData > 0 {
		w = append(w, section(11, s.nData, s.data)...)
	}
	return append(w, s.tail...)
}

func code(b ...byte) []byte { return append([]byte{0}, append(b, 0x0B)...) }

// endless are functions that never end, by the body of "run".
var endless = map[string]small{
	"loop":                {code: [][]byte{code(0x03, 0x40, 0x0C, 0, 0x0B, 0x00)}},
	"loop with a value":   {code: [][]byte{code(0x20, 0, 0x03, 0, 0x0C, 0, 0x0B)}},
	"loop from inside":    {code: [][]byte{code(0x03, 0x40, 0x02, 0x40, 0x41, 1, 0x0D, 1, 0x0B, 0x0C, 0, 0x0B, 0x00)}},
	"loop by table":       {code: [][]byte{code(0x03, 0x40, 0x41, 7, 0x0E, 2, 0, 0, 0, 0x0B, 0x00)}},
	"outer loop":          {code: [][]byte{code(0x03, 0x40, 0x03, 0x40, 0x0C, 1, 0x0B, 0x0B, 0x00)}},
	"loop with a call":    {code: [][]byte{code(0x03, 0x40, 0x41, 0, 0x10, 1, 0x1A, 0x0C, 0, 0x0B, 0x00), code(0x41, 0)}},
	"loop in an if":       {code: [][]byte{code(0x03, 0x40, 0x41, 1, 0x04, 0x40, 0x0C, 1, 0x05, 0x0C, 1, 0x0B, 0x0B, 0x00)}},
	"exponential calls":   {code: [][]byte{code(0x41, 40, 0x10, 1), twice}},
	"exponential, tables": {table: []byte{0x70, 0, 2}, elems: []byte{0, 0x41, 0, 0x0B, 2, 0, 1}, code: [][]byte{code(0x41, 40, 0x10, 1), twiceByTable}},
}

var (
	// f(n) = n == 0 ? 0 : f(n-1) + f(n-1)
	twice        = code(0x20, 0, 0x45, 0x04, 0x7F, 0x41, 0, 0x05, 0x20, 0, 0x41, 1, 0x6B, 0x10, 1, 0x20, 0, 0x41, 1, 0x6B, 0x10, 1, 0x6A, 0x0B)
	twiceByTable = code(0x20, 0, 0x45, 0x04, 0x7F, 0x41, 0, 0x05, 0x20, 0, 0x41, 1, 0x6B, 0x41, 1, 0x11, 0, 0, 0x20, 0, 0x41, 1, 0x6B, 0x41, 1, 0x11, 0, 0, 0x6A, 0x0B)
	// f(n) = f(n)
	forever = code(0x20, 0, 0x10, 0)
)

func rewrite(t *testing.T, wasm []byte, cfg meter.Config) *meter.Module {
	t.Helper()
	out, err := meter.Rewrite(wasm, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEndlessCodeAsksForFuel(t *testing.T) {
	for _, m := range machines(t) {
		for what, s := range endless {
			for _, trusted := range []bool{false, true} {
				out := rewrite(t, s.bytes(), meter.Config{Trusted: trusted})
				if _, _, err := m.run(out.Wasm, nil, nil, 1000, 5, 1); !errors.Is(err, errOutOfFuel) {
					t.Errorf("%s, trusted %v, %s: %v", what, trusted, m.name, err)
				}
			}
		}
	}
}

// Calls that never return ask for fuel in untrusted modules. In trusted ones they end with the engine's stack, for checks
// come after calls.
func TestEndlessRecursion(t *testing.T) {
	s := small{code: [][]byte{forever}}
	for _, m := range machines(t) {
		if _, _, err := m.run(rewrite(t, s.bytes(), meter.Config{}).Wasm, nil, nil, 10, 5, 1); !errors.Is(err, errOutOfFuel) {
			t.Errorf("untrusted, %s: %v", m.name, err)
		}
		tr, _, err := m.run(rewrite(t, s.bytes(), meter.Config{Trusted: true}).Wasm, nil, nil, 1000, 5, 1)
		if err != nil || !strings.Contains(tr.Trap, "stack overflow") {
			t.Errorf("trusted, %s: %v, %q", m.name, err, tr.Trap)
		}
	}
}

func TestMaxCallDepth(t *testing.T) {
	// f(n) = n == 0 ? 0 : f(n-1), with a return on the way.
	s := small{code: [][]byte{code(0x20, 0, 0x45, 0x04, 0x40, 0x41, 0, 0x0F, 0x0B, 0x20, 0, 0x41, 1, 0x6B, 0x10, 0)}}
	for _, m := range machines(t) {
		for _, trusted := range []bool{false, true} {
			out := rewrite(t, s.bytes(), meter.Config{Trusted: trusted, MaxCallDepth: 100})
			if _, _, err := m.run(out.Wasm, nil, []string{meter.DepthGlobal}, 1<<40, 0, 100); !errors.Is(err, errTooDeep) {
				t.Errorf("trusted %v, %s: 101 calls: %v", trusted, m.name, err)
			}
			tr, _, err := m.run(out.Wasm, nil, []string{meter.DepthGlobal}, 1<<40, 0, 99)
			if err != nil || tr.Trap != "" || tr.State[len(tr.State)-1] != 0 {
				t.Errorf("trusted %v, %s: 100 calls: %v %+v", trusted, m.name, err, tr)
			}
		}
	}
}

func TestBulkOperationsCostTheirLength(t *testing.T) {
	pages := []byte{1, 17, 40}
	for what, c := range map[string]struct {
		s    small
		arg  uint64
		cost int64 // at least
	}{
		"memory.fill": {small{memory: pages, code: [][]byte{code(0x41, 0, 0x41, 1, 0x20, 0, 0xFC, 11, 0, 0x41, 0)}}, 1 << 20, 1 << 14},
		"memory.copy": {small{memory: pages, code: [][]byte{code(0x41, 0, 0x41, 8, 0x20, 0, 0xFC, 10, 0, 0, 0x41, 0)}}, 1 << 20, 1 << 14},
		"memory.grow": {small{memory: pages, code: [][]byte{code(0x20, 0, 0x40, 0)}}, 20, 20},
		"table.fill":  {small{table: []byte{0x70, 0, 0x80, 0x80, 4}, code: [][]byte{code(0x41, 0, 0xD0, 0x70, 0x20, 0, 0xFC, 17, 0, 0x41, 0)}}, 1 << 16, 1 << 10},
		"table.grow":  {small{table: []byte{0x70, 0, 0}, code: [][]byte{code(0xD0, 0x70, 0x20, 0, 0xFC, 15, 0)}}, 1 << 16, 1 << 10},
	} {
		out := rewrite(t, c.s.bytes(), meter.Config{})
		for _, m := range machines(t) {
			_, none, err := m.run(out.Wasm, nil, nil, 100, 0, 0)
			tr, used, err2 := m.run(out.Wasm, nil, nil, 100, 0, c.arg)
			if err != nil || err2 != nil || tr.Trap != "" || used-none < c.cost {
				t.Errorf("%s, %s: %v %v %q, %d spent for nothing, %d for %d", what, m.name, err, err2, tr.Trap, none, used, c.arg)
			}
		}
	}
	// More pages than there can be are refused, not paid for.
	out := rewrite(t, small{memory: pages, code: [][]byte{code(0x20, 0, 0x40, 0)}}.bytes(), meter.Config{})
	for _, m := range machines(t) {
		if tr, used, err := m.run(out.Wasm, nil, nil, 100, 0, 0xFFFFFFFF); err != nil || uint32(tr.Results[0]) != 0xFFFFFFFF || used > 100 {
			t.Errorf("%s: %v %v, %d spent", m.name, err, tr, used)
		}
	}
}

func TestImageAndGlobals(t *testing.T) {
	s := small{
		memory: []byte{0, 1}, nData: 2, data: []byte{0, 0x41, 8, 0x0B, 3, 'a', 'b', 'c', 0, 0x41, 9, 0x0B, 1, 'X'},
		globals: []byte{0x7F, 1, 0x41, 0x7F, 0x0B, 0x7E, 0, 0x42, 1, 0x0B, 0x7E, 1, 0x42, 0x7E, 0x0B}, nGlobal: 3,
		code: [][]byte{code(0x20, 0, 0x2D, 0, 0)},
	}
	out := rewrite(t, s.bytes(), meter.Config{LiftData: true, MaxMemoryPages: 9})
	if string(out.Image) != "\x00\x00\x00\x00\x00\x00\x00\x00aXc" || bytes.Contains(out.Wasm, []byte("abc")) {
		t.Errorf("image %q", out.Image)
	}
	if out.MinPages != 1 || out.MaxPages != 9 {
		t.Errorf("%d to %d pages", out.MinPages, out.MaxPages)
	}
	if g := out.Globals; len(g) != 2 || g[0] != (meter.Global{Export: "thaw:g0", Type: 0x7F}) || g[1].Export != "thaw:g2" ||
		out.Initial[0] != 0xFFFFFFFF || int64(out.Initial[1]) != -2 {
		t.Errorf("globals %+v, initially %v", g, out.Initial)
	}
	beyond := s
	beyond.data = []byte{0, 0x41, 0xFF, 0xFF, 3, 0x0B, 3, 'a', 'b', 'c', 0, 0x41, 9, 0x0B, 1, 'X'}
	if _, err := meter.Rewrite(beyond.bytes(), meter.Config{LiftData: true}); !errors.Is(err, meter.ErrMalformed) {
		t.Errorf("data beyond the memory: %v", err)
	}
}

// The name section follows the shift of indices: a stack trace names the function that trapped.
func TestNamesAreKept(t *testing.T) {
	names := []byte{1, 15, 2, 0, 5, 'o', 'u', 't', 'e', 'r', 1, 5, 'i', 'n', 'n', 'e', 'r'}
	body := append(name("name"), names...)
	s := small{code: [][]byte{code(0x20, 0, 0x10, 1), code(0x00)}, tail: append([]byte{0, byte(len(body))}, body...)}
	out := rewrite(t, s.bytes(), meter.Config{})
	for _, m := range machines(t) {
		mod, err := m.runtime.Instantiate(t.Context(), out.Wasm)
		if err != nil {
			t.Fatal(err)
		}
		m.grant, m.limit = 1000, 0
		_, err = mod.ExportedFunction("run").Call(t.Context(), 1)
		if err == nil || !strings.Contains(err.Error(), ".inner(") || !strings.Contains(err.Error(), ".outer(") {
			t.Errorf("%s: %v", m.name, err)
		}
		mod.Close(t.Context())
	}
}

func TestMoreRefusals(t *testing.T) {
	memory := []byte{0, 1}
	with := func(b ...byte) []byte { return small{memory: memory, code: [][]byte{code(b...)}}.bytes() }
	plain := with(0x41, 0)
	for _, c := range []struct {
		what string
		wasm []byte
		want error
	}{
		{"second memory's load", with(0x41, 0, 0x28, 0x42, 1, 0), meter.ErrUnsupported},
		{"branch to no label", with(0x0C, 5), meter.ErrMalformed},
		{"branch table to no label", with(0x41, 0, 0x0E, 0, 0xFF, 0xFF, 0xFF, 0xFF, 15), meter.ErrMalformed},
		{"the fuel global", with(0x42, 0, 0x24, 0, 0x41, 0), meter.ErrMalformed},
	} {
		if _, err := meter.Rewrite(c.wasm, meter.Config{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	out := rewrite(t, plain, meter.Config{})
	if _, err := meter.Rewrite(out.Wasm, meter.Config{}); err == nil {
		t.Error("a module was metered twice")
	}
}

func TestTruncatedModulesAreRefused(t *testing.T) {
	whole := generateProgram(bytes.Repeat([]byte{7, 4, 13, 11, 12, 5, 9, 2}, 40))
	for n := range whole {
		for _, cfg := range []meter.Config{{}, {Trusted: true, MaxCallDepth: 9, LiftData: true}} {
			// A module may end between sections; whatever comes out has to be stable.
			if out, err := meter.Rewrite(whole[:n], cfg); err == nil && len(out.Wasm) == 0 {
				t.Errorf("%d bytes", n)
			}
		}
	}
}
