package engine

import (
	"errors"
	"fmt"
)

// Errors of the engine. Compare with errors.Is.
var (
	ErrNotFound  = errors.New("function not deployed")
	ErrThrottled = errors.New("concurrency limit reached")
	ErrTooLarge  = errors.New("payload too large")
	ErrClosed    = errors.New("engine closed")
	ErrRuntime   = errors.New("no guest serves this runtime")
	ErrCode      = errors.New("invalid deployment package")
	// ErrStarting means that the runtime's interpreter is still being compiled and the caller's context ended first.
	ErrStarting = errors.New("runtime is starting")
)

// ThrottleReason says which limit throttled a request, in the words of Lambda's TooManyRequestsException.Reason.
type ThrottleReason string

const (
	ThrottleAccount  ThrottleReason = "ConcurrentInvocationLimitExceeded"
	ThrottleReserved ThrottleReason = "ReservedFunctionConcurrentInvocationLimitExceeded"
	ThrottleMemory   ThrottleReason = "CallerRateLimitExceeded"
)

// ThrottleError is the error of a request that was not admitted; it wraps ErrThrottled.
type ThrottleError struct{ Reason ThrottleReason }

func (e *ThrottleError) Error() string { return fmt.Sprintf("%v: %s", ErrThrottled, e.Reason) }
func (e *ThrottleError) Unwrap() error { return ErrThrottled }
