package socket

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

const (
	// maxDatagram is the longest UDP payload.
	maxDatagram = 65507
	// maxPeers is how many addresses a socket that isn't connected may have sent to and get answers from.
	maxPeers = 1024
	// sendTimeout is how long the system may take to accept a datagram.
	sendTimeout = 100 * time.Millisecond
)

// Datagram is a UDP socket of a client: what comes from an address that it never sent to is dropped.
type Datagram struct {
	set    *Set
	family uint32

	mu     sync.Mutex
	opts   options
	bound  netip.AddrPort
	conn   *net.UDPConn
	dialed bool           // the system knows the peer
	peer   netip.AddrPort // connected to; invalid = not connected
	peers  map[netip.AddrPort]struct{}

	in      []byte // one datagram; nil = none
	from    netip.AddrPort
	filling bool
	err     vfs.Errno

	shutRead, shutWrite, closed bool
}

func newDatagram(s *Set, family uint32) *Datagram {
	d := &Datagram{set: s, family: family}
	d.opts.init()
	return d
}

// Bind opens the socket with a local port.
func (d *Datagram) Bind(a netip.AddrPort) vfs.Errno {
	if e := bindable(d.family, a); e != vfs.OK {
		return e
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		return vfs.EInval
	}
	d.bound = a
	return d.open()
}

// open makes the system's socket for many peers.
func (d *Datagram) open() vfs.Errno {
	if d.conn != nil {
		return vfs.OK
	}
	network := "udp4"
	if d.family == abi.FamilyINET6 {
		network = "udp6"
	}
	conn, err := d.set.stack.dialer.Listen(context.Background(), network, d.bound)
	if err != nil {
		return errno(err)
	}
	d.conn = conn
	return vfs.OK
}

// Connect sets the peer.
func (d *Datagram) Connect(to netip.AddrPort) (vfs.Errno, error) {
	network, to, e := network("udp", d.family, to)
	if e != vfs.OK {
		return e, nil
	}
	if err := d.set.policy.Load().Check(to); err != nil {
		return vfs.EAcces, err
	}
	if to.Port() == 0 {
		return vfs.EAddrnotav, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil { // UDP connects at once
		conn, err := d.set.stack.dialer.Dial(context.Background(), network, netip.AddrPort{}, to)
		if err != nil {
			return errno(err), nil
		}
		d.conn, d.dialed, d.peer = conn.(*net.UDPConn), true, to
		return vfs.OK, nil
	}
	if d.dialed { // another peer: the system's socket can't be turned round
		if d.filling {
			return vfs.EIsconn, nil
		}
		conn, err := d.set.stack.dialer.Dial(context.Background(), network, netip.AddrPort{}, to)
		if err != nil {
			return errno(err), nil
		}
		_ = d.conn.Close()
		d.conn, d.in = conn.(*net.UDPConn), nil
	}
	d.peer = to
	return vfs.OK, nil
}

// Name returns the local or the peer's address.
func (d *Datagram) Name(which uint32) (netip.AddrPort, vfs.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case which == abi.NamePeer && d.peer.IsValid():
		return inFamily(d.peer, d.family), vfs.OK
	case d.conn == nil:
		return name(nil, d.family, d.bound, which, false)
	}
	return name(d.conn, d.family, d.bound, which, false)
}

// Get reads an option.
func (d *Datagram) Get(opt abi.SocketOption) (uint32, vfs.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch opt {
	case abi.OptionError:
		e := d.err
		d.err = vfs.OK
		return uint32(e), vfs.OK
	case abi.OptionType:
		return abi.SocketDatagram, vfs.OK
	case abi.OptionFamily:
		return d.family, vfs.OK
	case abi.OptionReadable:
		return uint32(len(d.in)), vfs.OK
	case abi.OptionUnsent:
		return 0, vfs.OK
	case abi.OptionReuseAddr, abi.OptionBroadcast, abi.OptionSendBuffer, abi.OptionReceiveBuffer, abi.OptionV6Only:
		v, _ := d.opts.get(opt)
		return v, vfs.OK
	}
	return 0, vfs.ENoprotoopt
}

// Set sets an option.
func (d *Datagram) Set(opt abi.SocketOption, v uint32) vfs.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch opt {
	case abi.OptionReuseAddr, abi.OptionBroadcast, abi.OptionSendBuffer, abi.OptionReceiveBuffer, abi.OptionV6Only:
		return d.opts.set(opt, v)
	}
	return vfs.ENoprotoopt
}

