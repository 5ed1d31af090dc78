package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

// maxClientContext is the most that a client context may have, in bytes of base64 (today's Invoke).
const maxClientContext = 3583

// call is what one invocation needs of the engine, reused.
type call struct {
	req  engine.Request
	resp engine.Response
}

// invoke is the operation Invoke. It is the hot path: no store is read, and buffers are reused.
//
// A client that goes away does not end its invocation, as at Lambda; Shutdown does when its patience ends.
func (s *Server) invoke(r *request) error {
	t, err := s.find(r)
	if err != nil {
		return err
	}
	c := s.calls.Get().(*call)
	defer s.putCall(c)
	req, resp := &c.req, &c.resp
	kind, err := s.readInvoke(r.ctx, req)
	if err != nil {
		return err
	}
	switch kind {
	case dryRun:
		r.ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	case asynchronous:
		if err := s.enqueue(t, req); err != nil {
			return err
		}
		r.ctx.SetStatusCode(fasthttp.StatusAccepted)
		return nil
	}
	v := t.v
	if t.ref.qualifier == "" || t.ref.qualifier == latest {
		key := s.key(t.f.Account, t.f.Name)
		if req.Function, req.InvokedARN = key, key; t.ref.qualifier == "" {
			req.InvokedARN = key[:len(key)-len(latest)-1]
		}
	} else {
		if v = routed(t.f, t.ref.qualifier); v == nil {
			return s.notFound(t.ref)
		}
		req.Function = s.versionKey(t.f.Account, t.f.Name, v.Number)
		req.InvokedARN = s.qualifiedARN(t.f, t.ref.qualifier)
	}

	// The result is written straight into the HTTP response's own buffer.
	resp.Payload = r.ctx.Response.SwapBody(nil)
	ierr := s.run(t.f, v.Number, req, resp)
	r.ctx.Response.SwapBody(resp.Payload)
	resp.Payload = nil
	if ierr != nil {
		return s.invokeError(t.ref, ierr)
	}
	out := &r.ctx.Response
	out.SetStatusCode(fasthttp.StatusOK)
	out.Header.SetContentType(contentJSON)
	out.Header.Set("X-Amz-Executed-Version", resp.ExecutedVersion)
	if resp.FunctionError != engine.Succeeded {
		out.Header.Set("X-Amz-Function-Error", string(resp.FunctionError))
	}
	if req.LogTail {
		out.Header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(resp.LogTail))
	}
	return nil
}

func (s *Server) putCall(c *call) {
	c.req = engine.Request{}
	c.resp = engine.Response{LogTail: c.resp.LogTail[:0]}
	s.calls.Put(c)
}

// run invokes a function. One that isn't deployed is, from its record: functions are deployed when they are first invoked,
// so that a start with many of them is fast. So is one whose code was replaced while the engine was about to fetch it.
func (s *Server) run(f *store.Function, number uint64, req *engine.Request, resp *engine.Response) error {
	for attempt := 0; ; attempt++ {
		err := s.cfg.Engine.Invoke(s.base, req, resp)
		replaced := errors.Is(err, store.ErrNotFound)
		if !replaced && !errors.Is(err, engine.ErrNotFound) || attempt == 5 {
			return err
		}
		if replaced {
			s.cfg.Store.Settle()
		}
		if err := s.deploy(s.base, f.Account, f.Name, number, true); err != nil {
			return err
		}
	}
}

// invocationType is what a caller asks for: X-Amz-Invocation-Type.
type invocationType uint8

const (
	synchronous invocationType = iota
	asynchronous
	dryRun
)

