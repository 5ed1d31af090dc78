package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
)

// maxClientContext is the most that a client context may have, in bytes of base64 (today's Invoke).
const maxClientContext = 3583

// invoke is the operation Invoke. It is the hot path: no store is read, and buffers are reused.
func (s *Server) invoke(r *request) error {
	f, ref, aerr := s.find(r)
	if aerr != nil {
		return aerr
	}
	header := &r.ctx.Request.Header
	req := engine.Request{Function: s.key(f.Name), RequestID: requestID(r.ctx), InvokedARN: s.arn(f.Name), Event: r.ctx.PostBody()}
	if ref.qualifier != "" {
		req.InvokedARN += ":" + ref.qualifier
	}
	kind := string(header.Peek("X-Amz-Invocation-Type"))
	switch kind {
	case "", "RequestResponse", "DryRun":
	case "Event":
		return fail("UnsupportedOperationException", "InvocationType Event is not supported by this server yet.")
	default:
		var v violations
		v.oneOf("invocationType", kind, "Event", "RequestResponse", "DryRun")
		return v.err()
	}
	switch tail := string(header.Peek("X-Amz-Log-Type")); tail {
	case "", "None":
	case "Tail":
		req.LogTail = true
	default:
		var v violations
		v.oneOf("logType", tail, "None", "Tail")
		return v.err()
	}
	if err := s.checkEvent(r.ctx, req.Event); err != nil {
		return err
	}
	if c := header.Peek("X-Amz-Client-Context"); len(c) > 0 {
		var err error
		if req.ClientContext, err = clientContext(c); err != nil {
			return err
		}
	}
	if id := header.Peek("X-Amzn-Trace-Id"); len(id) > 0 {
		req.TraceID = string(id)
	}
	if kind == "DryRun" {
		r.ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}

	resp := s.responses.Get().(*engine.Response)
	defer s.responses.Put(resp)
	// The result is written straight into the HTTP response's own buffer.
	resp.Payload = r.ctx.Response.SwapBody(nil)
	err := s.cfg.Engine.Invoke(s.base, &req, resp)
	if errors.Is(err, engine.ErrNotFound) {
		// Functions are deployed when they are first invoked, so that a start with many of them is fast.
		if err = s.deploy(s.base, f); err == nil {
			err = s.cfg.Engine.Invoke(s.base, &req, resp)
		}
	}
	r.ctx.Response.SwapBody(resp.Payload)
	resp.Payload = nil
	if err != nil {
		return s.invokeError(err)
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

// checkEvent refuses what is no event: not JSON by its type or its text, or too large.
func (s *Server) checkEvent(ctx *fasthttp.RequestCtx, event []byte) error {
	if len(event) > s.cfg.Limits.SyncPayload {
		return fail("RequestTooLargeException", "Request must be smaller than %d bytes for the InvokeFunction operation", s.cfg.Limits.SyncPayload)
	}
	if len(event) == 0 {
		return nil
	}
	if t := ctx.Request.Header.ContentType(); len(t) > 0 && !jsonType(t) {
		return fail("UnsupportedMediaTypeException", "Unsupported media type: %s", t)
	}
	if !json.Valid(event) {
		var any json.RawMessage
		return fail("InvalidRequestContentException", "Could not parse request body into json: %s", jsonProblem(json.Unmarshal(event, &any)))
	}
	return nil
}

// jsonType accepts JSON and what clients send that don't say what they send.
func jsonType(t []byte) bool {
	t, _, _ = bytes.Cut(t, []byte(";"))
	switch string(bytes.ToLower(bytes.TrimSpace(t))) {
	case contentJSON, "application/x-amz-json-1.0", "application/x-amz-json-1.1", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded", "text/plain":
		return true
	}
	return bytes.HasSuffix(t, []byte("+json"))
}

// clientContext decodes the header X-Amz-Client-Context.
func clientContext(c []byte) ([]byte, error) {
	if len(c) > maxClientContext {
		return nil, invalid("The client context must be at most %d bytes of base64.", maxClientContext)
	}
	text, err := base64.StdEncoding.AppendDecode(nil, c)
	if err != nil || !json.Valid(text) || bytes.TrimSpace(text)[0] != '{' {
		return nil, fail("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
	}
	return text, nil
}

// invokeError says in the API's words why a function was not run.
func (s *Server) invokeError(err error) error {
	var throttled *engine.ThrottleError
	switch {
	case errors.As(err, &throttled):
		return &apiError{name: "TooManyRequestsException", message: "Rate Exceeded.", reason: string(throttled.Reason)}
	case errors.Is(err, engine.ErrTooLarge):
		return fail("RequestTooLargeException", "Request must be smaller than %d bytes for the InvokeFunction operation", s.cfg.Limits.SyncPayload)
	case errors.Is(err, engine.ErrCode):
		return fail("InvalidZipFileException", "Lambda could not unzip the deployment package.")
	case errors.Is(err, engine.ErrRuntime):
		return fail("InvalidRuntimeException", "The function's runtime is not available on this server.")
	case errors.Is(err, engine.ErrClosed):
		return fail("ServiceUnavailableException", "The server is shutting down.")
	case errors.Is(err, engine.ErrStarting):
		return fail("ResourceNotReadyException", "The function's runtime is still starting.")
	}
	return fmt.Errorf("invoke: %w", err)
}
