package meter

// analysis is what the pass knows of a function before it rewrites it.
type analysis struct {
	locals     uint32   // declared, without parameters
	codeAt     int      // where the instructions begin in the body
	cost       uint32   // of what is outside loops, and of the first rounds that loops don't pay themselves
	loops      []loop   // in the order of their beginnings
	calls      []call   // in the order of their places
	refs       []uint32 // functions whose address is taken
	bulk       bool     // has an instruction charged by length
	tables     string   // the first instruction that changes a table, "" if there is none
	inits      []uint32 // passive data segments that memory.init copies
	drops      []uint32 // data segments that are dropped
	usesGlobal uint32   // highest index of a global used, plus one
}

// loop is what the pass knows of a loop.
type loop struct {
	cost   uint32 // of a round, without what inner loops pay themselves
	calls  bool   // it, or a loop in it, calls or may call refuel otherwise
	parent int    // index of the loop around it, -1 = none
}

// call is what the pass knows of a call.
type call struct {
	target   uint32 // function, whole index space, or type of an indirect call
	indirect bool
	loop     bool // it is in a loop
}

// callsAny says whether a function is no leaf.
func (a *analysis) callsAny() bool { return len(a.calls) > 0 }

// analyse decodes a body once and validates its nesting.
func analyse(body []byte) (*analysis, error) {
	r := &reader{b: body}
	a := &analysis{}
	for range r.count() {
		n := r.u32()
		if a.locals+n < n || a.locals+n > 50_000 {
			r.fail("%d local variables", n)
		}
		a.locals += n
		r.valType()
	}
	a.codeAt = r.pos
	// open is the stack of constructs; loop is the index of the innermost loop at each, -1 outside.
	type construct struct {
		loop int
		isIf bool
	}
	open := []construct{{loop: -1}}
	for len(open) > 0 && r.err == nil {
		in := r.next()
		top := open[len(open)-1]
		if top.loop < 0 {
			a.cost++
		} else {
			a.loops[top.loop].cost++
		}
		switch in.op {
		case opBlock, opIf:
			open = append(open, construct{top.loop, in.op == opIf})
		case opLoop:
			a.loops = append(a.loops, loop{parent: top.loop})
			open = append(open, construct{loop: len(a.loops) - 1})
		case opElse:
			if !top.isIf {
				r.fail("else without if")
			}
			open[len(open)-1].isIf = false
		case opEnd:
			open = open[:len(open)-1]
		case opCall, opCallIndirect:
			a.calls = append(a.calls, call{in.index, in.op == opCallIndirect, top.loop >= 0})
		case opRefFunc:
			a.refs = append(a.refs, in.index)
		case opGlobalGet, opGlobalSet:
			a.usesGlobal = max(a.usesGlobal, in.index+1)
		}
		if in.op == opCall || in.op == opCallIndirect || in.charged() {
			for l := top.loop; l >= 0 && !a.loops[l].calls; l = a.loops[l].parent {
				a.loops[l].calls = true
			}
		}
		a.bulk = a.bulk || in.charged()
		if a.tables == "" {
			a.tables = in.mutatesTable()
		}
		switch {
		case in.op == opMisc && in.sub == miscMemoryInit:
			a.inits = append(a.inits, in.index)
		case in.op == opMisc && in.sub == miscDataDrop:
			a.drops = append(a.drops, in.index)
		}
	}
	if r.err == nil && r.pos != len(body) {
		r.fail("%d bytes after the end of a function", len(body)-r.pos)
	}
	// A loop without calls pays for all rounds but the first (emitter.openAtEnd), which is part of what is around it.
	for i := len(a.loops) - 1; i >= 0; i-- { // inner loops come behind their outer ones
		switch l := a.loops[i]; {
		case l.calls:
		case l.parent < 0:
			a.cost += l.cost
		default:
			a.loops[l.parent].cost += l.cost
		}
	}
	return a, r.err
}
