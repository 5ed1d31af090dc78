package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/queue"
	"github.com/thawrun/thaw/engine/store"
)

// enqueue accepts an asynchronous invocation: the answer is given when the event is on disk.
func (s *Server) enqueue(t target, req *engine.Request) error {
	now := time.Now().UTC()
	err := s.events.Add(s.base, &store.Event{
		Account: t.f.Account, Region: t.f.Region, Function: t.f.Name, Qualifier: t.ref.qualifier, RequestID: req.RequestID, TraceID: req.TraceID, Accepted: now, Due: now,
		ClientContext: req.ClientContext, Payload: req.Event,
	})
	switch {
	case errors.Is(err, queue.ErrFull):
		return &Error{Name: "TooManyRequestsException", Message: "Rate Exceeded.", Reason: "CallerRateLimitExceeded"}
	case errors.Is(err, queue.ErrClosed), s.base.Err() != nil:
		return fail("ServiceUnavailableException", "The server is shutting down.")
	case err != nil:
		return fmt.Errorf("enqueue: %w", err)
	}
	return nil
}

// invokeAsync is the deprecated operation InvokeAsync.
func (s *Server) invokeAsync(r *request) error {
	ref, f, err := s.findFunction(r)
	if err != nil {
		return err
	}
	var req engine.Request
	if req.Event = r.ctx.PostBody(); len(req.Event) == 0 {
		return fail("InvalidRequestContentException", "InvokeArgs is required.")
	}
	if err := s.checkEvent(r.ctx, req.Event, s.cfg.Limits.AsyncPayload); err != nil {
		return err
	}
	req.RequestID = requestID(r.ctx)
	req.TraceID = string(r.ctx.Request.Header.Peek("X-Amzn-Trace-Id"))
	if err := s.enqueue(target{ref, f, f.Latest}, &req); err != nil {
		return err
	}
	r.ctx.SetStatusCode(fasthttp.StatusAccepted)
	r.ctx.SetContentType(contentJSON)
	return nil
}

// execute runs an accepted event. The context is the server's own: shutting down lets executions end.
func (s *Server) execute(_ context.Context, e *store.Event) queue.Outcome {
	c := s.calls.Get().(*call)
	defer s.putCall(c)
	f, ok := s.cfg.Store.Function(e.Account, e.Region, e.Function)
	if !ok {
		return queue.Gone
	}
	v := routed(f, e.Qualifier)
	if v == nil {
		return queue.Gone
	}
	c.req = engine.Request{
		Function: s.versionKey(f.Account, f.Name, v.Number), Event: e.Payload, RequestID: e.RequestID, TraceID: e.TraceID, ClientContext: e.ClientContext,
		InvokedARN: s.qualifiedARN(f, e.Qualifier),
	}
	err := s.run(f, v.Number, &c.req, &c.resp)
	var throttled *engine.ThrottleError
	switch {
	case err == nil && c.resp.FunctionError == engine.Succeeded:
		return queue.Succeeded
	case err == nil:
		return queue.Failed
	case errors.As(err, &throttled), errors.Is(err, engine.ErrStarting):
		return queue.Throttled
	case errors.Is(err, engine.ErrClosed), s.base.Err() != nil:
		return queue.Stopped
	case errors.Is(err, engine.ErrNotFound):
		return queue.Gone
	}
	var e2 *Error
	if errors.As(err, &e2) && e2.Name == "ResourceNotFoundException" {
		return queue.Gone
	}
	s.log.Warn("asynchronous invocation failed", "function", e.Function, "requestId", e.RequestID, "error", err)
	return queue.Failed
}

// asyncRules are what a function's event-invoke configuration says.
func (s *Server) asyncRules(e *store.Event) queue.Rules {
	rules := queue.DefaultRules()
	f, ok := s.cfg.Store.Function(e.Account, e.Region, e.Function)
	if !ok {
		return rules
	}
	qualifier := e.Qualifier
	if qualifier == "" && f.At("").Async == nil {
		qualifier = latest
	} else if qualifier == latest && f.At(latest).Async == nil {
		qualifier = ""
	}
	if a := f.At(qualifier).Async; a != nil {
		if a.MaximumRetryAttempts != nil {
			rules.Retries = *a.MaximumRetryAttempts
		}
		if a.MaximumEventAgeInSeconds != nil {
			rules.MaxAge = time.Duration(*a.MaximumEventAgeInSeconds) * time.Second
		}
	}
	return rules
}

func (s *Server) eventDropped(e *store.Event, reason string) {
	s.log.Warn("event given up", "function", e.Function, "qualifier", e.Qualifier, "requestId", e.RequestID, "reason", reason, "attempts", e.Attempts, "accepted", e.Accepted)
}

type asyncInput struct {
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	DestinationConfig        *destinations
}

