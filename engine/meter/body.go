package meter

// construct is an open block, if or loop of the code that is read, or the function itself.
type construct struct {
	kind  constructKind
	label int   // constructs open in the new code, at the one that a branch to this one leads to
	arity int   // values that a branch takes along
	cost  int64 // of a loop's round
}

type constructKind uint8

const (
	plain       constructKind = iota // a block or an if, as it was
	loopAtHead                       // openAtHead
	loopAtEnd                        // openAtEnd
	loopOfPairs                      // openTwice
)

// body rewrites the code of defined function i.
func (w *rewriter) body(i int) ([]byte, error) {
	a, code := w.all[i], w.m.code[i]
	e := &emitter{w: w, b: make([]byte, 0, len(code)+len(code)/4+32), open: 1}
	// A local of ours comes after the function's, for the length of bulk operations.
	e.length = uint32(len(w.m.types[w.m.funcs[i]].params)) + a.locals

	r := &reader{b: code}
	groups := uint32(r.count())
	from := r.pos
	if a.bulk {
		e.u32(groups + 1)
		e.raw(code[from:a.codeAt])
		e.op(1, valI32)
	} else {
		e.u32(groups)
		e.raw(code[from:a.codeAt])
	}
	r.pos = a.codeAt
	if w.entry[i] {
		e.pay(w.capped(a.cost))
	}
	deep := w.cfg.MaxCallDepth > 0 && a.callsAny()
	if deep {
		e.enter(w.blockType(w.m.funcs[i]))
	}

	open := []construct{{label: e.open, arity: len(w.m.types[w.m.funcs[i]].results)}}
	label := func(d uint32) uint32 {
		if uint64(d) >= uint64(len(open)) {
			r.fail("label %d at depth %d", d, len(open))
			return 0
		}
		return uint32(e.open - open[len(open)-1-int(d)].label)
	}
	takesNothing := func(d uint32) bool { return uint64(d) < uint64(len(open)) && open[len(open)-1-int(d)].arity == 0 }
	loop, call := 0, 0
	var last instr
	for len(open) > 0 && r.err == nil {
		in := r.next()
		raw := code[in.start:in.end]
		switch in.op {
		case opLocalGet, opLocalSet, opLocalTee:
			if in.index >= e.length { // the rewritten function has one more
				r.fail("local %d of %d", in.index, e.length)
			}
			e.raw(raw)
		case opBlock, opIf:
			e.raw(raw)
			e.open++
			open = append(open, construct{label: e.open, arity: w.arity(r, raw)})
		case opLoop:
			c := construct{arity: w.arity(r, raw), cost: w.capped(a.loops[loop].cost)}
			switch {
			case c.arity > 0:
				c.kind = loopOfPairs
				e.openTwice(raw, c.cost)
			case a.loops[loop].calls:
				c.kind = loopAtHead
				e.openAtHead(raw, c.cost)
			default:
				c.kind = loopAtEnd
				e.openAtEnd(raw)
			}
			c.label = e.open
			loop++
			open = append(open, c)
		case opEnd:
			top := open[len(open)-1]
			open = open[:len(open)-1]
			switch top.kind {
			case loopAtHead:
				e.closeAtHead()
			case loopAtEnd:
				e.closeAtEnd(top.cost)
			case loopOfPairs:
				e.end(2)
			default:
				if len(open) == 0 && deep {
					e.end(1) // of the block around the body
					e.leave()
				}
				e.end(1)
			}
		case opBrIf:
			// wazero makes a set-and-test of a comparison if what the branch leads to can be reached otherwise, which is most of
			// the time. Not so if the branch is the one way to something, here a jump.
			if last.compares() && takesNothing(in.index) {
				e.op(opIf, 0x40, opBr)
				e.u32(label(in.index) + 1)
				e.op(opEnd)
				break
			}
			e.op(opBrIf)
			e.u32(label(in.index))
		case opBr:
			e.op(opBr)
			e.u32(label(in.index))
		case opBrTable:
			t := &reader{b: raw, pos: 1}
			n := t.count()
			e.op(opBrTable)
			e.u32(uint32(n))
			for range n + 1 {
				e.u32(label(t.u32()))
			}
		case opReturn:
			if deep {
				e.op(opBr)
				e.u32(label(uint32(len(open) - 1)))
			} else {
				e.op(opReturn)
			}
		case opCall, opCallIndirect:
			if in.op == opCall {
				e.op(opCall)
				e.u32(w.function(in.index))
			} else {
				e.raw(raw)
			}
			if s := w.sites[i]; s != nil && s[call] {
				e.pay(w.capped(a.cost / uint32(len(a.calls))))
			}
			call++
		case opRefFunc:
			e.op(opRefFunc)
			e.u32(w.function(in.index))
		default:
			if in.charged() {
				e.chargeLength(in.op == opMemoryGrow)
			}
			e.raw(raw)
		}
		last = in
	}
	return e.b, r.err
}

