package meter

import "pgregory.net/rapid"

// The generator makes modules that end: loops count down, and calls spend a budget kept in a global. Everything else is as
// wild as the type system allows: branches to any label from anywhere, code after unconditional branches, loops with
// parameters, recursion, indirect calls, traps.
//
// Each function has the type (i32, i32) -> i32, locals 2 to 5 for values, one counter per depth of loops from firstCounter,
// and an i64.
const (
	genValues    = 6 // parameters and locals that expressions use
	firstCounter = 6
	genDepth     = 4
	wideLocal    = firstCounter + genDepth

	typeMain  = 0 // (i32, i32) -> i32
	typeParam = 1 // (i32) -> i32
	typeSeen  = 2 // (i32) -> ()
	typePair  = 3 // (i32, i32) -> (i32, i32)

	globalValue  = 0 // mutable i32
	globalWide   = 1 // mutable i64
	globalBudget = 2 // mutable i32: calls left
	globalConst  = 3
)

// generated modules export their globals by these names.
var genGlobals = []string{"value", "wide", "budget"}

type generator struct {
	t      *rapid.T
	b      []byte
	funcs  int
	labels []int // values that a branch to each open label takes, the innermost last
	loops  int   // open loops
	left   int   // nodes that may still be made in this function
}

func (g *generator) pick(n int) int { return rapid.IntRange(0, n-1).Draw(g.t, "") }

func (g *generator) emit(b ...byte) { g.b = append(g.b, b...) }

func (g *generator) op(op byte, index uint32) { g.b = appendU32(append(g.b, op), index) }

func (g *generator) i32(v int32) { g.b = appendSigned(append(g.b, 0x41), int64(v)) }

// open starts a construct whose label takes n values; close ends it.
func (g *generator) open(op, blockType byte, n int) {
	g.emit(op, blockType)
	g.labels = append(g.labels, n)
}

func (g *generator) close() {
	g.emit(opEnd)
	g.labels = g.labels[:len(g.labels)-1]
}

// label picks a label that takes n values, as its distance; -1 if there is none.
func (g *generator) label(n int) int {
	var fit []int
	for i, have := range g.labels {
		if have == n {
			fit = append(fit, len(g.labels)-1-i)
		}
	}
	if len(fit) == 0 {
		return -1
	}
	return fit[g.pick(len(fit))]
}

func (g *generator) small() int32 { return int32(rapid.Int32Range(-3, 300).Draw(g.t, "")) }

// address leaves an address of which 0x8000 bytes and more follow in the memory.
func (g *generator) address() {
	g.expr()
	g.i32(0x3FFF)
	g.emit(0x71)
}

// expr leaves an i32.
func (g *generator) expr() {
	if g.left--; g.left < 0 {
		g.i32(g.small())
		return
	}
	switch g.pick(16) {
	case 0, 1:
		g.i32(g.small())
	case 2, 3, 4:
		g.op(opLocalGet, uint32(g.pick(genValues)))
	case 5:
		g.op(opGlobalGet, uint32([]int{globalValue, globalConst}[g.pick(2)]))
	case 6, 7:
		g.expr()
		g.expr()
		g.emit([]byte{0x6A, 0x6B, 0x6C, 0x71, 0x73, 0x48, 0x6D}[g.pick(7)]) // the last divides, and may trap
	case 8:
		g.address()
		g.emit(0x28, 2, byte(g.pick(100))) // load
	case 9: // a block with a result, perhaps left early
		g.open(opBlock, valI32, 1)
		g.expr()
		g.expr()
		g.op(opBrIf, uint32(max(0, g.label(1))))
		g.statements()
		g.close()
	case 10:
		g.expr()
		g.open(opIf, valI32, 1)
		g.expr()
		g.emit(opElse)
		g.expr()
		g.close()
	case 11:
		g.expr()
		g.expr()
		g.expr()
		g.emit(0x1B) // select
	case 12, 13:
		g.call()
	case 14:
		g.paramLoop()
	case 15:
		g.op(opGlobalGet, globalWide)
		g.emit(0xA7) // wrap
	}
}

