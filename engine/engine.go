package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thawrun/thaw/engine/cpu"
	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/engine/pool"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/socket"
)

// Engine runs functions. Its methods may be called by many goroutines at once.
//
// # Order of locks
//
// Engine.mu before anything of package pool; nothing of the engine is locked while a guest runs.
type Engine struct {
	cfg    Config
	host   *sandbox.Host
	dialer *egress.Dialer
	pool   *pool.Pool
	limits *pool.Limits
	cpus   *cpu.Scheduler

	guests   []*guest
	runtimes map[string]*guest // by runtime name
	loading  sync.WaitGroup

	background sync.WaitGroup // work that nobody waits for, until Close
	compiling  sync.Mutex     // a package is being compiled

	stop context.CancelCauseFunc // ends what runs: loading guests and invocations

	mu        sync.Mutex
	functions sync.Map // key → *version; written under mu
	packages  packages
	closed    bool

	gate  gate
	ended context.Context // ends with Close

	emptyEvent []byte // what a request without an event passes

	counts counts
}

type counts struct{ invocations, errors, throttles, fuel, faults, compiled atomic.Uint64 }

// Stats is what an engine did since it was made.
type Stats struct {
	Functions   int    // deployed
	Invocations uint64 // that ran
	Errors      uint64 // of those, how many ended in a function error
	Throttles   uint64
	Fuel        uint64 // metered guest instructions, about
	Faults      uint64 // page faults, of the invocations whose Report counts them
	Compiled    uint64 // source files compiled for later starts
	Pool        pool.Stats
}

// New makes an engine and begins to prepare its guests in the background; invocations of a guest's functions wait for it.
// The context only limits New itself.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	dialer := egress.New(cfg.Egress)
	host, err := sandbox.NewHost(ctx, sandbox.HostConfig{
		CacheDir: cfg.CacheDir, Logger: cfg.Logger, Network: socket.NewStack(dialer, cfg.Roots),
	})
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	e := &Engine{
		cfg: cfg, host: host, dialer: dialer, limits: pool.NewLimits(cfg.Concurrency), cpus: cpu.New(cfg.CPU, cfg.CPUs),
		pool:     pool.New(pool.Config{Budget: cfg.MemoryBudget, IdleTimeout: cfg.IdleTimeout, Logger: cfg.Logger}),
		runtimes: map[string]*guest{},
		gate:     newGate(), emptyEvent: []byte("{}"),
	}
	e.ended, e.stop = context.WithCancelCause(context.Background())
	for _, g := range cfg.Guests {
		gs := newGuest(e, g)
		e.guests = append(e.guests, gs)
		for _, name := range g.Runtimes {
			if other := e.runtimes[name]; other != nil {
				err := fmt.Errorf("engine: runtime %s is served by both %s and %s", name, other.abi.Name, g.Name)
				return nil, errors.Join(err, e.Close(ctx))
			}
			e.runtimes[name] = gs
		}
	}
	e.background.Go(e.pruneCompiled)
	e.loading.Go(func() {
		for _, g := range e.guests { // one after the other: each uses all processors
			g.load(e.ended)
		}
		if e.ended.Err() == nil { // now that what is in use is known
			if err := host.Prune(compiledAge); err != nil {
				cfg.Logger.Warn("cache not tidied up", "folder", cfg.CacheDir, "error", err)
			}
		}
	})
	return e, nil
}

// Deploy makes a function version known under its key, replacing what was deployed under it before, and returns the
// revision in force. Instances of the replaced version serve no further invocation. The code is not fetched yet.
func (e *Engine) Deploy(ctx context.Context, f Function) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	g := e.runtimes[f.Runtime]
	if g == nil {
		return "", fmt.Errorf("deploy %s: %w: %q", f.Key, ErrRuntime, f.Runtime)
	}
	v, err := newVersion(e, g, f)
	if err != nil {
		return "", fmt.Errorf("deploy %s: %w", f.Key, err)
	}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return "", ErrClosed
	}
	old, _ := e.functions.Load(f.Key)
	if old != nil && f.Revision != "" && old.(*version).f.Revision == f.Revision {
		e.mu.Unlock()
		return f.Revision, nil
	}
	if err := v.open(); err != nil {
		e.mu.Unlock()
		return "", fmt.Errorf("deploy %s: %w", f.Key, err)
	}
	e.functions.Store(f.Key, v)
	e.mu.Unlock()
	if old != nil {
		old.(*version).retire(false)
	}
	return f.Revision, nil
}

