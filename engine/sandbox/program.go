package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/meter"
	"github.com/thawrun/thaw/engine/vfs"
	"github.com/thawrun/thaw/engine/wasi"
)

// Program is a guest, metered and compiled. It may be used by many goroutines at once.
type Program struct {
	host     *Host
	guest    *abi.Guest
	module   *meter.Module
	compiled wazero.CompiledModule
	files    *vfs.Tree // mounted at abi.RuntimeRoot; may be nil
	hash     [sha256.Size]byte
	heap     int64 // bytes of the Go heap that an instance takes, about
}

// Progress is told about the stages of loading a guest: "meter", "compile", "snapshot". total 0 = unknown.
type Progress func(stage string, done, total int)

// initTimeout bounds the start of an interpreter. It takes a fraction of a second; a slow machine under load is given time.
const initTimeout = 2 * time.Minute

// maxPages replaces the maximum that a module declares for its memory. The cap is the instance's; and with a lower maximum a
// memory that has reached it couldn't be taken back to a snapshot.
const maxPages = 65536

// maxCallDepth bounds the calls of an untrusted guest. Interpreters of ours bound theirs themselves; the compiled code's own
// bound lets a stack grow to 100 MB.
const maxCallDepth = 1 << 15

// Load meters and compiles a guest. An error that wraps ErrContract, meter.ErrMalformed or meter.ErrUnsupported says why a
// module is refused.
func (h *Host) Load(ctx context.Context, g *abi.Guest, progress Progress) (*Program, error) {
	if progress == nil {
		progress = func(string, int, int) {}
	}
	p := &Program{host: h, guest: g}
	if g.Files != nil {
		data, err := g.Files()
		if err != nil {
			return nil, fmt.Errorf("runtime files: %w", err)
		}
		if p.files, err = vfs.OpenZip(data, vfs.Limits{}); err != nil {
			return nil, fmt.Errorf("runtime files: %w", err)
		}
	}
	progress("meter", 0, 0)
	wasm, err := g.Wasm()
	if err != nil {
		return nil, fmt.Errorf("module: %w", err)
	}
	if sectionSize(wasm, startSection) >= 0 {
		return nil, fmt.Errorf("%w: a start function, which would run outside any limit", ErrContract)
	}
	config := meter.Config{Trusted: g.Trusted, Unmetered: h.cfg.Unmetered, LiftData: true, MaxMemoryPages: maxPages}
	if !g.Trusted {
		config.MaxCallDepth = maxCallDepth
	}
	if p.module, err = meter.Rewrite(wasm, config); err != nil {
		return nil, err
	}
	p.hash = sha256.Sum256(p.module.Wasm)
	if err := p.checkContract(); err != nil {
		return nil, err
	}
	progress("compile", 0, 0)
	if p.compiled, err = h.compile(ctx, p.module.Wasm); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if p.compiled.ExportedMemories()["memory"] == nil {
		return nil, fmt.Errorf("%w: no memory of its own", ErrContract)
	}
	p.heap = instanceHeap + heapPerElement*int64(max(0, sectionSize(p.module.Wasm, elementSection)))
	if !p.module.Snapshotable {
		h.cfg.Logger.Warn("guest can't be snapshotted, every instance starts anew", "guest", g.Name, "reasons", p.module.Reasons)
		return p, p.tryBoot(ctx)
	}
	return p, nil
}

// What an instance takes of the Go heap, bytes: measured, for no API of wazero tells. A function in the guest's table costs
// 40 bytes, its index takes about 2 in the element section.
const (
	instanceHeap   = 24 << 10
	heapPerElement = 20
)

// Sections of a module.
const (
	startSection   = 8
	elementSection = 9
)

// sectionSize is the length of a module's section, or negative if it has none; as far as sections can be told apart,
// meter.Rewrite refuses what is not well-formed.
func sectionSize(wasm []byte, section byte) int {
	const magic = 8
	for at := magic; at < len(wasm); {
		id := wasm[at]
		size, n := binary.Uvarint(wasm[at+1:])
		if n <= 0 || size > uint64(len(wasm)) {
			break
		}
		if id == section {
			return int(size)
		}
		at += 1 + n + int(size)
	}
	return -1
}

