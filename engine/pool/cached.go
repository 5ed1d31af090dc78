package pool

import (
	"sync"
	"sync/atomic"
	"time"
)

// Cached is memory beside the instances that counts against the budget: snapshots, contents of packages, parked shells. What can
// be made anew is dropped when memory is short, in one order with idle instances, and (Expires) when nobody used it for long.
type Cached struct {
	p       *Pool
	drop    func()
	expires bool
	worth   float64
	used    atomic.Int64 // ns since the Unix epoch

	mu     sync.Mutex
	bytes  int64
	closed bool
}

// CachedConfig describes a Cached.
type CachedConfig struct {
	// Drop gives the memory up, as far as it isn't in use, and reports what is left through Resize. It is called without any
	// lock of the pool held, and must not wait. nil: what is held can't be given up.
	Drop func()
	// Expires: Drop is called also when nothing was used for Config.IdleTimeout.
	Expires bool
	// Worth is how much longer it takes to make this anew than to start an instance; 0 = as long.
	Worth float64
}

// Cached accounts for memory that isn't an instance's. Its owner closes it.
func (p *Pool) Cached(cfg CachedConfig) *Cached {
	c := &Cached{p: p, drop: cfg.Drop, expires: cfg.Expires, worth: max(cfg.Worth, 1)}
	c.Touch()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cached[c] = struct{}{}
	return c
}

// Touch notes that the memory is being used.
func (c *Cached) Touch() { c.used.Store(time.Now().UnixNano()) }

// Resize sets how many bytes are held.
func (c *Cached) Resize(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.p.used.Add(n - c.bytes)
	c.bytes = n
}

// Size is how many bytes are held.
func (c *Cached) Size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

// Close ends the accounting. The owner has given the memory up.
func (c *Cached) Close() {
	c.Resize(0)
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.p.mu.Lock()
	delete(c.p.cached, c)
	c.p.mu.Unlock()
}

func (c *Cached) since() time.Time { return time.Unix(0, c.used.Load()) }

// expireCached drops what was not used since then.
func (p *Pool) expireCached(since time.Time) {
	var old []*Cached
	p.mu.Lock()
	for c := range p.cached {
		if c.expires && c.drop != nil && c.since().Before(since) && c.Size() > 0 {
			old = append(old, c)
		}
	}
	p.mu.Unlock()
	for _, c := range old {
		c.drop()
	}
}
