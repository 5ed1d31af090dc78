package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/engine/pool"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
)

// version is a deployed function version.
type version struct {
	e   *Engine
	g   *guest
	f   Function
	cap uint64 // of the instances' linear memory, bytes

	policy  *egress.Policy
	group   *pool.Group
	code    *codePackage
	layers  *content // nil = none
	reserve *pool.Reservation

	once     sync.Once // at the first start:
	preload  *preload  // whose modules the function uses; nil = none
	compiled *compiled // nil: the guest has no compiler

	envOnce   sync.Once
	env       []string // alternating keys and values
	envStream int      // index of the log stream's name in env

	mu       sync.Mutex
	snapshot *sandbox.Snapshot // with the handler loaded; nil until made
	mem      *pool.Cached      // accounts for snapshot
	refused  bool              // the function can't be snapshotted: not tried again
	retired  bool
	starting int // starts in progress, which may use the snapshot

	shared Credentials // of the newest instances
}

func newVersion(e *Engine, g *guest, f Function) (*version, error) {
	if f.Key == "" {
		return nil, errors.New("function without a key")
	}
	if f.Version == "" {
		f.Version = "$LATEST"
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = 128
	}
	if f.MemoryMB < 0 || f.Timeout < 0 || f.TmpMB < 0 {
		return nil, errors.New("negative limit")
	}
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
	}
	if f.TmpMB == 0 {
		f.TmpMB = 512
	}
	if f.ReservedGroup == "" {
		f.ReservedGroup = f.Key
	}
	if f.ARN == "" {
		f.ARN = f.Key
	}
	f.Env = maps.Clone(f.Env)
	f.Subnets = slices.Clone(f.Subnets)
	// A wasm memory has 4 GiB at most; more is granted in name only.
	capacity := min(max(uint64(f.MemoryMB)<<20, g.abi.MinMemory), 4<<30-64<<10)
	policy, unknown := e.dialer.Policy(f.Subnets)
	if len(unknown) > 0 {
		e.cfg.Logger.Warn("no network of the egress configuration has these subnets", "function", f.Key, "subnets", unknown)
	}
	return &version{e: e, g: g, f: f, cap: capacity, policy: policy}, nil
}

// open joins the version to what it shares with others. Called once, under Engine.mu.
func (v *version) open() error {
	group, err := v.e.pool.Group(v, v.f.Prewarm)
	if err != nil {
		return err
	}
	v.group = group
	v.code = v.e.codePackage(v.f.CodeSHA256, v.f.Code)
	if v.f.Layers != nil {
		v.layers = newContent(v.e.pool, v.openLayers)
	}
	v.mem = v.e.pool.Cached(pool.CachedConfig{Drop: v.dropSnapshot, Worth: snapshotWorth})
	v.reserve = v.e.limits.Reserve(v.f.Account, v.f.ReservedGroup, v.f.Reserved)
	return nil
}

// retire ends the version: no new invocation is served by its instances. last says that no version of the function follows.
func (v *version) retire(last bool) {
	v.group.Retire()
	if last {
		v.e.limits.Forget(v.f.Account, v.f.ReservedGroup)
	}
	v.e.packages.release(v.code)
	if v.layers != nil {
		v.layers.close()
	}
	v.mem.Close()
	v.mu.Lock()
	v.retired = true
	v.dropSnapshotLocked()
	v.mu.Unlock()
}

func (v *version) dropSnapshotLocked() {
	if v.retired && v.starting == 0 && v.snapshot != nil {
		v.snapshot.Close()
		v.snapshot = nil
	}
}

// snapshotWorth is how much longer it takes to load a small function than to bind its snapshot, about.
const snapshotWorth = 8

// dropSnapshot gives the function's snapshot up if no instance is bound to it. The next start makes another.
func (v *version) dropSnapshot() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.snapshot == nil || v.starting > 0 || v.snapshot.Bound() {
		return
	}
	v.snapshot.Close()
	v.snapshot = nil
	v.mem.Resize(0)
}

// wantsSnapshot says whether instances should start with their handler loaded. Per-request isolation implies it: a reset
// then leads back to the loaded handler instead of the bare interpreter.
func (v *version) wantsSnapshot() bool {
	return v.f.SnapStart || v.f.Isolation == IsolationRequest || v.e.cfg.FunctionSnapshots
}

