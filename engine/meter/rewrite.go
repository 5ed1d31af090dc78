package meter

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	// FuelGlobal is the export name of the fuel balance, a mutable i64.
	FuelGlobal = "thaw:fuel"

	// DepthGlobal is the export name of the call depth, a mutable i32, if Config.MaxCallDepth is not 0. A trap leaves it as
	// it was: the host sets it to 0 before a call into an instance that it goes on using.
	DepthGlobal = "thaw:depth"

	// DepthExceeded is the balance that refuel is called with where calls are nested too deeply. If it returns, the module
	// traps.
	DepthExceeded = math.MinInt64

	// CostCap bounds the static cost of one check in a trusted module, CostCapUntrusted in another.
	CostCap          = 64
	CostCapUntrusted = 1 << 16

	// LeafCost is the most that a function without calls may cost in an untrusted module without paying for it.
	LeafCost = 64

	pageSize  = 65536
	pageLimit = 65536
)

// Config configures Rewrite.
type Config struct {
	// Trusted modules, interpreters built by us, have checks outside loops only after calls that close a cycle. In others
	// every function that calls or is long is checked at its entry, and the cost of a check counts up to CostCapUntrusted.
	Trusted bool
	// Unmetered leaves the code as it is and only prepares for snapshots: for comparisons in tests and benchmarks.
	Unmetered bool
	// MaxCallDepth bounds how deeply calls of functions that call others may be nested, if it is not 0. The engine bounds
	// the stack itself; this is for a lower, portable limit.
	MaxCallDepth uint32
	// ImportModule is the module that refuel is imported from; "" = "thaw".
	ImportModule string
	// LiftData moves active data segments to Module.Image.
	LiftData bool
	// MaxMemoryPages replaces the memory's maximum, in pages of 64 KiB, if it is not 0.
	MaxMemoryPages uint32
}

// Global is a mutable global that is part of the module's state.
type Global struct {
	Export string
	Type   byte // 0x7F i32, 0x7E i64, 0x7D f32, 0x7C f64
}

// Func names an import or export that is a function.
type Func struct {
	Module  string // of an import
	Name    string
	Params  []byte
	Results []byte
}

// Module is a rewritten module.
type Module struct {
	Wasm     []byte
	Image    []byte // initial memory, if data was lifted; the rest of it is zero
	MinPages uint32
	MaxPages uint32 // 65536 if the module sets no maximum
	Globals  []Global
	Initial  []uint64 // values of Globals at instantiation, bit patterns; 0 where it depends on an imported global

	// Snapshotable says that memory and Globals are all the state of an instance; Reasons says of what it isn't why not. Both
	// hold for every instance of the module, before it is instantiated.
	Snapshotable bool
	Reasons      []Reason

	Imports, Exports []Func
	Stats            Stats
}

// Stats describe what the pass did.
type Stats struct {
	Functions, Loops  int
	EntryChecks       int // checks outside loops: at the entry of functions, or after calls in a trusted module
	FeedbackSet       int // functions and types of indirect calls that break every cycle of calls in a trusted module
	BytesIn, BytesOut int
}

