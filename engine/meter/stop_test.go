package meter

import (
	"errors"
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

// A loop without calls keeps its balance in a local. However it is left, what it cost is on the account.
func TestLoopsPayHoweverTheyAreLeft(t *testing.T) {
	h := newHost(t, engines[1].config())
	for name, code := range map[string][]byte{
		"at its end":          {opLoop, 0x40, opEnd, opEnd},
		"by return":           {opLoop, 0x40, opReturn, opEnd, opEnd},
		"by br":               {opBlock, 0x40, opLoop, 0x40, opBr, 1, opEnd, opEnd, opEnd},
		"by br_if":            {opBlock, 0x40, opLoop, 0x40, 0x41, 1, opBrIf, 1, opEnd, opEnd, opEnd},
		"by br_table":         {opBlock, 0x40, opLoop, 0x40, 0x41, 1, opBrTable, 1, 0, 1, opEnd, opEnd, opEnd},
		"by br to the body":   {opLoop, 0x40, opBr, 1, opEnd, opEnd},
		"from an inner loop":  {opLoop, 0x40, opLoop, 0x40, opReturn, opEnd, opEnd, opEnd},
		"from an inner block": {opLoop, 0x40, opBlock, 0x40, opReturn, opEnd, opEnd, opEnd},
	} {
		for trust, cfg := range map[string]Config{"trusted": {Trusted: true}, "untrusted": {}} {
			t.Run(trust+"/"+name, func(t *testing.T) {
				m, err := Rewrite(oneFunction(code...).bytes(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				o, used, err := h.run(m.Wasm, 1000, 0, nil)
				if err != nil || o.Trap != "" || used < 1 || used > 20 {
					t.Errorf("cost %d (%v, %q)", used, err, o.Trap)
				}
			})
		}
	}
}
