package socket

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

type streamState uint8

const (
	streamIdle streamState = iota
	streamConnecting
	streamOpen
	streamFailed // the attempt to connect
)

// Stream is a TCP socket, with or without TLS.
type Stream struct {
	set     *Set
	family  uint32
	options options

	mu     sync.Mutex
	idle   sync.Cond // filling or flushing became false
	state  streamState
	local  netip.AddrPort // as bound
	cancel context.CancelFunc
	conn   net.Conn        // to the peer
	io     net.Conn        // what carries the guest's bytes: conn, or TLS over it
	raw    syscall.RawConn // of conn; nil with TLS
	tls    *session        // nil = plain
	err    vfs.Errno       // pending, for OptionError

	in       []byte // read and not yet taken; a part of block
	block    []byte
	filling  bool // a goroutine reads
	eof      bool
	readErr  vfs.Errno // told once
	shutRead bool

	out       []byte // to be written
	sending   int    // bytes that the flushing goroutine has taken
	flushing  bool
	shutWrite bool
	fin       bool // the end was sent
	writeErr  vfs.Errno

	closed bool
	stop   func() bool // ends watching for the dialer's end, while a closed socket is still sending
}

func newStream(s *Set, family uint32) *Stream {
	st := &Stream{set: s, family: family}
	st.idle.L = &st.mu
	st.options.init()
	return st
}

// Bind sets the local address, of which only the port counts.
func (s *Stream) Bind(a netip.AddrPort) vfs.Errno {
	if e := bindable(s.family, a); e != vfs.OK {
		return e
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != streamIdle || s.local.IsValid() {
		return vfs.EInval
	}
	s.local = a
	return vfs.OK
}

// bindable says whether a client may have this local address.
func bindable(family uint32, a netip.AddrPort) vfs.Errno {
	switch {
	case a.Addr().Is4() != (family == abi.FamilyINET4):
		return vfs.EAfnosupport
	case !a.Addr().IsUnspecified(), a.Port() != 0 && a.Port() < 1024:
		return vfs.EAcces
	}
	return vfs.OK
}

// network is the Go network for an address of a socket: IPv4 also where it is written as IPv6.
func network(kind string, family uint32, to netip.AddrPort) (string, netip.AddrPort, vfs.Errno) {
	a := to.Addr()
	switch {
	case a.Is4() && family == abi.FamilyINET4, a.Is4In6() && family == abi.FamilyINET6:
		return kind + "4", netip.AddrPortFrom(a.Unmap(), to.Port()), vfs.OK
	case a.Is6() && family == abi.FamilyINET6:
		return kind + "6", to, vfs.OK
	}
	return "", to, vfs.EAfnosupport
}

// Connect begins to connect. refused is the policy's reason if the result is EAcces.
func (s *Stream) Connect(to netip.AddrPort) (e vfs.Errno, refused error) {
	net, to, e := network("tcp", s.family, to)
	if e != vfs.OK {
		return e, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case streamConnecting:
		return vfs.EAlready, nil
	case streamOpen:
		return vfs.EIsconn, nil
	}
	if to.Port() == 0 {
		return vfs.EAddrnotav, nil
	}
	if err := s.set.policy.Load().Check(to); err != nil {
		return vfs.EAcces, err
	}
	local := s.local
	if local.IsValid() && net == "tcp4" {
		local = netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())
	}
	s.state, s.err = streamConnecting, vfs.OK
	if !s.set.stack.dialer.Go(func(ctx context.Context) { s.dial(ctx, net, local, to) }) {
		s.state = streamFailed
		return vfs.ENetdown, nil
	}
	return vfs.EInprogress, nil
}

func (s *Stream) dial(ctx context.Context, network string, local, to netip.AddrPort) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	s.cancel = cancel
	closed := s.closed
	s.mu.Unlock()
	var conn net.Conn
	err := context.Canceled
	if !closed {
		conn, err = s.set.stack.dialer.Dial(ctx, network, local, to)
	}
	s.mu.Lock()
	s.cancel = nil
	switch closed = s.closed; {
	case closed:
	case err != nil:
		s.state, s.err = streamFailed, errno(err)
	default:
		s.state, s.conn, s.io = streamOpen, conn, conn
		if tcp, ok := conn.(*net.TCPConn); ok {
			s.options.apply(tcp)
			if haveRaw {
				s.raw, _ = tcp.SyscallConn() // nil on an error: then without
			}
		}
	}
	s.mu.Unlock()
	if closed {
		if conn != nil {
			_ = conn.Close()
		}
		s.set.stack.dialer.Release()
	}
	s.set.wake()
}

// Connected is the outcome of a connection attempt: OK, EInprogress, or its error, which is then no longer pending.
func (s *Stream) Connected() vfs.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case streamOpen:
		return vfs.OK
	case streamConnecting:
		return vfs.EInprogress
	}
	e := s.err
	s.err = vfs.OK
	if e == vfs.OK {
		e = vfs.ENotconn
	}
	return e
}

