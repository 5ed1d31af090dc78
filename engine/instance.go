package engine

import (
	"context"
	"errors"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/cpu"
	"github.com/thawrun/thaw/engine/pool"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
)

// instance is a sandbox with a function in it. It implements pool.Instance.
type instance struct {
	v    *version
	box  *sandbox.Instance
	cpu  *cpu.Task
	log  functionLog
	init time.Duration // of the start

	faults uint64 // page faults of the start

	task, layers *vfs.Tree
	compiled     *vfs.Tree  // of task
	loaded       bool       // the snapshot that the instance is bound to has the handler loaded
	frame        abi.Invoke // reused

	rest     bool      // the last invocation answered before its event loop was empty
	deadline time.Time // of the last invocation

	expires time.Time // of the credentials in its environment; zero = never
}

// limits are those of one call into the guest.
func (in *instance) limits(ctx context.Context, deadline time.Time) sandbox.Limits {
	l := sandbox.Limits{Context: ctx, Stopped: in.v.e.ended, Deadline: deadline, CPU: in.cpu, MaxPayload: in.v.e.cfg.MaxPayload}
	l.Track = in.v.f.Isolation == IsolationRequest // resets are frequent
	if s := in.v.g.abi.SoftInterrupt; s > 0 {
		l.Soft = deadline.Add(-s)
	}
	return l
}

// start binds the function's snapshot, or the runtime's and loads the handler.
func (in *instance) start(ctx context.Context) error {
	v := in.v
	if v.g.snapshot == nil {
		if err := in.boot(ctx); err != nil {
			return err
		}
		if err := in.restore(ctx, true); err != nil {
			return err
		}
		return in.load(ctx)
	}
	snapshot, done := v.useSnapshot()
	loaded := snapshot != nil
	if !loaded {
		snapshot = v.base(ctx)
	}
	err := in.bind(snapshot)
	done()
	if err != nil {
		return err
	}
	// A snapshot outlives credentials, so there must be none in it: what a function is loaded with then has none.
	bare := !loaded && v.f.Credentials != nil && v.wantsSnapshot() && v.mayKeepSnapshot()
	if err := in.restore(ctx, !bare); err != nil {
		return err
	}
	if in.loaded = loaded; loaded {
		return nil
	}
	err = in.load(ctx)
	v.compileLater(in.task)
	if err != nil && !(bare && v.refuseSnapshot(err)) {
		return err
	}
	if err == nil && v.wantsSnapshot() && v.keepSnapshot(in.box) {
		// From here on this instance is a clone of the snapshot too, so that a reset leads back to the loaded handler.
		snapshot, done := v.useSnapshot()
		defer done()
		if err := in.bind(snapshot); err != nil {
			return err
		}
		in.loaded = true
		return in.restore(ctx, true)
	}
	if bare { // no snapshot came of it: once more, with credentials
		return in.start(ctx)
	}
	return nil
}

func (in *instance) mounts() vfs.Mounts {
	return vfs.Mounts{Task: in.task, Layers: in.layers, Compiled: in.compiled, TmpCap: int64(in.v.f.TmpMB) << 20}
}

func (in *instance) bind(s *sandbox.Snapshot) error {
	if err := in.box.Bind(s, in.v.cap, in.mounts()); err != nil {
		return err
	}
	in.connect()
	return nil
}

// boot starts the interpreter, for want of a snapshot.
func (in *instance) boot(ctx context.Context) error {
	err := in.box.Boot(in.mounts(), in.limits(ctx, time.Now().Add(in.v.e.cfg.InitTimeout)))
	switch {
	case err == nil:
		in.connect()
	case !in.canceled(ctx, err):
		return &initError{cause: err}
	}
	return err
}

// connect leads what the guest writes to the log.
func (in *instance) connect() {
	p := in.box.Process()
	p.Stdio = func(_ int, b []byte) { in.log.Stdio(b) }
	p.Log = in.log.Record
	p.Net.SetPolicy(in.v.policy)
}

// restore gives the guest its environment, with the role's credentials if they are wanted.
func (in *instance) restore(ctx context.Context, credentials bool) error {
	env := in.v.environment(in.log.stream)
	in.expires = time.Time{}
	if credentials && in.v.f.Credentials != nil {
		c, err := in.v.credentials(ctx)
		if err != nil {
			return err
		}
		env, in.expires = c.appendTo(env), c.Expires
	}
	limits := in.limits(ctx, time.Now().Add(in.v.e.cfg.InitTimeout))
	limits.Faults = true
	err := in.box.Restore(env, limits)
	in.faults += in.box.Usage().Faults
	return err
}

// initTimeout is how long the function's handler may take to load.
func (v *version) initTimeout() time.Duration { return max(v.e.cfg.InitTimeout, v.f.Timeout) }

func (in *instance) load(ctx context.Context) error {
	limits := in.limits(ctx, time.Now().Add(in.v.initTimeout()))
	limits.Faults = true
	payload, status, err := in.box.Load(in.v.loadRecord(in.log.stream), nil, limits)
	in.faults += in.box.Usage().Faults
	switch {
	case err != nil && in.canceled(ctx, err):
		return err
	case err != nil:
		return &initError{log: in.log.tail.append(nil), cause: err}
	case status != abi.StatusDone:
		in.log.flush()
		return &initError{payload: payload, log: in.log.tail.append(nil)}
	}
	in.log.flush()
	return nil
}

// canceled says whether a call ended because the caller or the engine gave it up, not because of the function.
func (in *instance) canceled(ctx context.Context, err error) bool {
	return errors.Is(err, sandbox.ErrCanceled) || ctx.Err() != nil && !errors.Is(err, sandbox.ErrDeadline)
}

