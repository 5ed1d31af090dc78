package engine

import "time"

// Request is one invocation. The engine reads it during Invoke and keeps nothing of it.
type Request struct {
	Function string // key of a deployed function

	Event []byte // JSON text; empty is passed on as {}

	RequestID  string // empty: the engine makes a UUID
	InvokedARN string // the ARN as the caller qualified it; empty: the function's ARN
	TraceID    string // X-Amzn-Trace-Id

	ClientContext  []byte // JSON text, already decoded from base64
	IdentityID     string // Cognito identity id
	IdentityPoolID string // Cognito identity pool id

	// LogTail asks for the last 4 KB of the invocation's log in Response.LogTail.
	LogTail bool
}

// FunctionError says whether and how a function failed, in the words of the X-Amz-Function-Error header.
type FunctionError string

const (
	Succeeded FunctionError = ""
	// Handled: the function reported the error by its own means (callback(err), context.fail).
	Handled FunctionError = "Handled"
	// Unhandled: the handler failed, could not be loaded, or was ended by the engine (time, memory, exit).
	Unhandled FunctionError = "Unhandled"
)

// Response is the outcome of an invocation. Reuse it to reuse its buffers: Invoke truncates Payload and LogTail and appends.
type Response struct {
	RequestID       string
	ExecutedVersion string
	Payload         []byte // the handler's result, or the error as JSON
	FunctionError   FunctionError
	LogTail         []byte // raw bytes, at most 4 KB, if asked for

	Report Report
}

// Report is what one invocation cost.
type Report struct {
	Duration  time.Duration // the invocation itself, without Init
	Billed    time.Duration // Duration rounded up to the billing unit of 100 ms (guide, Logging)
	Init      time.Duration // binding and loading the function; 0 on a warm instance
	Cold      bool          // the instance served its first invocation
	Fuel      uint64        // metered guest instructions, about
	MaxMemory uint64        // the most linear memory in use, bytes
	MemoryMB  int           // the function's configured memory
	Faults    uint64        // page faults: of a cold start and its invocation, and with IsolationRequest of every one; counting the others would cost a tenth of a warm call
}
