// Package testguest is a small guest for tests that does on command what a hostile or broken one might, and the assembler that
// it is written with.
package testguest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/thawrun/thaw/abi"
)

// Addresses in the test guest's memory.
const (
	AddrInterrupt = 64
	AddrCounter   = 128 // counted up with the global by command c
	AddrAlloc     = 132 // what ALLOC answers, if not 0
	AddrTurns     = 136 // turns left until a pending invocation is done
	AddrRandom    = 144 // 8 bytes from RESTORE
	AddrEnv       = 152 // length of the RESTORE frame
	AddrPath      = 160
	AddrLoads     = 168
	AddrFlags     = 172 // of the last TURN
)

// New makes the guest. Its INVOKE does what the event says: a command character, three bytes, and two u32 arguments A and B.
func New() *Module { return with("") }

// Mutating makes a guest that changes its table: command m clears the element A, v calls what it refers to, which answers 77.
func Mutating() *Module {
	m := with(command("m", "local.get 4 ref.null table.set 0 "+answer("i32.const 1")) +
		command("v", "local.get 4 call_indirect 9 0 call 8 return"))
	// Function and type 9.
	m.Funcs = append(m.Funcs, Func{"", "", "i", Assemble(0, "i32.const 77")})
	m.Table = []uint32{9, 9}
	return m
}

// WithPassiveData makes a guest with a passive data segment of 4 bytes, the number 0x01020304: command p copies it to address
// A, which traps once command q has dropped it.
func WithPassiveData() *Module {
	m := with(command("p", fmt.Sprintf("local.get 4 i32.const 0 i32.const 4 memory.init %d ", firstPassive)+answer("local.get 4 i32.load 0")) +
		command("q", fmt.Sprintf("data.drop %d ", firstPassive)+answer("i32.const 1")))
	m.Passive = [][]byte{{4, 3, 2, 1}}
	return m
}

// firstPassive is the number of the guest's active data segments.
const firstPassive = 4

// Locals of thaw_call: 0 op, 1 a, 2 b, 3 command, 4 A, 5 B, 6 scratch.
func command(c, body string) string {
	return fmt.Sprintf("local.get 3 i32.const '%s' i32.eq if %s end\n", c, body)
}

func answer(value string) string { return value + " call 8 return " }

// with makes the guest with more commands.
func with(commands string) *Module {
	m := &Module{Pages: [2]uint64{2, 64}, Globals: 1}
	m.Imports = []Import{
		{abi.WASIModule, "proc_exit", "i", ""},
		{abi.WASIModule, "poll_oneoff", "iiii", "i"},
		{abi.WASIModule, "clock_time_get", "iIi", "i"},
		{abi.WASIModule, "random_get", "ii", "i"},
		{abi.WASIModule, "path_open", "iiiiiIIii", "i"},
	}
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
			i32.const 172 local.get 1 i32.store 0
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
		command("Q", `i32.const 136 local.get 5 i32.store 0
			i32.const 512 i32.const 20 i32.store 0
			i32.const 1 i64.const 1 i32.const 516 call 2 drop
			i32.const 516 i32.const 516 i64.load 0 local.get 4 i64.extend_i32_u i64.const 1000000 i64.mul i64.add i64.store 0
			i32.const 524 i64.const 1 i64.store 0 i32.const 532 i32.const 9 i32.store 0 `+status(1, "i32.const 512")) +
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
		commands +
		"i64.const 12884901888"
	m.Funcs = []Func{
		{"_initialize", "", "", Assemble(1, "i32.const 200 i32.const 42 i32.store 0")},
		{abi.EntryPoint, "iii", "I", Assemble(4, call)},
		// recurse(n): n levels deep
		{"", "i", "i", Assemble(0, "local.get 0 if local.get 0 i32.const 1 i32.sub call 7 i32.const 1 i32.add return end i32.const 0")},
		// answer(v): a result frame with 4 bytes
		{"", "i", "I", Assemble(0, "i32.const 768 i32.const 4 i32.store 0 i32.const 772 local.get 0 i32.store 0 i64.const 768")},
	}
	info := binary.LittleEndian.AppendUint32(nil, abi.Version)
	for _, v := range []uint32{abi.InfoSoftInterrupt, 1, 48} {
		info = binary.LittleEndian.AppendUint32(info, v)
	}
	word := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, AddrInterrupt), 1)
	m.Data = []Segment{{16, info}, {48, word}, {AddrPath, []byte("tmp/x")}, {70000, bytes.Repeat([]byte{0xAB}, 20000)}}
	return m
}

// Guest wraps a module as an engine takes it, for the runtime name "test".
func Guest(m *Module) *abi.Guest {
	wasm := m.Build()
	return &abi.Guest{
		Name: "test", ID: "test", Runtimes: []string{"test"}, Digest: strings.Repeat("ab", 16), Trusted: !m.Untrusted, Wasm: func() ([]byte, error) { return wasm, nil },
	}
}

// Cmd makes the event of a command.
func Cmd(c byte, args ...uint32) []byte {
	b := []byte{c, 0, 0, 0}
	for _, a := range append(args, 0, 0)[:2] {
		b = binary.LittleEndian.AppendUint32(b, a)
	}
	return b
}