// invoke runs one invocation. alive is whether the instance may serve another as it is.
func (in *instance) invoke(ctx context.Context, req *Request, resp *Response) (alive bool, err error) {
	begin := time.Now()
	deadline := begin.Add(in.v.f.Timeout)
	in.log.begin(resp.RequestID)

	in.frame = abi.Invoke{
		DeadlineMS: deadline.UnixMilli(), Event: req.Event, RequestID: resp.RequestID, InvokedARN: req.InvokedARN, TraceID: req.TraceID,
		ClientContext: req.ClientContext, IdentityID: req.IdentityID, IdentityPoolID: req.IdentityPoolID,
	}
	if len(req.Event) == 0 {
		in.frame.Event = in.v.e.emptyEvent
	}
	if req.InvokedARN == "" {
		in.frame.InvokedARN = in.v.f.ARN
	}
	limits := in.limits(ctx, deadline)
	limits.Faults = resp.Report.Cold
	payload, status, err := in.box.Invoke(&in.frame, resp.Payload, limits)
	in.frame = abi.Invoke{}
	duration := since(begin)
	usage := in.box.Usage()

	alive, in.rest, in.deadline = err == nil, usage.Unfinished, deadline
	switch {
	case err != nil && in.canceled(ctx, err):
		in.log.end(&resp.Report)
		in.log.tail.reset()
		if in.v.e.ended.Err() != nil {
			return false, ErrClosed
		}
		return false, context.Cause(ctx)
	case err != nil:
		var line string
		resp.FunctionError = Unhandled
		payload, line = failure(in.v.f.Runtime, resp.RequestID, in.v.f.Timeout, err)
		resp.Payload = append(resp.Payload, payload...)
		in.log.Record(abi.LogError, []byte(line))
		if errors.Is(err, sandbox.ErrDeadline) {
			duration = in.v.f.Timeout // what lies beyond is the engine's, not the function's
		}
	default:
		resp.Payload = payload
		n := usage.Payload // may be more than was copied out of the guest
		switch status {
		case abi.StatusError:
			resp.FunctionError = Unhandled
			if usage.Interrupted {
				// What the soft interrupt ended is a timeout like any other, but the handler could tidy up.
				payload, line := failure(in.v.f.Runtime, resp.RequestID, in.v.f.Timeout, sandbox.ErrDeadline)
				resp.Payload = append(resp.Payload[:0], payload...)
				in.log.Record(abi.LogError, []byte(line))
				alive, duration, n = false, in.v.f.Timeout, 0
			}
		case abi.StatusHandled:
			resp.FunctionError = Handled
		}
		if n > in.v.e.cfg.MaxPayload {
			resp.FunctionError = Unhandled
			resp.Payload = append(resp.Payload[:0], tooLarge(n, in.v.e.cfg.MaxPayload)...)
		}
	}
	resp.Report.Duration, resp.Report.Billed = duration, billed(duration)
	resp.Report.Fuel, resp.Report.MaxMemory = usage.Fuel, usage.PeakMemory
	resp.Report.Faults = usage.Faults
	if resp.Report.Cold {
		resp.Report.Faults += in.faults
	}
	in.log.end(&resp.Report)
	if req.LogTail {
		resp.LogTail = in.log.appendTail(resp.LogTail, &resp.Report)
	}
	in.log.tail.reset()
	return alive, nil
}

// finish runs what the last invocation left to do after its answer, within the time that it has.
func (in *instance) finish() error {
	err := in.box.Finish(in.limits(context.Background(), in.deadline))
	in.log.flush()
	in.log.tail.reset()
	return err
}

// Reset takes the instance back to its snapshot. Where there is none another sandbox takes the place of this one.
func (in *instance) Reset() error {
	err := in.reset()
	if err != nil && in.v.e.ended.Err() != nil {
		return pool.ErrClosed
	}
	return err
}

func (in *instance) reset() error {
	if in.v.g.snapshot == nil {
		box, err := in.v.g.shell(in.v.cap)
		if err != nil {
			return err
		}
		in.v.g.recycle(in.box)
		in.box = box
		in.renew()
		return in.start(context.Background())
	}
	if err := in.box.Reset(); err != nil {
		return err
	}
	in.renew()
	if err := in.restore(context.Background(), true); err != nil {
		return err
	}
	if in.loaded {
		return nil
	}
	return in.load(context.Background())
}

// renew gives the instance a log of its own, as a new one has.
func (in *instance) renew() {
	in.log.tail.reset()
	in.log.line = in.log.line[:0]
	in.log.stream = newLogStream(in.v.f.Version, time.Now())
}

// Footprint is the sandbox's private memory. What was read of the package meanwhile is accounted for as well.
func (in *instance) Footprint() int64 {
	in.v.g.measure()
	in.v.code.measure()
	if in.v.layers != nil {
		in.v.layers.measure()
	}
	return in.box.Footprint()
}

// Compact has the guest tidy up and gives back the pages that hold nothing of the instance's own.
func (in *instance) Compact() error {
	if err := in.box.Trim(in.limits(in.v.e.ended, time.Now().Add(trimTimeout))); err != nil {
		return err
	}
	return in.box.Compact()
}

// trimTimeout bounds a guest's tidying up. It takes milliseconds; an instance that needs longer is closed.
const trimTimeout = time.Second

// Close gives the sandbox back to its guest as a shell.
func (in *instance) Close() {
	in.v.g.recycle(in.box)
	in.v.doneWithContents()
}
