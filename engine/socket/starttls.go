package socket

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/thawrun/thaw/engine/vfs"
)

// StartTLS makes the connection a TLS client session; the handshake runs beside the guest.
func (s *Stream) StartTLS(cfg *tlsConfig) vfs.Errno {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state != streamOpen || s.closed:
		return vfs.ENotconn
	case s.tls != nil:
		return vfs.EIsconn
	case s.shutWrite || s.shutRead:
		return vfs.EPipe
	}
	if s.set.sessions.Add(1) > maxSessions {
		s.set.sessions.Add(-1)
		return vfs.ENobufs
	}
	s.tls = &session{cfg: cfg}
	s.raw = nil
	if s.filling {
		_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // what waits for plain text gives up
	}
	if !s.set.stack.dialer.Go(func(context.Context) { s.handshake(cfg) }) {
		s.tls = nil
		s.set.sessions.Add(-1)
		return vfs.ENetdown
	}
	return vfs.OK
}

func (s *Stream) handshake(cfg *tlsConfig) {
	s.mu.Lock()
	for s.filling || s.flushing {
		s.idle.Wait()
	}
	first := slices.Clone(s.in)
	if len(s.in) > 0 {
		s.take(len(s.in))
	}
	conn := s.conn
	s.mu.Unlock()
	_ = conn.SetReadDeadline(time.Time{})
	var carrier net.Conn = conn
	if len(first) > 0 {
		carrier = &prefixed{conn, first}
	}
	o := cfg.handshake(carrier)
	s.mu.Lock()
	s.tls.publish(o)
	switch {
	case s.closed: // Close has closed the connection
	case o.err != nil:
		s.eof, s.readErr = true, s.tls.errno()
		_ = conn.Close()
	default:
		s.io = o.conn
		s.startFlush() // the end, if the guest was in a hurry
	}
	s.mu.Unlock()
	s.set.wake()
}

// TLSInfo is the info record; EInval without TLS.
func (s *Stream) TLSInfo() ([]byte, vfs.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tls == nil {
		return nil, vfs.EInval
	}
	return s.tls.info(), vfs.OK
}
