// Package sandbox runs guests on wazero: it meters and compiles them, takes and binds snapshots of their memory, and calls
// them under a deadline, a memory cap and a share of the processors.
//
// # Types
//
// A Host is what programs share: the wazero runtime with its compilation cache, and the host functions. A Program is a
// compiled guest. A Snapshot is the state of an instance: linear memory, in a sealed memory file or as the lines in which it
// differs from another snapshot's, and mutable globals. An Instance is a module with a slot, the address range that its
// memory lives in; bound to a snapshot, it sees the snapshot's pages copy-on-write.
//
// # Life of an instance
//
// NewInstance makes a shell. Bind makes it equal to a snapshot, Reset takes it back there, both by copying the image over
// the pages that were written: those stay resident, so that the next call doesn't fault on them again. Park does the same for
// an instance whose function is done with it; the next Bind to that snapshot, or to one made from it, finds nothing left
// to do but copy the difference. Unbind gives all pages back instead. Compact gives back those that hold nothing of their
// own.
//
// # Invariants
//
//  1. No guest instruction runs unmetered, initialisation included. Modules with a start function are refused.
//  2. Only the goroutine that runs an instance touches its fuel, its memory or its Close.
//  3. After an error of a call the instance is Reset, Bound, Unbound or Closed; it refuses other calls.
//  4. A reset instance is byte-identical to its snapshot, and two instances of a snapshot never see each other's writes.
//  5. Every path has a portable fallback: without memory files and page scans an image is copied.
//  6. A damaged file in the cache is found by its SHA-256 before anything in it is believed, logged, and made anew.
//
// # Locks
//
// None is held over guest code. A Snapshot's reference count is atomic; the lock of the code cache is a leaf.
package sandbox