// Read implements Descriptor.
func (s *Stream) Read(p []byte, peek bool) (int, vfs.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != streamOpen {
		if s.state == streamConnecting {
			return 0, vfs.EAgain
		}
		return 0, s.takeError(vfs.ENotconn)
	}
	if len(s.in) == 0 && s.raw != nil && !s.filling && !s.ended() {
		if !peek && len(p) >= smallBuffer {
			n, again, err := rawReadInto(s.raw, p)
			if !again {
				s.readEnd(err)
			}
			if n > 0 {
				return n, vfs.OK
			}
		} else {
			s.tryFill()
		}
	}
	switch {
	case len(s.in) > 0 && !s.shutRead:
		n := copy(p, s.in)
		if !peek {
			s.take(n)
		}
		return n, vfs.OK
	case s.readErr != vfs.OK:
		e := s.readErr
		if s.tls == nil || s.tls.failure() == "" {
			s.readErr = vfs.OK // told; what follows is the end
		}
		return 0, e
	case s.ended(), len(p) == 0:
		return 0, vfs.OK
	}
	return 0, vfs.EAgain
}

func (s *Stream) takeError(otherwise vfs.Errno) vfs.Errno {
	if e := s.err; e != vfs.OK {
		s.err = vfs.OK
		return e
	}
	return otherwise
}

func (s *Stream) ended() bool { return s.eof || s.shutRead }

// take drops n bytes that the guest has read.
func (s *Stream) take(n int) {
	if s.in = s.in[n:]; len(s.in) == 0 {
		s.set.held.Add(-int64(cap(s.block)))
		s.set.put(s.block)
		s.in, s.block = nil, nil
	}
}

// keep holds a block that was read.
func (s *Stream) keep(b []byte) {
	s.in, s.block = b, b[:0]
	s.set.held.Add(int64(cap(b)))
}

// readEnd notes how reading ended, if it did.
func (s *Stream) readEnd(err error) {
	switch err {
	case nil:
	case io.EOF:
		s.eof = true
	default:
		s.eof, s.readErr = true, errno(err)
	}
}

// tryFill reads what is there now, of a plain connection.
func (s *Stream) tryFill() {
	b, again, err := rawRead(s.raw, s.set.get, s.set.put, false)
	if b != nil {
		s.keep(b)
	} else if !again {
		s.readEnd(err)
	}
}

// fill reads once, beside the guest. Entered with the lock.
func (s *Stream) startFill() {
	if s.filling || len(s.in) > 0 || s.ended() || s.state != streamOpen || s.closed || s.tls != nil && !s.tls.over() {
		return
	}
	conn, raw := s.io, s.raw
	s.filling = s.set.stack.dialer.Go(func(context.Context) { s.fill(conn, raw) })
}

func (s *Stream) fill(conn net.Conn, raw syscall.RawConn) {
	var b []byte
	var err error
	if raw != nil {
		b, _, err = rawRead(raw, s.set.get, s.set.put, true)
	} else {
		buf := s.set.get()
		var n int
		if n, err = conn.Read(buf); n > 0 {
			b = buf[:n]
		} else {
			s.set.put(buf)
		}
	}
	s.mu.Lock()
	s.filling = false
	if b != nil && !s.closed {
		s.keep(b)
	}
	if interrupted := s.tls != nil && conn == s.conn; !interrupted {
		if s.tls != nil {
			err = s.tls.readError(err)
		}
		if err == errTLS {
			s.eof, s.readErr = true, vfs.EProto
		} else {
			s.readEnd(err)
		}
	}
	s.idle.Broadcast()
	s.mu.Unlock()
	s.set.wake()
}

// Write implements Descriptor.
func (s *Stream) Write(p []byte) (int, vfs.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == streamConnecting:
		return 0, vfs.EAgain
	case s.state != streamOpen:
		return 0, s.takeError(vfs.ENotconn)
	case s.shutWrite:
		return 0, vfs.EPipe
	case s.writeErr != vfs.OK:
		return 0, s.writeErr
	case s.tls != nil && !s.tls.over():
		return 0, vfs.EAgain
	case s.tls != nil && s.tls.failed():
		return 0, s.tls.errno()
	case len(p) == 0:
		return 0, vfs.OK
	}
	done := 0
	if s.raw != nil && !s.flushing && len(s.out) == 0 {
		n, err := rawWrite(s.raw, p)
		if err != nil {
			s.writeErr = vfs.EPipe
			return 0, errno(err)
		}
		if done = n; done == len(p) {
			return done, vfs.OK
		}
	}
	n := min(s.set.room(sendBuffer)-len(s.out)-s.sending, len(p)-done)
	if n <= 0 {
		if done > 0 {
			return done, vfs.OK
		}
		return 0, vfs.EAgain
	}
	s.out = append(s.out, p[done:done+n]...)
	s.set.held.Add(int64(n))
	s.startFlush()
	return done + n, vfs.OK
}

