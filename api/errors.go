package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/valyala/fasthttp"
)

// exception is an error of the Lambda API: what the client's SDK raises.
type exception struct {
	Name       string // x-amzn-ErrorType
	Status     int    // HTTP
	Fault      string // "User" (the client's) or "Service"; the field Type of the body, which those of authentication have not
	messageKey string // the body's key for the message: the service uses both spellings
}

// catalogue is every error of this API by name: the guide's (Errors of each action), those of today's service model that are
// raised here, and those that the service sends though no model names them. UnsupportedOperationException is our own, for
// operations that exist at AWS and not here.
func catalogue() map[string]exception {
	all := map[string]exception{}
	add := func(name string, status int, fault, key string) { all[name] = exception{name, status, fault, key} }
	add("AccessDeniedException", 403, "", "Message")
	add("CodeStorageExceededException", 400, "User", "message")
	add("EC2AccessDeniedException", 502, "Service", "Message")
	add("EC2ThrottledException", 502, "Service", "Message")
	add("EC2UnexpectedException", 502, "Service", "Message")
	add("ENILimitReachedException", 502, "Service", "Message")
	add("ExpiredTokenException", 403, "", "message")
	add("IncompleteSignatureException", 403, "", "message")
	add("InvalidSignatureException", 403, "", "message")
	add("MissingAuthenticationTokenException", 403, "", "message")
	add("UnrecognizedClientException", 403, "", "message")
	add("InvalidParameterValueException", 400, "User", "message")
	add("InvalidRequestContentException", 400, "User", "message")
	add("InvalidRuntimeException", 502, "Service", "Message")
	add("InvalidSecurityGroupIDException", 502, "Service", "Message")
	add("InvalidSubnetIDException", 502, "Service", "Message")
	add("InvalidZipFileException", 502, "Service", "Message")
	add("MethodNotAllowedException", 405, "User", "Message")
	add("PolicyLengthExceededException", 400, "User", "message")
	add("PreconditionFailedException", 412, "User", "message")
	add("ProvisionedConcurrencyConfigNotFoundException", 404, "User", "message")
	add("RequestEntityTooLargeException", 413, "User", "message")
	add("RequestTooLargeException", 413, "User", "message")
	add("ResourceConflictException", 409, "User", "message")
	add("ResourceNotFoundException", 404, "User", "Message")
	add("ResourceNotReadyException", 502, "Service", "message")
	add("SerializationException", 400, "User", "Message")
	add("ServiceException", 500, "Service", "Message")
	add("ServiceUnavailableException", 503, "Service", "Message")
	add("SubnetIPAddressLimitReachedException", 502, "Service", "Message")
	add("TooManyRequestsException", 429, "User", "message")
	add("UnknownOperationException", 404, "User", "Message")
	add("UnsupportedMediaTypeException", 415, "User", "message")
	add("UnsupportedOperationException", 501, "User", "Message")
	return all
}

// Error is an error on its way to the client. Name is one of the catalogue's.
type Error struct {
	Name    string // for example "AccessDeniedException"
	Message string // for the client to see
	Reason  string // of TooManyRequestsException, else empty
}

func (e *Error) Error() string { return e.Name + ": " + e.Message }

func fail(name, format string, args ...any) *Error {
	return &Error{Name: name, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *Error {
	return fail("InvalidParameterValueException", format, args...)
}

// retryAfter is what throttled clients are asked to wait, in seconds.
const retryAfter = 1

// writeError answers with an error. Errors that aren't of the catalogue are the server's own: they are logged, and the client
// learns nothing of them.
func (s *Server) writeError(ctx *fasthttp.RequestCtx, err error) {
	var e *Error
	if !errors.As(err, &e) {
		s.log.Error("request failed", "method", string(ctx.Method()), "path", string(ctx.Path()), "requestId", requestID(ctx), "error", err)
		e = fail("ServiceException", "An internal error occurred.")
	}
	x, ok := s.exceptions[e.Name]
	if !ok {
		x = s.exceptions["ServiceException"]
	}
	body := map[string]string{x.messageKey: e.Message}
	if x.Fault != "" {
		body["Type"] = x.Fault
	}
	ctx.Response.ResetBody()
	h := &ctx.Response.Header
	if e.Name == "TooManyRequestsException" {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
		body["retryAfterSeconds"] = strconv.Itoa(retryAfter)
		if e.Reason != "" {
			body["Reason"] = e.Reason
		}
	}
	h.Set("x-amzn-ErrorType", x.Name)
	ctx.SetStatusCode(x.Status)
	ctx.SetContentType(contentJSON)
	b, _ := json.Marshal(body) // a map of strings
	ctx.SetBody(b)
}
