package sandbox

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/thawrun/thaw/abi"
)

// This file holds a small guest that does on command what a hostile or broken one might, and the assembler that it is
// written with.

// opcodes gives each mnemonic its code; the string lists its immediates: u = unsigned LEB, s = signed LEB, m = a memory
// argument (alignment 0 and an offset), t = the empty block type, 0 = a zero byte.
var opcodes = map[string]struct {
	code byte
	imm  string
}{
	"unreachable": {0x00, ""}, "block": {0x02, "t"}, "loop": {0x03, "t"}, "if": {0x04, "t"}, "else": {0x05, ""}, "end": {0x0B, ""},
	"br": {0x0C, "u"}, "br_if": {0x0D, "u"}, "return": {0x0F, ""}, "call": {0x10, "u"}, "drop": {0x1A, ""},
	"local.get": {0x20, "u"}, "local.set": {0x21, "u"}, "local.tee": {0x22, "u"}, "global.get": {0x23, "u"}, "global.set": {0x24, "u"},
	"i32.load": {0x28, "m"}, "i64.load": {0x29, "m"}, "i32.load8_u": {0x2D, "m"}, "i32.store": {0x36, "m"}, "i64.store": {0x37, "m"},
	"i32.store8": {0x3A, "m"}, "memory.size": {0x3F, "0"}, "memory.grow": {0x40, "0"}, "i32.const": {0x41, "s"}, "i64.const": {0x42, "s"},
	"i32.eqz": {0x45, ""}, "i32.eq": {0x46, ""}, "i32.ne": {0x47, ""}, "i32.lt_u": {0x49, ""}, "i32.le_u": {0x4D, ""},
	"i32.add": {0x6A, ""}, "i32.sub": {0x6B, ""}, "i32.mul": {0x6C, ""}, "i32.shl": {0x74, ""}, "i32.shr_u": {0x76, ""},
	"i64.add": {0x7C, ""}, "i64.mul": {0x7E, ""}, "i64.or": {0x84, ""}, "i64.extend_i32_u": {0xAD, ""},
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

// assemble translates a function body in the order of the stack machine; a character in quotes is its code.
func assemble(locals int, source string) []byte {
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
	for len(words) > 0 {
		op, ok := opcodes[words[0]]
		if !ok {
			panic("no instruction " + words[0])
		}
		words = words[1:]
		body = append(body, op.code)
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
			}
		}
	}
	return append(body, 0x0B)
}

// module is what build makes a binary of. Function indexes count imports first.
type module struct {
	imports []importedFunc
	funcs   []definedFunc
	pages   [2]uint64 // minimum, maximum
	data    []segment
	globals int // mutable i32
	start   int // 0 = none

	untrusted bool
	fileTail  []byte
}

type importedFunc struct{ module, name, params, results string }

type definedFunc struct {
	export, params, results string // of value types: i = i32, I = i64
	body                    []byte
}

type segment struct {
	at   int32
	data []byte
}

func (m *module) build() []byte {
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
	for i, f := range m.imports {
		addType(f.params, f.results)
		imports = uleb(append(name(name(imports, f.module), f.name), 0), uint64(i))
	}
	exports = append(name(exports, "memory"), 2, 0)
	exported := 1
	for i, f := range m.funcs {
		at := uint64(len(m.imports) + i)
		addType(f.params, f.results)
		funcs = uleb(funcs, at)
		if f.export != "" {
			exports = uleb(append(name(exports, f.export), 0), at)
			exported++
		}
		code = append(uleb(code, uint64(len(f.body))), f.body...)
	}
	for range m.globals {
		globals = append(globals, 0x7F, 1, 0x41, 0, 0x0B)
	}
	for _, s := range m.data {
		data = append(sleb(append(data, 0, 0x41), int64(s.at)), 0x0B)
		data = append(uleb(data, uint64(len(s.data))), s.data...)
	}
	section(1, len(m.imports)+len(m.funcs), types)
	section(2, len(m.imports), imports)
	section(3, len(m.funcs), funcs)
	section(5, 1, uleb(uleb([]byte{1}, m.pages[0]), m.pages[1]))
	section(6, m.globals, globals)
	section(7, exported, exports)
	if m.start > 0 {
		out = append(out, 8, 1, byte(m.start))
	}
	section(10, len(m.funcs), code)
	section(11, len(m.data), data)
	return out
}

