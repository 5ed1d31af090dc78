package engine

import (
	"context"
	"time"
)

// Function is one version of a function as the engine needs it. It is a value: the engine keeps its own copy.
type Function struct {
	// Key identifies the function version to this engine; Thaw's API uses the qualified ARN.
	Key string

	// Revision changes whenever anything below changes. Deploying the same revision again does nothing.
	Revision string

	// Account groups functions for the account's concurrency limit. May be empty.
	Account string

	Name    string // function name, as in context.function_name
	Version string // "$LATEST" or a number; empty means "$LATEST"
	ARN     string // unqualified ARN

	LogGroup string // empty means /aws/lambda/ and the name

	Runtime string // name of a runtime that one of the engine's guests serves, for example "python3.13"
	Handler string // handler string as the runtime defines it, for example "app.handler"

	MemoryMB int           // cap of the instance's linear memory in MiB; 0 means 128
	Timeout  time.Duration // limit of one invocation; 0 means 3 s
	TmpMB    int           // capacity of /tmp in MiB; 0 means 512

	// Env is the function's own environment; the engine adds what Lambda adds (LAMBDA_TASK_ROOT, AWS_LAMBDA_… and so on).
	Env map[string]string

	// Credentials returns credentials of the function's role. They come into the environment of every instance when it begins,
	// or begins anew; a snapshot of the function is made without. nil = functions have none.
	Credentials func(context.Context) (Credentials, error)

	// CodeSHA256 is the package's hash, base64 as in Lambda's CodeSha256. Functions with the same hash share one index of
	// the package. It may be empty; then nothing is shared.
	CodeSHA256 string

	// Code returns the deployment package, a zip archive. It is called when the function first needs it and again if the
	// engine dropped the package meanwhile. The returned bytes must not change.
	Code func(context.Context) ([]byte, error)

	// Layers returns zip archives merged under /opt in order, later ones winning. May be nil.
	Layers func(context.Context) ([][]byte, error)

	// Subnets are the ids of VpcConfig.SubnetIds: networks of Config.Egress that name one of them are open to the function.
	Subnets []string

	// Isolation says what may be carried from one invocation to the next.
	Isolation Isolation

	// SnapStart keeps a snapshot of the function with its handler loaded, from which later instances start.
	SnapStart bool

	// Reserved is the function's reserved concurrency; negative means none (the account's pool is used), 0 means that
	// every invocation is throttled. ReservedGroup names what shares it, usually the unqualified ARN; empty means Key.
	Reserved      int
	ReservedGroup string

	// Prewarm is the number of instances kept ready (provisioned concurrency).
	Prewarm int
}

// Isolation is how much state of an instance survives an invocation.
type Isolation uint8

const (
	// IsolationInstance is Lambda's: module globals, /tmp and pending timers survive while an instance is reused for the
	// same function version.
	IsolationInstance Isolation = iota
	// IsolationRequest resets the instance to the state before its first invocation after every call.
	IsolationRequest
)

// Zip makes a Code function of a package held in memory.
func Zip(b []byte) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return b, nil }
}
