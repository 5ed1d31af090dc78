// Package pool keeps the instances of functions: it hands out a warm one or has one started, takes it back, resets or
// discards it behind the response, and holds all of them within a memory budget.
//
// It knows one kind of thing, an Instance, and one way to make it, a Starter. WebAssembly sandboxes and native containers
// implement both, so that reuse, eviction and limits are written once.
//
// # Order of locks
//
// Pool.mu (the sets of groups and of what is cached) before Group.mu (a group's idle instances) and Cached.mu. None is held
// while an instance starts, runs, is measured, reset or closed, or something is dropped.
package pool

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Instance is a started function that serves one invocation at a time. Its methods are called by one goroutine at a time.
type Instance interface {
	// Reset takes the instance back to the state before its first invocation. After an error it is only closed; ErrClosed is
	// one that nobody needs to hear of.
	Reset() error
	// Footprint is the instance's private memory in bytes.
	Footprint() int64
	// Close gives the instance's resources back. It may keep some for the next Start.
	Close()
}

// Compacter is an Instance that can give memory back that it doesn't need while it is idle. Its next call may be slower.
type Compacter interface {
	Compact() error
}

// compactAfter is how long an instance is idle before it is asked to compact.
const compactAfter = 10 * time.Second

// Starter makes instances of one function version.
type Starter interface {
	Start(ctx context.Context) (Instance, error)
}

// Config configures a Pool.
type Config struct {
	Budget      int64         // bytes that all instances and what is cached may occupy; 0 = no limit
	IdleTimeout time.Duration // an instance idle for longer is closed; 0 = never
	Logger      *slog.Logger
}

// Errors of Acquire.
var (
	ErrBudget  = errors.New("memory budget exhausted")
	ErrRetired = errors.New("function version retired")
	ErrClosed  = errors.New("pool closed")
)

// estimate is what a starting instance is assumed to occupy until it is measured.
const estimate = 1 << 20

// Pool holds instances in groups, one per function version.
type Pool struct {
	cfg  Config
	used atomic.Int64 // footprint of all live instances, and what is cached

	mu     sync.Mutex
	groups map[*Group]struct{}
	cached map[*Cached]struct{}
	closed bool

	work sync.WaitGroup // leases and background work
	stop chan struct{}
	kick chan *Group // prewarm requests
	done chan struct{}

	stats counters
}

type counters struct{ warm, cold, evicted, dropped, expired, reset, discarded atomic.Uint64 }

// Stats counts what a pool did since it was made.
type Stats struct {
	Used      int64 // bytes of instances and of what is cached
	Cached    int64 // bytes of the latter: snapshots, contents of packages, parked shells
	Live      int   // instances, idle or busy
	Idle      int
	Warm      uint64 // acquisitions served by an idle instance
	Cold      uint64 // acquisitions that started one
	Evicted   uint64 // closed for the budget
	Dropped   uint64 // of what is cached, likewise
	Expired   uint64 // closed after the idle timeout
	Reset     uint64
	Discarded uint64
}

// New makes a pool and starts its housekeeping goroutine, which Close ends.
func New(cfg Config) *Pool {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Pool{cfg: cfg, groups: map[*Group]struct{}{}, cached: map[*Cached]struct{}{}, stop: make(chan struct{}), kick: make(chan *Group, 64), done: make(chan struct{})}
	go p.housekeep()
	return p
}

// Group is the instances of one function version.
type Group struct {
	pool    *Pool
	start   Starter
	prewarm int

	mu      sync.Mutex
	idle    []*item // the most recently used last
	live    int     // idle, busy and starting
	retired bool

	resetting int          // of those live
	waiting   []chan *item // each gets an instance, or nil: none is coming
}

// spareResets is how many instances may be in reset while another is started: a reset takes a tenth of a start, and without a
// bound a caller that is faster than the resets would have instances started without end.
const spareResets = 2

type item struct {
	inst      Instance
	footprint int64
	calls     uint64
	idleSince time.Time
	compact   bool // since it became idle
}

