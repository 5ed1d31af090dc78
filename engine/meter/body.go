package meter

// body rewrites the code of defined function i.
func (w *rewriter) body(i int) ([]byte, error) {
	a, code := w.all[i], w.m.code[i]
	e := &emitter{w: w, b: make([]byte, 0, len(code)+len(code)/4+32)}
	// Up to two locals of ours come after the function's: the balance, which saves loading it twice, and a length.
	e.balance = uint32(len(w.m.types[w.m.funcs[i]].params)) + a.locals
	e.length = e.balance + 1

	r := &reader{b: code}
	groups := uint32(r.count())
	from := r.pos
	var extra []byte
	if a.bulk || w.entry[i] || w.sites[i] != nil || len(a.loops) > 0 {
		groups++
		extra = append(extra, 1, valI64)
	}
	if a.bulk {
		groups++
		extra = append(extra, 1, valI32)
	}
	e.u32(groups)
	e.raw(code[from:a.codeAt])
	e.raw(extra)
	r.pos = a.codeAt
	if w.entry[i] {
		e.pay(w.capped(a.cost))
	}
	deep := w.cfg.MaxCallDepth > 0 && a.callsAny()
	if deep {
		e.enter(w.blockType(w.m.funcs[i]))
	}

	// open says of each open construct whether it is a wrapped loop, and crossed[k] how many of open[:k] are: a branch
	// crosses one label more for each wrapped loop that it leaves.
	open, crossed := []bool{false}, []uint32{0, 0}
	label := func(d uint32) uint32 {
		if uint64(d) >= uint64(len(open)) {
			r.fail("label %d at depth %d", d, len(open))
			return 0
		}
		return d + crossed[len(open)] - crossed[len(open)-int(d)]
	}
	push := func(loop bool) {
		n := crossed[len(open)]
		if loop {
			n++
		}
		open, crossed = append(open, loop), append(crossed, n)
	}
	// root is the place in open of the outermost loop without calls around the current instruction, -1 outside. In it the
	// balance is kept in a local, so that a round depends on no memory; whatever may leave it stores the balance first.
	root := -1
	leaves := func(d uint32) bool { return root >= 0 && len(open)-1-int(d) < root }
	loop, call := 0, 0
	for len(open) > 0 && r.err == nil {
		in := r.next()
		raw := code[in.start:in.end]
		switch in.op {
		case opBlock, opIf:
			e.raw(raw)
			push(false)
		case opLoop:
			l := a.loops[loop]
			loop++
			if root < 0 && !l.calls {
				root = len(open)
				e.load()
			}
			e.wrap(raw, w.capped(l.cost), root >= 0)
			push(true)
		case opEnd:
			last := len(open) - 1
			if last == 0 && deep {
				e.op(opEnd) // of the block around the body
				e.leave()
			}
			e.op(opEnd)
			if open[last] {
				e.op(opEnd)
			}
			open, crossed = open[:last], crossed[:last+1]
			if last == root {
				e.store()
				root = -1
			}
		case opBr, opBrIf:
			if leaves(in.index) {
				e.store()
			}
			e.op(in.op)
			e.u32(label(in.index))
		case opBrTable:
			t := &reader{b: raw, pos: 1}
			labels := make([]uint32, t.count()+1)
			out := false
			for k := range labels {
				labels[k] = t.u32()
				out = out || leaves(labels[k])
			}
			if out {
				e.store()
			}
			e.op(opBrTable)
			e.u32(uint32(len(labels) - 1))
			for _, d := range labels {
				e.u32(label(d))
			}
		case opReturn:
			if root >= 0 {
				e.store()
			}
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
	}
	return e.b, r.err
}

// emitter appends instructions to a body.
type emitter struct {
	w               *rewriter
	b               []byte
	balance, length uint32 // locals
}

func (e *emitter) raw(b []byte)     { e.b = append(e.b, b...) }
func (e *emitter) op(ops ...byte)   { e.b = append(e.b, ops...) }
func (e *emitter) u32(v uint32)     { e.b = appendU32(e.b, v) }
func (e *emitter) i64(v int64)      { e.b = appendSigned(append(e.b, opI64Const), v) }
func (e *emitter) get()             { e.op(opLocalGet); e.u32(e.balance) }
func (e *emitter) set()             { e.op(opLocalSet); e.u32(e.balance) }
func (e *emitter) tee()             { e.op(opLocalTee); e.u32(e.balance) }
func (e *emitter) global(op byte)   { e.op(op); e.u32(e.w.fuel) }
func (e *emitter) load()            { e.global(opGlobalGet); e.set() }
func (e *emitter) store()           { e.get(); e.global(opGlobalSet) }
func (e *emitter) below(v int64)    { e.i64(v); e.op(opI64LtS) }
func (e *emitter) subtract(v int64) { e.i64(v); e.op(opI64Sub) }

// refill replaces the balance in the global by what refuel returns if the i32 on the stack is not 0.
func (e *emitter) refill() {
	e.op(opIf, 0x40)
	e.global(opGlobalGet)
	e.op(opCall)
	e.u32(e.w.refuel)
	e.global(opGlobalSet)
	e.op(opEnd)
}

// wrap opens a loop, twice: the call to refuel is between the two heads, outside the hot path. The cost of a round is only
// subtracted once the balance covers it, and refuel sees the balance as it would be then: what a round costs doesn't depend
// on how often the balance runs out.
func (e *emitter) wrap(head []byte, cost int64, local bool) {
	get := func() {
		if local {
			e.get()
		} else {
			e.global(opGlobalGet)
		}
	}
	set := func() {
		if local {
			e.set()
		} else {
			e.global(opGlobalSet)
		}
	}
	e.raw(head)
	get()
	e.below(cost)
	e.op(opIf, 0x40)
	get()
	e.subtract(cost)
	e.op(opCall)
	e.u32(e.w.refuel)
	e.i64(cost)
	e.op(opI64Add)
	set()
	e.op(opEnd)
	e.raw(head)
	get()
	if !local {
		e.tee()
	}
	e.below(cost)
	e.op(opBrIf, 1)
	e.get()
	e.subtract(cost)
	set()
}

// pay subtracts a cost from the balance and calls refuel if that makes it negative. It leaves the stack as it is, so that it
// may stand between a call and the use of its results.
func (e *emitter) pay(cost int64) {
	e.global(opGlobalGet)
	e.subtract(cost)
	e.tee()
	e.global(opGlobalSet)
	e.get()
	e.below(0)
	e.refill()
}

// chargeLength charges an operation for the length on top of the stack, and leaves the length there: one unit per 64 bytes
// or elements, or one per page that memory.grow asks for, unless it asks for more than there can be and so fails.
func (e *emitter) chargeLength(grow bool) {
	length := func() { e.op(opLocalGet); e.u32(e.length) }
	e.op(opLocalSet)
	e.u32(e.length)
	e.global(opGlobalGet)
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
	e.tee()
	e.global(opGlobalSet)
	e.get()
	e.below(0)
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
	e.op(opCall)
	e.u32(e.w.refuel)
	e.op(opDrop, opUnreachable, opEnd)
	e.op(opBlock)
	e.raw(blockType)
}

// leave counts a call that ends.
func (e *emitter) leave() {
	e.op(opGlobalGet)
	e.u32(e.w.depth)
	e.op(opI32Const, 1, opI32Sub, opGlobalSet)
	e.u32(e.w.depth)
}
