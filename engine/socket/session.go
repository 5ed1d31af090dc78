package socket

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

const (
	// maxFeed is how much of the peer's bytes a session holds before they are read, maxDrain how much it has to be drained
	// of before it takes more.
	maxFeed  = 64 << 10
	maxDrain = 256 << 10
)

// Session is a TLS client without a socket: the guest moves the bytes. But for the handshake, which runs in a goroutine of its
// own because crypto/tls can't interrupt one, all is done by the guest's calls.
type Session struct {
	set  *Set
	tls  *session
	pipe pipe

	plain []byte // decrypted and not taken
	buf   []byte
	ended bool
	err   vfs.Errno
	fin   bool
}

// pipe is both halves of a session's connection. It implements net.Conn.
type pipe struct {
	mu      sync.Mutex
	cond    sync.Cond
	set     *Set
	in, out []byte
	eof     bool
	closed  bool
	starved bool // the handshake waits for bytes
	direct  bool // the handshake is over: reads never wait
	outcome outcome
}

// OpenTLS begins a session.
func (s *Set) OpenTLS(cfg *tlsConfig) (*Session, vfs.Errno) {
	if s.sessions.Add(1) > maxSessions {
		s.sessions.Add(-1)
		return nil, vfs.ENobufs
	}
	t := &Session{set: s, tls: &session{cfg: cfg}}
	t.pipe.cond.L, t.pipe.set = &t.pipe.mu, s
	ok := s.stack.dialer.Go(func(context.Context) {
		o := cfg.handshake(&t.pipe)
		t.pipe.mu.Lock()
		t.pipe.outcome, t.pipe.direct = o, true
		t.pipe.cond.Broadcast()
		t.pipe.mu.Unlock()
		s.wake()
	})
	if !ok {
		s.sessions.Add(-1)
		return nil, vfs.ENetdown
	}
	t.settle()
	return t, vfs.OK
}

// settle waits until the handshake needs the peer, or is over: a matter of computing, never of the network.
func (t *Session) settle() {
	p := &t.pipe
	p.mu.Lock()
	for !p.direct && !(p.starved && len(p.in) == 0 && !p.eof) {
		p.cond.Wait()
	}
	if p.direct && !t.tls.finished {
		t.tls.publish(p.outcome)
		if p.outcome.err != nil {
			t.ended, t.err = true, t.tls.errno()
		}
		p.outcome = outcome{}
	}
	p.mu.Unlock()
}

// Feed takes bytes that came from the peer; none mean that it closed.
func (t *Session) Feed(b []byte) (int, vfs.Errno) {
	p := &t.pipe
	p.mu.Lock()
	n := 0
	switch {
	case p.eof:
		p.mu.Unlock()
		return 0, vfs.EPipe
	case len(b) == 0:
		p.eof = true
	default:
		if n = min(len(b), maxFeed-len(p.in)); n <= 0 {
			p.mu.Unlock()
			return 0, vfs.EAgain
		}
		p.in = append(p.in, b[:n]...)
		p.set.held.Add(int64(n))
	}
	p.cond.Broadcast()
	p.mu.Unlock()
	t.settle()
	return n, vfs.OK
}

// Drain takes bytes for the peer.
func (t *Session) Drain(b []byte) int {
	p := &t.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	n := copy(b, p.out)
	if p.out = p.out[n:]; len(p.out) == 0 {
		p.out = nil
	}
	p.set.held.Add(-int64(n))
	return n
}

// decrypt sees to it that plain holds something, if it can.
func (t *Session) decrypt() {
	if len(t.plain) > 0 || t.ended || !t.tls.over() || t.tls.failed() {
		return
	}
	if t.buf == nil {
		t.buf = t.set.get()
	}
	n, err := t.tls.conn.Read(t.buf)
	if t.plain = t.buf[:n]; n == 0 {
		t.set.put(t.buf)
		t.buf = nil
	}
	if _, again := err.(starvation); err == nil || again {
		return
	}
	t.ended = true
	if t.tls.readError(err) != io.EOF {
		t.err = vfs.EProto
	}
}