// Group adds a function version of which prewarm instances are kept ready.
func (p *Pool) Group(s Starter, prewarm int) (*Group, error) {
	g := &Group{pool: p, start: s, prewarm: prewarm}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	p.groups[g] = struct{}{}
	if prewarm > 0 {
		select {
		case p.kick <- g:
		default: // the next round of housekeeping sees it
		}
	}
	return g, nil
}

// Lease is an instance in use. It ends with exactly one of Keep, Reset, Finish, Discard.
type Lease struct {
	g    *Group
	it   *item
	Cold bool // the instance serves its first invocation
}

// Instance is the leased instance.
func (l *Lease) Instance() Instance { return l.it.inst }

// Acquire hands out an idle instance, or starts one.
func (g *Group) Acquire(ctx context.Context) (Lease, error) {
	p := g.pool
	g.mu.Lock()
	if g.retired {
		g.mu.Unlock()
		return Lease{}, ErrRetired
	}
	p.work.Add(1) // under the lock: Close retires the group first, then waits
	if n := len(g.idle); n > 0 {
		it := g.idle[n-1]
		g.idle[n-1] = nil
		g.idle = g.idle[:n-1]
		g.mu.Unlock()
		p.stats.warm.Add(1)
		return Lease{g: g, it: it, Cold: it.calls == 0}, nil
	}
	if g.resetting >= spareResets+len(g.waiting) {
		ch := make(chan *item, 1)
		g.waiting = append(g.waiting, ch)
		g.mu.Unlock()
		it, err := g.await(ctx, ch)
		if err != nil {
			p.work.Done()
			return Lease{}, err
		}
		if it != nil {
			p.stats.warm.Add(1)
			return Lease{g: g, it: it, Cold: it.calls == 0}, nil
		}
		g.mu.Lock()
		if g.retired {
			g.mu.Unlock()
			p.work.Done()
			return Lease{}, ErrRetired
		}
	}
	g.live++
	g.mu.Unlock()
	it, err := g.startOne(ctx)
	if err != nil {
		p.work.Done()
		return Lease{}, err
	}
	p.stats.cold.Add(1)
	return Lease{g: g, it: it, Cold: true}, nil
}

// await waits for an instance that is being reset. nil: there is none.
func (g *Group) await(ctx context.Context, ch chan *item) (*item, error) {
	select {
	case it := <-ch:
		return it, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	i := slices.Index(g.waiting, ch)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	g.mu.Unlock()
	if i < 0 { // it was handed over meanwhile
		if it := <-ch; it != nil {
			g.pool.work.Add(1)
			(&Lease{g: g, it: it}).giveBack()
		}
	}
	return nil, context.Cause(ctx)
}

// doneResetting ends a reset. Who waits for an instance that isn't coming any more starts one.
func (g *Group) doneResetting() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resetting--
	for len(g.waiting) > g.resetting {
		last := len(g.waiting) - 1
		g.waiting[last] <- nil
		g.waiting = g.waiting[:last]
	}
}

// startOne starts an instance that is already counted in g.live.
func (g *Group) startOne(ctx context.Context) (*item, error) {
	p := g.pool
	if !p.reserve(estimate) {
		g.forget(0)
		return nil, ErrBudget
	}
	inst, err := g.start.Start(ctx)
	if err != nil {
		g.forget(estimate)
		return nil, err
	}
	return &item{inst: inst, footprint: estimate}, nil
}

func (g *Group) forget(bytes int64) {
	g.pool.used.Add(-bytes)
	g.mu.Lock()
	g.live--
	g.mu.Unlock()
}

// reserve makes room in the budget for n bytes, closing idle instances and dropping what is cached if need be.
func (p *Pool) reserve(n int64) bool {
	if used := p.used.Add(n); p.cfg.Budget == 0 || used <= p.cfg.Budget {
		return true
	}
	if p.shrink() {
		return true
	}
	p.used.Add(-n)
	return false
}

// Keep returns the instance for the next invocation of its version.
func (l *Lease) Keep() {
	it := l.it
	it.calls++
	// The footprint grows fast in the first calls and slowly later: measuring at powers of two keeps it off the warm path.
	if it.calls&(it.calls-1) == 0 {
		l.measure()
	}
	l.giveBack()
}

