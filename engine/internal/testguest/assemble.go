package testguest

import (
	"encoding/binary"
	"strconv"
	"strings"
)

type opcode struct {
	code uint16
	imm  string
}

// opcodes gives each mnemonic its code, behind a 0xFC where it is above 0xFF; the string lists its immediates: u = unsigned
// LEB, s = signed LEB, m = a memory argument (alignment 0 and an offset), t = the empty block type, f = the type of function
// references, 0 = a zero byte.
func opcodes() map[string]opcode {
	return map[string]opcode{
		"unreachable": {0x00, ""}, "block": {0x02, "t"}, "loop": {0x03, "t"}, "if": {0x04, "t"}, "else": {0x05, ""}, "end": {0x0B, ""},
		"br": {0x0C, "u"}, "br_if": {0x0D, "u"}, "return": {0x0F, ""}, "call": {0x10, "u"}, "drop": {0x1A, ""},
		"local.get": {0x20, "u"}, "local.set": {0x21, "u"}, "local.tee": {0x22, "u"}, "global.get": {0x23, "u"}, "global.set": {0x24, "u"},
		"i32.load": {0x28, "m"}, "i64.load": {0x29, "m"}, "i32.load8_u": {0x2D, "m"}, "i32.store": {0x36, "m"}, "i64.store": {0x37, "m"},
		"i32.store8": {0x3A, "m"}, "memory.size": {0x3F, "0"}, "memory.grow": {0x40, "0"}, "i32.const": {0x41, "s"}, "i64.const": {0x42, "s"},
		"i32.eqz": {0x45, ""}, "i32.eq": {0x46, ""}, "i32.ne": {0x47, ""}, "i32.lt_u": {0x49, ""}, "i32.le_u": {0x4D, ""},
		"i32.add": {0x6A, ""}, "i32.sub": {0x6B, ""}, "i32.mul": {0x6C, ""}, "i32.shl": {0x74, ""}, "i32.shr_u": {0x76, ""},
		"i64.add": {0x7C, ""}, "i64.mul": {0x7E, ""}, "i64.or": {0x84, ""}, "i64.extend_i32_u": {0xAD, ""},
		"call_indirect": {0x11, "uu"}, "table.set": {0x26, "u"}, "ref.null": {0xD0, "f"}, "memory.init": {0xFC08, "u0"}, "data.drop": {0xFC09, "u"},
	}
}

func uleb(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

func sleb(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7F)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// Assemble translates a function body in the order of the stack machine; a character in quotes is its code.
func Assemble(locals int, source string) []byte {
	body := append(uleb(uleb(nil, 1), uint64(locals)), 0x7F)
	words := strings.Fields(source)
	next := func() int64 {
		w := words[0]
		words = words[1:]
		if len(w) == 3 && w[0] == '\'' {
			return int64(w[1])
		}
		v, err := strconv.ParseInt(w, 0, 64)
		if err != nil {
			panic(err)
		}
		return v
	}
	codes := opcodes()
	for len(words) > 0 {
		op, ok := codes[words[0]]
		if !ok {
			panic("no instruction " + words[0])
		}
		words = words[1:]
		if op.code > 0xFF {
			body = append(body, byte(op.code>>8))
		}
		body = append(body, byte(op.code))
		for _, k := range op.imm {
			switch k {
			case 'u':
				body = uleb(body, uint64(next()))
			case 's':
				body = sleb(body, next())
			case 'm':
				body = uleb(append(body, 0), uint64(next()))
			case 't':
				body = append(body, 0x40)
			case '0':
				body = append(body, 0)
			case 'f':
				body = append(body, 0x70)
			}
		}
	}
	return append(body, 0x0B)
}

// Module is what Build makes a binary of. Function indexes count imports first.
type Module struct {
	Imports []Import
	Funcs   []Func
	Pages   [2]uint64 // minimum, maximum
	Data    []Segment
	Passive [][]byte // data segments behind Data
	Table   []uint32 // functions in the only table; nil = no table
	Globals int      // mutable i32
	Start   int      // 0 = none

	NoMemory, Untrusted bool
}

// Import is an imported function.
type Import struct{ Module, Name, Params, Results string }

// Func is a function of the module.
type Func struct {
	Export, Params, Results string // of value types: i = i32, I = i64
	Body                    []byte // from Assemble
}

// Segment is an active data segment.
type Segment struct {
	At   int32
	Data []byte
}

// Build returns the module in the binary format.
func (m *Module) Build() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, n int, items []byte) {
		body := append(uleb(nil, uint64(n)), items...)
		out = append(uleb(append(out, id), uint64(len(body))), body...)
	}
	name := func(b []byte, s string) []byte { return append(uleb(b, uint64(len(s))), s...) }
	valueTypes := func(b []byte, s string) []byte {
		return append(uleb(b, uint64(len(s))), strings.NewReplacer("i", "\x7F", "I", "\x7E").Replace(s)...)
	}
	var types, imports, funcs, exports, code, data, globals []byte
	addType := func(params, results string) { types = valueTypes(valueTypes(append(types, 0x60), params), results) }
	for i, f := range m.Imports {
		addType(f.Params, f.Results)
		imports = uleb(append(name(name(imports, f.Module), f.Name), 0), uint64(i))
	}
	exported := 0
	if !m.NoMemory {
		exports = append(name(exports, "memory"), 2, 0)
		exported++
	}
	for i, f := range m.Funcs {
		at := uint64(len(m.Imports) + i)
		addType(f.Params, f.Results)
		funcs = uleb(funcs, at)
		if f.Export != "" {
			exports = uleb(append(name(exports, f.Export), 0), at)
			exported++
		}
		code = append(uleb(code, uint64(len(f.Body))), f.Body...)
	}
	for range m.Globals {
		globals = append(globals, 0x7F, 1, 0x41, 0, 0x0B)
	}
	for _, s := range m.Data {
		data = append(sleb(append(data, 0, 0x41), int64(s.At)), 0x0B)
		data = append(uleb(data, uint64(len(s.Data))), s.Data...)
	}
	for _, s := range m.Passive {
		data = append(uleb(append(data, 1), uint64(len(s))), s...)
	}
	section(1, len(m.Imports)+len(m.Funcs), types)
	section(2, len(m.Imports), imports)
	section(3, len(m.Funcs), funcs)
	if m.Table != nil {
		section(4, 1, uleb([]byte{0x70, 0}, uint64(len(m.Table))))
	}
	if !m.NoMemory {
		section(5, 1, uleb(uleb([]byte{1}, m.Pages[0]), m.Pages[1]))
	}
	section(6, m.Globals, globals)
	section(7, exported, exports)
	if m.Start > 0 {
		out = append(out, 8, 1, byte(m.Start))
	}
	if m.Table != nil {
		elements := uleb([]byte{0, 0x41, 0, 0x0B}, uint64(len(m.Table)))
		for _, f := range m.Table {
			elements = uleb(elements, uint64(f))
		}
		section(9, 1, elements)
	}
	if m.Passive != nil {
		out = append(out, 12, 1, byte(len(m.Data)+len(m.Passive)))
	}
	section(10, len(m.Funcs), code)
	section(11, len(m.Data)+len(m.Passive), data)
	return out
}
