// Package cpu shares processor time among guests.
//
// A guest runs only while its Task holds one of the scheduler's tokens; there are as many tokens as processors. Guests come
// by at every refuel (some 100 µs apart), so a token changes hands in bounded time and code that is not a guest (the HTTP
// server, the garbage collector) finds a processor as soon as the program grants the Go scheduler more Ps than there are
// tokens.
//
// Two rules exist. Shared: while tokens are contended, time is given in proportion to a task's weight; an uncontended task
// is never slowed. Proportional: Lambda's own rule, in which a task's share of a processor follows from its memory (1,792 MB
// is one processor) even on an idle machine; it is enforced as a budget per period, so that a short invocation is
// not delayed.
//
// Lock order: Scheduler.mu is a leaf; nothing is called while it is held.
package cpu

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// Mode is a rule of sharing.
type Mode uint8

const (
	Shared Mode = iota
	Proportional
)

const (
	// quantum is how long a task keeps a contended token, in running time.
	quantum = time.Millisecond
	// period is the interval over which a proportional task's share is granted.
	period = 20 * time.Millisecond
	// mbPerProcessor is the memory that entitles to one whole processor (AWS, "Configure Lambda function memory").
	mbPerProcessor = 1792
	// referenceMB has weight 1.
	referenceMB = 128
)

// ErrDeadline is returned when a task's deadline passes while it waits for a processor.
var ErrDeadline = errors.New("deadline passed while waiting for a processor")

// Scheduler hands out tokens. The zero value is not usable; see New.
type Scheduler struct {
	mode   Mode
	tokens int

	mu      sync.Mutex
	running int
	queue   waitQueue
	clock   float64 // virtual time: the least a runnable task has consumed
}

// New makes a scheduler for n processors, at least one.
func New(mode Mode, n int) *Scheduler { return &Scheduler{mode: mode, tokens: max(n, 1)} }

// Task is one running guest. It is used by one goroutine at a time and may be reused for the next invocation.
type Task struct {
	s        *Scheduler
	weight   float64
	share    float64 // of one processor; used in Proportional mode
	used     float64 // virtual time, seconds / weight
	since    time.Time
	held     bool
	deadline time.Time

	thread    int           // that it ran on at since, and that thread's time then; proportional mode only
	threadRan time.Duration // negative = not known

	periodStart time.Time
	periodUsed  time.Duration
	total       time.Duration

	turn  chan struct{} // a token was handed over
	index int           // in the queue, -1 = not in it
}

// Task makes a task for a function with this much memory.
func (s *Scheduler) Task(memoryMB int) *Task {
	if memoryMB <= 0 {
		memoryMB = referenceMB
	}
	return &Task{
		s: s, weight: float64(memoryMB) / referenceMB, share: min(1, float64(memoryMB)/mbPerProcessor), turn: make(chan struct{}, 1), index: -1,
	}
}

// Begin waits for a processor. It fails when ctx ends or the deadline passes first.
func (t *Task) Begin(ctx context.Context, deadline time.Time) error {
	t.deadline, t.total = deadline, 0
	t.s.mu.Lock()
	// A task that was idle doesn't bring along credit from the time in which it did nothing.
	t.used = max(t.used, t.s.clock)
	return t.acquireLocked(ctx)
}

// acquireLocked is entered with the lock and leaves without it.
func (t *Task) acquireLocked(ctx context.Context) error {
	s := t.s
	if s.running < s.tokens && len(s.queue) == 0 {
		s.running++
		s.mu.Unlock()
		t.start()
		return nil
	}
	heap.Push(&s.queue, t)
	s.mu.Unlock()

	timer := time.NewTimer(time.Until(t.deadline))
	defer timer.Stop()
	select {
	case <-t.turn:
		t.start()
		return nil
	case <-ctx.Done():
		t.leave()
		return context.Cause(ctx)
	case <-timer.C:
		t.leave()
		return ErrDeadline
	}
}

func (t *Task) start() {
	t.held = true
	t.since = time.Now()
	if t.s.mode == Proportional {
		t.mark()
		if t.since.Sub(t.periodStart) > period {
			t.periodStart, t.periodUsed = t.since, 0
		}
	}
}

// mark remembers the thread's clock.
func (t *Task) mark() {
	var ok bool
	if t.thread, t.threadRan, ok = threadTime(); !ok {
		t.threadRan = -1
	}
}

