package engine

import (
	"context"
	"sync/atomic"
)

// gate counts invocations in progress and can be shut. A sync.WaitGroup may not be added to while it is waited for at
// zero, and a lock would be taken by every invocation.
type gate struct {
	inside atomic.Int64
	shut   atomic.Bool
	empty  chan struct{} // capacity 1
}

func newGate() gate { return gate{empty: make(chan struct{}, 1)} }

func (g *gate) enter() bool {
	g.inside.Add(1)
	if g.shut.Load() {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.inside.Add(-1) == 0 && g.shut.Load() {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// drain shuts the gate and waits until nobody is inside or ctx ends. Several may wait at once.
func (g *gate) drain(ctx context.Context) error {
	g.shut.Store(true)
	for g.inside.Load() != 0 {
		select {
		case <-g.empty:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	select { // for another who waits
	case g.empty <- struct{}{}:
	default:
	}
	return nil
}