// Rewrite meters a module and prepares it for snapshots. See the package documentation.
func Rewrite(wasm []byte, cfg Config) (*Module, error) {
	if cfg.ImportModule == "" {
		cfg.ImportModule = "thaw"
	}
	m, err := decode(wasm)
	if err != nil {
		return nil, err
	}
	all := make([]*analysis, len(m.code))
	for i, body := range m.code {
		if all[i], err = analyse(body); err != nil {
			return nil, fmt.Errorf("function %d: %w", i+int(m.importedFuncs), err)
		}
	}
	if err := m.verify(all, cfg.ImportModule); err != nil {
		return nil, err
	}
	out := &Module{}
	out.describe(m, cfg.MaxMemoryPages)
	out.judge(m, all)
	w := &rewriter{m: m, cfg: cfg, all: all, entry: make([]bool, len(all)), sites: make([][]bool, len(all))}
	switch {
	case cfg.Unmetered:
		w.cfg.MaxCallDepth = 0
	case cfg.Trusted:
		w.sites, out.Stats.FeedbackSet = callSites(m, all)
	default:
		w.entry = payAtEntry(all)
	}
	if cfg.LiftData {
		if err := out.lift(m, all); err != nil {
			return nil, err
		}
	}
	if out.Wasm, err = w.encode(out); err != nil {
		return nil, err
	}
	out.Stats.BytesIn, out.Stats.BytesOut, out.Stats.Functions = len(wasm), len(out.Wasm), len(m.code)
	for i, a := range all {
		out.Stats.Loops += len(a.loops)
		if w.entry[i] {
			out.Stats.EntryChecks++
		}
		for _, site := range w.sites[i] {
			if site {
				out.Stats.EntryChecks++
			}
		}
	}
	return out, nil
}

// verify checks the indices that the pass itself relies on; the engine's validation does the rest.
func (m *module) verify(all []*analysis, importModule string) error {
	functions := m.importedFuncs + uint32(len(m.funcs))
	globals := m.importedGlobals + uint32(len(m.globals))
	bad := func(what string, i uint32) error {
		return fmt.Errorf("%w: %s %d does not exist", ErrMalformed, what, i)
	}
	for _, d := range m.imports {
		if d.module == importModule && d.name == "refuel" {
			return fmt.Errorf("%w: the module imports refuel itself", ErrUnsupported)
		}
		if d.kind == kindMemory {
			return fmt.Errorf("%w: imported memory", ErrUnsupported)
		}
	}
	for _, a := range all {
		for _, c := range a.calls {
			if c.indirect && uint64(c.target) >= uint64(len(m.types)) {
				return bad("type", c.target)
			}
			if !c.indirect && c.target >= functions {
				return bad("function", c.target)
			}
		}
		for _, f := range a.refs {
			if f >= functions {
				return bad("function", f)
			}
		}
		if len(a.inits)+len(a.drops) > 0 && m.dataCount < 0 { // the rewritten module would have one
			return fmt.Errorf("%w: data segments in code without a data count", ErrMalformed)
		}
		// The fuel global comes after all others: code may not reach it.
		if a.usesGlobal > globals {
			return bad("global", a.usesGlobal-1)
		}
	}
	for _, e := range m.elems {
		for _, f := range e.funcs {
			if f >= functions {
				return bad("function", f)
			}
		}
	}
	names := map[string]bool{FuelGlobal: true}
	for _, x := range m.exports {
		if names[x.name] || strings.HasPrefix(x.name, "thaw:") {
			return fmt.Errorf("%w: export %q is there twice or reserved", ErrMalformed, x.name)
		}
		names[x.name] = true
		if x.kind == kindFunc && x.index >= functions {
			return bad("function", x.index)
		}
		if x.kind == kindGlobal && x.index >= globals {
			return bad("global", x.index)
		}
	}
	if m.start >= int64(functions) {
		return bad("function", uint32(m.start))
	}
	return nil
}

func (out *Module) describe(m *module, maximum uint32) {
	if m.memory != nil {
		out.MinPages, out.MaxPages = m.memory.min, pageLimit
		if m.memory.hasMax {
			out.MaxPages = m.memory.max
		}
		if maximum > 0 {
			out.MaxPages = maximum
		}
	}
	for _, d := range m.imports {
		if d.kind == kindFunc {
			t := m.types[d.index]
			out.Imports = append(out.Imports, Func{d.module, d.name, t.params, t.results})
		}
	}
	for _, x := range m.exports {
		if t, ok := m.typeOf(x.index); ok && x.kind == kindFunc {
			out.Exports = append(out.Exports, Func{"", x.name, m.types[t].params, m.types[t].results})
		}
	}
}

