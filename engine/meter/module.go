package meter

// Section ids of the binary format.
const (
	secCustom = iota
	secType
	secImport
	secFunction
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElement
	secCode
	secData
	secDataCount
)

// Value types of the binary format.
const (
	valI32  = 0x7F
	valI64  = 0x7E
	valF32  = 0x7D
	valF64  = 0x7C
	valV128 = 0x7B
	refFunc = 0x70
	refAny  = 0x6F
)

const (
	kindFunc   = 0
	kindTable  = 1
	kindMemory = 2
	kindGlobal = 3
)

type funcType struct{ params, results []byte }

type importDesc struct {
	module, name string
	kind         byte
	index        uint32 // type of a function
	raw          []byte // the description after the kind
	mutable      bool   // of a global
}

type globalDesc struct {
	typ     byte
	mutable bool
	init    []byte // constant expression with its end
}

type exportDesc struct {
	name  string
	kind  byte
	index uint32
}

type segment struct {
	flags  uint32
	raw    []byte // the whole segment, for copying
	offset []byte // constant expression with its end, if active
	data   []byte
	funcs  []uint32 // of an element segment
}

type custom struct {
	name string
	body []byte
}

// module is a decoded module. Code bodies stay undecoded slices.
type module struct {
	types   []funcType
	imports []importDesc
	funcs   []uint32 // type of each defined function
	tables  [][]byte
	memory  *limits
	globals []globalDesc
	exports []exportDesc
	start   int64 // -1 = none
	elems   []segment
	code    [][]byte
	data    []segment
	customs []custom

	dataCount int64 // -1 = none

	importedFuncs, importedGlobals uint32
	importedTypes                  []uint32 // of imported functions
}

type limits struct {
	min, max uint32 // pages
	hasMax   bool
}

func decode(b []byte) (*module, error) {
	r := &reader{b: b}
	if string(r.bytes(8)) != "\x00asm\x01\x00\x00\x00" {
		r.pos = 0
		r.fail("no WebAssembly 1 header")
		return nil, r.err
	}
	m := &module{start: -1, dataCount: -1}
	last := -1
	for r.more() {
		id := r.byte()
		body := &reader{b: r.bytes(r.u32())}
		if r.err != nil {
			break
		}
		if id != secCustom {
			order := int(id)
			if id == secDataCount { // between element and code
				order = secElement*2 + 1
			} else {
				order *= 2
			}
			if order <= last {
				body.fail("section %d out of order", id)
			}
			last = order
		}
		m.section(id, body)
		if body.err == nil && id != secCustom && body.pos != len(body.b) {
			body.fail("section %d has %d bytes too many", id, len(body.b)-body.pos)
		}
		if body.err != nil {
			return nil, body.err
		}
	}
	if r.err == nil && len(m.funcs) != len(m.code) {
		r.fail("%d functions, %d bodies", len(m.funcs), len(m.code))
	}
	if r.err == nil && m.dataCount >= 0 && m.dataCount != int64(len(m.data)) {
		r.fail("%d data segments announced, %d there", m.dataCount, len(m.data))
	}
	return m, r.err
}

func (m *module) section(id byte, r *reader) {
	switch id {
	case secCustom:
		name := r.name()
		if r.err == nil {
			m.customs = append(m.customs, custom{name, r.b[r.pos:]})
			r.pos = len(r.b)
		}
	case secType:
		for range r.count() {
			if form := r.byte(); form != 0x60 && r.err == nil {
				r.unsupported("type form 0x%x", form)
			}
			m.types = append(m.types, funcType{r.valTypes(), r.valTypes()})
		}
	case secImport:
		for range r.count() {
			m.importEntry(r)
		}
	case secFunction:
		for range r.count() {
			m.funcs = append(m.funcs, m.typeIndex(r))
		}
	case secTable:
		for range r.count() {
			from := r.pos
			r.tableType()
			m.tables = append(m.tables, r.b[min(from, r.pos):r.pos])
		}
	case secMemory:
		for range r.count() {
			if m.memory != nil {
				r.unsupported("more than one memory")
			}
			l := r.memoryType()
			m.memory = &l
		}
	case secGlobal:
		for range r.count() {
			typ := r.valType()
			mut := r.byte()
			if mut > 1 {
				r.fail("global mutability %d", mut)
			}
			m.globals = append(m.globals, globalDesc{typ, mut == 1, r.constExpr()})
		}
	case secExport:
		for range r.count() {
			m.exports = append(m.exports, exportDesc{r.name(), r.byte(), r.u32()})
		}
	case secStart:
		m.start = int64(r.u32())
	case secElement:
		for range r.count() {
			m.elems = append(m.elems, r.element())
		}
	case secCode:
		for range r.count() {
			m.code = append(m.code, r.bytes(r.u32()))
		}
	case secData:
		for range r.count() {
			m.data = append(m.data, r.dataSegment())
		}
	case secDataCount:
		m.dataCount = int64(r.u32())
	default:
		r.unsupported("section %d", id)
	}
}

