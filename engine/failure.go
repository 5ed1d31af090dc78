package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/thawrun/thaw/engine/sandbox"
)

// functionFailure is the body of an error that the engine, not the function, reports.
type functionFailure struct {
	ErrorType    string `json:"errorType,omitempty"`
	ErrorMessage string `json:"errorMessage"`
}

// legacy says whether a runtime is of the guide's time, whose failures have no errorType and older sentences.
func legacy(runtime string) bool {
	switch runtime {
	case "nodejs", "nodejs4.3", "python2.7", "java8":
		return true
	}
	return false
}

// failure makes the payload and the log line for an invocation that ended without an answer.
func failure(runtime, requestID string, timeout time.Duration, err error) (payload []byte, logLine string) {
	var f functionFailure
	var exit *sandbox.ExitError
	switch {
	case errors.Is(err, sandbox.ErrDeadline):
		text := fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds())
		logLine = fmt.Sprintf("%s %s %s", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), requestID, text)
		if legacy(runtime) {
			f.ErrorMessage = logLine
		} else {
			f = functionFailure{"Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: %s", requestID, text)}
		}
	case errors.Is(err, sandbox.ErrOutOfMemory):
		f = functionFailure{"Runtime.OutOfMemory", fmt.Sprintf("RequestId: %s Error: Runtime exited with error: signal: killed", requestID)}
	case errors.As(err, &exit) && exit.Code == 0:
		f = functionFailure{"Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited without providing a reason", requestID)}
	case errors.As(err, &exit):
		f = functionFailure{"Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited with error: exit status %d", requestID, exit.Code)}
	case errors.Is(err, sandbox.ErrStackOverflow):
		f = functionFailure{"Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited with error: stack overflow", requestID)}
	default:
		f = functionFailure{"Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited with error: signal: aborted", requestID)}
	}
	if legacy(runtime) && !errors.Is(err, sandbox.ErrDeadline) {
		f = functionFailure{ErrorMessage: fmt.Sprintf("RequestId: %s Process exited before completing request", requestID)}
	}
	if logLine == "" {
		logLine = strings.TrimSpace(f.ErrorMessage + "\n" + f.ErrorType)
	}
	payload, _ = json.Marshal(f) // two strings can't fail
	return payload, logLine
}

// tooLarge is the answer of a function whose result exceeds the payload limit.
func tooLarge(size, limit int) []byte {
	payload, _ := json.Marshal(functionFailure{"Function.ResponseSizeTooLarge",
		fmt.Sprintf("Response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes).", size, limit)})
	return payload
}