// lift moves the active data segments into the image. Modules whose start function may read memory, or whose segments are
// used otherwise, keep theirs.
func (out *Module) lift(m *module, all []*analysis) error {
	used := slices.ContainsFunc(all, func(a *analysis) bool { return len(a.inits)+len(a.drops) > 0 })
	if !out.Snapshotable || m.start >= 0 || used {
		return nil
	}
	end := uint64(0)
	for _, s := range m.data {
		if s.flags == 1 {
			return nil
		}
		at, ok := constI32(s.offset)
		if !ok {
			return nil
		}
		end = max(end, uint64(at)+uint64(len(s.data)))
	}
	if end > uint64(out.MinPages)*pageSize {
		return fmt.Errorf("%w: data up to %d in a memory of %d pages", ErrMalformed, end, out.MinPages)
	}
	out.Image = make([]byte, end)
	for _, s := range m.data {
		at, _ := constI32(s.offset)
		copy(out.Image[at:], s.data)
	}
	m.data = nil
	return nil
}

// globalName is the export name of a defined global.
func (m *module) globalName(i int) string { return fmt.Sprintf("thaw:g%d", int(m.importedGlobals)+i) }

func (g *globalDesc) numeric() bool { return g.typ >= valF64 && g.typ <= valI32 }

// constant evaluates a constant expression of a numeric type; 0 if it depends on an import.
func constant(expr []byte) uint64 {
	r := &reader{b: expr}
	switch r.byte() {
	case 0x41:
		return uint64(uint32(r.i32()))
	case opI64Const:
		return uint64(r.i64())
	case 0x43:
		if b := r.bytes(4); b != nil {
			return uint64(binary.LittleEndian.Uint32(b))
		}
	case 0x44:
		if b := r.bytes(8); b != nil {
			return binary.LittleEndian.Uint64(b)
		}
	}
	return 0
}

func constI32(expr []byte) (uint32, bool) {
	r := &reader{b: expr}
	if r.byte() != 0x41 {
		return 0, false
	}
	v := uint32(r.i32())
	return v, r.err == nil && r.byte() == opEnd && r.pos == len(expr)
}

// rewriter encodes the module anew.
type rewriter struct {
	m     *module
	cfg   Config
	all   []*analysis
	entry []bool   // by function: checked at its entry
	sites [][]bool // by function and call: checked after it; nil = none

	refuel  uint32            // function index of the import
	fuel    uint32            // global index of the balance
	depth   uint32            // global index of the call depth
	results map[string]uint32 // types without parameters that MaxCallDepth needs, by their results
}

// capped is a static cost as it is charged.
func (w *rewriter) capped(cost uint32) int64 {
	most := uint32(CostCapUntrusted)
	if w.cfg.Trusted {
		most = CostCap
	}
	return int64(min(max(cost, 1), most))
}

// blockType is the type of a block that takes nothing and has the results of a function of type t.
func (w *rewriter) blockType(t uint32) []byte {
	switch results := w.m.types[t].results; len(results) {
	case 0:
		return []byte{0x40}
	case 1:
		return results
	default:
		return appendSigned(nil, int64(w.results[string(results)]))
	}
}

// function is the new index of a function.
func (w *rewriter) function(i uint32) uint32 {
	if w.cfg.Unmetered || i < w.m.importedFuncs {
		return i
	}
	return i + 1
}

