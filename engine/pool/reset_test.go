package pool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// slow is a starter whose instances' resets end when the test says so.
type slow struct {
	factory
	resume chan error
}

func (s *slow) Start(ctx context.Context) (Instance, error) {
	in, err := s.factory.Start(ctx)
	return &slowInstance{in.(*fake), s}, err
}

type slowInstance struct {
	*fake
	s *slow
}

func (i *slowInstance) Reset() error { return <-i.s.resume }

// A caller that is faster than the resets waits for one once there are some spare instances, and gets what comes of it.
func TestResetsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{factory: factory{t: t, size: 100}, resume: make(chan error)}
		p := New(Config{})
		g, err := p.Group(s, 0)
		if err != nil {
			t.Fatal(err)
		}
		get := func() Lease {
			l, err := g.Acquire(context.Background())
			if err != nil {
				t.Error(err)
			}
			return l
		}
		for range spareResets {
			l := get()
			l.Reset()
		}
		type result struct {
			l   Lease
			err error
		}
		wait := func(ctx context.Context) chan result {
			c := make(chan result, 1)
			go func() {
				l, err := g.Acquire(ctx)
				c <- result{l, err}
			}()
			synctest.Wait()
			return c
		}
		// A reset that ends is somebody's instance.
		first := wait(context.Background())
		s.resume <- nil
		r := <-first
		if n := s.started.Load(); r.err != nil || r.l.Cold || n != spareResets {
			t.Errorf("%v, cold %v, %d started", r.err, r.l.Cold, n)
		}
		r.l.Reset()
		// Who leaves is forgotten.
		ctx, cancel := context.WithCancel(context.Background())
		gone := wait(ctx)
		cancel()
		if r := <-gone; !errors.Is(r.err, context.Canceled) {
			t.Errorf("cancelled: %v", r.err)
		}
		// A reset that fails makes room for a start.
		second := wait(context.Background())
		s.resume <- errors.New("broken")
		s.resume <- errors.New("broken")
		r = <-second
		if n := s.started.Load(); r.err != nil || !r.l.Cold || n != spareResets+1 {
			t.Errorf("%v, cold %v, %d started", r.err, r.l.Cold, n)
		}
		r.l.Reset()
		l := get()
		l.Reset()
		// Retiring lets everybody go.
		third := wait(context.Background())
		g.Retire()
		if r := <-third; !errors.Is(r.err, ErrRetired) {
			t.Errorf("retired: %v", r.err)
		}
		s.resume <- nil
		s.resume <- nil
		closePool(t, p)
		if a, b := s.started.Load(), s.closed.Load(); a != b {
			t.Errorf("%d started, %d closed", a, b)
		}
	})
}