// startFlush has what is to be sent sent, the end included.
func (s *Stream) startFlush() {
	if s.flushing || len(s.out) == 0 && (!s.shutWrite || s.fin) {
		return
	}
	conn := s.io
	if s.flushing = s.set.stack.dialer.Go(func(context.Context) { s.flush(conn) }); !s.flushing {
		s.dropOut()
		s.writeErr = vfs.ENetdown
	}
}

func (s *Stream) dropOut() {
	s.set.held.Add(-int64(len(s.out) + s.sending))
	s.out, s.sending = nil, 0
}

func (s *Stream) flush(conn net.Conn) {
	s.mu.Lock()
	for len(s.out) > 0 && s.writeErr == vfs.OK {
		b := s.out
		s.out, s.sending = nil, len(b)
		s.mu.Unlock()
		_, err := conn.Write(b)
		s.mu.Lock()
		s.set.held.Add(-int64(s.sending))
		s.sending = 0
		if err != nil {
			s.dropOut()
			s.writeErr = vfs.EPipe
			if s.err = errno(err); s.tls != nil && s.err == vfs.EIO {
				s.err = vfs.EPipe
			}
		}
		s.set.wake()
	}
	fin := s.shutWrite && !s.fin && s.writeErr == vfs.OK
	s.fin = s.fin || fin
	s.mu.Unlock()
	if fin {
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite() // an error means that the connection is gone already
		}
	}
	s.mu.Lock()
	s.flushing = false
	if !s.closed {
		s.startFlush() // for what came meanwhile
	}
	closed := s.closed && !s.flushing
	s.idle.Broadcast()
	s.mu.Unlock()
	if closed {
		s.finish(conn)
	}
	s.set.wake()
}

// Ready implements Descriptor.
func (s *Stream) Ready() Ready {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case streamConnecting:
		return Ready{}
	case streamFailed, streamIdle:
		return Ready{Events: abi.WaitReadable | abi.WaitWritable, Hangup: true}
	}
	if len(s.in) == 0 && s.raw != nil && !s.filling && !s.ended() {
		s.tryFill()
	}
	var r Ready
	if len(s.in) > 0 || s.readErr != vfs.OK || s.ended() {
		r.Events, r.Bytes = abi.WaitReadable, len(s.in)
	}
	// A handshake is over: writable. So is what will never take a byte again, because writing tells why.
	switch pending := len(s.out) + s.sending; {
	case s.tls != nil && !s.tls.over():
	case s.tls != nil && s.tls.failed(), s.writeErr != vfs.OK, s.shutWrite, pending <= s.set.room(sendBuffer)/2:
		r.Events |= abi.WaitWritable
	}
	r.Hangup = s.eof && len(s.in) == 0 && (s.shutWrite || s.writeErr != vfs.OK || s.readErr != vfs.OK)
	return r
}

// Expect implements Descriptor.
func (s *Stream) Expect(events uint32) {
	if events&abi.WaitReadable != 0 {
		s.mu.Lock()
		s.startFill()
		s.mu.Unlock()
	}
}

// Shutdown implements Descriptor.
func (s *Stream) Shutdown(read, write bool) vfs.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != streamOpen {
		return vfs.ENotconn
	}
	if read {
		s.shutRead = true
	}
	if write && !s.shutWrite {
		s.shutWrite = true
		if s.tls == nil || s.tls.over() && !s.tls.failed() {
			s.startFlush()
		}
	}
	s.set.wake()
	return vfs.OK
}

// Close implements vfs.Handle.
func (s *Stream) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	if len(s.in) > 0 {
		s.take(len(s.in))
	}
	if s.tls != nil {
		s.set.sessions.Add(-1)
	}
	conn, carrier := s.conn, s.io
	dialling := s.state == streamConnecting
	if s.cancel != nil {
		s.cancel()
	}
	late := conn != nil && (s.flushing || s.tls != nil && s.tls.over() && !s.tls.failed())
	flushing := s.flushing
	if !late {
		s.dropOut()
	}
	s.mu.Unlock()
	switch {
	case dialling: // dial closes and releases
	case conn == nil:
		s.set.stack.dialer.Release()
	case !late:
		s.finish(conn)
	default:
		_ = conn.SetWriteDeadline(time.Now().Add(linger))
		stop := s.set.stack.dialer.OnClose(func() { _ = conn.Close() })
		s.mu.Lock()
		s.stop = stop
		s.mu.Unlock()
		if !flushing && !s.set.stack.dialer.Go(func(context.Context) { s.finish(carrier) }) {
			s.finish(conn)
		}
	}
}

// finish closes the connection for good. TLS says goodbye first, which can take as long as linger.
func (s *Stream) finish(carrier net.Conn) {
	_ = carrier.Close() // nobody is left who could be told an error
	s.mu.Lock()
	s.dropOut()
	stop := s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	s.set.stack.dialer.Release()
}
