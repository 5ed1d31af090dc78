package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/thawrun/thaw/engine"
)

// What was inflated of packages and layers counts against the budget, is dropped when memory is short, and comes back when it is
// needed.
func TestContentsOfPackagesAreDropped(t *testing.T) {
	const size, functions, budget = 8 << 20, 12, 96 << 20
	e := newEngine(t, engine.Config{MemoryBudget: budget})
	text := strings.Repeat("0123456789abcdef", size/16)
	code := zipOf(t, map[string]string{"app.py": "def handler(event, context): return len(open('/var/task/big').read()) + len(open('/opt/big').read())", "big": text})
	layer := zipOf(t, map[string]string{"big": text})
	var fetched [functions]atomic.Int64
	most := int64(0)
	for round := range 2 {
		for i := range functions {
			f := engine.Function{
				Key: "fn", Runtime: "python3.13", Handler: "app.handler", Reserved: -1, MemoryMB: 256,
				Code:   func(context.Context) ([]byte, error) { fetched[i].Add(1); return code, nil },
				Layers: func(context.Context) ([][]byte, error) { return [][]byte{layer}, nil },
			}
			f.Key = fmt.Sprint("fn", i)
			if round == 0 {
				deploy(t, e, f)
			}
			var resp engine.Response
			if err := e.Invoke(t.Context(), &engine.Request{Function: f.Key}, &resp); err != nil {
				t.Fatal(err)
			}
			wantPayload(t, &resp, fmt.Sprint(2*size))
			s := e.Stats().Pool
			most = max(most, s.Cached)
			if s.Used > budget {
				t.Fatalf("%d bytes used of %d", s.Used, budget)
			}
		}
	}
	if most < 4*size {
		t.Errorf("at most %d bytes cached: the contents don't count", most)
	}
	if s := e.Stats().Pool; s.Dropped == 0 {
		t.Errorf("nothing dropped: %+v", s)
	}
	again := int64(0)
	for i := range fetched {
		again += fetched[i].Load() - 1
	}
	if again == 0 {
		t.Error("no package was dropped as a whole")
	}
	for i := range functions {
		e.Remove(fmt.Sprint("fn", i))
	}
	if s := e.Stats().Pool; s.Cached > budget/2 {
		t.Errorf("after all are removed: %+v", s)
	}
}
