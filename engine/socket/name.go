package socket

import (
	"net"
	"net/netip"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

// Socket is what both kinds of sockets have in common.
type Socket interface {
	Descriptor
	Bind(netip.AddrPort) vfs.Errno
	// Connect begins to connect, or sets a datagram socket's peer. The error is the policy's reason with EAcces.
	Connect(netip.AddrPort) (vfs.Errno, error)
	Name(which uint32) (netip.AddrPort, vfs.Errno)
	Get(abi.SocketOption) (uint32, vfs.Errno)
	Set(abi.SocketOption, uint32) vfs.Errno
}

var (
	_ Socket = (*Stream)(nil)
	_ Socket = (*Datagram)(nil)
)

// Name returns the local (abi.NameLocal) or the peer's address.
func (s *Stream) Name(which uint32) (netip.AddrPort, vfs.Errno) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return name(s.conn, s.family, s.local, which, s.state == streamOpen)
}

func name(conn net.Conn, family uint32, bound netip.AddrPort, which uint32, connected bool) (netip.AddrPort, vfs.Errno) {
	switch {
	case which == abi.NamePeer && !connected:
		return bound, vfs.ENotconn
	case which == abi.NamePeer:
		return written(conn.RemoteAddr(), family), vfs.OK
	case which != abi.NameLocal:
		return bound, vfs.EInval
	case conn != nil:
		return written(conn.LocalAddr(), family), vfs.OK
	case bound.IsValid():
		return bound, vfs.OK
	case family == abi.FamilyINET4:
		return netip.AddrPortFrom(netip.IPv4Unspecified(), 0), vfs.OK
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), 0), vfs.OK
}

// written is an address in the family of a socket.
func written(a net.Addr, family uint32) netip.AddrPort {
	var p netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		p = a.AddrPort()
	case *net.UDPAddr:
		p = a.AddrPort()
	}
	return inFamily(p, family)
}

func inFamily(p netip.AddrPort, family uint32) netip.AddrPort {
	ip := p.Addr().Unmap().WithZone("")
	if family == abi.FamilyINET6 {
		ip = netip.AddrFrom16(ip.As16())
	}
	return netip.AddrPortFrom(ip, p.Port())
}