// call calls a function, directly or through the table, while there is budget for it.
func (g *generator) call() {
	g.op(opGlobalGet, globalBudget)
	g.i32(0)
	g.emit(0x4A) // greater
	g.open(opIf, valI32, 1)
	g.op(opGlobalGet, globalBudget)
	g.i32(1)
	g.emit(0x6B)
	g.op(opGlobalSet, globalBudget)
	g.expr()
	g.expr()
	if g.pick(2) == 0 {
		g.op(opCall, uint32(1+g.pick(g.funcs)))
	} else {
		g.i32(int32(g.pick(g.funcs)))
		g.emit(opCallIndirect, typeMain, 0)
	}
	g.emit(opElse)
	g.i32(7)
	g.close()
}

// countDown takes a round from the current loop's counter and leaves an i32 that is true when none is left.
func (g *generator) countDown() {
	c := uint32(firstCounter + g.loops - 1)
	g.op(opLocalGet, c)
	g.i32(1)
	g.emit(0x6B)
	g.op(opLocalTee, c)
	g.i32(0)
	g.emit(0x48) // less
}

// startCount opens a loop's counter; false if loops are nested too deep already.
func (g *generator) startCount() bool {
	if g.loops == genDepth-1 {
		return false
	}
	g.i32(int32(1 + g.pick(4)))
	g.op(opLocalSet, uint32(firstCounter+g.loops))
	g.loops++
	return true
}

// paramLoop is a loop that takes one or two values and whose branches carry them.
func (g *generator) paramLoop() {
	if !g.startCount() {
		g.i32(1)
		return
	}
	pair := g.pick(2) == 0
	v := uint32(2 + g.pick(4))
	g.open(opBlock, valI32, 1)
	g.expr()
	if pair {
		g.expr()
		g.open(opLoop, typePair, 2)
		g.emit(0x6A)
	} else {
		g.open(opLoop, typeParam, 1)
	}
	g.op(opLocalTee, v)
	g.countDown()
	g.emit(opBrIf, 1, 0x1A)
	g.statements()
	g.op(opLocalGet, v)
	if pair {
		g.op(opLocalGet, 0)
	}
	g.emit(opBr, 0)
	g.close()
	if pair {
		g.emit(0x6A)
	}
	g.close()
	g.loops--
}

func (g *generator) statements() {
	for range g.pick(4) {
		g.statement()
	}
}

// statement leaves the stack as it was.
func (g *generator) statement() {
	if g.left--; g.left < 0 {
		g.emit(0x01)
		return
	}
	switch g.pick(19) {
	case 0, 1:
		g.expr()
		g.op(opLocalSet, uint32(g.pick(genValues)))
	case 2:
		g.expr()
		g.op(opGlobalSet, globalValue)
	case 3, 4:
		g.address()
		g.expr()
		g.emit(0x36, 2, byte(g.pick(100))) // store
	case 5:
		g.expr()
		g.op(opCall, 0) // env.seen
	case 6:
		g.expr()
		g.open(opIf, 0x40, 0)
		g.statements()
		if g.pick(2) == 0 {
			g.emit(opElse)
			g.statements()
		}
		g.close()
	case 7:
		g.open(opBlock, 0x40, 0)
		g.statements()
		g.close()
	case 8, 9, 10:
		g.loop()
	case 11:
		n := g.pick(2)
		if at := g.label(n); at >= 0 {
			if n == 1 {
				g.expr()
			}
			g.op(opBr, uint32(at))
		}
	case 12:
		n := g.pick(2)
		if at := g.label(n); at >= 0 {
			if n == 1 {
				g.expr()
			}
			g.expr()
			g.op(opBrIf, uint32(at))
			if n == 1 {
				g.emit(0x1A)
			}
		}
	case 13:
		n := g.pick(2)
		if g.label(n) < 0 {
			return
		}
		if n == 1 {
			g.expr()
		}
		g.expr()
		g.i32(3)
		g.emit(0x71)
		targets := g.pick(4)
		g.op(opBrTable, uint32(targets))
		for range targets + 1 {
			g.b = appendU32(g.b, uint32(g.label(n)))
		}
	case 14:
		g.expr()
		g.emit(opReturn)
	case 15, 16: // memory.fill, memory.copy
		g.address()
		g.expr()
		g.i32(0x3FFF)
		g.emit(0x71)
		g.expr()
		g.i32(0xFFF)
		g.emit(0x71)
		if g.pick(2) == 0 {
			g.emit(opMisc, miscMemoryFill, 0)
		} else {
			g.emit(opMisc, miscMemoryCopy, 0, 0)
		}
	case 17: // the i64s
		g.op(opLocalGet, wideLocal)
		g.expr()
		g.emit(0xAC) // extend
		g.op(opGlobalGet, globalWide)
		g.emit(0x7E, 0x7C) // multiply, add
		g.op(opLocalTee, wideLocal)
		g.op(opGlobalSet, globalWide)
	case 18:
		g.i32(int32(g.pick(2)))
		g.emit(0x40, 0, 0x1A) // memory.grow, drop
	}
}

