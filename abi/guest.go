package abi

import "time"

// Guest describes a language interpreter that an engine can run. Runtimes return one from their package; the engine never
// imports them.
type Guest struct {
	// Name is the interpreter's own name and version, shown to people as what really runs, for example "CPython 3.13.5".
	Name string

	// ID names the guest's files in caches, for example "python3.13". It must be a valid file name.
	ID string

	// Runtimes are the values of a function's Runtime field that this guest serves, for example "python3.12".
	Runtimes []string

	// Wasm returns the module's bytes, unmetered. It is called at most once per engine.
	Wasm func() ([]byte, error)

	// Digest identifies the module and its files; a different build has a different digest. It keys compiled code and
	// snapshots on disk, so it must not need Wasm to be called. Hexadecimal, at least 32 characters.
	Digest string

	// Files returns a zip archive mounted read-only at RuntimeRoot, or nil. It is called at most once per engine.
	Files func() ([]byte, error)

	// Init holds the key, value pairs of the INIT frame besides those of the contract.
	Init []string

	// Env is the part of the environment that every function of this guest gets, "KEY=value".
	Env []string

	// MinMemory is the least linear memory in bytes that a function of this guest can work with: the cap of a function
	// is never set below it. It covers the interpreter itself, as a real Lambda's memory covers the language runtime.
	MinMemory uint64

	// SoftInterrupt is how long before the hard deadline the soft interrupt is raised; 0 = never.
	SoftInterrupt time.Duration

	// Rehearsal is a small function that new instances run once before they serve, so that the memory that every function
	// writes first is resident. May be nil.
	Rehearsal *Rehearsal

	// Preloads are sets of modules that the guest can have in a snapshot of their own, shared by the functions that use
	// them: the INIT key preload.
	Preloads []Preload

	// Sources are the suffixes of source files that the guest can COMPILE, for example ".py"; nil if it has no such
	// operation.
	Sources []string

	// Trusted guests are metered with the cheap placement of checks. All guests shipped with Thaw are; a module from
	// elsewhere is not.
	Trusted bool
}

// Rehearsal is a function like the simplest of real ones.
type Rehearsal struct {
	Runtime string
	Handler string
	Code    []byte // zip archive
	Event   []byte
}

// Preload describes a set of modules that functions may find loaded already.
type Preload struct {
	// Name is the value of the INIT key preload, for example "boto3". It must be valid in a file name.
	Name string

	// Runtimes are the runtime names whose functions may use it; nil means all of the guest.
	Runtimes []string

	// Sources are the suffixes of the files of a package that are searched for Markers, for example ".py". A function whose
	// package holds one of the Markers in such a file is taken to use the modules.
	Sources []string
	Markers []string

	// Own are paths in a package that say that it brings its own copy, for example "boto3/__init__.py" or
	// "node_modules/aws-sdk"; then the preload isn't used.
	Own []string
}