// ran is how long the task ran since the last mark, given the wall time: on one thread that thread's time, else wall time.
func (t *Task) ran(wall time.Duration) time.Duration {
	thread, before := t.thread, t.threadRan
	t.mark()
	if before < 0 || t.threadRan < before || thread != t.thread {
		return wall
	}
	return min(wall, t.threadRan-before)
}

// leave gives up waiting. A token that was handed over meanwhile is passed on.
func (t *Task) leave() {
	s := t.s
	s.mu.Lock()
	if t.index >= 0 {
		heap.Remove(&s.queue, t.index)
		s.mu.Unlock()
		return
	}
	<-t.turn
	s.passLocked()
	s.mu.Unlock()
}

// passLocked gives the caller's token to the first in the queue, or back.
func (s *Scheduler) passLocked() {
	if len(s.queue) == 0 {
		s.running--
		return
	}
	next := heap.Pop(&s.queue).(*Task)
	s.clock = max(s.clock, next.used)
	next.turn <- struct{}{}
}

// Tick is called by a running guest at every refuel. It may give the processor to others and return when it is this task's
// turn again. An error means that the invocation must end; the task then holds no processor.
func (t *Task) Tick(ctx context.Context) error {
	now := time.Now()
	ran := now.Sub(t.since)
	if t.s.mode == Proportional && t.share < 1 {
		return t.pace(ctx, now, t.ran(ran))
	}
	if ran < quantum {
		return nil
	}
	s := t.s
	s.mu.Lock()
	t.chargeLocked(now, ran)
	if len(s.queue) == 0 || s.queue[0].used > t.used {
		s.mu.Unlock()
		return nil
	}
	t.held = false
	s.passLocked()
	return t.acquireLocked(ctx)
}

func (t *Task) chargeLocked(now time.Time, ran time.Duration) {
	t.used += ran.Seconds() / t.weight
	t.total += ran
	t.since = now
	if len(t.s.queue) == 0 {
		t.s.clock = max(t.s.clock, t.used)
	}
}

// pace enforces a share of less than one processor.
func (t *Task) pace(ctx context.Context, now time.Time, ran time.Duration) error {
	budget := time.Duration(t.share * float64(period))
	s := t.s
	s.mu.Lock()
	t.chargeLocked(now, ran)
	t.periodUsed += ran
	if t.periodUsed < budget {
		if len(s.queue) == 0 || ran < quantum && s.queue[0].used > t.used {
			s.mu.Unlock()
			return nil
		}
		t.held = false
		s.passLocked()
		return t.acquireLocked(ctx)
	}
	t.held = false
	s.passLocked()
	s.mu.Unlock()

	// What was used beyond the budget is owed to the following periods.
	pause := time.Duration(float64(t.periodUsed)/t.share) - now.Sub(t.periodStart)
	if pause > 0 {
		if err := t.sleep(ctx, pause); err != nil {
			return err
		}
	}
	t.periodStart, t.periodUsed = time.Now(), 0
	s.mu.Lock()
	return t.acquireLocked(ctx)
}

func (t *Task) sleep(ctx context.Context, d time.Duration) error {
	left := time.Until(t.deadline)
	timer := time.NewTimer(min(d, left))
	defer timer.Stop()
	select {
	case <-timer.C:
		if left < d {
			return ErrDeadline
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Pause gives the processor up before a host call that blocks; Resume takes one again after it.
func (t *Task) Pause() { t.End() }

// Resume takes a processor again after Pause.
func (t *Task) Resume(ctx context.Context) error {
	t.s.mu.Lock()
	t.used = max(t.used, t.s.clock)
	return t.acquireLocked(ctx)
}

// End gives the processor up. It does nothing if the task holds none.
func (t *Task) End() {
	if !t.held {
		return
	}
	now := time.Now()
	t.held = false
	s := t.s
	s.mu.Lock()
	ran := now.Sub(t.since)
	if s.mode == Proportional {
		ran = t.ran(ran)
	}
	t.chargeLocked(now, ran)
	t.periodUsed += ran
	s.passLocked()
	s.mu.Unlock()
}

// Ran is the running time since Begin, up to the last Tick, Pause or End.
func (t *Task) Ran() time.Duration { return t.total }

// waitQueue orders waiting tasks by virtual time.
type waitQueue []*Task

func (q waitQueue) Len() int           { return len(q) }
func (q waitQueue) Less(i, j int) bool { return q[i].used < q[j].used }
func (q waitQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].index, q[j].index = i, j }
func (q *waitQueue) Push(x any)        { t := x.(*Task); t.index = len(*q); *q = append(*q, t) }
func (q *waitQueue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	t.index = -1
	return t
}
