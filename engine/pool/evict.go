package pool

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// shrinkTo is the part of the budget down to which shrink closes idle instances, so that it isn't needed at every call.
const shrinkTo = 0.95

// candidate is memory that may be given up: an idle instance or something cached.
type candidate struct {
	g     *Group // of the instance
	since time.Time
	c     *Cached // or
	cost  float64 // of keeping it so far: bytes × seconds, by what it is worth
}

// shrink gives up memory until the budget is met, and reports whether it is. What cost most while nobody used it goes first:
// among instances of a size the longest idle, and small things, such as a function's snapshot, stay longer than large ones.
func (p *Pool) shrink() bool {
	goal := int64(float64(p.cfg.Budget) * shrinkTo)
	for _, c := range p.candidates(time.Now()) {
		if p.used.Load() <= goal {
			break
		}
		if c.c != nil {
			before := c.c.Size()
			if c.c.drop(); c.c.Size() < before {
				p.stats.dropped.Add(1)
			}
		} else if it := c.g.oldest(c.since); it != nil {
			c.g.close(it)
			p.stats.evicted.Add(1)
		}
	}
	return p.used.Load() <= p.cfg.Budget
}

func (p *Pool) candidates(now time.Time) []candidate {
	var all []candidate
	cost := func(bytes int64, since time.Time) float64 {
		return float64(bytes) * max(now.Sub(since).Seconds(), 1e-9)
	}
	p.mu.Lock()
	for g := range p.groups {
		g.mu.Lock()
		for _, it := range g.idle[:max(0, len(g.idle)-g.prewarm)] {
			all = append(all, candidate{g: g, since: it.idleSince, cost: cost(it.footprint, it.idleSince)})
		}
		g.mu.Unlock()
	}
	for c := range p.cached {
		if n := c.Size(); n > 0 && c.drop != nil {
			all = append(all, candidate{c: c, cost: cost(n, c.since()) / c.worth})
		}
	}
	p.mu.Unlock()
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(b.cost, a.cost) })
	return all
}

// oldest takes the group's longest idle instance if it was idle since then or earlier.
func (g *Group) oldest(since time.Time) *item {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.idle) == 0 || g.idle[0].idleSince.After(since) {
		return nil
	}
	it := g.idle[0]
	g.idle = slices.Delete(g.idle, 0, 1)
	return it
}

// housekeep expires what is idle and keeps the prewarmed ones up.
func (p *Pool) housekeep() {
	defer close(p.done)
	interval := time.Second
	if t := p.cfg.IdleTimeout / 4; t > 0 {
		interval = min(interval, max(t, 5*time.Millisecond))
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(ErrClosed)
	go func() {
		select {
		case <-p.stop:
			cancel(ErrClosed)
		case <-ctx.Done():
		}
	}()
	for {
		select {
		case <-p.stop:
			return
		case g := <-p.kick:
			g.fill(ctx)
		case now := <-tick.C:
			for _, g := range p.snapshot() {
				if p.cfg.IdleTimeout > 0 {
					for it := g.oldestBeyondPrewarm(now.Add(-p.cfg.IdleTimeout)); it != nil; it = g.oldestBeyondPrewarm(now.Add(-p.cfg.IdleTimeout)) {
						g.close(it)
						p.stats.expired.Add(1)
					}
				}
				g.compact(now.Add(-compactAfter))
				g.fill(ctx)
			}
			if p.cfg.IdleTimeout > 0 {
				p.expireCached(now.Add(-p.cfg.IdleTimeout))
			}
		}
	}
}

// compact has the instances that are idle since then give memory back. Each is out of the group meanwhile, as in a lease.
func (g *Group) compact(since time.Time) {
	for {
		it := g.takeFat(since)
		if it == nil {
			return
		}
		it.compact = true
		l := Lease{g: g, it: it}
		if err := it.inst.(Compacter).Compact(); err != nil {
			g.pool.cfg.Logger.Warn("instance discarded: compacting failed", "error", err)
			l.discard()
			continue
		}
		l.measure()
		g.mu.Lock()
		retired := g.retired
		if !retired {
			// Back to its place: it is no younger than before.
			i := slices.IndexFunc(g.idle, func(o *item) bool { return o.idleSince.After(it.idleSince) })
			if i < 0 {
				i = len(g.idle)
			}
			g.idle = slices.Insert(g.idle, i, it)
		}
		g.mu.Unlock()
		if retired {
			g.close(it)
		}
		g.pool.work.Done()
	}
}

// takeFat takes an instance that is idle since then and not compact.
func (g *Group) takeFat(since time.Time) *item {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.retired {
		return nil
	}
	for i, it := range g.idle {
		if it.idleSince.After(since) {
			break
		}
		if _, ok := it.inst.(Compacter); ok && !it.compact {
			g.idle = slices.Delete(g.idle, i, i+1)
			g.pool.work.Add(1)
			return it
		}
	}
	return nil
}

func (g *Group) oldestBeyondPrewarm(since time.Time) *item {
	g.mu.Lock()
	spare := len(g.idle) > g.prewarm
	g.mu.Unlock()
	if !spare {
		return nil
	}
	return g.oldest(since)
}

func (p *Pool) snapshot() []*Group {
	p.mu.Lock()
	defer p.mu.Unlock()
	groups := make([]*Group, 0, len(p.groups))
	for g := range p.groups {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b *Group) int { return cmp.Compare(b.prewarm, a.prewarm) })
	return groups
}

// fill starts instances until the prewarmed number is there.
func (g *Group) fill(ctx context.Context) {
	for ctx.Err() == nil {
		g.mu.Lock()
		if g.retired || g.live >= g.prewarm {
			g.mu.Unlock()
			return
		}
		g.live++
		g.pool.work.Add(1)
		g.mu.Unlock()
		it, err := g.startOne(ctx)
		if err != nil {
			g.pool.work.Done()
			if ctx.Err() == nil {
				g.pool.cfg.Logger.Warn("prewarming failed", "error", err)
			}
			return
		}
		l := Lease{g: g, it: it}
		l.measure()
		l.giveBack()
	}
}
