package cpu

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func forever() time.Time { return time.Now().Add(time.Hour) }

func TestTokensBoundTheNumberOfRunningTasks(t *testing.T) {
	s := New(Shared, 2)
	var running, most atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			task := s.Task(128)
			for range 20 {
				if err := task.Begin(context.Background(), forever()); err != nil {
					t.Error(err)
					return
				}
				n := running.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				running.Add(-1)
				task.End()
			}
		})
	}
	wg.Wait()
	if m := most.Load(); m > 2 {
		t.Errorf("%d tasks ran at once with 2 tokens", m)
	}
	if s.running != 0 || len(s.queue) != 0 {
		t.Errorf("%d tokens out, %d tasks queued at the end", s.running, len(s.queue))
	}
}

func TestAWaitingTaskEndsWithItsContextOrDeadline(t *testing.T) {
	s := New(Shared, 1)
	holder := s.Task(128)
	if err := holder.Begin(context.Background(), forever()); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("caller gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(gone)
	if err := s.Task(128).Begin(ctx, forever()); !errors.Is(err, gone) {
		t.Errorf("cancelled: %v", err)
	}
	if err := s.Task(128).Begin(context.Background(), time.Now().Add(time.Millisecond)); !errors.Is(err, ErrDeadline) {
		t.Errorf("expired: %v", err)
	}
	holder.End()
	next := s.Task(128)
	if err := next.Begin(context.Background(), forever()); err != nil {
		t.Fatalf("the token was lost: %v", err)
	}
	next.End()
}

// The virtual clock decides, not wall time: the test drives it by hand.
func TestContendedTimeFollowsWeights(t *testing.T) {
	s := New(Shared, 1)
	small, large := s.Task(128), s.Task(512)
	got := map[*Task]int{}
	small.index, large.index = -1, -1
	s.queue.Push(small)
	s.queue.Push(large)
	for range 500 {
		next := s.queue[0]
		for _, q := range s.queue {
			if q.used < next.used {
				next = q
			}
		}
		got[next]++
		s.mu.Lock()
		next.chargeLocked(time.Now(), quantum)
		s.mu.Unlock()
	}
	if small, large := got[small], got[large]; large < 4*small-4 || large > 4*small+4 {
		t.Errorf("128 MB got %d quanta, 512 MB %d; want 1 : 4", small, large)
	}
}

func TestPauseLetsAnotherRun(t *testing.T) {
	s := New(Shared, 1)
	a, b := s.Task(128), s.Task(128)
	ctx := context.Background()
	if err := a.Begin(ctx, forever()); err != nil {
		t.Fatal(err)
	}
	a.Pause()
	if err := b.Begin(ctx, forever()); err != nil {
		t.Fatal(err)
	}
	b.End()
	if err := a.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	a.End()
	if s.running != 0 {
		t.Errorf("%d tokens out", s.running)
	}
}

func TestProportionalTaskSleepsOffWhatItUsed(t *testing.T) {
	s := New(Proportional, 1)
	task := s.Task(896) // half a processor
	if err := task.Begin(context.Background(), forever()); err != nil {
		t.Fatal(err)
	}
	task.since = task.since.Add(-period) // as if it had run for a whole period
	task.periodStart, task.threadRan = task.since, -1
	begin := time.Now()
	if err := task.Tick(context.Background()); err != nil {
		t.Fatal(err)
	}
	if slept := time.Since(begin); slept < period/2 {
		t.Errorf("slept %v after running %v at a share of one half", slept, period)
	}
	task.End()
}

func TestProportionalSleepEndsAtTheDeadline(t *testing.T) {
	s := New(Proportional, 1)
	task := s.Task(128)
	if err := task.Begin(context.Background(), time.Now().Add(5*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	task.since = task.since.Add(-time.Minute)
	task.periodStart, task.threadRan = task.since, -1
	if err := task.Tick(context.Background()); !errors.Is(err, ErrDeadline) {
		t.Errorf("got %v", err)
	}
	task.End()
	if s.running != 0 {
		t.Errorf("%d tokens out", s.running)
	}
}