// Read implements Descriptor.
func (t *Session) Read(p []byte, peek bool) (int, vfs.Errno) {
	if len(p) == 0 {
		return 0, vfs.OK
	}
	t.decrypt()
	switch {
	case len(t.plain) > 0:
		n := copy(p, t.plain)
		if !peek {
			t.plain = t.plain[n:]
		}
		return n, vfs.OK
	case t.err != vfs.OK:
		return 0, t.err
	case t.ended:
		return 0, vfs.OK
	}
	return 0, vfs.EAgain
}

// Write implements Descriptor.
func (t *Session) Write(b []byte) (int, vfs.Errno) {
	switch {
	case t.fin:
		return 0, vfs.EPipe
	case !t.tls.over():
		return 0, vfs.EAgain
	case t.tls.failed():
		return 0, t.tls.errno()
	}
	t.pipe.mu.Lock()
	room := maxDrain - len(t.pipe.out)
	t.pipe.mu.Unlock()
	if t.set.held.Load() >= bufferBudget {
		room = min(room, smallBuffer)
	}
	if room <= 0 {
		return 0, vfs.EAgain
	}
	n, err := t.tls.conn.Write(b[:min(len(b), room, sendBuffer)])
	if err != nil && n == 0 {
		return 0, vfs.EProto
	}
	return n, vfs.OK
}

// Ready implements Descriptor.
func (t *Session) Ready() Ready {
	if !t.tls.over() {
		return Ready{}
	}
	t.decrypt()
	r := Ready{Events: abi.WaitWritable, Bytes: len(t.plain)}
	if len(t.plain) > 0 || t.ended {
		r.Events |= abi.WaitReadable
	}
	r.Hangup = t.ended && len(t.plain) == 0
	return r
}

// Expect implements Descriptor: only the guest brings a session forward.
func (t *Session) Expect(uint32) {}

// Shutdown implements Descriptor: the end of writing is announced to the peer.
func (t *Session) Shutdown(_, write bool) vfs.Errno {
	if !write || t.fin {
		return vfs.OK
	}
	if !t.tls.over() || t.tls.failed() {
		return vfs.ENotconn
	}
	t.fin = true
	_ = t.tls.conn.CloseWrite() // writes to memory
	return vfs.OK
}

// TLSInfo is the info record.
func (t *Session) TLSInfo() ([]byte, vfs.Errno) { return t.tls.info(), vfs.OK }

// Close implements vfs.Handle.
func (t *Session) Close() {
	p := &t.pipe
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		t.set.sessions.Add(-1)
		p.set.held.Add(-int64(len(p.in) + len(p.out)))
		p.in, p.out = nil, nil
	}
	p.cond.Broadcast()
	p.mu.Unlock()
}

// starvation is the error of a read for which the peer's bytes are missing. crypto/tls goes on after temporary errors.
type starvation struct{}

func (starvation) Error() string   { return "the session needs bytes from the peer" }
func (starvation) Timeout() bool   { return true }
func (starvation) Temporary() bool { return true }

// Read implements net.Conn, for crypto/tls.
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.closed:
			return 0, net.ErrClosed
		case len(p.in) > 0:
			n := copy(b, p.in)
			if p.in = p.in[n:]; len(p.in) == 0 {
				p.in = nil
			}
			p.set.held.Add(-int64(n))
			return n, nil
		case p.eof:
			return 0, io.EOF
		case p.direct:
			return 0, starvation{}
		}
		p.starved = true
		p.cond.Broadcast()
		p.cond.Wait()
		p.starved = false
	}
}

// Write implements net.Conn, for crypto/tls.
func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, net.ErrClosed
	}
	p.out = append(p.out, b...)
	p.set.held.Add(int64(len(b)))
	return len(b), nil
}

// Close implements net.Conn; crypto/tls is never asked to close.
func (p *pipe) Close() error                     { return nil }
func (p *pipe) LocalAddr() net.Addr              { return memory{} }
func (p *pipe) RemoteAddr() net.Addr             { return memory{} }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

type memory struct{}

func (memory) Network() string { return "memory" }
func (memory) String() string  { return "memory" }
