package queue

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/thawrun/thaw/engine/store"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// script answers executions of each payload with the outcomes given, then with success, and tells of what happened.
type script struct {
	mu       sync.Mutex
	outcomes map[string][]Outcome
	log      []string
	done     chan string // a payload that succeeded or was dropped
}

func newScript(outcomes map[string][]Outcome) *script {
	return &script{outcomes: outcomes, done: make(chan string, 100)}
}

func (s *script) run(_ context.Context, e *store.Event) Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := string(e.Payload)
	s.log = append(s.log, fmt.Sprintf("%s %s attempt %d", e.RequestID, p, e.Attempts))
	if rest := s.outcomes[p]; len(rest) > 0 {
		s.outcomes[p] = rest[1:]
		return rest[0]
	}
	s.done <- p
	return Succeeded
}

func (s *script) dropped(e *store.Event, reason string) { s.done <- "dropped: " + reason }

func event(payload string) *store.Event {
	now := time.Now().UTC()
	return &store.Event{Account: "1", Region: "r", Function: "f", RequestID: "id-" + payload, Accepted: now, Due: now, Payload: []byte(payload)}
}

func newQueue(t *testing.T, st *store.Store, s *script, edit func(*Config)) *Queue {
	t.Helper()
	cfg := Config{Store: st, Run: s.run, Dropped: s.dropped, RetryDelays: []time.Duration{time.Millisecond}, ThrottleDelay: time.Millisecond}
	if edit != nil {
		edit(&cfg)
	}
	q, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func (s *script) want(t *testing.T, outcome string, executions int) {
	t.Helper()
	select {
	case got := <-s.done:
		if got != outcome {
			t.Errorf("%s, want %s", got, outcome)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing happens after %v", s.log)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) != executions {
		t.Errorf("%d executions, want %d: %v", len(s.log), executions, s.log)
	}
	s.log = nil
}

func left(t *testing.T, st *store.Store) (n int) {
	t.Helper()
	if err := st.Events(func(*store.Event) { n++ }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRetries(t *testing.T) {
	st := openStore(t, t.TempDir())
	defer st.Close()
	s := newScript(map[string][]Outcome{"b": {Failed, Failed}, "c": {Failed, Failed, Failed}, "d": {Throttled, Throttled, Throttled, Throttled, Failed, Throttled, Failed}, "e": {Gone}, "f": {Failed}})
	retries := 2
	q := newQueue(t, st, s, func(c *Config) { c.Rules = func(*store.Event) Rules { return Rules{retries, time.Hour} } })
	add := func(payload string) {
		t.Helper()
		if err := q.Add(t.Context(), event(payload)); err != nil {
			t.Fatal(err)
		}
	}
	add("a")
	s.want(t, "a", 1)
	add("b")
	s.want(t, "b", 3) // two retries, the last successful
	add("c")
	s.want(t, "dropped: RetriesExhausted", 3)
	add("d")
	s.want(t, "d", 8) // being throttled is no attempt
	add("e")
	s.want(t, "dropped: FunctionNotFound", 1)
	q.Close()
	if n := left(t, st); n != 0 {
		t.Errorf("%d events are left", n)
	}
	retries = 0
	q = newQueue(t, st, s, func(c *Config) { c.Rules = func(*store.Event) Rules { return Rules{0, time.Hour} } })
	add("f")
	s.want(t, "dropped: RetriesExhausted", 1)
	q.Close()
	if err := q.Add(t.Context(), event("g")); err != ErrClosed {
		t.Errorf("after the end: %v", err)
	}
}

func TestAge(t *testing.T) {
	st := openStore(t, t.TempDir())
	defer st.Close()
	throttled := make([]Outcome, 1000)
	for i := range throttled {
		throttled[i] = Throttled
	}
	s := newScript(map[string][]Outcome{"never": throttled})
	q := newQueue(t, st, s, func(c *Config) { c.Rules = func(*store.Event) Rules { return Rules{2, 50 * time.Millisecond} } })
	defer q.Close()
	if err := q.Add(t.Context(), event("never")); err != nil {
		t.Fatal(err)
	}
	if got := <-s.done; got != "dropped: EventAgeExceeded" {
		t.Errorf("%s after %v", got, s.log)
	}
}

func TestRestartGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	st := openStore(t, dir)
	s := newScript(map[string][]Outcome{"x": {Failed, Stopped}, "y": {Stopped}})
	q := newQueue(t, st, s, nil)
	for _, p := range []string{"x", "y"} {
		if err := q.Add(t.Context(), event(p)); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		n := len(s.log)
		s.mu.Unlock()
		if n == 3 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(s.log)
		}
	}
	q.Close()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st = openStore(t, dir)
	defer st.Close()
	again := newScript(nil)
	q = newQueue(t, st, again, nil)
	got := map[string]bool{<-again.done: true, <-again.done: true}
	q.Close()
	if !got["x"] || !got["y"] || left(t, st) != 0 {
		t.Errorf("%v, %d left", got, left(t, st))
	}
	seen := map[string]bool{}
	for _, l := range again.log {
		seen[l] = true
	}
	if !seen["id-x x attempt 1"] || !seen["id-y y attempt 0"] { // the same request id; the attempt before counts
		t.Errorf("%v", again.log)
	}
}

func TestWorkersAndRoom(t *testing.T) {
	st := openStore(t, t.TempDir())
	defer st.Close()
	release := make(chan struct{})
	var mu sync.Mutex
	running, most := 0, 0
	q, err := New(Config{Store: st, Workers: 3, MaxEvents: 5, Run: func(context.Context, *store.Event) Outcome {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		<-release
		mu.Lock()
		running--
		mu.Unlock()
		return Succeeded
	}})
	if err != nil {
		t.Fatal(err)
	}
	full := 0
	for i := range 20 {
		if err := q.Add(t.Context(), event(fmt.Sprint(i))); err == ErrFull {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
		if i == 2 { // let the first three begin
			for q.Stats().Running < 3 {
				time.Sleep(time.Millisecond)
			}
		}
	}
	if full != 12 {
		t.Errorf("%d refused: 3 run and 5 wait", full)
	}
	close(release)
	for q.Stats() != (Stats{}) {
		time.Sleep(time.Millisecond)
	}
	q.Close()
	if most != 3 || left(t, st) != 0 {
		t.Errorf("%d at once, %d left", most, left(t, st))
	}
}
