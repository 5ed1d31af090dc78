package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/cpu"
	"github.com/thawrun/thaw/engine/meter"
	"github.com/thawrun/thaw/engine/service"
	"github.com/thawrun/thaw/engine/vfs"
	"github.com/thawrun/thaw/engine/wasi"
)

// slice is the fuel that refuel grants, about 100 µs of an interpreter's instructions.
const slice = 200_000

// Limits bound one call into a guest.
type Limits struct {
	Context  context.Context // its end cancels the call; may be nil
	Stopped  context.Context // likewise; may be nil
	Deadline time.Time       // hard end; zero = none
	Soft     time.Time       // when the soft interrupt is raised; zero = never
	CPU      *cpu.Task       // share of the processors; may be nil

	// Faults: count page faults, at 1 µs a call.
	Faults bool
	// Track: count them without a gap, so that a Reset knows that no page was written for the first time and needn't look. The
	// call stays on its thread meanwhile, waiting aside.
	Track bool

	// MaxPayload is the length beyond which a payload is not copied out of the guest; 0 = none. Usage.Payload tells.
	MaxPayload int
}

// Usage is what the last call cost.
type Usage struct {
	Fuel        uint64 // instructions, about
	PeakMemory  uint64 // most linear memory since bind, bytes
	Interrupted bool   // the soft interrupt was raised
	Payload     int    // bytes of the payload, returned or, beyond Limits.MaxPayload, not
	Unfinished  bool   // the guest answered before its event loop was empty: see Finish
	Faults      uint64 // page faults, as far as the system tells; only with Limits.Faults
}

type state uint8

const (
	stateShell  state = iota // not bound
	stateReady               // may be called
	stateBroken              // after an error: to be reset
	stateClosed
)

// Instance is one running copy of a guest. It belongs to one goroutine at a time.
type Instance struct {
	p       *Program
	slot    *slot
	mod     api.Module
	mem     api.Memory
	fn      api.Function
	fuel    balance
	depth   api.MutableGlobal // of calls; nil if they aren't counted
	globals []api.MutableGlobal
	proc    *wasi.Process
	serve   service.Table
	ctx     callContext
	stack   [3]uint64
	state   state
	bound   *Snapshot
	base    *Snapshot // whose image is mapped; nil = none
	booted  bool      // the interpreter was started in it
	info    abi.Info
	rest    *abi.Wait // of an unfinished invocation

	limits  Limits
	granted int64
	spent   uint64 // fuel, since the machine stack is fresh
	served  uint64 // work of host services since the limits were looked at
	faults  uint64 // of the thread, when the guest began to run on it
	pinned  bool   // to its thread
	usage   Usage
}

// callContext is the context of every call: host functions find their instance through it without a look-up.
type callContext struct {
	context.Context
	in *Instance
}

type instanceKey struct{}

// Value makes the instance findable where wazero or an allocator has wrapped the context.
func (c *callContext) Value(key any) any {
	if _, ok := key.(instanceKey); ok {
		return c.in
	}
	return nil
}

func instanceOf(ctx context.Context) *Instance {
	if c, ok := ctx.(*callContext); ok {
		return c.in
	}
	return ctx.Value(instanceKey{}).(*Instance)
}

// Process is the state behind the instance's host functions: file system, sinks, clocks.
func (in *Instance) Process() *wasi.Process { return in.proc }

// Reservation is the most memory that Bind can grant, in bytes.
func (in *Instance) Reservation() uint64 { return uint64(in.slot.reserved()) }

// Usage is what the last call cost.
func (in *Instance) Usage() Usage { return in.usage }

// Footprint is the instance's private memory: written pages, /tmp, what the handles of its services keep, and an estimate of what
// it costs in the Go heap.
func (in *Instance) Footprint() int64 {
	n := in.p.heap + in.slot.private(in.slot.peak, in.p.host.scan) + in.proc.FS.TmpBytes() + int64(in.serve.Held())
	if in.proc.Net != nil {
		n += in.proc.Net.Bytes()
	}
	return n
}

