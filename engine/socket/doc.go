// Package socket is the network as a guest sees it (abi/README.md, section 5.4): sockets, questions to the DNS and TLS
// sessions, each behind a descriptor.
//
// Everything here is non-blocking towards the guest's goroutine: an operation does what can be done now or answers EAGAIN, and
// the Set's Changed channel tells when it is worth asking again. Who waits, and under which limits, is the caller's business
// (package wasi, and package sandbox between two turns of an event loop).
//
// A goroutine exists only while something is in progress beside the guest: a connection attempt, a handshake, a look-up, a
// read that the guest waits for, a write that the kernel did not take at once. Closing a descriptor ends them; only what was
// written before is still sent, for a few seconds. They all belong to the egress.Dialer, whose Close waits for them.
//
// A Stack is shared by the instances of an engine. A Set belongs to one instance and is used by the goroutine that runs it;
// its descriptors have locks of their own, because their goroutines come by too. No lock is held while another is taken,
// except that a descriptor may use its Set's counters, which are atomic.
package socket
