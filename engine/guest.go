package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/pool"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
)

// maxShells bounds the idle shells of a guest, instantiated modules without a function: each costs Go heap that every
// garbage collection has to mark (about 0.25 MB for CPython), and about 1 MB of resident pages.
const maxShells = 8

// spareShells are kept ready, so that a cold start is a bind and not an instantiation.
const spareShells = 2

// spareMemory is what a spare shell's address range is made for; functions with more memory than that get their own.
const spareMemory = 512 << 20

// guest is an interpreter in an engine: its compiled program, its runtime snapshot and its idle shells. A guest that can't be
// snapshotted has neither of the latter.
type guest struct {
	e   *Engine
	abi *abi.Guest

	ready    chan struct{} // closed when loading ended
	err      error
	program  *sandbox.Program
	snapshot *sandbox.Snapshot // nil: every instance starts the interpreter anew
	preloads []*preload

	fixed  *pool.Cached // accounts for the snapshots and the archive of the files,
	files  *pool.Cached // for what of them was inflated,
	parked *pool.Cached // and for the shells

	mu        sync.Mutex
	shells    []shell
	closed    bool
	refilling bool
	refills   sync.WaitGroup
}

// shell is an idle instance without a function.
type shell struct {
	box   *sandbox.Instance
	bytes int64
}

func newGuest(e *Engine, a *abi.Guest) *guest {
	g := &guest{e: e, abi: a, ready: make(chan struct{}), preloads: newPreloads(a)}
	g.fixed = e.pool.Cached(pool.CachedConfig{})
	g.files = e.pool.Cached(pool.CachedConfig{Drop: g.dropFiles, Expires: true})
	g.parked = e.pool.Cached(pool.CachedConfig{Drop: g.dropShells, Expires: true})
	return g
}

// measureFixed accounts for what the guest holds as long as it lives.
func (g *guest) measureFixed() {
	n := int64(0)
	if g.snapshot != nil {
		n += int64(g.snapshot.Size())
	}
	for _, p := range g.preloads {
		n += p.size.Load()
	}
	if files := g.program.Files(); files != nil {
		n += files.Held() - files.Inflated()
	}
	g.fixed.Resize(n)
}

// measure accounts for what of the guest's files was inflated.
func (g *guest) measure() {
	if files := g.program.Files(); files != nil {
		g.files.Touch()
		g.files.Resize(files.Inflated())
	}
}

// dropFiles gives up what was inflated of the guest's files.
func (g *guest) dropFiles() {
	g.program.Files().DropContents()
	g.files.Resize(g.program.Files().Inflated())
}

// dropShells closes the idle shells beyond those that are always kept ready.
func (g *guest) dropShells() {
	g.mu.Lock()
	n := max(0, len(g.shells)-spareShells)
	out := slices.Clone(g.shells[:n])
	g.shells = slices.Delete(g.shells, 0, n)
	g.parkedLocked()
	g.mu.Unlock()
	for _, s := range out {
		g.closeBox(s.box)
	}
}

// parkedLocked accounts for the shells.
func (g *guest) parkedLocked() {
	n := int64(0)
	for _, s := range g.shells {
		n += s.bytes
	}
	g.parked.Resize(n)
}

func (g *guest) closeBox(box *sandbox.Instance) {
	if err := box.Close(); err != nil {
		g.e.cfg.Logger.Warn("closing an instance failed", "guest", g.abi.Name, "error", err)
	}
}

// load prepares the guest. It runs once, in the background.
func (g *guest) load(ctx context.Context) {
	start := time.Now()
	progress := func(stage string, done, total int, err error) {
		if g.e.cfg.Progress != nil {
			g.e.cfg.Progress(Progress{Guest: g.abi.Name, Stage: stage, Done: done, Total: total, Elapsed: time.Since(start), Err: err})
		}
	}
	g.err = g.prepare(ctx, func(stage string, done, total int) { progress(stage, done, total, nil) })
	switch {
	case g.err != nil && ctx.Err() != nil: // the engine was closed meanwhile, which is nobody's failure
	case g.err != nil:
		g.err = fmt.Errorf("prepare %s: %w", g.abi.Name, g.err)
		progress("failed", 0, 0, g.err)
		g.e.cfg.Logger.Error("runtime unusable", "guest", g.abi.Name, "error", g.err)
	default:
		progress("ready", 0, 0, nil)
		g.e.cfg.Logger.Debug("runtime ready", "guest", g.abi.Name, "elapsed", time.Since(start))
	}
	close(g.ready)
}

func (g *guest) wait(ctx context.Context) error {
	select {
	case <-g.ready:
		return g.err
	default:
	}
	select {
	case <-g.ready:
		return g.err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrStarting, context.Cause(ctx))
	}
}

func (g *guest) state() (ready bool, err error) {
	select {
	case <-g.ready:
		return g.err == nil, g.err
	default:
		return false, nil
	}
}

