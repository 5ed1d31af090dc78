package api

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/valyala/fasthttp"
)

// exception is an error of the Lambda API: what the client's SDK raises.
type exception struct {
	Name       string // x-amzn-ErrorType
	Status     int    // HTTP
	Fault      string // "User" (the client's) or "Service"; the field Type of the body
	messageKey string // the body's key for the message: the service uses both spellings
}

// catalogue is every error that this API answers, by name. Names, status and body follow the guide (Errors of each action)
// and today's service model; UnsupportedOperationException is our own, for operations that exist at AWS and not here.
func catalogue() map[string]exception {
	all := map[string]exception{}
	add := func(name string, status int, fault, key string) { all[name] = exception{name, status, fault, key} }
	add("AccessDeniedException", 403, "User", "Message")
	add("CodeStorageExceededException", 400, "User", "message")
	add("InvalidParameterValueException", 400, "User", "message")
	add("InvalidRequestContentException", 400, "User", "message")
	add("InvalidRuntimeException", 502, "Service", "Message")
	add("InvalidZipFileException", 502, "Service", "Message")
	add("MethodNotAllowedException", 405, "User", "Message")
	add("PreconditionFailedException", 412, "User", "message")
	add("RequestEntityTooLargeException", 413, "User", "message")
	add("RequestTooLargeException", 413, "User", "message")
	add("ResourceConflictException", 409, "User", "message")
	add("ResourceNotFoundException", 404, "User", "Message")
	add("ResourceNotReadyException", 502, "Service", "message")
	add("ServiceException", 500, "Service", "Message")
	add("ServiceUnavailableException", 503, "Service", "Message")
	add("TooManyRequestsException", 429, "User", "message")
	add("UnknownOperationException", 404, "User", "Message")
	add("UnsupportedMediaTypeException", 415, "User", "message")
	add("UnsupportedOperationException", 501, "User", "Message")
	return all
}

// apiError is an error on its way to the client.
type apiError struct {
	name    string
	message string
	reason  string // of TooManyRequestsException
}

func (e *apiError) Error() string { return e.name + ": " + e.message }

func fail(name, format string, args ...any) *apiError {
	return &apiError{name: name, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *apiError {
	return fail("InvalidParameterValueException", format, args...)
}

// retryAfter is what throttled clients are asked to wait, in seconds.
const retryAfter = 1

// writeError answers with an error. Errors that aren't of the catalogue are the server's own: they are logged, and the client
// learns nothing of them.
func (s *Server) writeError(ctx *fasthttp.RequestCtx, err error) {
	e, ok := err.(*apiError)
	if !ok {
		s.log.Error("request failed", "method", string(ctx.Method()), "path", string(ctx.Path()), "requestId", requestID(ctx), "error", err)
		e = fail("ServiceException", "An internal error occurred.")
	}
	x, ok := s.exceptions[e.name]
	if !ok {
		x = s.exceptions["ServiceException"]
	}
	body := map[string]string{"Type": x.Fault, x.messageKey: e.message}
	ctx.Response.ResetBody()
	h := &ctx.Response.Header
	if e.name == "TooManyRequestsException" {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
		body["retryAfterSeconds"] = strconv.Itoa(retryAfter)
		if e.reason != "" {
			body["Reason"] = e.reason
		}
	}
	h.Set("x-amzn-ErrorType", x.Name)
	ctx.SetStatusCode(x.Status)
	ctx.SetContentType(contentJSON)
	b, _ := json.Marshal(body) // a map of strings
	ctx.SetBody(b)
}