// readInvoke reads a request's headers and event and says what is wrong with them.
func (s *Server) readInvoke(ctx *fasthttp.RequestCtx, req *engine.Request) (kind invocationType, err *Error) {
	header := &ctx.Request.Header
	var v violations
	limit := s.cfg.Limits.SyncPayload
	switch name := string(header.Peek("X-Amz-Invocation-Type")); name {
	case "", "RequestResponse":
	case "DryRun":
		kind = dryRun
	case "Event":
		kind, limit = asynchronous, s.cfg.Limits.AsyncPayload
	default:
		v.oneOf("invocationType", name, "Event", "RequestResponse", "DryRun")
	}
	switch tail := string(header.Peek("X-Amz-Log-Type")); tail {
	case "", "None":
	case "Tail":
		if req.LogTail = true; kind != synchronous {
			return kind, invalid("LogType Tail is only possible with InvocationType RequestResponse.")
		}
	default:
		v.oneOf("logType", tail, "None", "Tail")
	}
	if err := v.err(); err != nil {
		return kind, err
	}
	req.Event = ctx.PostBody()
	if err := s.checkEvent(ctx, req.Event, limit); err != nil {
		return kind, err
	}
	if c := header.Peek("X-Amz-Client-Context"); len(c) > 0 {
		if req.ClientContext, err = clientContext(c); err != nil {
			return kind, err
		}
	}
	req.RequestID = requestID(ctx)
	req.TraceID = string(header.Peek("X-Amzn-Trace-Id"))
	return kind, nil
}

// checkEvent refuses what is no event: not JSON by its type or its text, or too large.
func (s *Server) checkEvent(ctx *fasthttp.RequestCtx, event []byte, limit int) *Error {
	if len(event) > limit {
		return tooLarge("Invoke", limit)
	}
	if len(event) == 0 {
		return nil
	}
	if t := ctx.Request.Header.ContentType(); len(t) > 0 && !jsonType(t) {
		return fail("UnsupportedMediaTypeException", "Unsupported media type: %s", t)
	}
	if !validJSON(event) {
		var any json.RawMessage
		problem := "the text is not UTF-8"
		if err := json.Unmarshal(event, &any); err != nil {
			problem = jsonProblem(err)
		}
		return fail("InvalidRequestContentException", "Could not parse request body into json: %s", problem)
	}
	return nil
}

// tooLarge is the error of a request that is larger than its operation allows.
func tooLarge(operation string, limit int) *Error {
	if operation == "Invoke" {
		return fail("RequestTooLargeException", "Request must be smaller than %d bytes for the InvokeFunction operation", limit)
	}
	return fail("RequestEntityTooLargeException", "Request must be smaller than %d bytes for the %s operation", limit, operation)
}

// jsonType accepts JSON and what clients send that don't say what they send.
func jsonType(t []byte) bool {
	if string(t) == contentJSON {
		return true
	}
	t, _, _ = bytes.Cut(t, []byte(";"))
	name := strings.ToLower(string(bytes.TrimSpace(t)))
	switch name {
	case contentJSON, "application/x-amz-json-1.0", "application/x-amz-json-1.1", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded", "text/plain":
		return true
	}
	return strings.HasSuffix(name, "+json")
}

// clientContext decodes the header X-Amz-Client-Context.
func clientContext(c []byte) ([]byte, *Error) {
	if len(c) > maxClientContext {
		return nil, invalid("The client context must be at most %d bytes of base64.", maxClientContext)
	}
	text, err := base64.StdEncoding.AppendDecode(nil, c)
	if err != nil || !validJSON(text) || bytes.TrimSpace(text)[0] != '{' {
		return nil, fail("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
	}
	return text, nil
}

// invokeError says in the API's words why a function was not run.
func (s *Server) invokeError(ref functionRef, err error) error {
	var throttled *engine.ThrottleError
	var known *Error
	switch {
	case errors.As(err, &known): // of RoleCredentials
		return known
	case errors.As(err, &throttled):
		return &Error{Name: "TooManyRequestsException", Message: "Rate Exceeded.", Reason: string(throttled.Reason)}
	case errors.Is(err, engine.ErrNotFound): // deleted meanwhile
		return s.notFound(ref)
	case errors.Is(err, engine.ErrTooLarge):
		return tooLarge("Invoke", s.cfg.Limits.SyncPayload)
	case errors.Is(err, engine.ErrCode):
		return fail("InvalidZipFileException", "Lambda could not unzip the deployment package.")
	case errors.Is(err, engine.ErrRuntime):
		return fail("InvalidRuntimeException", "The function's runtime is not available on this server.")
	case errors.Is(err, engine.ErrClosed), errors.Is(err, context.Canceled) && s.base.Err() != nil:
		return fail("ServiceUnavailableException", "The server is shutting down.")
	case errors.Is(err, engine.ErrStarting):
		return fail("ResourceNotReadyException", "The function's runtime is still starting.")
	}
	return fmt.Errorf("invoke: %w", err)
}