// tryBoot starts one instance, so that a guest that can't start is refused at once and not by every function.
func (p *Program) tryBoot(ctx context.Context) error {
	in, err := p.NewInstance(bootMemory)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = in.boot(Limits{Context: ctx, Deadline: time.Now().Add(initTimeout)}, "")
	return err
}

// Files is the tree of the guest's own files, nil if it has none.
func (p *Program) Files() *vfs.Tree { return p.files }

// Stats describe the metering of the program.
func (p *Program) Stats() meter.Stats { return p.module.Stats }

// Snapshotable says whether snapshots of the program's instances can be taken.
func (p *Program) Snapshotable() bool { return p.module.Snapshotable }

// Reasons says why Snapshotable is false: which state of an instance a snapshot would miss.
func (p *Program) Reasons() []meter.Reason { return p.module.Reasons }

func (p *Program) checkContract() error {
	signature := func(x meter.Func) string { return hex.EncodeToString(x.Params) + ">" + hex.EncodeToString(x.Results) }
	exports := map[string]string{}
	for _, x := range p.module.Exports {
		exports[x.Name] = signature(x)
	}
	if s := exports[abi.EntryPoint]; s != "7f7f7f>7e" {
		return fmt.Errorf("%w: export %s has type %q, want (i32, i32, i32) -> i64", ErrContract, abi.EntryPoint, s)
	}
	if _, ok := exports["_initialize"]; !ok {
		return fmt.Errorf("%w: no export _initialize", ErrContract)
	}
	known := p.host.runtime
	for _, x := range p.module.Imports {
		if x.Module != abi.WASIModule && x.Module != abi.HostModule {
			return fmt.Errorf("%w: import of %s.%s", ErrContract, x.Module, x.Name)
		}
		d := known.Module(x.Module).ExportedFunctionDefinitions()[x.Name]
		if d == nil || !slices.Equal(d.ParamTypes(), x.Params) || !slices.Equal(d.ResultTypes(), x.Results) {
			return fmt.Errorf("%w: import of %s.%s with type %s", ErrContract, x.Module, x.Name, signature(x))
		}
	}
	return nil
}

// allocator hands a prepared slot to the next instantiation.
type allocator struct{ slot *slot }

func (a allocator) Allocate(_, _ uint64) experimental.LinearMemory { return a.slot }

// NewInstance makes a shell: an instance that isn't bound to a snapshot yet. capacity is the cap of its memory in bytes;
// Bind may raise it up to Reservation.
func (p *Program) NewInstance(capacity uint64) (*Instance, error) {
	minimum := uint64(p.module.MinPages) * wasmPage
	s, err := newSlot(max(capacity, minimum), p.host.cfg.Portable)
	if err != nil {
		return nil, err
	}
	in := &Instance{p: p, slot: s, proc: &wasi.Process{FS: vfs.New(vfs.Mounts{Runtime: p.files})}}
	if n := p.host.cfg.Network; n != nil {
		in.proc.Net = n.NewSet()
	}
	in.ctx = callContext{Context: context.Background(), in: in}
	in.proc.Check = in.check
	in.proc.Blocking = in.blocking
	in.serve.Charge = in.charge
	// The start functions run in boot, metered, and not at all in a shell that is going to be bound.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(rand.Reader) // the default costs 5 KB and isn't used
	mod, err := p.host.runtime.InstantiateModule(experimental.WithMemoryAllocator(&in.ctx, allocator{s}), p.compiled, config)
	if err != nil {
		s.unmap()
		return nil, fmt.Errorf("instantiate: %w", err)
	}
	in.mod, in.mem, in.fn = mod, mod.Memory(), mod.ExportedFunction(abi.EntryPoint)
	in.fuel = fuelGlobal(mod)
	in.depth, _ = mod.ExportedGlobal(meter.DepthGlobal).(api.MutableGlobal)
	for _, g := range p.module.Globals {
		in.globals = append(in.globals, mod.ExportedGlobal(g.Export).(api.MutableGlobal))
	}
	in.state = stateShell
	return in, nil
}

