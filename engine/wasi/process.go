// Package wasi implements the host functions that a guest may import (abi/README.md, section 5): WASI preview 1 over package
// vfs, and log and remaining_time of module thaw.
//
// All state is in a Process, one per instance, so that an instance that changes over to another function or goes back to a
// snapshot is reset in a few stores; wazero's own WASI keeps that state in the module. Every host function is a
// GoModuleFunc (no reflection). Pointers and lengths come from the guest and are hostile: what lies outside its memory ends
// in EFAULT.
//
// A sandbox wires it up like this:
//
//	get := func(ctx context.Context) *wasi.Process { return ctx.(*callContext).process }
//	wasi.Instantiate(ctx, runtime, get)
//	b := runtime.NewHostModuleBuilder(abi.HostModule)
//	wasi.ExportThaw(b, get)
//	b.NewFunctionBuilder()…Export("refuel")
//	b.Instantiate(ctx)
package wasi

import (
	"fmt"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/socket"
	"github.com/thawrun/thaw/engine/vfs"
)

// Process is the state behind the host functions of one instance. It belongs to the goroutine that runs the instance.
type Process struct {
	FS *vfs.FS
	// Net is the network. May be nil: then there is none.
	Net *socket.Set

	// Stdio gets the bytes of every write to descriptor 1 or 2 (or /dev/stdout, /dev/stderr), those of one fd_write together
	// as far as they are not more than 64 KB. They are only valid during the call. nil drops them.
	Stdio func(fd int, p []byte)
	// Log gets the records of the host function log, valid during the call. nil drops them.
	Log func(level abi.LogLevel, p []byte)

	// Deadline is the end of the current call; remaining_time and sleeps respect it. Zero = none.
	Deadline time.Time
	// Wake is when a sleep is to be interrupted for the first time, zero = never: the soft interrupt.
	Wake time.Time
	// Done and Stop end sleeps early when they are closed. May be nil.
	Done, Stop <-chan struct{}
	// Check is called before the guest goes on after a sleep, and now and then during a host call that moves megabytes. It
	// panics where the call must end. May be nil.
	Check func()
	// Blocking is called before a sleep and returns what is to be called after it. May be nil.
	Blocking func() (resume func())
	// CPUTime is the processor time of the current call, for clocks 2 and 3. nil = time since the process was made.
	CPUTime func() time.Duration

	call   call   // the host call in progress
	gather []byte // the buffers of a write in several
	subs   []byte // the subscriptions of a poll
}

// maxGather is the most that a write in several buffers is collected to; it stays allocated.
const maxGather = 64 << 10

func (p *Process) stdio(stream int, b []byte) {
	if p.Stdio != nil && len(b) > 0 {
		p.Stdio(stream, b)
	}
}

// ExitError is what proc_exit panics with; the call into the guest returns an error that wraps it.
type ExitError struct{ Code uint32 }

func (e *ExitError) Error() string { return fmt.Sprintf("guest exited with status %d", e.Code) }

// Sleep waits for d, or less: the deadline, the soft interrupt and Done end it early.
func (p *Process) Sleep(d time.Duration) { p.Wait(d, nil) }

// Wait waits until ready says so, which it is asked after every change of the network, or d has passed; negative = never. The
// deadline, the soft interrupt and Done end it early. interrupted says that the soft interrupt did.
func (p *Process) Wait(d time.Duration, ready func() bool) (interrupted bool) {
	if ready != nil && ready() {
		return false
	}
	var until time.Time
	if d >= 0 {
		until = time.Now().Add(d)
	}
	for _, t := range []time.Time{p.Deadline, p.Wake} {
		if !t.IsZero() && (until.IsZero() || t.Before(until)) {
			until = t
		}
	}
	wake := p.Wake
	p.block(until, ready)
	if p.Check != nil {
		p.Check()
	}
	return !wake.IsZero() && !time.Now().Before(wake)
}

// block waits beside the processor.
func (p *Process) block(until time.Time, ready func() bool) {
	if p.Blocking != nil {
		resume := p.Blocking()
		defer resume()
	}
	var timeout <-chan time.Time
	if !until.IsZero() {
		d := time.Until(until)
		if d <= 0 {
			return
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		timeout = timer.C
	}
	var changed <-chan struct{}
	if p.Net != nil && ready != nil {
		changed = p.Net.Changed()
	}
	for {
		select {
		case <-changed:
			if ready() {
				return
			}
		case <-timeout:
			return
		case <-p.Done:
			return
		case <-p.Stop:
			return
		}
	}
}

// Ready says which of events, abi.WaitReadable and abi.WaitWritable, a descriptor is ready for, and begins what makes it ready
// for the others. Files always are, and so is what is not open: using it tells.
func (p *Process) Ready(fd int32, events uint32) uint32 {
	h, _ := p.FS.Handle(fd)
	d, ok := h.(socket.Descriptor)
	if !ok {
		return events
	}
	return ready(d, events)
}

func ready(d socket.Descriptor, events uint32) uint32 {
	now := d.Ready().Events & events
	if now == 0 {
		d.Expect(events)
	}
	return now
}
