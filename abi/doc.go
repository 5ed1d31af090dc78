// Package abi is the contract between Thaw's host and a guest, a language interpreter compiled to WebAssembly: operation
// and status numbers, the layout of the frames that cross linear memory, the names of the host functions, and the
// descriptor by which a runtime offers its guest to an engine.
//
// README.md in this folder is the specification; this package is its Go half and holds no behaviour beyond encoding and
// decoding. It depends on the standard library only.
package abi

// Version is the number of the contract that this package describes.
const Version = 1

// EntryPoint is the export through which the host calls a guest; its signature is (op i32, a i32, b i32) -> i64.
const EntryPoint = "thaw_call"

// Names of the modules that a guest may import.
const (
	HostModule = "thaw"
	WASIModule = "wasi_snapshot_preview1"
)

// Op is an operation of the guest's entry point.
type Op uint32

// The operations, README section 3.
const (
	OpInfo    Op = 0
	OpAlloc   Op = 1
	OpInit    Op = 2
	OpRestore Op = 3
	OpLoad    Op = 4
	OpInvoke  Op = 5
	OpTurn    Op = 6
	OpTrim    Op = 7
	OpCompile Op = 8
)

// String returns the operation's name as the specification spells it, in lower case.
func (o Op) String() string {
	switch o {
	case OpInfo:
		return "info"
	case OpAlloc:
		return "alloc"
	case OpInit:
		return "init"
	case OpRestore:
		return "restore"
	case OpLoad:
		return "load"
	case OpInvoke:
		return "invoke"
	case OpTurn:
		return "turn"
	case OpTrim:
		return "trim"
	case OpCompile:
		return "compile"
	}
	return "unknown"
}

// TurnResponded is the flag of OpTurn that says that the response was already sent.
const TurnResponded = 1

// Status is what the guest's entry point answers in the upper half of its result.
type Status uint32

// The statuses, README section 2.
const (
	StatusDone    Status = 0
	StatusPending Status = 1
	StatusError   Status = 2
	StatusFault   Status = 3
	StatusHandled Status = 4
)

// Flags of the info block.
const (
	InfoEventLoop     = 1
	InfoSoftInterrupt = 2
)

// LogLevel is the level of a record written through the host function log.
type LogLevel uint32

// Levels of the host function log, README section 5.1.
const (
	LogRaw LogLevel = iota
	LogTrace
	LogDebug
	LogInfo
	LogWarn
	LogError
	LogFatal
)

// Types of errors that the contract names, README section 4.5.
const (
	ErrorImportModule         = "Runtime.ImportModuleError"
	ErrorHandlerNotFound      = "Runtime.HandlerNotFound"
	ErrorUserCodeSyntax       = "Runtime.UserCodeSyntaxError"
	ErrorMalformedHandlerName = "Runtime.MalformedHandlerName"
	ErrorExit                 = "Runtime.ExitError"
	ErrorMarshal              = "Runtime.MarshalError"
	ErrorUnmarshal            = "Runtime.UnmarshalError"
)

// Folders and limits of the file system that a guest sees, README section 5.3.
const (
	TaskRoot       = "/var/task"
	RuntimeRoot    = "/var/runtime"
	LayerRoot      = "/opt"
	TempRoot       = "/tmp"
	CompiledRoot   = "/var/cache/task" // of what COMPILE answered: source path below TaskRoot, plus "c"
	MaxDescriptors = 1024
)