// SendTo sends a datagram; an invalid address stands for the peer. The error is the policy's reason with EAcces.
func (d *Datagram) SendTo(p []byte, to netip.AddrPort) (int, vfs.Errno, error) {
	if len(p) > maxDatagram {
		return 0, vfs.EMsgsize, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.shutWrite:
		return 0, vfs.EPipe, nil
	case !to.IsValid() && !d.peer.IsValid():
		return 0, vfs.EDestaddrreq, nil
	case !to.IsValid() || d.dialed:
		if to.IsValid() && to != inFamily(d.peer, d.family) {
			return 0, vfs.EIsconn, nil
		}
		to = d.peer
	default:
		var e vfs.Errno
		if _, to, e = network("udp", d.family, to); e != vfs.OK {
			return 0, e, nil
		}
	}
	if err := d.set.policy.Load().Check(to); err != nil {
		return 0, vfs.EAcces, err
	}
	if e := d.takeError(); e != vfs.OK {
		return 0, e, nil
	}
	if e := d.open(); e != vfs.OK {
		return 0, e, nil
	}
	_ = d.conn.SetWriteDeadline(time.Now().Add(sendTimeout))
	var n int
	var err error
	if d.dialed {
		n, err = d.conn.Write(p)
	} else {
		if d.peers == nil {
			d.peers = map[netip.AddrPort]struct{}{}
		}
		if len(d.peers) >= maxPeers {
			clear(d.peers)
		}
		d.peers[to] = struct{}{}
		sent := to
		if d.family == abi.FamilyINET6 {
			sent = inFamily(to, d.family)
		}
		n, err = d.conn.WriteToUDPAddrPort(p, sent)
	}
	return n, errno(err), nil
}

// Write implements Descriptor.
func (d *Datagram) Write(p []byte) (int, vfs.Errno) {
	n, e, _ := d.SendTo(p, netip.AddrPort{})
	return n, e
}

func (d *Datagram) takeError() vfs.Errno {
	e := d.err
	d.err = vfs.OK
	return e
}

// Read implements Descriptor.
func (d *Datagram) Read(p []byte, peek bool) (int, vfs.Errno) {
	n, _, _, e := d.ReceiveFrom(p, peek)
	return min(n, len(p)), e
}

// ReceiveFrom takes a datagram. n is its length, which may be more than p holds: the rest is lost.
func (d *Datagram) ReceiveFrom(p []byte, peek bool) (n int, from netip.AddrPort, truncated bool, e vfs.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.in == nil {
		if e := d.takeError(); e != vfs.OK {
			return 0, from, false, e
		}
		if d.shutRead {
			return 0, from, false, vfs.OK
		}
		return 0, from, false, vfs.EAgain
	}
	copy(p, d.in)
	n, from, truncated = min(len(d.in), len(p)), inFamily(d.from, d.family), len(d.in) > len(p)
	if !peek {
		d.set.held.Add(-int64(cap(d.in)))
		d.in = nil
	}
	return n, from, truncated, vfs.OK
}

// Ready implements Descriptor.
func (d *Datagram) Ready() Ready {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := Ready{Events: abi.WaitWritable}
	if d.in != nil || d.err != vfs.OK || d.shutRead {
		r.Events, r.Bytes = r.Events|abi.WaitReadable, len(d.in)
	}
	return r
}

// Expect implements Descriptor.
func (d *Datagram) Expect(events uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if events&abi.WaitReadable == 0 || d.filling || d.in != nil || d.closed || d.shutRead || d.open() != vfs.OK {
		return
	}
	conn := d.conn
	d.filling = d.set.stack.dialer.Go(func(context.Context) { d.fill(conn) })
}

// fill receives one datagram from an address that the guest knows.
func (d *Datagram) fill(conn *net.UDPConn) {
	var buf []byte // while nothing comes it takes no memory
	for {
		var n int
		var from netip.AddrPort
		raw, err := conn.SyscallConn()
		if err == nil {
			err = rawWait(raw)
		}
		if err == nil {
			if buf == nil {
				buf = make([]byte, maxDatagram)
			}
			n, from, err = conn.ReadFromUDPAddrPort(buf)
		}
		d.mu.Lock()
		if from = netip.AddrPortFrom(from.Addr().Unmap().WithZone(""), from.Port()); err == nil && !d.knows(from) {
			d.mu.Unlock()
			continue
		}
		d.filling = false
		switch {
		case d.closed:
		case err != nil:
			d.err = errno(err)
		default:
			d.in, d.from = append(make([]byte, 0, n), buf[:n]...), from
			d.set.held.Add(int64(cap(d.in)))
		}
		d.mu.Unlock()
		d.set.wake()
		return
	}
}

func (d *Datagram) knows(from netip.AddrPort) bool {
	if d.peer.IsValid() {
		return from == d.peer
	}
	_, ok := d.peers[from]
	return ok
}

// Shutdown implements Descriptor.
func (d *Datagram) Shutdown(read, write bool) vfs.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.peer.IsValid() {
		return vfs.ENotconn
	}
	d.shutRead, d.shutWrite = d.shutRead || read, d.shutWrite || write
	d.set.wake()
	return vfs.OK
}

// Close implements vfs.Handle.
func (d *Datagram) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.closed = true
	d.set.held.Add(-int64(cap(d.in)))
	d.in = nil
	if d.conn != nil {
		_ = d.conn.Close() // ends fill
	}
	d.set.stack.dialer.Release()
}
