package meter

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A rewritten module does what the original does: same results, traps, host calls in the same order, same memory and
// globals, on both engines, trusted or not, and however often it has to ask for fuel.
func TestRewrittenModulesBehaveLikeTheOriginal(t *testing.T) {
	var hosts []*host
	for _, e := range engines {
		hosts = append(hosts, newHost(t, e.config()))
	}
	variants := []struct {
		name   string
		config Config
	}{
		{"unmetered", Config{Unmetered: true}},
		{"trusted", Config{Trusted: true}},
		{"untrusted", Config{}},
	}
	rapid.Check(t, func(t *rapid.T) {
		wasm := generate(t)
		arg := uint64(rapid.Uint32Range(0, 20).Draw(t, "argument"))
		want, _, err := hosts[0].run(wasm, 0, 0, genGlobals, arg, 3)
		if err != nil {
			t.Fatalf("the original: %v", err)
		}
		for _, v := range variants {
			m, err := Rewrite(wasm, v.config)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Snapshotable {
				t.Fatalf("not snapshotable: %v", m.Reasons)
			}
			var spent [2]int64 // by the size of the slice
			for i, slice := range []int64{CostCap, 1 << 40} {
				for k, h := range hosts {
					got, used, err := h.run(m.Wasm, slice, 0, genGlobals, arg, 3)
					if err != nil {
						t.Fatalf("%s on the %s, slices of %d: %v", v.name, engines[k].name, slice, err)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("%s on the %s, slices of %d (-original +rewritten):\n%s", v.name, engines[k].name, slice, diff)
					}
					if k == 0 {
						spent[i] = used
					} else if used != spent[i] {
						t.Fatalf("%s, slices of %d: the compiler spends %d, the interpreter %d", v.name, slice, spent[i], used)
					}
					if v.config.Unmetered {
						continue
					}
					if used < 0 {
						t.Fatalf("%s on the %s: %d spent", v.name, engines[k].name, used)
					}
				}
			}
			// What is spent depends on what was done, not on how it was bought.
			if spent[0] != spent[1] {
				t.Fatalf("%s: %d spent in small slices, %d in a big one", v.name, spent[0], spent[1])
			}
		}
	})
}

func TestOutputIsDeterministic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wasm := generate(t)
		before := bytes.Clone(wasm)
		for _, cfg := range []Config{{}, {Trusted: true, LiftData: true}, {Unmetered: true}} {
			first, err := Rewrite(wasm, cfg)
			if err != nil {
				t.Fatal(err)
			}
			second, err := Rewrite(bytes.Clone(wasm), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first.Wasm, second.Wasm) || !bytes.Equal(first.Image, second.Image) {
				t.Fatalf("two outputs for one module with %+v", cfg)
			}
		}
		if !bytes.Equal(before, wasm) {
			t.Fatal("the input was changed")
		}
	})
}