func (w *rewriter) encode(out *Module) ([]byte, error) {
	m := w.m
	w.refuel = m.importedFuncs
	w.fuel = m.importedGlobals + uint32(len(m.globals))
	w.depth = w.fuel + 1
	types := m.types
	refuelType := slices.IndexFunc(types, func(t funcType) bool {
		return string(t.params) == "\x7e" && string(t.results) == "\x7e"
	})
	if refuelType < 0 && !w.cfg.Unmetered {
		refuelType = len(types)
		types = append(slices.Clip(types), funcType{[]byte{valI64}, []byte{valI64}})
	}
	w.results = map[string]uint32{}
	for i, a := range w.all {
		results := m.types[m.funcs[i]].results
		if _, ok := w.results[string(results)]; !ok && w.cfg.MaxCallDepth > 0 && a.callsAny() && len(results) > 1 {
			w.results[string(results)] = uint32(len(types))
			types = append(slices.Clip(types), funcType{nil, results})
		}
	}
	b := []byte("\x00asm\x01\x00\x00\x00")

	section := func(id byte, n int, each func(dst []byte, i int) []byte) {
		if n == 0 {
			return
		}
		body := appendU32(nil, uint32(n))
		for i := range n {
			body = each(body, i)
		}
		b = appendSection(b, id, body)
	}
	section(secType, len(types), func(dst []byte, i int) []byte {
		dst = append(dst, 0x60)
		dst = append(appendU32(dst, uint32(len(types[i].params))), types[i].params...)
		return append(appendU32(dst, uint32(len(types[i].results))), types[i].results...)
	})
	// The new import comes after the others, so that only defined functions get new numbers.
	imports := len(m.imports)
	if !w.cfg.Unmetered {
		imports++
	}
	section(secImport, imports, func(dst []byte, i int) []byte {
		if i == len(m.imports) {
			dst = appendName(appendName(dst, w.cfg.ImportModule), "refuel")
			return appendU32(append(dst, kindFunc), uint32(refuelType))
		}
		d := m.imports[i]
		return append(append(appendName(appendName(dst, d.module), d.name), d.kind), d.raw...)
	})
	section(secFunction, len(m.funcs), func(dst []byte, i int) []byte { return appendU32(dst, m.funcs[i]) })
	section(secTable, len(m.tables), func(dst []byte, i int) []byte { return append(dst, m.tables[i]...) })
	if m.memory != nil {
		l := *m.memory
		if w.cfg.MaxMemoryPages > 0 {
			l.max, l.hasMax = w.cfg.MaxMemoryPages, true
		}
		if l.hasMax && l.max < l.min {
			return nil, fmt.Errorf("memory starts with %d pages, more than the %d allowed", l.min, l.max)
		}
		section(secMemory, 1, func(dst []byte, _ int) []byte {
			if l.hasMax {
				return appendU32(appendU32(append(dst, 1), l.min), l.max)
			}
			return appendU32(append(dst, 0), l.min)
		})
	}
	globals := len(m.globals)
	if !w.cfg.Unmetered {
		globals++
	}
	if w.cfg.MaxCallDepth > 0 {
		globals++
	}
	section(secGlobal, globals, func(dst []byte, i int) []byte {
		if i == len(m.globals) {
			return append(dst, valI64, 1, opI64Const, 0, opEnd)
		}
		if i == len(m.globals)+1 {
			return append(dst, valI32, 1, opI32Const, 0, opEnd)
		}
		g := m.globals[i]
		mut := byte(0)
		if g.mutable {
			mut = 1
		}
		return append(append(dst, g.typ, mut), w.expr(g.init)...)
	})
	w.exports(section)
	if m.start >= 0 {
		b = appendSection(b, secStart, appendU32(nil, w.function(uint32(m.start))))
	}
	section(secElement, len(m.elems), func(dst []byte, i int) []byte { return w.element(dst, m.elems[i]) })
	if len(m.data) > 0 {
		b = appendSection(b, secDataCount, appendU32(nil, uint32(len(m.data))))
	}
	var err error
	section(secCode, len(m.code), func(dst []byte, i int) []byte {
		body := m.code[i]
		if !w.cfg.Unmetered {
			var e error
			if body, e = w.body(i); e != nil && err == nil {
				err = fmt.Errorf("function %d: %w", i, e)
			}
		}
		return append(appendU32(dst, uint32(len(body))), body...)
	})
	if err != nil {
		return nil, err
	}
	section(secData, len(m.data), func(dst []byte, i int) []byte { return append(dst, m.data[i].raw...) })
	for _, c := range m.customs {
		switch {
		case c.name == "name":
			if names := w.names(c.body); names != nil {
				b = appendSection(b, secCustom, append(appendName(nil, "name"), names...))
			}
		case len(c.name) > 7 && c.name[:7] == ".debug_" || c.name == "sourceMappingURL":
			// Debugging information speaks of offsets that are no longer true.
		default:
			b = appendSection(b, secCustom, append(appendName(nil, c.name), c.body...))
		}
	}
	return b, nil
}