func (m *module) typeIndex(r *reader) uint32 {
	i := r.u32()
	if int(i) >= len(m.types) {
		r.fail("type %d of %d", i, len(m.types))
		return 0
	}
	return i
}

func (m *module) importEntry(r *reader) {
	d := importDesc{module: r.name(), name: r.name(), kind: r.byte()}
	from := r.pos
	switch d.kind {
	case kindFunc:
		d.index = m.typeIndex(r)
		m.importedFuncs++
		m.importedTypes = append(m.importedTypes, d.index)
	case kindTable:
		r.tableType()
	case kindMemory:
		r.memoryType()
	case kindGlobal:
		r.valType()
		d.mutable = r.byte() == 1
		m.importedGlobals++
	default:
		r.unsupported("import kind %d", d.kind)
	}
	if r.err == nil {
		d.raw = r.b[from:r.pos]
		m.imports = append(m.imports, d)
	}
}

func (r *reader) valType() byte {
	t := r.byte()
	switch t {
	case valI32, valI64, valF32, valF64, valV128, refFunc, refAny:
	default:
		if r.err == nil {
			r.unsupported("value type 0x%x", t)
		}
	}
	return t
}

func (r *reader) valTypes() []byte {
	types := make([]byte, 0, min(r.peekCount(), 16))
	for range r.count() {
		types = append(types, r.valType())
	}
	return types
}

func (r *reader) peekCount() int {
	at := *r
	return at.count()
}

func (r *reader) tableType() {
	if t := r.byte(); t != refFunc && t != refAny && r.err == nil {
		r.unsupported("table of type 0x%x", t)
	}
	r.limits(0xFFFFFFFF)
}

func (r *reader) memoryType() limits { return r.limits(65536) }

func (r *reader) limits(most uint32) limits {
	flags := r.byte()
	if flags > 1 {
		r.unsupported("limits with flags %d (shared or 64-bit memory)", flags)
		return limits{}
	}
	l := limits{min: r.u32(), hasMax: flags == 1}
	if l.hasMax {
		l.max = r.u32()
	}
	if l.min > most || l.hasMax && (l.max > most || l.max < l.min) {
		r.fail("limits %d to %d", l.min, l.max)
	}
	return l
}

// constExpr returns a constant expression with its end.
func (r *reader) constExpr() []byte {
	from := r.pos
	for n := 0; r.err == nil; n++ {
		switch op := r.byte(); op {
		case 0x0B:
			if n != 1 {
				r.fail("constant expression of %d instructions", n)
				return nil
			}
			return r.b[from:r.pos]
		case 0x23, 0xD2: // global.get, ref.func
			r.u32()
		case 0x41:
			r.i32()
		case 0x42:
			r.i64()
		case 0x43:
			r.bytes(4)
		case 0x44:
			r.bytes(8)
		case 0xD0:
			r.byte()
		case 0xFD:
			if r.u32() != 12 {
				r.unsupported("constant expression with a vector operation")
			}
			r.bytes(16)
		default:
			if r.err == nil {
				r.unsupported("opcode 0x%x in a constant expression", op)
			}
		}
	}
	return nil
}

func (r *reader) element() segment {
	from := r.pos
	s := segment{flags: r.u32()}
	if s.flags > 7 {
		r.unsupported("element segment with flags %d", s.flags)
		return s
	}
	if s.flags&1 == 0 {
		if s.flags&2 != 0 {
			r.u32() // table
		}
		s.offset = r.constExpr()
	}
	if s.flags&3 != 0 {
		if s.flags&4 != 0 {
			r.byte() // reference type
		} else if kind := r.byte(); kind != 0 {
			r.unsupported("element kind %d", kind)
		}
	}
	for range r.count() {
		if s.flags&4 == 0 {
			s.funcs = append(s.funcs, r.u32())
			continue
		}
		e := &reader{b: r.constExpr()}
		if e.byte() == 0xD2 {
			s.funcs = append(s.funcs, e.u32())
		}
	}
	if r.err == nil {
		s.raw = r.b[from:r.pos]
	}
	return s
}

func (r *reader) dataSegment() segment {
	from := r.pos
	s := segment{flags: r.u32()}
	switch s.flags {
	case 0:
		s.offset = r.constExpr()
	case 1:
	case 2:
		if r.u32() != 0 {
			r.unsupported("more than one memory")
		}
		s.offset = r.constExpr()
	default:
		r.unsupported("data segment with flags %d", s.flags)
	}
	s.data = r.bytes(r.u32())
	if r.err == nil {
		s.raw = r.b[from:r.pos]
	}
	return s
}

// typeOf returns the type of a function by its index in the whole index space.
func (m *module) typeOf(f uint32) (uint32, bool) {
	if f < m.importedFuncs {
		return m.importedTypes[f], true
	}
	if f -= m.importedFuncs; int(f) < len(m.funcs) {
		return m.funcs[f], true
	}
	return 0, false
}