// initError is what a function answers that could not be loaded.
type initError struct {
	payload []byte
	log     []byte
	cause   error // nil if the function reported the error itself
}

func (e *initError) Error() string {
	if e.cause != nil {
		return e.cause.Error()
	}
	return "function not loaded: " + string(e.payload)
}
func (e *initError) Unwrap() error { return e.cause }

// Start makes an instance with the handler loaded. It implements pool.Starter.
func (v *version) Start(ctx context.Context) (pool.Instance, error) {
	if err := v.g.wait(ctx); err != nil {
		return nil, err
	}
	begin := time.Now()
	task, layers, err := v.contents(ctx)
	if err != nil {
		return nil, err
	}
	v.once.Do(func() {
		if v.g.snapshot == nil {
			return
		}
		v.preload = v.g.preloadFor(v.f.Runtime, task)
		if len(v.g.abi.Sources) > 0 {
			v.compiled = v.e.compiledOf(v.code, v.g)
		}
	})
	box, err := v.g.shell(v.cap)
	if err != nil {
		v.doneWithContents()
		return nil, fmt.Errorf("new instance: %w", err)
	}
	in := &instance{v: v, box: box, cpu: v.e.cpus.Task(v.f.MemoryMB)}
	in.log = functionLog{function: &v.f, stream: newLogStream(v.f.Version, begin), sink: v.e.cfg.Logs}
	in.task, in.layers = task, layers
	if v.compiled != nil {
		in.compiled = v.compiled.current(v.e)
	}
	if err := in.start(ctx); err != nil {
		in.Close()
		return nil, err
	}
	in.init = time.Since(begin)
	return in, nil
}

// contents returns the trees of an instance's package and layers; doneWithContents follows.
func (v *version) contents(ctx context.Context) (task, layers *vfs.Tree, err error) {
	if task, err = v.code.use(ctx); err != nil {
		return nil, nil, err
	}
	if v.layers != nil {
		if layers, err = v.layers.use(ctx); err != nil {
			v.code.done()
			return nil, nil, err
		}
	}
	return task, layers, nil
}

func (v *version) doneWithContents() {
	v.code.done()
	if v.layers != nil {
		v.layers.done()
	}
}

func (v *version) openLayers(ctx context.Context) (*vfs.Tree, error) {
	zips, err := v.f.Layers(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch layers: %w", err)
	}
	return openLayers(zips, v.e.cfg.MaxUnpacked)
}

// useSnapshot returns the function's snapshot if there is one. done must be called when the bind is over.
func (v *version) useSnapshot() (s *sandbox.Snapshot, done func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mem.Touch()
	v.starting++
	return v.snapshot, func() {
		v.mu.Lock()
		v.starting--
		v.dropSnapshotLocked()
		v.mu.Unlock()
	}
}

// keepSnapshot makes the function's snapshot from an instance whose handler was just loaded.
func (v *version) keepSnapshot(box *sandbox.Instance) (made bool) {
	if !v.mayKeepSnapshot() {
		return false
	}
	s, err := box.Snapshot()
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case err != nil:
		v.refused = true
		v.e.cfg.Logger.Warn("no snapshot of this function", "function", v.f.Key, "reason", err)
	case v.snapshot != nil || v.retired: // another instance was faster
		s.Close()
	default:
		v.snapshot = s
		v.mem.Resize(int64(s.Size()))
		return true
	}
	return false
}

// mayKeepSnapshot says whether a snapshot of the function could be made and is not there yet.
func (v *version) mayKeepSnapshot() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.snapshot == nil && !v.refused && !v.retired
}

// refuseSnapshot gives up the snapshot of a function that can't be loaded without credentials; false if that was not the
// reason, because the caller gave up or the engine ended it.
func (v *version) refuseSnapshot(err error) bool {
	var failed *initError
	if !errors.As(err, &failed) || failed.cause != nil {
		return false
	}
	v.mu.Lock()
	v.refused = true
	v.mu.Unlock()
	return true
}

// loadRecord is the LOAD record of an instance.
func (v *version) loadRecord(stream string) *abi.Load {
	return &abi.Load{
		Runtime: v.f.Runtime, Handler: v.f.Handler, TaskRoot: abi.TaskRoot, FunctionName: v.f.Name, Version: v.f.Version,
		MemoryMB: strconv.Itoa(v.f.MemoryMB), LogGroup: v.f.logGroup(), LogStream: stream, FunctionARN: v.f.ARN,
	}
}