// fuelGlobal is the module's balance, or, in an unmetered one, a variable that nobody reads.
func fuelGlobal(mod api.Module) balance {
	if g, ok := mod.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal); ok {
		return g
	}
	return new(noFuel)
}

// balance is where fuel is kept.
type balance interface {
	Get() uint64
	Set(uint64)
}

type noFuel struct{ v uint64 }

func (f *noFuel) Get() uint64  { return f.v }
func (f *noFuel) Set(v uint64) { f.v = v }

// Boot starts the interpreter in a shell, for programs that can't be snapshotted: it stands for Bind, and for Reset there is
// only another instance. The file system becomes mounts.
func (in *Instance) Boot(mounts vfs.Mounts, limits Limits) error {
	_, err := in.boot(limits, "")
	if err == nil {
		mounts.Runtime = in.p.files
		in.proc.FS.Mount(mounts)
	}
	return err
}

// boot runs a fresh instance up to the point of the runtime snapshot, with the modules of preload loaded if it isn't empty.
func (in *Instance) boot(limits Limits, preload string) (abi.Info, error) {
	if in.state != stateShell || in.bound != nil || in.booted {
		return abi.Info{}, ErrState
	}
	in.booted = true
	all, _ := in.mem.Read(0, in.mem.Size())
	copy(all, in.p.module.Image)
	err := in.run(limits, func() error {
		if _, err := in.mod.ExportedFunction("_initialize").Call(&in.ctx); err != nil {
			return classify(err, in.slot.refused)
		}
		return nil
	})
	if err != nil {
		return abi.Info{}, fmt.Errorf("_initialize: %w", err)
	}
	in.state = stateReady
	keys := append([]string{"abi", "1"}, in.p.guest.Init...)
	if preload != "" {
		keys = append(keys, "preload", preload)
	}
	frame := abi.AppendPairs(nil, keys...)
	if _, err := in.plain(abi.OpInit, frame, limits); err != nil {
		return abi.Info{}, err
	}
	info, err := in.askInfo(limits)
	if err == nil && info.Version != abi.Version {
		err = fmt.Errorf("%w: ABI version %d", ErrContract, info.Version)
	}
	in.info = info
	return info, err
}

// RuntimeSnapshot returns the snapshot of the initialised interpreter: from the cache if a valid one is there, else by
// starting the interpreter once. It is nil, without error, for a guest that can't be snapshotted.
func (p *Program) RuntimeSnapshot(ctx context.Context, progress Progress) (*Snapshot, error) {
	return p.snapshot(ctx, "", progress)
}

// PreloadSnapshot is like RuntimeSnapshot, with the modules of one of the guest's preloads loaded. It may differ from the
// runtime snapshot in all of memory.
func (p *Program) PreloadSnapshot(ctx context.Context, preload string) (*Snapshot, error) {
	return p.snapshot(ctx, preload, nil)
}

func (p *Program) snapshot(ctx context.Context, preload string, progress Progress) (*Snapshot, error) {
	if !p.module.Snapshotable {
		return nil, nil
	}
	file := p.snapshotFile(preload)
	if file != "" {
		s, err := p.readSnapshot(file)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errNoFile) {
			p.host.cfg.Logger.Warn("runtime snapshot in the cache is unusable, making it anew", "file", file, "error", err)
		}
	}
	if progress != nil {
		progress("snapshot", 0, 0)
	}
	in, err := p.NewInstance(bootMemory)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if _, err := in.boot(Limits{Context: ctx, Deadline: time.Now().Add(initTimeout)}, preload); err != nil {
		return nil, err
	}
	if n := in.proc.FS.OpenFiles(); n > 0 {
		return nil, fmt.Errorf("%w: %d descriptors open after INIT", ErrContract, n)
	}
	s, err := in.Snapshot()
	if err != nil {
		return nil, err
	}
	if file != "" {
		if err := s.write(file, p); err != nil {
			p.host.cfg.Logger.Warn("runtime snapshot not kept", "file", file, "error", err)
		}
	}
	return s, nil
}

// bootMemory is the cap while an interpreter starts: below the smallest function's memory, so that it fits into any.
const bootMemory = 120 << 20
