package engine

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/cpu"
	"github.com/thawrun/thaw/engine/egress"
)

// Config configures an Engine. Only Guests is needed; every other zero value stands for a sensible default.
type Config struct {
	// Guests are the interpreters that the engine offers.
	Guests []*abi.Guest

	// CacheDir keeps compiled code and runtime snapshots between starts. It is created if need be; empty means that every
	// start compiles anew (seconds for CPython). Several processes may share it.
	CacheDir string

	// Region is what functions see as AWS_REGION; empty means us-east-1.
	Region string

	// Concurrency is the number of concurrent invocations per account; 0 means 100 (guide, Limits), negative means no limit.
	Concurrency int

	// MemoryBudget is what all instances together may occupy, in bytes of private memory; 0 means half of the memory that
	// the machine or the cgroup has, negative means no limit.
	MemoryBudget int64

	// IdleTimeout is how long an idle instance is kept; 0 means 10 minutes, negative means for ever.
	IdleTimeout time.Duration

	// InitTimeout limits the loading of a function; 0 means 10 s, as in Lambda's Init phase. A function whose Timeout is longer
	// may take that: Lambda repeats an Init phase that took too long within the invocation.
	InitTimeout time.Duration

	// CPU is the rule by which guests share processors, CPUs how many they may use; 0 means all. A program that serves
	// requests beside the engine should set GOMAXPROCS a little above CPUs, so that guests can't take every P.
	CPU  cpu.Mode
	CPUs int

	// FunctionSnapshots makes a snapshot of every function with its handler loaded, as if all asked for SnapStart.
	FunctionSnapshots bool

	// MaxPayload limits events and results, in bytes; 0 means 6 MB (6,291,456).
	MaxPayload int

	// MaxUnpacked limits a package's unpacked size in bytes; 0 means 250 MB (262,144,000).
	MaxUnpacked int64

	// Egress says where functions may connect to; the zero value opens public addresses only.
	Egress egress.Config

	// Roots are certificates, PEM, that functions trust besides the system's where they ask for the node's.
	Roots []byte

	// Logs receives what functions write and the START, END and REPORT lines. It may be called by many goroutines at once.
	// The message is only valid during the call.
	Logs func(LogRecord)

	// Logger is for the engine's own events; nil discards them.
	Logger *slog.Logger

	// Progress is told how far the preparation of a guest is, for people who wait for a first start. May be nil.
	Progress func(Progress)
}

// Progress is a step in the preparation of a guest.
type Progress struct {
	Guest       string // abi.Guest.Name
	Stage       string // "meter", "compile", "snapshot", "ready", "failed"
	Done, Total int    // of Stage, where it can be counted; Total 0 = it can't
	Elapsed     time.Duration
	Err         error // with "failed"
}

// LogRecord is one event of a function's log.
type LogRecord struct {
	Function  *Function // as deployed; not to be changed
	Stream    string    // log stream name, one per instance
	RequestID string    // empty while the function is being loaded
	Time      time.Time
	Message   []byte // without a trailing newline
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Concurrency == 0 {
		c.Concurrency = 100
	}
	switch {
	case c.MemoryBudget == 0:
		c.MemoryBudget = availableMemory() / 2
	case c.MemoryBudget < 0:
		c.MemoryBudget = 0
	}
	switch {
	case c.IdleTimeout == 0:
		c.IdleTimeout = 10 * time.Minute
	case c.IdleTimeout < 0:
		c.IdleTimeout = 0
	}
	if c.InitTimeout <= 0 {
		c.InitTimeout = 10 * time.Second
	}
	if c.CPUs <= 0 {
		c.CPUs = runtime.NumCPU()
	}
	if c.MaxPayload <= 0 {
		c.MaxPayload = 6 << 20
	}
	if c.MaxUnpacked <= 0 {
		c.MaxUnpacked = 262144000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
