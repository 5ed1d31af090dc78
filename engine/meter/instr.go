package meter

// instr is a decoded instruction, as far as the pass needs it.
type instr struct {
	op    byte
	sub   uint32 // of 0xFC and 0xFD
	index uint32 // function, label, type, segment
	start int    // in the body
	end   int
}

const (
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opUnreachable  = 0x00
	opEnd          = 0x0B
	opBr           = 0x0C
	opBrIf         = 0x0D
	opBrTable      = 0x0E
	opReturn       = 0x0F
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1A
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableSet     = 0x26
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opI32GtU       = 0x4B
	opI32LeU       = 0x4D
	opI64LtS       = 0x53
	opI32Add       = 0x6A
	opI32Sub       = 0x6B
	opI64Add       = 0x7C
	opI64Sub       = 0x7D
	opI64Mul       = 0x7E
	opI64ShrU      = 0x88
	opExtendU      = 0xAD
	opRefFunc      = 0xD2
	opMisc         = 0xFC
	opVector       = 0xFD

	miscMemoryInit = 8
	miscDataDrop   = 9
	miscMemoryCopy = 10
	miscMemoryFill = 11
	miscTableInit  = 12
	miscElemDrop   = 13
	miscTableCopy  = 14
	miscTableGrow  = 15
	miscTableFill  = 17
)

// next decodes one instruction. Labels of br_table are read by the caller (see branchTable).
func (r *reader) next() (in instr) {
	in.start = r.pos
	in.op = r.byte()
	switch op := in.op; {
	case op == opBlock || op == opLoop || op == opIf:
		r.s33()
	case op <= 0x01, op == opElse, op == opEnd, op == opReturn, op == 0x1A, op == 0x1B, op >= 0x45 && op <= 0xC4, op == 0xD1:
	case op == opBr || op == opBrIf || op == opCall || op == opRefFunc || op >= 0x20 && op <= 0x26:
		in.index = r.u32()
	case op == opBrTable:
		for range r.count() {
			r.u32()
		}
		r.u32()
	case op == opCallIndirect:
		in.index = r.u32()
		r.u32()
	case op == 0x1C:
		for range r.count() {
			r.valType()
		}
	case op >= 0x28 && op <= 0x3E:
		r.memoryArgument()
	case op == 0x3F || op == 0x40:
		if r.byte() != 0 {
			r.unsupported("more than one memory")
		}
	case op == 0x41:
		r.i32()
	case op == opI64Const:
		r.i64()
	case op == 0x43:
		r.bytes(4)
	case op == 0x44:
		r.bytes(8)
	case op == 0xD0:
		r.byte()
	case op == opMisc:
		in.sub = r.u32()
		switch {
		case in.sub <= 7:
		case in.sub == miscMemoryInit || in.sub == miscMemoryCopy || in.sub == miscTableInit || in.sub == miscTableCopy:
			in.index = r.u32()
			r.u32()
		case in.sub <= 17:
			in.index = r.u32()
		default:
			r.unsupported("opcode 0xfc %d", in.sub)
		}
	case op == opVector:
		in.sub = r.u32()
		switch s := in.sub; {
		case s <= 11 || s == 92 || s == 93:
			r.memoryArgument()
		case s == 12 || s == 13:
			r.bytes(16)
		case s >= 21 && s <= 34:
			r.byte()
		case s >= 84 && s <= 91:
			r.memoryArgument()
			r.byte()
		case s > 255:
			r.unsupported("opcode 0xfd %d (relaxed vectors)", s)
		}
	default:
		if r.err == nil {
			r.unsupported("opcode 0x%x (exceptions, tail calls, threads and garbage collection are not in the contract)", op)
		}
	}
	in.end = r.pos
	return in
}

// memoryArgument reads an alignment and an offset. Larger alignments are flags of other proposals.
func (r *reader) memoryArgument() {
	if align := r.u32(); align >= 32 {
		r.unsupported("alignment %d (more than one memory)", align)
	}
	r.u32()
}

// charged says whether an instruction takes a length from the top of the stack that has to be paid for.
func (in *instr) charged() bool {
	if in.op != opMisc {
		return in.op == opMemoryGrow
	}
	switch in.sub {
	case miscMemoryInit, miscMemoryCopy, miscMemoryFill, miscTableInit, miscTableCopy, miscTableGrow, miscTableFill:
		return true
	}
	return false
}

// compares says whether an instruction is a comparison of numbers, i32.eqz to f64.ge.
func (in *instr) compares() bool { return in.op >= 0x45 && in.op <= 0x66 }

// mutatesTable is the name of an instruction that changes a table, "" of any other.
func (in *instr) mutatesTable() string {
	switch {
	case in.op == opTableSet:
		return "table.set"
	case in.op != opMisc:
		return ""
	}
	switch in.sub {
	case miscTableInit:
		return "table.init"
	case miscTableCopy:
		return "table.copy"
	case miscTableGrow:
		return "table.grow"
	case miscTableFill:
		return "table.fill"
	}
	return ""
}