// Addresses in the test guest's memory.
const (
	addrInterrupt = 64
	addrCounter   = 128 // counted up with the global by command c
	addrAlloc     = 132 // what ALLOC answers, if not 0
	addrTurns     = 136 // turns left until a pending invocation is done
	addrRandom    = 144 // 8 bytes from RESTORE
	addrEnv       = 152 // length of the RESTORE frame
	addrPath      = 160
	addrLoads     = 168
)

// testModule is the guest. Its INVOKE does what the event says: a command character, three bytes, and two u32 arguments
// A and B.
func testModule() *module {
	m := &module{pages: [2]uint64{2, 64}, globals: 1}
	m.imports = []importedFunc{
		{abi.WASIModule, "proc_exit", "i", ""},
		{abi.WASIModule, "poll_oneoff", "iiii", "i"},
		{abi.WASIModule, "clock_time_get", "iIi", "i"},
		{abi.WASIModule, "random_get", "ii", "i"},
		{abi.WASIModule, "path_open", "iiiiiIIii", "i"},
	}
	// Locals of thaw_call: 0 op, 1 a, 2 b, 3 command, 4 A, 5 B, 6 scratch.
	command := func(c, body string) string {
		return fmt.Sprintf("local.get 3 i32.const '%s' i32.eq if %s end\n", c, body)
	}
	answer := func(value string) string { return value + " call 8 return " }
	status := func(n int, ptr string) string {
		return fmt.Sprintf("i64.const %d %s i64.extend_i32_u i64.or return ", n<<32, ptr)
	}
	op := func(o abi.Op, body string) string {
		return fmt.Sprintf("local.get 0 i32.const %d i32.eq if %s end\n", o, body)
	}
	pending := `
		i32.const 512 i32.const 16 i32.store 0
		i32.const 1 i64.const 1 i32.const 516 call 2 drop
		i32.const 516 i32.const 516 i64.load 0 local.get 4 i64.extend_i32_u i64.const 1000000 i64.mul i64.add i64.store 0
		local.get 4 i32.const -1 i32.eq if i32.const 516 i64.const -1 i64.store 0 end
		i32.const 524 i64.const 0 i64.store 0 ` + status(1, "i32.const 512")
	// One clock subscription: user data 0, tag 0, clock 1 at 256+16, timeout at 256+24.
	sleep := `i32.const 272 i32.const 1 i32.store 0
		i32.const 280 local.get 4 i64.extend_i32_u i64.const 1000000 i64.mul i64.store 0
		i32.const 256 i32.const 320 i32.const 1 i32.const 384 call 1 drop `
	call := op(abi.OpInfo, "i64.const 16 return") +
		op(abi.OpAlloc, `
			i32.const 132 i32.load 0 if i32.const 132 i32.load 0 i64.extend_i32_u return end
			local.get 1 i32.const 32768 i32.le_u if i64.const 1024 return end
			local.get 1 i32.const 65535 i32.add i32.const 16 i32.shr_u memory.grow local.tee 6
			i32.const -1 i32.eq if i64.const 0 return end
			local.get 6 i32.const 16 i32.shl i64.extend_i32_u return`) +
		op(abi.OpInit, "i64.const 0 return") +
		op(abi.OpRestore, `
			i32.const 144 i32.const 8 call 3 drop
			i32.const 152 local.get 2 i32.store 0 i64.const 0 return`) +
		op(abi.OpLoad, `
			i32.const 168 i32.const 168 i32.load 0 i32.const 1 i32.add i32.store 0
			i64.const 0 return`) +
		op(abi.OpTurn, `
			i32.const 136 i32.load 0 i32.eqz if `+answer("i32.const 7")+` end
			i32.const 136 i32.const 136 i32.load 0 i32.const 1 i32.sub i32.store 0
			i32.const 1 local.set 4 `+pending) +
		"local.get 0 i32.const 5 i32.ne if " + status(3, "i32.const 0") + " end\n" +
		"local.get 1 i32.load8_u 16 local.set 3  local.get 1 i32.load 20 local.set 4  local.get 1 i32.load 24 local.set 5\n" +
		command("e", "local.get 1 local.get 1 i32.load 8 i32.store 12  local.get 1 i32.const 12 i32.add i64.extend_i32_u return") +
		command("l", "loop br 0 end") +
		command("g", answer("local.get 4 memory.grow")) +
		command("w", "local.get 4 local.get 5 i32.store 0 "+answer("i32.const 0")) +
		command("r", answer("local.get 4 i32.load 0")) +
		command("d", `
			loop
				local.get 5 local.get 6 i32.const 4096 i32.mul i32.add local.get 6 i32.const 1 i32.add i32.store8 0
				local.get 6 i32.const 1 i32.add local.tee 6 local.get 4 i32.lt_u br_if 0
			end `+answer("local.get 6")) +
		command("t", "unreachable") +
		command("x", "local.get 4 call 0") +
		command("s", sleep+answer("i32.const 384 i32.load 0")) +
		command("S", "loop "+sleep+" br 0 end") +
		command("R", "i32.const -1 call 7 drop") +
		command("a", answer("local.get 4 call 7")) +
		command("f", status(3, "i32.const 0")) +
		command("k", "local.get 5 i64.extend_i32_u i64.const 4294967296 i64.mul local.get 4 i64.extend_i32_u i64.or return") +
		command("P", "i32.const 136 local.get 5 i32.store 0 "+pending) +
		command("o", "loop i32.const 16 memory.grow i32.const -1 i32.ne br_if 0 end unreachable") +
		command("O", "i32.const 16 memory.grow drop unreachable") +
		command("i", `
			loop i32.const 64 i32.load 0 i32.eqz br_if 0 end
			i32.const 64 i32.const 0 i32.store 0 `+status(2, "i32.const 0")) +
		command("c", `
			global.get 0 i32.const 1 i32.add global.set 0
			i32.const 128 i32.const 128 i32.load 0 i32.const 1 i32.add i32.store 0
			`+answer("global.get 0 i32.const 1000 i32.mul i32.const 128 i32.load 0 i32.add")) +
		command("n", `
			i32.const 3 i32.const 0 i32.const 160 i32.const 5 i32.const 1 i64.const 0x1fffffff i64.const 0x1fffffff i32.const 0 i32.const 192 call 4
			local.set 6 `+answer("local.get 6")) +
		"i64.const 12884901888"
	m.funcs = []definedFunc{
		{"_initialize", "", "", assemble(1, "i32.const 200 i32.const 42 i32.store 0")},
		{abi.EntryPoint, "iii", "I", assemble(4, call)},
		// recurse(n): n levels deep
		{"", "i", "i", assemble(0, "local.get 0 if local.get 0 i32.const 1 i32.sub call 7 i32.const 1 i32.add return end i32.const 0")},
		// answer(v): a result frame with 4 bytes
		{"", "i", "I", assemble(0, "i32.const 768 i32.const 4 i32.store 0 i32.const 772 local.get 0 i32.store 0 i64.const 768")},
	}
	info := binary.LittleEndian.AppendUint32(nil, abi.Version)
	for _, v := range []uint32{abi.InfoSoftInterrupt, 1, 48} {
		info = binary.LittleEndian.AppendUint32(info, v)
	}
	word := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, addrInterrupt), 1)
	m.data = []segment{{16, info}, {48, word}, {addrPath, []byte("tmp/x")}, {70000, bytes.Repeat([]byte{0xAB}, 20000)}}
	return m
}