// Bind makes the instance equal to a snapshot, with a memory cap of capacity bytes. Its file system becomes mounts.
func (in *Instance) Bind(s *Snapshot, capacity uint64, mounts vfs.Mounts) error {
	if in.state == stateClosed || s.p != in.p {
		return ErrState
	}
	capacity = max(capacity, uint64(s.length))
	if capacity > in.Reservation() {
		return fmt.Errorf("%w: %d bytes wanted, %d reserved", ErrState, capacity, in.Reservation())
	}
	if !s.retain() {
		return fmt.Errorf("%w: snapshot closed", ErrState)
	}
	if in.state == stateBroken || in.spent > deepFuel {
		in.freshStack()
	}
	in.state = stateBroken // until all is done
	in.serve.Reset()
	root := s.root()
	root.retain() // succeeds: s lives, and keeps it alive
	if err := in.slot.bind(root.image, s.delta, in.slot.peak, in.p.host.scan); err != nil {
		root.release()
		s.release()
		return err
	}
	if in.base != nil {
		in.base.release()
	}
	in.base = root
	if in.bound != nil {
		in.bound.release()
	}
	in.bound, in.info = s, s.info
	in.slot.cap = min(capacity, maxMemory)
	mounts.Runtime = in.p.files
	in.proc.FS.Mount(mounts)
	return in.adopt()
}

// Reset takes the instance back to the snapshot that it is bound to, /tmp and descriptors included.
func (in *Instance) Reset() error {
	if in.state == stateClosed || in.bound == nil {
		return ErrState
	}
	if in.state == stateBroken || in.spent > deepFuel {
		in.freshStack()
	}
	in.state = stateBroken
	in.serve.Reset()
	if err := in.slot.reset(in.slot.peak, in.p.host.scan); err != nil {
		return err
	}
	in.proc.FS.Reset()
	return in.adopt()
}

// adopt makes the module see the bound snapshot's length and globals.
func (in *Instance) adopt() error {
	in.rest = nil
	// Memory.Grow has wazero read base and length anew from the slot; what it asks for is overruled.
	in.slot.forced = in.bound.length
	if _, ok := in.mem.Grow(1); !ok {
		in.slot.forced = -1
		return fmt.Errorf("%w: memory can't be bound", ErrState)
	}
	in.slot.peak = in.bound.length
	for i, v := range in.bound.globals {
		in.globals[i].Set(v)
	}
	in.state = stateReady
	return nil
}

// Park takes the instance back to a snapshot and leaves the pages that were written resident, so that the next Bind to the
// same snapshot costs nothing and its function takes few page faults. Where they are too many, those stay that the first
// instance parked had written. Files and sinks are forgotten.
func (in *Instance) Park(s *Snapshot) error {
	if in.state == stateClosed {
		return ErrState
	}
	if err := in.Bind(s, in.slot.cap, vfs.Mounts{}); err != nil {
		return err
	}
	in.forget()
	return nil
}

// forget closes the instance's files and sockets and gives up its sinks and its network.
func (in *Instance) forget() {
	in.proc.FS.Mount(vfs.Mounts{Runtime: in.p.files})
	in.proc.Stdio, in.proc.Log = nil, nil
	if in.proc.Net != nil {
		in.proc.Net.SetPolicy(nil)
	}
}

// Compact gives back the private pages that hold nothing of their own, and the machine stack, for an instance that is going to be idle for long: its
// next call takes some more page faults. What the guest sees doesn't change.
func (in *Instance) Compact() error {
	if in.state != stateReady {
		return ErrState
	}
	in.freshStack()
	return in.slot.compact(in.slot.peak, in.p.host.scan)
}

// Unbind gives up snapshot, files and private memory; the instance becomes a shell that costs address space only.
func (in *Instance) Unbind() error {
	if in.state == stateClosed {
		return ErrState
	}
	if in.bound == nil {
		return fmt.Errorf("%w: never bound", ErrState)
	}
	in.state = stateBroken
	in.serve.Reset()
	in.forget()
	in.freshStack()
	if err := in.slot.unbind(in.slot.peak); err != nil {
		return err
	}
	in.bound.release()
	in.bound = nil
	in.state = stateShell
	return nil
}

// freshStack gives up the machine stack, which grows with the guest's recursion, to 80 MB at most, and never shrinks. How far
// it has grown can't be asked for.
func (in *Instance) freshStack() { in.fn, in.spent = in.mod.ExportedFunction(abi.EntryPoint), 0 }

