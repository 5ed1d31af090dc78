package meter

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What never ends by itself comes to refuel again and again, and ends when refuel panics; the caller gets refuel's error.
// Only a trusted module that goes on through calls alone ends otherwise, in a trap: its entry checks don't call refuel.
func TestEndlessCodeReachesRefuel(t *testing.T) {
	const pop = 0x1A
	// Bodies are those of function 0, of type () -> (), unless a case sets up more. Type 1 is (i32) -> (i32).
	cases := map[string]func() wasmModule{
		"empty loop":        func() wasmModule { return oneFunction(opLoop, 0x40, opBr, 0, opEnd, opEnd) },
		"conditional loop":  func() wasmModule { return oneFunction(opLoop, 0x40, 0x41, 1, opBrIf, 0, opEnd, opEnd) },
		"loop by br_table":  func() wasmModule { return oneFunction(opLoop, 0x40, 0x41, 9, opBrTable, 2, 0, 0, 0, opEnd, opEnd) },
		"loop by parameter": func() wasmModule { return oneFunction(0x41, 1, opLoop, 1, opBr, 0, opEnd, pop, opEnd) },
		"branch from a block in a loop": func() wasmModule {
			return oneFunction(opLoop, 0x40, opBlock, 0x40, opBr, 1, opEnd, opEnd, opEnd)
		},
		"branch from an inner loop to the outer": func() wasmModule {
			return oneFunction(opLoop, 0x40, opLoop, 0x40, opBr, 1, opEnd, opEnd, opEnd)
		},
		"branch in an else": func() wasmModule {
			return oneFunction(opLoop, 0x40, 0x41, 0, opIf, 0x40, opElse, opBr, 1, opEnd, opEnd, opEnd)
		},
		"loop that fills memory": func() wasmModule {
			return oneFunction(opLoop, 0x40, 0x41, 0, 0x41, 0, 0x41, 8, opMisc, miscMemoryFill, 0, opBr, 0, opEnd, opEnd)
		},
		"loop that calls a leaf": func() wasmModule {
			m := oneFunction(opLoop, 0x40, opCall, 1, opBr, 0, opEnd, opEnd)
			m.funcs, m.code = append(m.funcs, 0), append(m.code, []byte{0, opEnd})
			return m
		},
		"recursion": func() wasmModule { return oneFunction(opCall, 0, opEnd) },
		"recursion of three": func() wasmModule {
			m := oneFunction(opCall, 1, opEnd)
			m.funcs = []uint32{0, 0, 0}
			m.code = append(m.code, []byte{0, opCall, 2, opEnd}, []byte{0, opCall, 0, opEnd})
			return m
		},
		"recursion beside recursion": func() wasmModule {
			m := oneFunction(opCall, 1, opEnd)
			m.funcs = []uint32{0, 0, 0}
			m.code = append(m.code, []byte{0, opCall, 1, opCall, 2, opEnd}, []byte{0, opCall, 1, opCall, 0, opEnd})
			return m
		},
		"recursion through the table": func() wasmModule {
			m := oneFunction(0x41, 0, opCallIndirect, 0, 0, opEnd)
			m.elems = [][]byte{{0, 0x41, 0, opEnd, 1, 0}}
			return m
		},
		"recursion through the table by an equal type": func() wasmModule {
			m := oneFunction(0x41, 0, opCallIndirect, 3, 0, opEnd)
			m.types = append(m.types, funcType{})
			m.elems = [][]byte{{4, 0x41, 0, opEnd, 1, opRefFunc, 0, opEnd}}
			return m
		},
		"recursion through a table that code fills": func() wasmModule {
			m := oneFunction(0x41, 0, opRefFunc, 0, opTableSet, 0, 0x41, 0, opCallIndirect, 0, 0, opEnd)
			m.elems = [][]byte{{3, 0, 1, 0}} // declares the function
			return m
		},
		"recursion through a reference in a global": func() wasmModule {
			m := oneFunction(0x41, 0, opGlobalGet, 0, opTableSet, 0, 0x41, 0, opCallIndirect, 0, 0, opEnd)
			m.globals = [][]byte{{refFunc, 0, opRefFunc, 0, opEnd}}
			return m
		},
	}
	for _, e := range engines {
		h := newHost(t, e.config())
		for name, build := range cases {
			for trust, cfg := range map[string]Config{"trusted": {Trusted: true}, "untrusted": {}} {
				t.Run(e.name+"/"+trust+"/"+name, func(t *testing.T) {
					m, err := Rewrite(build().bytes(), cfg)
					if err != nil {
						t.Fatal(err)
					}
					o, _, err := h.run(m.Wasm, CostCap, 20, nil)
					if recursive := strings.Contains(name, "recursion"); recursive && m.Stats.EntryChecks == 0 {
						t.Fatal("nobody pays for the recursion")
					} else if recursive && cfg.Trusted {
						if err != nil || o.Trap == "" {
							t.Fatalf("ended with %v, %q, want a trap", err, o.Trap)
						}
						return
					}
					if !errors.Is(err, errSpent) {
						t.Fatalf("ended with %v, want the error of refuel", err)
					}
				})
			}
		}
	}
}