// arity is the number of values that a branch to a block, if or loop takes along; head is the instruction that opens it, just
// read from r.
func (w *rewriter) arity(r *reader, head []byte) int {
	loop := head[0] == opLoop
	switch t := head[1]; {
	case t == 0x40:
		return 0
	case t&0xC0 == 0x40: // a value type, of the result
		if loop {
			return 0
		}
		return 1
	}
	i := (&reader{b: head, pos: 1}).s33()
	switch {
	case i < 0 || i >= int64(len(w.m.types)): // the rewritten module may have more types
		r.fail("block of type %d of %d", i, len(w.m.types))
		return 0
	case loop:
		return len(w.m.types[i].params)
	}
	return len(w.m.types[i].results)
}

// emitter appends instructions to a body.
type emitter struct {
	w      *rewriter
	b      []byte
	open   int    // constructs, the function included
	length uint32 // local
}

func (e *emitter) raw(b []byte)     { e.b = append(e.b, b...) }
func (e *emitter) op(ops ...byte)   { e.b = append(e.b, ops...) }
func (e *emitter) u32(v uint32)     { e.b = appendU32(e.b, v) }
func (e *emitter) i64(v int64)      { e.b = appendSigned(append(e.b, opI64Const), v) }
func (e *emitter) get()             { e.op(opGlobalGet); e.u32(e.w.fuel) }
func (e *emitter) set()             { e.op(opGlobalSet); e.u32(e.w.fuel) }
func (e *emitter) below(v int64)    { e.i64(v); e.op(opI64LtS) }
func (e *emitter) subtract(v int64) { e.i64(v); e.op(opI64Sub) }
func (e *emitter) refuel()          { e.op(opCall); e.u32(e.w.refuel) }

// end closes n constructs.
func (e *emitter) end(n int) {
	for range n {
		e.op(opEnd)
	}
	e.open -= n
}

// pay subtracts a cost from the balance and calls refuel if that makes it negative. It leaves the stack as it is, so that it
// may stand between a call and the use of its results.
func (e *emitter) pay(cost int64) {
	e.get()
	e.subtract(cost)
	e.set()
	e.refill()
}

// refill replaces the balance by what refuel returns if it is negative. The engine keeps what it has just stored in a
// register: the balance isn't read again.
func (e *emitter) refill() {
	e.get()
	e.below(0)
	e.op(opIf, 0x40)
	e.get()
	e.refuel()
	e.set()
	e.op(opEnd)
}

// chargeLength charges an operation for the length on top of the stack, and leaves the length there: one unit per 64 bytes
// or elements, or one per page that memory.grow asks for, unless it asks for more than there can be and so fails.
func (e *emitter) chargeLength(grow bool) {
	length := func() { e.op(opLocalGet); e.u32(e.length) }
	e.op(opLocalSet)
	e.u32(e.length)
	e.get()
	length()
	e.op(opExtendU)
	if grow {
		length()
		e.op(opI32Const)
		e.b = appendSigned(e.b, 65536)
		e.op(opI32LeU, opExtendU, opI64Mul)
	} else {
		e.op(opI64Const, 6, opI64ShrU)
	}
	e.op(opI64Sub)
	e.set()
	e.refill()
	length()
}

// enter counts a call that begins, and opens a block around the body that every way out of it passes the end of.
func (e *emitter) enter(blockType []byte) {
	depth := func(op byte) { e.op(op); e.u32(e.w.depth) }
	depth(opGlobalGet)
	e.op(opI32Const, 1, opI32Add)
	depth(opGlobalSet)
	depth(opGlobalGet)
	e.op(opI32Const)
	e.b = appendSigned(e.b, int64(int32(e.w.cfg.MaxCallDepth)))
	e.op(opI32GtU, opIf, 0x40)
	e.i64(DepthExceeded)
	e.refuel()
	e.op(opDrop, opUnreachable, opEnd)
	e.op(opBlock)
	e.raw(blockType)
	e.open++
}

// leave counts a call that ends.
func (e *emitter) leave() {
	e.op(opGlobalGet)
	e.u32(e.w.depth)
	e.op(opI32Const, 1, opI32Sub, opGlobalSet)
	e.u32(e.w.depth)
}
