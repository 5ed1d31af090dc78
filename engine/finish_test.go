package engine_test

import (
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/internal/testguest"
)

// The caller has the answer at once when a guest answers before its event loop is empty. The rest runs behind it, within the
// invocation's time; only then does the instance serve others.
func TestTheLoopRunsOnBehindTheAnswer(t *testing.T) {
	for _, isolation := range []engine.Isolation{engine.IsolationInstance, engine.IsolationRequest} {
		e, err := engine.New(t.Context(), engine.Config{Guests: []*abi.Guest{testguest.Guest(testguest.New())}})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close(t.Context())
		f := engine.Function{Key: "fn", Runtime: "test", Reserved: -1, Timeout: 10 * time.Second, Isolation: isolation, Code: engine.Zip(zipOf(t, map[string]string{"x": ""}))}
		deploy(t, e, f)
		idle := func() {
			t.Helper()
			for begin := time.Now(); e.Stats().Pool.Idle != e.Stats().Pool.Live; time.Sleep(time.Millisecond) {
				if time.Since(begin) > 20*time.Second {
					t.Fatalf("%+v", e.Stats().Pool)
				}
			}
		}
		call(t, e, testguest.Cmd('c'))
		idle()
		const turns, each = 20, 10 // ms
		if v, r := call(t, e, testguest.Cmd('Q', each, turns)); v != 9 || r.Report.Duration >= turns*each*time.Millisecond {
			t.Errorf("answer %d after %v", v, r.Report.Duration)
		}
		if s := e.Stats().Pool; s.Idle != 0 {
			t.Errorf("an unfinished instance is idle: %+v", s)
		}
		idle()
		want := uint32(abi.TurnResponded)
		if isolation == engine.IsolationRequest {
			want = 0
		}
		if v, _ := call(t, e, testguest.Cmd('r', testguest.AddrFlags)); v != want {
			t.Errorf("flags of the last turn: %d", v)
		}
		// What doesn't end in time costs the instance, and nobody waits for it.
		f.Timeout, f.Revision = 50*time.Millisecond, "short"
		deploy(t, e, f)
		if v, _ := call(t, e, testguest.Cmd('Q', 100_000, 1)); v != 9 {
			t.Errorf("answer %d", v)
		}
		for begin := time.Now(); e.Stats().Pool.Discarded == 0; time.Sleep(time.Millisecond) {
			if time.Since(begin) > 20*time.Second {
				t.Fatalf("%+v", e.Stats().Pool)
			}
		}
		if v, _ := call(t, e, testguest.Cmd('c')); v != 1001 {
			t.Errorf("counter %d", v)
		}
	}
}
