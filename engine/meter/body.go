package meter

// body rewrites the code of defined function i.
func (w *rewriter) body(i int) ([]byte, error) {
	a, code := w.all[i], w.m.code[i]
	b := make([]byte, 0, len(code)+len(code)/4+32)
	// Two locals of ours come after the function's: the balance, which saves loading it twice, and a length.
	balance := uint32(len(w.m.types[w.m.funcs[i]].params)) + a.locals
	length := balance + 1

	r := &reader{b: code}
	groups := uint32(r.count())
	extra := []byte{}
	if a.bulk || w.checked[i] || len(a.loops) > 0 {
		groups++
		extra = append(extra, 1, valI64)
	}
	if a.bulk {
		groups++
		extra = append(extra, 1, valI32)
	}
	b = appendU32(b, groups)
	b = append(b, code[r.pos:a.codeAt]...)
	b = append(b, extra...)
	r.pos = a.codeAt
	if w.checked[i] {
		b = w.entry(b, a.cost, balance)
	}

	// wrapped says for each open construct whether it is a wrapped loop: a branch that leaves one crosses one label more.
	wrapped := []bool{false}
	label := func(d uint32) uint32 {
		extra := uint32(0)
		for k := range d {
			if wrapped[len(wrapped)-1-int(k)] {
				extra++
			}
		}
		return d + extra
	}
	// root is the place in wrapped of the outermost loop without calls around the current instruction, -1 outside. In it the
	// balance is kept in a local, so that a round depends on no memory; whatever may leave it stores the balance first.
	root := -1
	leaves := func(d uint32) bool { return root >= 0 && len(wrapped)-1-int(d) < root }
	store := func() { b = appendU32(append(appendU32(append(b, opLocalGet), balance), opGlobalSet), w.fuel) }
	next := 0
	for len(wrapped) > 0 && r.err == nil {
		in := r.next()
		raw := code[in.start:in.end]
		switch in.op {
		case opBlock, opIf:
			b = append(b, raw...)
			wrapped = append(wrapped, false)
		case opLoop:
			l := a.loops[next]
			next++
			if root < 0 && !l.calls {
				root = len(wrapped)
				b = appendU32(append(appendU32(append(b, opGlobalGet), w.fuel), opLocalSet), balance)
			}
			b = append(b, raw...)
			if root >= 0 {
				b = append(appendU32(append(b, opLocalGet), balance), opI64Const, 0, opI64LtS, opIf, 0x40)
				b = appendU32(append(appendU32(append(b, opLocalGet), balance), opCall), w.refuel)
				b = append(appendU32(append(b, opLocalSet), balance), opEnd)
				b = append(b, raw...)
				b = append(appendU32(append(b, opLocalGet), balance), opI64Const)
				b = append(appendSigned(b, capped(l.cost)), opI64Sub)
				b = append(appendU32(append(b, opLocalTee), balance), opI64Const, 0, opI64LtS)
			} else {
				b = w.refill(w.negative(b))
				b = append(b, raw...)
				b = w.charge(b, l.cost, balance)
			}
			b = append(b, opBrIf, 1)
			wrapped = append(wrapped, true)
		case opEnd:
			b = append(b, opEnd)
			if wrapped[len(wrapped)-1] {
				b = append(b, opEnd)
			}
			if wrapped = wrapped[:len(wrapped)-1]; len(wrapped) == root {
				store()
				root = -1
			}
		case opBr, opBrIf:
			if leaves(in.index) {
				store()
			}
			b = appendU32(append(b, in.op), label(in.index))
		case opBrTable:
			if root >= 0 {
				store()
			}
			b = w.branchTable(b, raw, len(wrapped), label, r)
		case opReturn:
			if root >= 0 {
				store()
			}
			b = append(b, opReturn)
		case opCall, opRefFunc:
			b = appendU32(append(b, in.op), w.function(in.index))
		default:
			if in.charged() {
				b = w.chargeLength(b, length)
			}
			b = append(b, raw...)
		}
	}
	return b, r.err
}

// capped is a static cost as it is charged.
func capped(cost uint32) int64 { return int64(min(max(cost, 1), CostCap)) }

func (w *rewriter) branchTable(b, raw []byte, depth int, label func(uint32) uint32, errs *reader) []byte {
	t := &reader{b: raw, pos: 1}
	n := t.count()
	b = appendU32(append(b, opBrTable), uint32(n))
	for range n + 1 {
		d := t.u32()
		if int(d) >= depth {
			errs.fail("label %d at depth %d", d, depth)
			return b
		}
		b = appendU32(b, label(d))
	}
	return b
}

// charge subtracts a static cost from the balance and leaves an i32 that says whether it is below zero.
func (w *rewriter) charge(b []byte, cost uint32, local uint32) []byte {
	b = appendU32(append(b, opGlobalGet), w.fuel)
	b = appendSigned(append(b, opI64Const), capped(cost))
	b = append(b, opI64Sub)
	b = appendU32(append(b, opLocalTee), local)
	b = appendU32(append(b, opGlobalSet), w.fuel)
	b = appendU32(append(b, opLocalGet), local)
	return append(b, opI64Const, 0, opI64LtS)
}

// entry charges at the beginning of a function. A call to refuel here would make the compiler save all parameters around it,
// in thousands of small functions. So a trusted module only traps where the balance has fallen far below zero, which means
// that it has gone on for some 100 ms through calls alone, without a single round of any loop.
func (w *rewriter) entry(b []byte, cost uint32, local uint32) []byte {
	if !w.cfg.Trusted {
		return w.refill(w.charge(b, cost, local))
	}
	b = appendU32(append(b, opGlobalGet), w.fuel)
	b = appendSigned(append(b, opI64Const), capped(cost))
	b = append(b, opI64Sub)
	b = appendU32(append(b, opLocalTee), local)
	b = appendU32(append(b, opGlobalSet), w.fuel)
	b = appendU32(append(b, opLocalGet), local)
	b = appendSigned(append(b, opI64Const), Floor)
	return append(b, opI64LtS, opIf, 0x40, 0x00, opEnd)
}

// negative leaves an i32 that says whether the balance is below zero.
func (w *rewriter) negative(b []byte) []byte {
	b = appendU32(append(b, opGlobalGet), w.fuel)
	return append(b, opI64Const, 0, opI64LtS)
}

// refill calls refuel if the i32 on the stack says so.
func (w *rewriter) refill(b []byte) []byte {
	b = append(b, opIf, 0x40)
	b = appendU32(append(b, opGlobalGet), w.fuel)
	b = appendU32(append(b, opCall), w.refuel)
	b = appendU32(append(b, opGlobalSet), w.fuel)
	return append(b, opEnd)
}

// chargeLength charges an operation for the length on top of the stack, one unit per 64, and leaves the length there.
func (w *rewriter) chargeLength(b []byte, local uint32) []byte {
	b = appendU32(append(b, opLocalSet), local)
	b = appendU32(append(b, opGlobalGet), w.fuel)
	b = appendU32(append(b, opLocalGet), local)
	b = append(b, opExtendU, opI64Const, 6, opI64ShrU, opI64Sub)
	b = appendU32(append(b, opGlobalSet), w.fuel)
	b = w.refill(w.negative(b))
	return appendU32(append(b, opLocalGet), local)
}