func (w *rewriter) exports(section func(byte, int, func([]byte, int) []byte)) {
	m := w.m
	all := slices.Clone(m.exports)
	for i := range all {
		if all[i].kind == kindFunc {
			all[i].index = w.function(all[i].index)
		}
	}
	if m.memory != nil && !slices.ContainsFunc(all, func(x exportDesc) bool { return x.kind == kindMemory }) {
		all = append(all, exportDesc{"memory", kindMemory, 0})
	}
	for i, g := range m.globals {
		if g.numeric() && g.mutable {
			all = append(all, exportDesc{m.globalName(i), kindGlobal, m.importedGlobals + uint32(i)})
		}
	}
	if !w.cfg.Unmetered {
		all = append(all, exportDesc{FuelGlobal, kindGlobal, w.fuel})
	}
	if w.cfg.MaxCallDepth > 0 {
		all = append(all, exportDesc{DepthGlobal, kindGlobal, w.depth})
	}
	section(secExport, len(all), func(dst []byte, i int) []byte {
		return appendU32(append(appendName(dst, all[i].name), all[i].kind), all[i].index)
	})
}

// expr renumbers the functions of a constant expression.
func (w *rewriter) expr(e []byte) []byte {
	if len(e) > 0 && e[0] == opRefFunc {
		r := &reader{b: e, pos: 1}
		return append(appendU32([]byte{opRefFunc}, w.function(r.u32())), opEnd)
	}
	return e
}

func (w *rewriter) element(dst []byte, s segment) []byte {
	if w.cfg.Unmetered {
		return append(dst, s.raw...)
	}
	r := &reader{b: s.raw}
	r.u32()
	dst = appendU32(dst, s.flags)
	if s.flags&1 == 0 {
		if s.flags&2 != 0 {
			dst = appendU32(dst, r.u32())
		}
		dst = append(dst, w.expr(r.constExpr())...)
	}
	if s.flags&3 != 0 {
		dst = append(dst, r.byte())
	}
	n := r.count()
	dst = appendU32(dst, uint32(n))
	for range n {
		if s.flags&4 == 0 {
			dst = appendU32(dst, w.function(r.u32()))
		} else {
			dst = append(dst, w.expr(r.constExpr())...)
		}
	}
	return dst
}

// names renumbers the function names (subsection 1); local names and others are dropped. nil if there is nothing to keep.
func (w *rewriter) names(body []byte) []byte {
	if w.cfg.Unmetered {
		return body
	}
	r := &reader{b: body}
	var out []byte
	for r.more() {
		id := r.byte()
		sub := &reader{b: r.bytes(r.u32())}
		switch {
		case r.err != nil:
		case id == 0: // the module's name
			out = appendSection(out, 0, sub.b)
		case id == 1:
			n := sub.count()
			type entry struct {
				index uint32
				name  string
			}
			entries := []entry{{w.refuel, w.cfg.ImportModule + ".refuel"}}
			for range n {
				entries = append(entries, entry{w.function(sub.u32()), sub.name()})
			}
			if sub.err != nil {
				return nil
			}
			slices.SortStableFunc(entries, func(a, b entry) int { return int(a.index) - int(b.index) })
			list := appendU32(nil, uint32(len(entries)))
			for _, e := range entries {
				list = appendName(appendU32(list, e.index), e.name)
			}
			out = appendSection(out, 1, list)
		}
	}
	if r.err != nil {
		return nil // names are no part of what a module does
	}
	return out
}