// prepare meters, compiles and snapshots the guest.
func (g *guest) prepare(ctx context.Context, progress sandbox.Progress) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	program, err := g.e.host.Load(ctx, g.abi, progress)
	if err != nil {
		return err
	}
	g.program = program
	defer g.measureFixed()
	if !program.Snapshotable() { // each instance is made anew, and none kept for another function
		return nil
	}
	if g.snapshot, err = program.RuntimeSnapshot(ctx, progress); err != nil {
		return err
	}
	g.mu.Lock()
	g.refillLocked()
	g.mu.Unlock()
	return nil
}

// shell takes an idle shell in which a memory of capacity bytes fits, or makes one.
func (g *guest) shell(capacity uint64) (*sandbox.Instance, error) {
	g.mu.Lock()
	for i := len(g.shells) - 1; i >= 0; i-- { // the last used is the warmest
		if box := g.shells[i].box; box.Reservation() >= capacity {
			g.shells = slices.Delete(g.shells, i, i+1)
			g.parkedLocked()
			g.parked.Touch()
			g.refillLocked()
			g.mu.Unlock()
			return box, nil
		}
	}
	g.refillLocked()
	g.mu.Unlock()
	return g.program.NewInstance(capacity)
}

// refillLocked begins to make spare shells in the background if there are too few.
func (g *guest) refillLocked() {
	if g.closed || g.refilling || g.snapshot == nil || len(g.shells) >= spareShells {
		return
	}
	g.refilling = true
	g.refills.Go(func() {
		for {
			box, err := g.spare()
			g.mu.Lock()
			if err != nil || g.closed || len(g.shells) >= spareShells {
				g.refilling = false
				g.mu.Unlock()
				if err != nil {
					g.e.cfg.Logger.Warn("no spare instance", "guest", g.abi.Name, "error", err)
				} else {
					_ = box.Close()
				}
				return
			}
			g.shells = append(g.shells, shell{box, box.Footprint()})
			g.parkedLocked()
			enough := len(g.shells) >= spareShells
			g.refilling = !enough
			g.mu.Unlock()
			if enough {
				return
			}
		}
	})
}

// spare makes a shell that is bound to the runtime snapshot and has the pages resident that functions write first.
func (g *guest) spare() (*sandbox.Instance, error) {
	box, err := g.program.NewInstance(spareMemory)
	if err != nil || g.abi.Rehearsal == nil {
		return box, err
	}
	if err := g.rehearse(box); err != nil {
		_ = box.Close()
		return nil, fmt.Errorf("rehearsal: %w", err)
	}
	return box, nil
}

func (g *guest) rehearse(box *sandbox.Instance) error {
	r := g.abi.Rehearsal
	tree, err := vfs.OpenZip(r.Code, vfs.Limits{})
	if err != nil {
		return err
	}
	if err := box.Bind(g.snapshot, spareMemory, vfs.Mounts{Task: tree}); err != nil {
		return err
	}
	f := Function{Name: "rehearsal", Version: "$LATEST", Runtime: r.Runtime, Handler: r.Handler, MemoryMB: 128}
	l := sandbox.Limits{Context: g.e.ended, Deadline: time.Now().Add(time.Minute)}
	if err := box.Restore(environment(&f, g.abi, g.e.cfg.Region, "rehearsal"), l); err != nil {
		return err
	}
	load := abi.Load{Runtime: r.Runtime, Handler: r.Handler, TaskRoot: abi.TaskRoot, FunctionName: f.Name, Version: f.Version, MemoryMB: "128", LogGroup: f.logGroup(), LogStream: "rehearsal", FunctionARN: "arn"}
	if payload, status, err := box.Load(&load, nil, l); err != nil || status != abi.StatusDone {
		return fmt.Errorf("load: status %d, %s: %w", status, payload, err)
	}
	if payload, status, err := box.Invoke(&abi.Invoke{Event: r.Event, RequestID: "rehearsal", InvokedARN: "arn"}, nil, l); err != nil || status != abi.StatusDone {
		return fmt.Errorf("invoke: status %d, %s: %w", status, payload, err)
	}
	return box.Park(g.snapshot)
}

// recycle keeps a used instance as a shell if there is room, or closes it.
func (g *guest) recycle(box *sandbox.Instance) {
	g.mu.Lock()
	room := !g.closed && g.snapshot != nil && len(g.shells) < maxShells
	g.mu.Unlock()
	if room && box.Park(g.snapshot) == nil {
		n := box.Footprint()
		g.mu.Lock()
		if !g.closed && len(g.shells) < maxShells {
			g.shells = append(g.shells, shell{box, n})
			g.parkedLocked()
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
	}
	g.closeBox(box)
}

func (g *guest) close() {
	g.mu.Lock()
	shells := g.shells
	g.shells, g.closed = nil, true
	g.mu.Unlock()
	g.refills.Wait()
	for _, s := range shells {
		_ = s.box.Close()
	}
	for _, c := range []*pool.Cached{g.fixed, g.files, g.parked} {
		c.Close()
	}
	if g.snapshot != nil {
		g.snapshot.Close()
	}
	for _, p := range g.preloads {
		if p.snapshot != nil { // nothing is being made any more
			p.snapshot.Close()
		}
	}
}
