package socket

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/engine/vfs"
)

const (
	// block is how much is read from a connection at once.
	block = 16 << 10
	// sendBuffer is the most that a socket holds for sending, smallBuffer what it may hold, and read at once, when the
	// instance's sockets together hold bufferBudget.
	sendBuffer   = 64 << 10
	smallBuffer  = 4 << 10
	bufferBudget = 4 << 20
	// tlsCost is what a TLS session takes besides its buffers, about.
	tlsCost = 32 << 10
	// maxLookups bounds the questions of an instance that are being asked; the others wait for their turn.
	maxLookups = 16
	// maxSessions bounds the TLS sessions of an instance.
	maxSessions = 256
	// linger is how long what was written before a close is still being sent.
	linger = 5 * time.Second
)

// Stack is what the sockets of an engine share.
type Stack struct {
	dialer *egress.Dialer
	roots  rootCache
}

// NewStack makes a stack over a dialer, which stays the caller's. roots are certificates, PEM, that are trusted besides the
// system's wherever a guest asks for the node's roots; they may be empty.
func NewStack(d *egress.Dialer, roots []byte) *Stack {
	return &Stack{dialer: d, roots: rootCache{extra: roots, pools: map[rootKey]*pool{}}}
}

// Descriptor is a socket, a question or a TLS session.
type Descriptor interface {
	vfs.Handle
	// Read takes bytes, or only looks at them. EAgain: none now. 0 without an error: the end.
	Read(p []byte, peek bool) (int, vfs.Errno)
	// Write hands bytes over, as many as there is room for. EAgain: no room now.
	Write(p []byte) (int, vfs.Errno)
	// Ready says what can be done now.
	Ready() Ready
	// Expect begins what makes the descriptor ready for events (abi.WaitReadable, abi.WaitWritable).
	Expect(events uint32)
	// Shutdown ends one or both directions.
	Shutdown(read, write bool) vfs.Errno
}

// Ready is what a descriptor can do now.
type Ready struct {
	Events uint32 // abi.WaitReadable, abi.WaitWritable
	Bytes  int    // how many Read would return at least
	Hangup bool   // the peer has ended
}

// Set is the network of one instance.
type Set struct {
	stack   *Stack
	policy  atomic.Pointer[egress.Policy]
	changed chan struct{}

	lookups chan struct{} // in progress

	held     atomic.Int64 // bytes in buffers
	sessions atomic.Int64

	spare   sync.Mutex
	blocks  [][]byte // not in use
	configs map[[sha256.Size]byte]*tlsConfig
}

// NewSet makes the network of an instance, without a policy: everything is refused until SetPolicy.
func (s *Stack) NewSet() *Set {
	return &Set{stack: s, changed: make(chan struct{}, 1), lookups: make(chan struct{}, maxLookups)}
}

// SetPolicy says where the instance may connect to from now on; nil = nowhere. TLS configurations, with the sessions that
// could be resumed, are forgotten: they belong to the function that was here before.
func (s *Set) SetPolicy(p *egress.Policy) {
	s.policy.Store(p)
	s.spare.Lock()
	s.configs, s.blocks = nil, nil
	s.spare.Unlock()
}

// Changed receives after a descriptor may have become ready. One value may stand for many changes, or for none.
func (s *Set) Changed() <-chan struct{} { return s.changed }

func (s *Set) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Bytes is the host memory that the instance's descriptors take, about.
func (s *Set) Bytes() int64 { return s.held.Load() + s.sessions.Load()*tlsCost }

// room is how much a buffer may hold, given whether there is much left for the instance.
func (s *Set) room(most int) int {
	if s.held.Load() >= bufferBudget {
		return min(most, smallBuffer)
	}
	return most
}

// get takes a block to read into. It is counted when it is kept.
func (s *Set) get() []byte {
	if size := s.room(block); size < block {
		return make([]byte, size)
	}
	s.spare.Lock()
	defer s.spare.Unlock()
	if n := len(s.blocks); n > 0 {
		b := s.blocks[n-1]
		s.blocks = s.blocks[:n-1]
		return b
	}
	return make([]byte, block)
}

func (s *Set) put(b []byte) {
	if cap(b) != block {
		return
	}
	s.spare.Lock()
	if len(s.blocks) < 4 {
		s.blocks = append(s.blocks, b[:block])
	}
	s.spare.Unlock()
}

// Open makes a socket.
func (s *Set) Open(family, typ uint32) (Descriptor, vfs.Errno) {
	if family != abi.FamilyINET4 && family != abi.FamilyINET6 {
		return nil, vfs.EAfnosupport
	}
	if typ != abi.SocketStream && typ != abi.SocketDatagram {
		return nil, vfs.EProtonosup
	}
	if s.policy.Load() == nil {
		return nil, vfs.EAcces
	}
	if err := s.stack.dialer.Acquire(); err != nil {
		return nil, vfs.ENfile
	}
	if typ == abi.SocketStream {
		return newStream(s, family), vfs.OK
	}
	return newDatagram(s, family), vfs.OK
}
