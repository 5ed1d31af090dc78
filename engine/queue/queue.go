package queue

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/thawrun/thaw/engine/store"
)

// ErrFull means that no more events are accepted until some are done with.
var ErrFull = errors.New("too many events are waiting")

// ErrClosed means that the queue is closed.
var ErrClosed = errors.New("queue closed")

// Outcome is what became of an execution.
type Outcome uint8

const (
	Succeeded Outcome = iota
	Failed            // the function failed: counts as an attempt
	Throttled         // the function was not executed; it may be later
	Gone              // the function isn't there any more: the event is dropped
	Stopped           // the server stops: the event stays as it is
)

// Rules are a function's own for its events.
type Rules struct {
	Retries int           // after the first attempt
	MaxAge  time.Duration // since the event was accepted
}

// DefaultRules are Lambda's: two retries, six hours.
func DefaultRules() Rules { return Rules{2, 6 * time.Hour} }

// Config configures a Queue. Store and Run are needed.
type Config struct {
	Store *store.Store
	// Run executes an event, whose payload is there. It returns when the execution has ended.
	Run func(ctx context.Context, e *store.Event) Outcome
	// Rules returns those of an event's function; nil = DefaultRules for all.
	Rules func(e *store.Event) Rules
	// Dropped is told of events that are given up, and why; may be nil.
	Dropped func(e *store.Event, reason string)

	Workers   int // executions at once; 0 means 100
	MaxEvents int // that wait at once; 0 means 100,000
	// RetryDelays are the pauses before the second execution, the third and so on, the last for all that follow; nil means one
	// minute and two minutes, as in Lambda.
	RetryDelays []time.Duration
	// ThrottleDelay is the pause after an event was first not admitted. It doubles each time, up to five minutes. 0 means 1 s.
	ThrottleDelay time.Duration
	Logger        *slog.Logger
}

// maxThrottleDelay bounds the pauses of events that are not admitted (AWS, "Asynchronous invocation": up to five minutes).
const maxThrottleDelay = 5 * time.Minute

// Queue executes events. Its methods may be called by many goroutines at once.
type Queue struct {
	cfg Config

	mu      sync.Mutex
	waiting events // by when they are due
	running int
	closed  bool

	wake    chan struct{} // capacity 1
	stop    context.CancelFunc
	workers sync.WaitGroup
}

// New makes a queue and goes on with what the store has.
func New(cfg Config) (*Queue, error) {
	if cfg.Workers <= 0 {
		cfg.Workers = 100
	}
	if cfg.MaxEvents <= 0 {
		cfg.MaxEvents = 100_000
	}
	if len(cfg.RetryDelays) == 0 {
		cfg.RetryDelays = []time.Duration{time.Minute, 2 * time.Minute}
	}
	if cfg.ThrottleDelay <= 0 {
		cfg.ThrottleDelay = time.Second
	}
	if cfg.Rules == nil {
		cfg.Rules = func(*store.Event) Rules { return DefaultRules() }
	}
	if cfg.Dropped == nil {
		cfg.Dropped = func(*store.Event, string) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	q := &Queue{cfg: cfg, wake: make(chan struct{}, 1)}
	if err := cfg.Store.Events(func(e *store.Event) { q.waiting = append(q.waiting, e) }); err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	heap.Init(&q.waiting)
	ctx, stop := context.WithCancel(context.Background())
	q.stop = stop
	q.workers.Go(func() { q.dispatch(ctx) })
	return q, nil
}

// Add accepts an event: when it returns nil the event is on disk and will be executed.
func (q *Queue) Add(ctx context.Context, e *store.Event) error {
	q.mu.Lock()
	switch {
	case q.closed:
		q.mu.Unlock()
		return ErrClosed
	case len(q.waiting) >= q.cfg.MaxEvents:
		q.mu.Unlock()
		return ErrFull
	}
	q.mu.Unlock()
	if err := q.cfg.Store.AppendEvent(ctx, e); err != nil {
		return err
	}
	head := *e
	head.Payload = nil // read again when it is its turn
	q.put(&head)
	return nil
}

func (q *Queue) put(e *store.Event) {
	q.mu.Lock()
	heap.Push(&q.waiting, e)
	first := q.waiting[0] == e
	q.mu.Unlock()
	if first {
		q.poke()
	}
}

func (q *Queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// dispatch starts the execution of whatever is due.
func (q *Queue) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		pause := time.Hour
		q.mu.Lock()
		for len(q.waiting) > 0 && q.running < q.cfg.Workers && !q.closed {
			if pause = time.Until(q.waiting[0].Due); pause > 0 {
				break
			}
			e := heap.Pop(&q.waiting).(*store.Event)
			q.running++
			q.workers.Go(func() {
				q.execute(ctx, e)
				q.mu.Lock()
				q.running--
				q.mu.Unlock()
				q.poke()
			})
		}
		q.mu.Unlock()
		timer.Reset(max(pause, time.Millisecond))
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-timer.C:
		}
	}
}