// Deployed returns the revision deployed under a key.
func (e *Engine) Deployed(key string) (revision string, ok bool) {
	v, ok := e.functions.Load(key)
	if !ok {
		return "", false
	}
	return v.(*version).f.Revision, true
}

// Remove forgets a function version. Invocations in progress end normally.
func (e *Engine) Remove(key string) {
	e.mu.Lock()
	v, ok := e.functions.LoadAndDelete(key)
	last := ok && !e.groupInUse(v.(*version))
	e.mu.Unlock()
	if ok {
		v.(*version).retire(last)
	}
}

// groupInUse says whether another deployed version shares a version's reservation.
func (e *Engine) groupInUse(v *version) bool {
	used := false
	e.functions.Range(func(_, other any) bool {
		o := other.(*version)
		used = o.f.Account == v.f.Account && o.f.ReservedGroup == v.f.ReservedGroup
		return !used
	})
	return used
}

// Ready waits until the guest of a runtime is prepared, or says why it can't be.
func (e *Engine) Ready(ctx context.Context, runtime string) error {
	g := e.runtimes[runtime]
	if g == nil {
		return fmt.Errorf("%w: %q", ErrRuntime, runtime)
	}
	return g.wait(ctx)
}

// Drain refuses new invocations and waits for those in progress.
func (e *Engine) Drain(ctx context.Context) error {
	return e.gate.drain(ctx)
}

// Close ends every invocation in progress, closes all instances and gives up everything the engine holds. It is idempotent.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()

	e.stop(ErrClosed)
	_ = e.gate.drain(context.Background()) // every guest stops at its next refuel or host call
	e.loading.Wait()
	err := e.pool.Close(ctx)
	e.background.Wait() // nothing starts any more that could add to it
	e.functions.Range(func(key, v any) bool {
		v.(*version).retire(true)
		e.functions.Delete(key)
		return true
	})
	for _, g := range e.guests {
		g.close()
	}
	err = errors.Join(err, e.host.Close(ctx))
	e.dialer.Close() // every socket is closed: only what still sends remains
	return err
}

// Stats reads the engine's counters.
func (e *Engine) Stats() Stats {
	s := Stats{
		Invocations: e.counts.invocations.Load(), Errors: e.counts.errors.Load(), Throttles: e.counts.throttles.Load(),
		Fuel: e.counts.fuel.Load(), Faults: e.counts.faults.Load(), Compiled: e.counts.compiled.Load(), Pool: e.pool.Stats(),
	}
	e.functions.Range(func(any, any) bool { s.Functions++; return true })
	return s
}

// RuntimeInfo says what a runtime name really runs on.
type RuntimeInfo struct {
	Runtime string // for example "python3.9"
	Guest   string // for example "CPython 3.13.5"
	Ready   bool
	Err     error // why it will never be ready
}

// Runtimes lists the runtime names that the engine serves, by guest and in the guest's order.
func (e *Engine) Runtimes() []RuntimeInfo {
	var all []RuntimeInfo
	for _, g := range e.guests {
		ready, err := g.state()
		for _, name := range g.abi.Runtimes {
			all = append(all, RuntimeInfo{Runtime: name, Guest: g.abi.Name, Ready: ready, Err: err})
		}
	}
	return all
}

// billed rounds up to the billing unit of 100 ms (guide, row MON-14); an invocation costs one unit at least.
func billed(d time.Duration) time.Duration {
	const unit = 100 * time.Millisecond
	return max(unit, (d+unit-1)/unit*unit)
}
