package meter

// body rewrites the code of defined function i.
func (w *rewriter) body(i int) ([]byte, error) {
	a, code := w.all[i], w.m.code[i]
	b := make([]byte, 0, len(code)+len(code)/4+32)
	length := uint32(len(w.m.types[w.m.funcs[i]].params)) + a.locals // index of the local that holds a length

	r := &reader{b: code}
	groups := r.count()
	if a.bulk {
		b = appendU32(b, uint32(groups)+1)
		b = append(b, code[r.pos:a.codeAt]...)
		b = append(b, 1, valI32)
	} else {
		b = append(b, code[:a.codeAt]...)
	}
	r.pos = a.codeAt
	if w.checked[i] {
		b = w.charge(b, a.cost)
		b = w.refill(b)
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
	loop := 0
	for len(wrapped) > 0 && r.err == nil {
		in := r.next()
		raw := code[in.start:in.end]
		switch in.op {
		case opBlock, opIf:
			b = append(b, raw...)
			wrapped = append(wrapped, false)
		case opLoop:
			b = append(b, raw...)
			b = w.refill(b)
			b = append(b, raw...)
			b = w.charge(b, a.loops[loop])
			b = w.negative(b)
			b = append(b, opBrIf, 1)
			loop++
			wrapped = append(wrapped, true)
		case opEnd:
			b = append(b, opEnd)
			if wrapped[len(wrapped)-1] {
				b = append(b, opEnd)
			}
			wrapped = wrapped[:len(wrapped)-1]
		case opBr, opBrIf:
			b = appendU32(append(b, in.op), label(in.index))
		case opBrTable:
			b = w.branchTable(b, raw, len(wrapped), label, r)
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

// charge subtracts a static cost from the balance.
func (w *rewriter) charge(b []byte, cost uint32) []byte {
	b = appendU32(append(b, opGlobalGet), w.fuel)
	b = appendSigned(append(b, opI64Const), int64(min(max(cost, 1), CostCap)))
	b = append(b, opI64Sub)
	return appendU32(append(b, opGlobalSet), w.fuel)
}

// negative leaves an i32 that says whether the balance is below zero.
func (w *rewriter) negative(b []byte) []byte {
	b = appendU32(append(b, opGlobalGet), w.fuel)
	return append(b, opI64Const, 0, opI64LtS)
}

// refill calls refuel if the balance is below zero.
func (w *rewriter) refill(b []byte) []byte {
	b = w.negative(b)
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
	b = w.refill(b)
	return appendU32(append(b, opLocalGet), local)
}