func (in *asyncInput) validate(v *violations) {
	if in.MaximumRetryAttempts != nil {
		v.between("maximumRetryAttempts", *in.MaximumRetryAttempts, 0, 2)
	}
	if in.MaximumEventAgeInSeconds != nil {
		v.between("maximumEventAgeInSeconds", *in.MaximumEventAgeInSeconds, 60, 21600)
	}
	if in.DestinationConfig != nil {
		in.DestinationConfig.validate(v)
	}
}

// asyncShape is a FunctionEventInvokeConfig. Its LastModified is a number.
type asyncShape struct {
	LastModified             float64
	FunctionArn              string
	MaximumRetryAttempts     *int         `json:",omitempty"`
	MaximumEventAgeInSeconds *int         `json:",omitempty"`
	DestinationConfig        destinations //
}

func (s *Server) asyncShape(f *store.Function, qualifier string, a *store.AsyncConfig) *asyncShape {
	c := &asyncShape{float64(a.LastModified.UnixMilli()) / 1000, s.qualifiedARN(f, orDefault(qualifier, latest)), a.MaximumRetryAttempts, a.MaximumEventAgeInSeconds, destinations{}}
	c.DestinationConfig = destinations{&destination{a.OnSuccess}, &destination{a.OnFailure}}
	return c
}

// putAsync stores an event-invoke configuration: all of it, or only what is given (merge).
func (s *Server) putAsync(r *request, merge bool) error {
	var in asyncInput
	if err := decode(r.ctx.PostBody(), &in); err != nil {
		return err
	}
	var v violations
	in.validate(&v)
	if err := v.err(); err != nil {
		return err
	}
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return invalid("You must specify at least one of error handling or destination setting.")
	}
	t, err := s.find(r)
	if err != nil {
		return err
	}
	if d := in.DestinationConfig; d != nil {
		for _, x := range []*destination{d.OnSuccess, d.OnFailure} {
			if x != nil && x.Destination != "" && x.Destination == s.arn(t.f.Account, t.f.Name) {
				return invalid("You can't specify the function as a destination for itself.")
			}
		}
	}
	var shown *asyncShape
	uerr := s.changeQualified(t.ref, func(q *store.Qualified) error {
		a := &store.AsyncConfig{}
		if merge {
			if q.Async == nil {
				return s.noAsync(t)
			}
			*a = *q.Async
		}
		if in.MaximumRetryAttempts != nil {
			a.MaximumRetryAttempts = in.MaximumRetryAttempts
		}
		if in.MaximumEventAgeInSeconds != nil {
			a.MaximumEventAgeInSeconds = in.MaximumEventAgeInSeconds
		}
		if d := in.DestinationConfig; d != nil {
			a.OnSuccess, a.OnFailure = "", ""
			if d.OnSuccess != nil {
				a.OnSuccess = d.OnSuccess.Destination
			}
			if d.OnFailure != nil {
				a.OnFailure = d.OnFailure.Destination
			}
		}
		a.LastModified = time.Now().UTC()
		q.Async = a
		shown = s.asyncShape(t.f, t.ref.qualifier, a)
		return nil
	})
	if uerr != nil {
		return uerr
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(shown))
	return nil
}

func (s *Server) noAsync(t target) *Error {
	return fail("ResourceNotFoundException", "The function %s doesn't have an EventInvokeConfig", s.qualifiedARN(t.f, orDefault(t.ref.qualifier, latest)))
}

func (s *Server) putAsyncConfig(r *request) error    { return s.putAsync(r, false) }
func (s *Server) updateAsyncConfig(r *request) error { return s.putAsync(r, true) }

func (s *Server) getAsyncConfig(r *request) error {
	t, err := s.find(r)
	if err != nil {
		return err
	}
	a := t.f.At(t.ref.qualifier).Async
	if a == nil {
		return s.noAsync(t)
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(s.asyncShape(t.f, t.ref.qualifier, a)))
	return nil
}

func (s *Server) deleteAsyncConfig(r *request) error {
	t, err := s.find(r)
	if err != nil {
		return err
	}
	if err := s.changeQualified(t.ref, func(q *store.Qualified) error {
		if q.Async == nil {
			return s.noAsync(t)
		}
		q.Async = nil
		return nil
	}); err != nil {
		return err
	}
	r.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) listAsyncConfigs(r *request) error {
	shown, next, err := listQualified(s, r, func(f *store.Function, q string, set *store.Qualified) *asyncShape {
		if set.Async == nil {
			return nil
		}
		return s.asyncShape(f, q, set.Async)
	})
	if err != nil {
		return err
	}
	s.json(r.ctx, fasthttp.StatusOK, marshal(struct {
		FunctionEventInvokeConfigs []*asyncShape
		NextMarker                 *string
	}{shown, next}))
	return nil
}