// Finish returns the instance, reset or as it is, after f has run in the background. Where f fails the instance is closed.
func (l *Lease) Finish(f func() error, reset bool) {
	c := *l
	go func() {
		switch err := f(); {
		case err != nil:
			c.discard()
		case reset:
			c.Reset()
		default:
			c.Keep()
		}
	}()
}

// Reset returns the instance after taking it back to its first state, in the background.
func (l *Lease) Reset() {
	c := *l
	c.it.calls++
	c.g.mu.Lock()
	c.g.resetting++
	c.g.mu.Unlock()
	go func() {
		if err := c.it.inst.Reset(); err != nil {
			if !errors.Is(err, ErrClosed) {
				c.g.pool.cfg.Logger.Warn("instance discarded: reset failed", "error", err)
			}
			c.g.doneResetting()
			c.discard()
			return
		}
		c.g.pool.stats.reset.Add(1)
		if n := c.it.calls; n&(n-1) == 0 { // as in Keep
			c.measure()
		}
		c.giveBack()
		c.g.doneResetting()
	}()
}

// Discard closes the instance, in the background.
func (l *Lease) Discard() {
	c := *l
	go c.discard()
}

func (l *Lease) discard() {
	l.g.pool.stats.discarded.Add(1)
	l.g.close(l.it)
	l.g.pool.work.Done()
}

func (l *Lease) measure() {
	n := l.it.inst.Footprint()
	l.g.pool.used.Add(n - l.it.footprint)
	l.it.footprint = n
}

func (l *Lease) giveBack() {
	g := l.g
	l.it.idleSince, l.it.compact = time.Now(), false
	g.mu.Lock()
	if g.retired {
		g.mu.Unlock()
		g.close(l.it)
	} else if len(g.waiting) > 0 {
		g.waiting[0] <- l.it
		g.waiting = slices.Delete(g.waiting, 0, 1)
		g.mu.Unlock()
	} else {
		g.idle = append(g.idle, l.it)
		g.mu.Unlock()
	}
	p := g.pool
	if p.cfg.Budget > 0 && p.used.Load() > p.cfg.Budget {
		p.shrink()
	}
	p.work.Done()
}

func (g *Group) close(it *item) {
	it.inst.Close()
	g.forget(it.footprint)
}

// Retire closes the group: idle instances at once, busy ones when they come back. Acquire fails from now on.
func (g *Group) Retire() {
	p := g.pool
	p.mu.Lock()
	delete(p.groups, g)
	p.mu.Unlock()
	for _, it := range g.retire() {
		g.close(it)
	}
}

func (g *Group) retire() []*item {
	g.mu.Lock()
	defer g.mu.Unlock()
	idle := g.idle
	g.idle, g.retired = nil, true
	for _, ch := range g.waiting {
		ch <- nil
	}
	g.waiting = nil
	return idle
}

// Live is the number of the group's instances, idle or busy.
func (g *Group) Live() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.live
}

// Close retires every group, waits until all leases have ended or ctx does, and ends housekeeping.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	groups := p.groups
	p.groups = map[*Group]struct{}{}
	p.mu.Unlock()
	close(p.stop)
	for g := range groups {
		for _, it := range g.retire() {
			g.close(it)
		}
	}
	<-p.done
	idle := make(chan struct{})
	go func() { p.work.Wait(); close(idle) }()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Stats reads the pool's counters.
func (p *Pool) Stats() Stats {
	s := Stats{
		Used: p.used.Load(), Warm: p.stats.warm.Load(), Cold: p.stats.cold.Load(), Evicted: p.stats.evicted.Load(), Dropped: p.stats.dropped.Load(),
		Expired: p.stats.expired.Load(), Reset: p.stats.reset.Load(), Discarded: p.stats.discarded.Load(),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.cached {
		s.Cached += c.Size()
	}
	for g := range p.groups {
		g.mu.Lock()
		s.Live += g.live
		s.Idle += len(g.idle)
		g.mu.Unlock()
	}
	return s
}
