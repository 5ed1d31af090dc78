package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/pool"
	"github.com/thawrun/thaw/engine/sandbox"
)

// Invoke runs one invocation and fills resp, reusing its buffers. The function's own failures are part of the response;
// the errors are those of the package and the context's. When ctx ends the invocation is ended too.
func (e *Engine) Invoke(ctx context.Context, req *Request, resp *Response) error {
	resp.reset(req.RequestID)
	if len(req.Event) > e.cfg.MaxPayload {
		return fmt.Errorf("%w: event of %d bytes, the limit is %d", ErrTooLarge, len(req.Event), e.cfg.MaxPayload)
	}
	if !e.gate.enter() {
		return ErrClosed
	}
	defer e.gate.leave()
	for {
		found, ok := e.functions.Load(req.Function)
		if !ok {
			return ErrNotFound
		}
		// A version that was replaced between the look-up and the checkout answers ErrRetired: its successor serves.
		if err := e.invokeVersion(ctx, found.(*version), req, resp); !errors.Is(err, pool.ErrRetired) {
			return err
		}
	}
}

func (e *Engine) invokeVersion(ctx context.Context, v *version, req *Request, resp *Response) error {
	slot, reservedFull, accountFull := v.reserve.Enter()
	if reservedFull || accountFull {
		e.counts.throttles.Add(1)
		if reservedFull {
			return &ThrottleError{ThrottleReserved}
		}
		return &ThrottleError{ThrottleAccount}
	}
	defer slot.End()

	resp.ExecutedVersion = v.f.Version
	resp.Report.MemoryMB = v.f.MemoryMB
	lease, err := v.group.Acquire(ctx)
	for err == nil && !lease.Cold && lease.Instance().(*instance).stale(time.Now()) {
		lease.Discard()
		lease, err = v.group.Acquire(ctx)
	}
	if err != nil {
		return e.notStarted(ctx, v, req, resp, err)
	}
	in := lease.Instance().(*instance)
	resp.Report.Cold = lease.Cold
	if lease.Cold {
		resp.Report.Init = in.init
	}
	alive, err := in.invoke(ctx, req, resp)
	e.counts.fuel.Add(resp.Report.Fuel)
	if resp.Report.Faults > 0 {
		e.counts.faults.Add(resp.Report.Faults)
	}
	switch {
	case !alive:
		lease.Discard()
	case in.rest:
		lease.Finish(in.finish, v.f.Isolation == IsolationRequest)
	case v.f.Isolation == IsolationRequest:
		lease.Reset()
	default:
		lease.Keep()
	}
	if err != nil {
		return err
	}
	e.counts.invocations.Add(1)
	if resp.FunctionError != Succeeded {
		e.counts.errors.Add(1)
	}
	return nil
}

// notStarted turns the error of a start into a response, where it is the function's fault, or into the engine's error.
func (e *Engine) notStarted(ctx context.Context, v *version, req *Request, resp *Response, err error) error {
	var failed *initError
	switch {
	case errors.As(err, &failed):
		e.counts.errors.Add(1)
		resp.FunctionError = Unhandled
		payload, line := failed.payload, ""
		if failed.cause != nil {
			payload, line = failure(v.f.Runtime, resp.RequestID, v.initTimeout(), failed.cause)
		}
		resp.Payload = append(resp.Payload, payload...)
		resp.Report.Cold = true
		resp.Report.Billed = billed(0)
		log := functionLog{function: &v.f, sink: v.e.cfg.Logs}
		log.requestID = resp.RequestID
		log.tail.write(failed.log)
		if line != "" {
			log.Record(abi.LogError, []byte(line))
		}
		if req.LogTail {
			resp.LogTail = log.appendTail(resp.LogTail, &resp.Report)
		}
		return nil
	case errors.Is(err, pool.ErrBudget):
		e.counts.throttles.Add(1)
		return &ThrottleError{ThrottleMemory}
	case errors.Is(err, pool.ErrClosed):
		return ErrClosed
	case errors.Is(err, pool.ErrRetired):
		return err
	}
	if e.ended.Err() != nil {
		return ErrClosed
	}
	if ctx.Err() != nil && errors.Is(err, sandbox.ErrCanceled) {
		return context.Cause(ctx)
	}
	return fmt.Errorf("start %s: %w", v.f.Key, err)
}

// reset empties a response for a new invocation.
func (r *Response) reset(requestID string) {
	if requestID == "" {
		requestID = uuid.NewString()
	}
	*r = Response{RequestID: requestID, Payload: r.Payload[:0], LogTail: r.LogTail[:0]}
}

// since is how long ago t was, never negative.
func since(t time.Time) time.Duration { return max(0, time.Since(t)) }