// Recursion that is never deep, but branches, would go on for ages: f(n) calls f(n-1) twice.
func TestBranchingRecursionEnds(t *testing.T) {
	m := oneFunction(0x41, 40, opCall, 1, opEnd)
	m.funcs = append(m.funcs, 2)
	half := []byte{opLocalGet, 0, 0x41, 1, 0x6B, opCall, 1}
	m.code = append(m.code, cat([]byte{0, opLocalGet, 0, opIf, 0x40}, half, half, []byte{opEnd, opEnd}))
	for _, e := range engines {
		h := newHost(t, e.config())
		for trust, cfg := range map[string]Config{"trusted": {Trusted: true}, "untrusted": {}} {
			t.Run(e.name+"/"+trust, func(t *testing.T) {
				out, err := Rewrite(m.bytes(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				if o, _, err := h.run(out.Wasm, 1000, 1000, nil); o.Trap == "" && !errors.Is(err, errSpent) {
					t.Fatalf("ended with %v", err)
				}
			})
		}
	}
}

// Bulk operations pay by their length, even without a loop.
func TestBulkOperationsPayByLength(t *testing.T) {
	fill := func(size int32) wasmModule {
		code := cat([]byte{0x41, 0, 0x41, 0, 0x41}, appendSigned(nil, int64(size)), []byte{opMisc, miscMemoryFill, 0, opEnd})
		return oneFunction(code...)
	}
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			h := newHost(t, e.config())
			for size, want := range map[int32]int64{0: 0, 63: 0, 64: 1, 65536: 1024} {
				m, err := Rewrite(fill(size).bytes(), Config{})
				if err != nil {
					t.Fatal(err)
				}
				if _, used, err := h.run(m.Wasm, 1<<40, 0, nil); err != nil || used != want {
					t.Errorf("filling %d bytes costs %d (%v), want %d", size, used, err, want)
				}
			}
		})
	}
}

// However a loop is left, what its rounds cost is on the account: each round in a loop that calls, each but the first in
// another.
func TestLoopsPayHoweverTheyAreLeft(t *testing.T) {
	const rounds = 5
	h := newHost(t, engines[1].config())
	for name, c := range map[string]struct{ before, leave, after []byte }{
		"at its end":          {after: []byte{opEnd}},
		"by return":           {leave: []byte{opReturn}, after: []byte{opEnd}},
		"by br":               {[]byte{opBlock, 0x40}, []byte{opBr, 1}, []byte{opEnd, opEnd}},
		"by br_if":            {[]byte{opBlock, 0x40}, []byte{0x41, 1, opBrIf, 1}, []byte{opEnd, opEnd}},
		"by br_table":         {[]byte{opBlock, 0x40}, []byte{0x41, 1, opBrTable, 1, 0, 1}, []byte{opEnd, opEnd}},
		"by br to the body":   {leave: []byte{opBr, 1}, after: []byte{opEnd}},
		"from an inner loop":  {leave: []byte{opLoop, 0x40, opReturn, opEnd}, after: []byte{opEnd}},
		"from an inner block": {leave: []byte{opBlock, 0x40, opReturn, opEnd}, after: []byte{opEnd}},
		"by a trap":           {leave: []byte{opUnreachable}, after: []byte{opEnd}},
	} {
		for _, calls := range []bool{false, true} {
			for trust, cfg := range map[string]Config{"trusted": {Trusted: true}, "untrusted": {}} {
				t.Run(fmt.Sprintf("%s/calls %v/%s", trust, calls, name), func(t *testing.T) {
					// loop: local 0 += 1; if it is less than rounds, again; leave
					round := []byte{opLocalGet, 0, 0x41, 1, 0x6A, opLocalTee, 0, 0x41, rounds, 0x48, opBrIf, 0}
					if calls {
						round = append([]byte{opCall, 1}, round...)
					}
					m := oneFunction()
					m.funcs = append(m.funcs, 0)
					m.code = [][]byte{cat([]byte{1, 1, valI32}, c.before, []byte{opLoop, 0x40}, round, c.leave, c.after, []byte{opEnd}), {0, opEnd}}
					out, err := Rewrite(m.bytes(), cfg)
					if err != nil {
						t.Fatal(err)
					}
					paid := int64(rounds - 1)
					if calls {
						paid = rounds
					}
					o, used, err := h.run(out.Wasm, 1000, 0, nil)
					if err != nil || (o.Trap != "") != (name == "by a trap") || used < paid*7 || used > rounds*20 {
						t.Errorf("cost %d (%v, %q)", used, err, o.Trap)
					}
				})
			}
		}
	}
}

// In an untrusted module a long function is paid for even if it calls nothing and has no loop: calling it in a loop would
// else do a lot for little.
func TestLongLeavesPay(t *testing.T) {
	m := oneFunction(opCall, 1, opEnd)
	m.funcs = append(m.funcs, 0)
	m.code = append(m.code, append(append([]byte{0}, bytes.Repeat([]byte{0x01}, 5000)...), opEnd))
	out, err := Rewrite(m.bytes(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, engines[1].config())
	if _, used, err := h.run(out.Wasm, 1<<20, 0, nil); err != nil || used < 5000 {
		t.Errorf("cost %d (%v)", used, err)
	}
}

// Rounds of an outer loop pay for the first rounds of inner loops, and so on outwards.
func TestFirstRoundsArePaidOutside(t *testing.T) {
	const rounds, long = 10, 500
	// loop: loop: loop: long code, end, end; local 0 += 1; if it is less than rounds, again
	code := cat([]byte{1, 1, valI32, opLoop, 0x40, opLoop, 0x40, opLoop, 0x40}, bytes.Repeat([]byte{0x01}, long),
		[]byte{opEnd, opEnd, opLocalGet, 0, 0x41, 1, 0x6A, opLocalTee, 0, 0x41, rounds, 0x48, opBrIf, 0, opEnd, opEnd})
	m := oneFunction()
	m.code = [][]byte{code}
	out, err := Rewrite(m.bytes(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, engines[1].config())
	if _, used, err := h.run(out.Wasm, 1<<20, 0, nil); err != nil || used < rounds*long || used > rounds*(long+30) {
		t.Errorf("cost %d (%v)", used, err)
	}
}