// deepFuel is how much fuel a guest spends before its machine stack is worth giving up between two tenants. A JavaScript
// program spends about as much until its recursion is refused.
const deepFuel = 1 << 20

// Close ends the instance for good. No call may be running.
func (in *Instance) Close() error {
	if in.state == stateClosed {
		return nil
	}
	in.state = stateClosed
	in.serve.Reset()
	in.proc.FS.Reset() // closes sockets
	err := in.mod.Close(context.Background())
	in.slot.unmap()
	if in.bound != nil {
		in.bound.release()
		in.bound = nil
	}
	if in.base != nil {
		in.base.release()
		in.base = nil
	}
	return err
}

// run executes f, which calls into the guest, under limits.
func (in *Instance) run(l Limits, f func() error) error {
	in.limits = l
	in.usage = Usage{}
	in.slot.clean = false
	in.slot.refused = false
	in.slot.tracked = in.slot.tracked && l.Track
	p := in.proc
	p.Deadline, p.Wake, p.Done, p.Stop = l.Deadline, l.Soft, nil, nil
	if l.Context != nil {
		if l.Context.Err() != nil {
			return ErrCanceled
		}
		p.Done = l.Context.Done()
	}
	if l.Stopped != nil {
		if l.Stopped.Err() != nil {
			return ErrCanceled
		}
		p.Stop = l.Stopped.Done()
	}
	if l.CPU != nil {
		if err := l.CPU.Begin(in.waitContext(), in.cpuDeadline()); err != nil {
			return cpuError(err)
		}
		defer l.CPU.End()
	}
	in.granted = slice
	in.fuel.Set(uint64(in.granted))
	if in.depth != nil {
		in.depth.Set(0)
	}
	in.beginFaults()
	err := f()
	in.countFaults()
	in.usage.Fuel += uint64(max(0, in.granted-int64(in.fuel.Get())))
	in.spent += in.usage.Fuel
	in.usage.PeakMemory = uint64(in.slot.peak)
	in.limits = Limits{}
	if err != nil {
		in.state = stateBroken
	}
	return err
}

// refuel is called by the guest when its balance is negative. It may not return.
func (in *Instance) refuel(left int64) int64 {
	if left == meter.DepthExceeded {
		panic(ErrStackOverflow)
	}
	in.usage.Fuel += uint64(in.granted - left)
	in.granted = left // what check ends is accounted already
	in.yield()
	in.granted = slice
	return slice
}

// yield ends the call if it may not go on, and lets others have the processor.
func (in *Instance) yield() {
	in.countFaults()
	in.check()
	if t := in.limits.CPU; t != nil {
		if err := t.Tick(in.waitContext()); err != nil {
			panic(cpuError(err))
		}
	} else {
		runtime.Gosched()
	}
	in.beginFaults()
}

// charge accounts what a host service does like the guest's own computing: it costs fuel and processor time, and may end here.
func (in *Instance) charge(units uint64) {
	in.usage.Fuel += units
	if in.served += units; in.served >= slice {
		in.served = 0
		in.yield()
	}
}

// check ends the call with a panic if it may not go on, and raises the soft interrupt when its time has come.
func (in *Instance) check() {
	l := &in.limits
	if l.Context != nil && l.Context.Err() != nil || l.Stopped != nil && l.Stopped.Err() != nil {
		panic(ErrCanceled)
	}
	if l.Deadline.IsZero() {
		return
	}
	now := time.Now()
	if !now.Before(l.Deadline) {
		panic(ErrDeadline)
	}
	if !l.Soft.IsZero() && !now.Before(l.Soft) && !in.usage.Interrupted {
		in.usage.Interrupted = true
		in.slot.tracked = false // what is written here isn't
		in.proc.Wake = time.Time{}
		for _, w := range in.info.Interrupts {
			if b, ok := in.mem.Read(w.Addr, 4); ok {
				binary.LittleEndian.PutUint32(b, binary.LittleEndian.Uint32(b)|w.Mask)
			}
		}
	}
}

// blocking gives the processor, and the thread, up around a host call that waits.
func (in *Instance) blocking() func() {
	t := in.limits.CPU
	if t == nil && !in.pinned {
		return func() {}
	}
	in.countFaults()
	if t != nil {
		t.Pause()
	}
	return func() {
		if t != nil {
			if err := t.Resume(in.waitContext()); err != nil {
				panic(cpuError(err))
			}
		}
		in.beginFaults()
	}
}