// loop is a loop in a block, with branches to both from anywhere inside.
func (g *generator) loop() {
	if !g.startCount() {
		return
	}
	g.open(opBlock, 0x40, 0)
	g.open(opLoop, 0x40, 0)
	g.countDown()
	g.emit(opBrIf, 1)
	g.statements()
	if g.pick(3) > 0 {
		g.emit(opBr, 0)
	} else {
		g.expr()
		g.emit(opBrIf, 0)
	}
	g.close()
	g.close()
	g.loops--
}

// module makes a module: import env.seen, functions, a table with all of them, a memory with some data.
func generate(t *rapid.T) []byte {
	m := wasmModule{
		types: []funcType{
			typeMain:  {[]byte{valI32, valI32}, []byte{valI32}},
			typeParam: {[]byte{valI32}, []byte{valI32}},
			typeSeen:  {[]byte{valI32}, nil},
			typePair:  {[]byte{valI32, valI32}, []byte{valI32, valI32}},
		},
		imports: [][]byte{importOf("env", "seen", kindFunc, typeSeen)},
		memory:  []byte{1, 1, 3},
		globals: [][]byte{
			globalValue:  {valI32, 1, 0x41, 5, opEnd},
			globalWide:   {valI64, 1, 0x42, 9, opEnd},
			globalBudget: {valI32, 1, 0x41, 12, opEnd},
			globalConst:  {valI32, 0, 0x41, 3, opEnd},
		},
		exports: [][]byte{
			exportOf("run", kindFunc, 1), exportOf("memory", kindMemory, 0),
			exportOf("value", kindGlobal, globalValue), exportOf("wide", kindGlobal, globalWide), exportOf("budget", kindGlobal, globalBudget),
		},
		data: [][]byte{append([]byte{0, 0x41, 16, opEnd, 11}, "hello world"...)},
	}
	g := &generator{t: t}
	g.funcs = 1 + g.pick(4)
	elem := appendU32([]byte{0, 0x41, 0, opEnd}, uint32(g.funcs))
	for i := range g.funcs {
		g.b, g.labels, g.loops, g.left = nil, []int{1}, 0, 60
		g.statements()
		g.statements()
		g.expr()
		g.emit(opEnd)
		locals := []byte{2, byte(wideLocal - 2), valI32, 1, valI64}
		m.funcs = append(m.funcs, typeMain)
		m.code = append(m.code, append(locals, g.b...))
		elem = appendU32(elem, uint32(i+1))
	}
	m.tables = [][]byte{{refFunc, 0, byte(g.funcs)}}
	m.elems = [][]byte{elem}
	return m.bytes()
}

// rapidExample is a generated module for the seeds of the fuzzer.
func rapidExample(seed int) []byte { return rapid.Custom(generate).Example(seed) }
