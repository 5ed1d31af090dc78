// Package sandbox runs guests on wazero: it meters and compiles them, takes and binds snapshots of their memory, and calls
// them under a deadline, a memory cap and a share of the processors.
//
// # Types
//
// A Host is what programs share: the wazero runtime with its compilation cache, and the host functions. A Program is a
// compiled guest. A Snapshot is the state of an instance, linear memory and mutable globals, in a sealed memory file. An
// Instance is a module with a slot, the address range that its memory lives in; bound to a snapshot, it sees the snapshot's
// pages copy-on-write.
//
// # Invariants
//
//  1. No guest instruction runs unmetered, initialisation included.
//  2. Only the goroutine that runs an instance touches its fuel, its memory or its Close.
//  3. After an error of a call the instance is Reset, Unbound or Closed; it refuses other calls.
//  4. A reset instance is byte-identical to its snapshot, and two instances of a snapshot never see each other's writes.
//  5. Every path has a portable fallback: without memory files and page scans an image is copied.
//
// There are no locks but in Snapshot's reference count, which is atomic.
package sandbox