func (in *Instance) waitContext() context.Context {
	if in.limits.Context != nil {
		return in.limits.Context
	}
	return context.Background()
}

func (in *Instance) cpuDeadline() time.Time {
	if in.limits.Deadline.IsZero() {
		return time.Now().Add(time.Hour)
	}
	return in.limits.Deadline
}

func cpuError(err error) error {
	if errors.Is(err, cpu.ErrDeadline) {
		return ErrDeadline
	}
	return ErrCanceled
}

// call runs one operation of the guest.
func (in *Instance) call(op abi.Op, a, b uint32) (abi.Status, uint32, error) {
	in.stack = [3]uint64{uint64(op), uint64(a), uint64(b)}
	if err := in.fn.CallWithStack(&in.ctx, in.stack[:]); err != nil {
		return 0, 0, classify(err, in.slot.refused)
	}
	status, ptr := abi.Result(in.stack[0])
	return status, ptr, nil
}

// memory is all of linear memory, valid until it grows.
func (in *Instance) memory() []byte {
	b, _ := in.mem.Read(0, in.mem.Size())
	return b
}

// buffer has the guest allocate room for a frame.
func (in *Instance) buffer(n int) ([]byte, uint32, error) {
	_, ptr, err := in.call(abi.OpAlloc, uint32(n), 0)
	if err != nil {
		return nil, 0, err
	}
	mem := in.memory()
	if ptr == 0 {
		return nil, 0, fmt.Errorf("%w: no room for a frame of %d bytes", ErrOutOfMemory, n)
	}
	if uint64(ptr)+uint64(n) > uint64(len(mem)) {
		return nil, 0, fmt.Errorf("%w: input buffer at %d", ErrContract, ptr)
	}
	return mem[ptr : uint64(ptr)+uint64(n)], ptr, nil
}

// transact sends a frame of n bytes, written by encode, and appends the payload of the answer to dst.
func (in *Instance) transact(op abi.Op, n int, encode func([]byte), dst []byte, l Limits) (payload []byte, status abi.Status, err error) {
	if in.state != stateReady || in.rest != nil {
		return dst, 0, ErrState
	}
	take := func(answer []byte, st abi.Status) {
		in.usage.Payload, status = len(answer), st
		if l.MaxPayload == 0 || len(answer) <= l.MaxPayload {
			dst = append(dst, answer...)
		}
	}
	err = in.run(l, func() error {
		buf, ptr, err := in.buffer(n)
		if err != nil {
			return err
		}
		encode(buf)
		st, at, err := in.call(op, ptr, uint32(n))
		if err != nil {
			return err
		}
		for st == abi.StatusPending {
			w, err := in.waitFrame(at)
			if err != nil {
				return err
			}
			if w.Responded && op == abi.OpInvoke {
				take(w.Response, abi.StatusDone)
				w.Response = nil
				in.rest, in.usage.Unfinished = &w, true
				return nil
			}
			if w.Until < 0 && len(w.Descriptors) == 0 {
				return fmt.Errorf("%w: guest waits for nothing", ErrContract)
			}
			if err := in.wait(&w); err != nil {
				return err
			}
			if st, at, err = in.call(abi.OpTurn, 0, 0); err != nil {
				return err
			}
		}
		answer, err := abi.Payload(in.memory(), at)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrContract, err)
		}
		if st == abi.StatusFault || st > abi.StatusHandled {
			return &FaultError{op.String(), string(answer[:min(len(answer), 1024)])}
		}
		take(answer, st)
		return nil
	})
	return dst, status, err
}

// Finish runs what a guest has left to do that answered before its event loop was empty (Usage.Unfinished). Until then the
// instance can only be Reset, Bound, Unbound or Closed otherwise.
func (in *Instance) Finish(l Limits) error {
	w := in.rest
	if in.state != stateReady || w == nil {
		return ErrState
	}
	in.rest = nil
	return in.run(l, func() error {
		for w.Until >= 0 || len(w.Descriptors) > 0 {
			if err := in.wait(w); err != nil {
				return err
			}
			st, at, err := in.call(abi.OpTurn, abi.TurnResponded, 0)
			if err != nil {
				return err
			}
			if st != abi.StatusPending {
				return nil // whatever it says, the caller has his answer
			}
			next, err := in.waitFrame(at)
			if err != nil {
				return err
			}
			w = &next
		}
		return nil
	})
}

