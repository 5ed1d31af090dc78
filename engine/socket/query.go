package socket

import (
	"context"
	"sync"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

// Query is a question to the DNS. It yields the answer, then the end.
type Query struct {
	set *Set

	mu     sync.Mutex
	done   bool
	closed bool
	answer []byte // what is left of it
	cancel context.CancelFunc
}

// Query asks for a name. EAcces: the instance has no network.
func (s *Set) Query(name string, kind uint32) (*Query, vfs.Errno) {
	if s.policy.Load() == nil {
		return nil, vfs.EAcces
	}
	q := &Query{set: s}
	if !s.stack.dialer.Go(func(ctx context.Context) { q.ask(ctx, name, kind) }) {
		return nil, vfs.ENetdown
	}
	return q, vfs.OK
}

func (q *Query) ask(ctx context.Context, name string, kind uint32) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q.mu.Lock()
	q.cancel = cancel
	closed := q.closed
	q.mu.Unlock()
	if closed {
		return
	}
	select {
	case q.set.lookups <- struct{}{}:
		defer func() { <-q.set.lookups }()
	case <-ctx.Done():
		return
	}
	status, answers := q.set.stack.dialer.Lookup(ctx, name, kind)
	fields := make([]abi.Field, len(answers))
	for i, a := range answers {
		fields[i] = abi.String(a)
	}
	b := abi.AppendRecord([]byte{byte(status), 0, 0, 0}, fields...)
	q.mu.Lock()
	if q.done = true; !q.closed {
		q.answer = b
	}
	q.mu.Unlock()
	q.set.wake()
}

// Read implements Descriptor.
func (q *Query) Read(p []byte, peek bool) (int, vfs.Errno) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.done {
		return 0, vfs.EAgain
	}
	n := copy(p, q.answer)
	if !peek {
		q.answer = q.answer[n:]
	}
	return n, vfs.OK
}

// Write implements Descriptor: nothing can be written.
func (q *Query) Write([]byte) (int, vfs.Errno) { return 0, vfs.EBadf }

// Ready implements Descriptor.
func (q *Query) Ready() Ready {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.done {
		return Ready{}
	}
	return Ready{Events: abi.WaitReadable, Bytes: len(q.answer), Hangup: true}
}

// Expect implements Descriptor: the look-up runs anyway.
func (q *Query) Expect(uint32) {}

// Shutdown implements Descriptor.
func (q *Query) Shutdown(bool, bool) vfs.Errno { return vfs.ENotsock }

// Close implements vfs.Handle.
func (q *Query) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.answer = true, nil
	if q.cancel != nil {
		q.cancel()
	}
}