func guestOf(m *module) *abi.Guest {
	wasm := m.build()
	return &abi.Guest{
		Name: "test", ID: "test", Digest: strings.Repeat("ab", 16), Trusted: !m.untrusted, Wasm: func() ([]byte, error) { return wasm, nil },
	}
}

// cmd makes the event of a command.
func cmd(c byte, args ...uint32) []byte {
	b := []byte{c, 0, 0, 0}
	for _, a := range append(args, 0, 0)[:2] {
		b = binary.LittleEndian.AppendUint32(b, a)
	}
	return b
}

// invoke runs a command and returns its 4 bytes.
func invoke(t testing.TB, in *Instance, l Limits, event []byte) uint32 {
	t.Helper()
	payload, status, err := in.Invoke(&abi.Invoke{Event: event, RequestID: "id"}, nil, l)
	if err != nil {
		t.Fatalf("%c: %v", event[0], err)
	}
	if status != abi.StatusDone || len(payload) != 4 {
		t.Fatalf("%c: status %d, payload %x", event[0], status, payload)
	}
	return binary.LittleEndian.Uint32(payload)
}

// fails runs a command and returns its error.
func fails(t testing.TB, in *Instance, l Limits, event []byte) error {
	t.Helper()
	payload, status, err := in.Invoke(&abi.Invoke{Event: event, RequestID: "id"}, nil, l)
	if err == nil {
		t.Fatalf("%c: status %d, payload %x, want an error", event[0], status, payload)
	}
	return err
}