// waitFrame reads how a pending guest wants to wait.
func (in *Instance) waitFrame(at uint32) (abi.Wait, error) {
	frame, err := abi.Payload(in.memory(), at)
	if err != nil {
		return abi.Wait{}, fmt.Errorf("%w: %w", ErrContract, err)
	}
	w, err := abi.ParseWait(frame)
	if err != nil {
		return abi.Wait{}, fmt.Errorf("%w: %w", ErrContract, err)
	}
	return w, nil
}

// wait waits outside the guest for what it asks for, under the same limits as a host call that waits.
func (in *Instance) wait(w *abi.Wait) (err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			if !ok || !errors.Is(e, ErrDeadline) && !errors.Is(e, ErrCanceled) {
				panic(r)
			}
			err = e
		}
	}()
	d := time.Duration(-1)
	if w.Until >= 0 {
		d = time.Duration(max(0, w.Until-wasi.Now()))
	}
	var ready func() bool
	if len(w.Descriptors) > 0 {
		ready = func() bool {
			any := false
			for _, x := range w.Descriptors {
				any = in.proc.Ready(x.FD, x.Events) != 0 || any
			}
			return any
		}
	}
	in.proc.Wait(d, ready)
	return nil
}

// plain runs an operation that has only one good answer.
func (in *Instance) plain(op abi.Op, frame []byte, l Limits) ([]byte, error) {
	payload, status, err := in.transact(op, len(frame), func(b []byte) { copy(b, frame) }, nil, l)
	if err == nil && status != abi.StatusDone {
		err = &FaultError{op.String(), fmt.Sprintf("status %d: %s", status, payload[:min(len(payload), 1024)])}
	}
	return payload, err
}

func (in *Instance) askInfo(l Limits) (abi.Info, error) {
	var info abi.Info
	err := in.run(l, func() error {
		_, at, err := in.call(abi.OpInfo, 0, 0)
		if err != nil {
			return err
		}
		if info, err = abi.ParseInfo(in.memory(), at); err != nil {
			return fmt.Errorf("%w: %w", ErrContract, err)
		}
		return nil
	})
	return info, err
}

// Restore is the first operation after Bind or Reset: it hands over the environment, as alternating keys and values, and
// has the guest draw new randomness.
func (in *Instance) Restore(env []string, l Limits) error {
	_, err := in.plain(abi.OpRestore, abi.AppendPairs(nil, env...), l)
	return err
}

// Load loads the function's handler. With StatusError the payload is what the caller of the function gets.
func (in *Instance) Load(r *abi.Load, dst []byte, l Limits) ([]byte, abi.Status, error) {
	frame := r.Append(nil)
	return in.transact(abi.OpLoad, len(frame), func(b []byte) { copy(b, frame) }, dst, l)
}

// Invoke runs one invocation and appends the payload to dst.
func (in *Instance) Invoke(v *abi.Invoke, dst []byte, l Limits) ([]byte, abi.Status, error) {
	return in.transact(abi.OpInvoke, v.Size(), func(b []byte) { v.Encode(b) }, dst, l)
}

// Compile has the guest compile a source file of its file system, given by its absolute path, and appends the compiled form
// to dst. ok is false where the guest can't: it has no such operation, or the file is no good.
func (in *Instance) Compile(path string, dst []byte, l Limits) (compiled []byte, ok bool, err error) {
	frame := abi.AppendRecord(nil, abi.String(path))
	compiled, status, err := in.transact(abi.OpCompile, len(frame), func(b []byte) { copy(b, frame) }, dst, l)
	var fault *FaultError
	if errors.As(err, &fault) { // optional operation
		in.state = stateReady
		return dst, false, nil
	}
	return compiled, err == nil && status == abi.StatusDone, err
}

// Trim asks the guest to tidy up before it is kept idle or snapshotted.
func (in *Instance) Trim(l Limits) error {
	_, _, err := in.transact(abi.OpTrim, 0, func([]byte) {}, nil, l)
	var fault *FaultError
	if errors.As(err, &fault) { // optional operation
		in.state = stateReady
		return nil
	}
	return err
}