// execute runs an event once and decides what becomes of it. Its changes to the store are made even while the queue is closed.
func (q *Queue) execute(ctx context.Context, head *store.Event) {
	rules := q.cfg.Rules(head)
	if time.Since(head.Accepted) > rules.MaxAge {
		q.drop(head, "EventAgeExceeded")
		return
	}
	e, err := q.cfg.Store.Event(head.ID)
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) {
			q.cfg.Logger.Error("event can't be read", "event", head.ID, "function", head.Function, "error", err)
		}
		return // an unreadable one is kept for whoever repairs it; the next start tries again
	}
	e.Throttles = head.Throttles
	switch q.cfg.Run(ctx, e) {
	case Succeeded:
		q.forget(e)
	case Gone:
		q.drop(e, "FunctionNotFound")
	case Stopped:
	case Failed:
		e.Attempts++
		if e.Attempts > rules.Retries {
			q.drop(e, "RetriesExhausted")
			return
		}
		e.Due = time.Now().Add(q.cfg.RetryDelays[min(e.Attempts, len(q.cfg.RetryDelays))-1]).UTC()
		if err := q.cfg.Store.PutEvent(context.WithoutCancel(ctx), e); err != nil {
			q.cfg.Logger.Error("attempt not recorded", "event", e.ID, "error", err)
		}
		q.again(e)
	case Throttled:
		e.Throttles++
		pause := min(q.cfg.ThrottleDelay<<min(e.Throttles-1, 20), maxThrottleDelay)
		e.Due = time.Now().Add(pause).UTC()
		if expiry := e.Accepted.Add(rules.MaxAge); e.Due.After(expiry) {
			e.Due = expiry.Add(time.Millisecond)
		}
		q.again(e)
	}
}

func (q *Queue) again(e *store.Event) {
	e.Payload = nil
	q.put(e)
}

func (q *Queue) drop(e *store.Event, reason string) {
	q.cfg.Dropped(e, reason)
	q.forget(e)
}

func (q *Queue) forget(e *store.Event) {
	if err := q.cfg.Store.DeleteEvent(context.Background(), e.ID); err != nil {
		q.cfg.Logger.Error("event not removed: it may be executed again", "event", e.ID, "error", err)
	}
}

// Stats is what a queue holds.
type Stats struct{ Waiting, Running int }

// Stats reads it.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return Stats{len(q.waiting), q.running}
}

// Close stops to begin executions and waits for those in progress; what is waiting stays in the store.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.stop()
	q.workers.Wait()
}

// events is a heap by when they are due, then by acceptance.
type events []*store.Event

func (h events) Len() int { return len(h) }
func (h events) Less(i, j int) bool {
	if !h[i].Due.Equal(h[j].Due) {
		return h[i].Due.Before(h[j].Due)
	}
	return h[i].ID < h[j].ID
}
func (h events) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(*store.Event)) }
func (h *events) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
