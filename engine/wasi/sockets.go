package wasi

import (
	"encoding/binary"
	"net/netip"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/socket"
	"github.com/thawrun/thaw/engine/vfs"
)

// nonBlock is the fdflag of a descriptor that never waits.
const nonBlock = vfs.NonBlock

// netFunctions are those of module thaw that make up the network (abi/README.md, section 5.4).
func netFunctions() []function {
	return []function{
		{"sock_open", params("iii"), sockOpen},
		{"sock_bind", params("iii"), sockBind},
		{"sock_connect", params("iii"), sockConnect},
		{"sock_name", params("iiiii"), sockName},
		{"sock_get", params("iii"), sockGet},
		{"sock_set", params("iii"), sockSet},
		{"sock_sendto", params("iiiiiii"), sockSendto},
		{"sock_recvfrom", params("iiiii"), sockRecvfrom},
		{"dns_open", params("iiii"), dnsOpen},
		{"tls_start", params("iii"), tlsStart},
		{"tls_open", params("iii"), tlsOpen},
		{"tls_feed", params("iiii"), tlsFeed},
		{"tls_drain", params("iiii"), tlsDrain},
		{"tls_info", params("iiii"), tlsInfo},
	}
}

// descriptor is what argument 0 stands for if it is no file.
func (c *call) descriptor() (d socket.Descriptor, nonBlocking bool) {
	h, flags := c.p.FS.Handle(c.fd(0))
	d, _ = h.(socket.Descriptor)
	_, session := d.(*socket.Session) // nobody else would bring it forward
	return d, session || flags&nonBlock != 0
}

// socket is the socket that argument 0 stands for.
func (c *call) socket() (s socket.Socket, nonBlocking bool, e vfs.Errno) {
	d, nonBlocking := c.descriptor()
	if s, ok := d.(socket.Socket); ok {
		return s, nonBlocking, vfs.OK
	}
	return nil, false, c.noSocket()
}

// noSocket is the error for argument 0 where it should be a socket.
func (c *call) noSocket() vfs.Errno {
	if _, e := c.p.FS.Info(c.fd(0)); e != vfs.OK {
		return e
	}
	return vfs.ENotsock
}

// add gives a new descriptor its number and writes it to ptr.
func (c *call) add(d socket.Descriptor, t vfs.Type, ptr uint32) vfs.Errno {
	result, e := c.bytes(ptr, 4)
	if e != vfs.OK {
		d.Close()
		return e
	}
	fd, e := c.p.FS.AddHandle(d, t)
	if e != vfs.OK {
		d.Close()
		return e
	}
	binary.LittleEndian.PutUint32(result, uint32(fd))
	return vfs.OK
}

// await waits until a descriptor is ready for one of events. EIntr: the soft interrupt was set.
func (c *call) await(d socket.Descriptor, events uint32) vfs.Errno {
	if c.p.Wait(-1, func() bool { return ready(d, events) != 0 }) {
		return vfs.EIntr
	}
	return vfs.OK
}

// pollSockets looks at the subscriptions of a poll to descriptors that are no files, and tells of those that are ready. Without
// tell it only says whether there is one, and begins what makes them ready.
func pollSockets(p *Process, subs []byte, tell func(sub []byte, r socket.Ready)) (any bool) {
	const subSize = 48
	for ; len(subs) >= subSize; subs = subs[subSize:] {
		if subs[8] == 0 {
			continue
		}
		h, _ := p.FS.Handle(int32(binary.LittleEndian.Uint32(subs[16:])))
		d, ok := h.(socket.Descriptor)
		if !ok {
			continue
		}
		events := uint32(subs[8]) // WASI's 1 and 2 are abi.WaitReadable and abi.WaitWritable
		switch r := d.Ready(); {
		case r.Events&events == 0:
			d.Expect(events)
		case tell == nil:
			return true
		default:
			tell(subs[:subSize], r)
			any = true
		}
	}
	return any
}

// receive reads into the vectors of a call. A blocking descriptor waits for the first byte, and with RecvWaitAll for all.
func receive(c *call, d socket.Descriptor, ptr, flags uint32, nonBlocking bool) vfs.Errno {
	nonBlocking = nonBlocking || flags&abi.RecvDontWait != 0
	peek := flags&abi.RecvPeek != 0
	all := flags&abi.RecvWaitAll != 0 && !peek
	done := 0
	return vectors(c, ptr, piece, func(c *call, b []byte) (int, vfs.Errno) {
		n := 0
		if peek && done > 0 {
			return 0, vfs.OK
		}
		for {
			got, e := d.Read(b[n:], peek)
			n, done = n+got, done+got
			switch {
			case e == vfs.EAgain && !nonBlocking && (done == 0 || all):
				if e := c.await(d, abi.WaitReadable); e != vfs.OK {
					return partial(n, e)
				}
			case e != vfs.OK, got == 0, n == len(b), !all:
				return partial(n, e)
			}
		}
	})
}

// send writes the vectors of a call. A blocking descriptor waits until all is taken.
func send(c *call, d socket.Descriptor, ptr uint32, nonBlocking bool) vfs.Errno {
	return vectors(c, ptr, piece, func(c *call, b []byte) (int, vfs.Errno) {
		n := 0
		for {
			put, e := d.Write(b[n:])
			n += put
			switch {
			case e == vfs.EAgain && !nonBlocking:
				if e := c.await(d, abi.WaitWritable); e != vfs.OK {
					return partial(n, e)
				}
			case e != vfs.OK, n == len(b), nonBlocking && put == 0:
				return partial(n, e)
			}
		}
	})
}

// partial is the result of a transfer that was ended: what was done counts.
func partial(n int, e vfs.Errno) (int, vfs.Errno) {
	if n > 0 {
		return n, vfs.OK
	}
	return 0, e
}

func sockAccept(c *call) vfs.Errno {
	if _, _, e := c.socket(); e != vfs.OK {
		return e
	}
	return vfs.EInval
}

func sockRecv(c *call) vfs.Errno {
	d, nonBlocking := c.descriptor()
	if d == nil {
		return c.noSocket()
	}
	roFlags, e := c.bytes(c.u32(5), 2)
	if e != vfs.OK {
		return e
	}
	clear(roFlags)
	return receive(c, d, c.u32(4), c.u32(3), nonBlocking)
}

func sockSend(c *call) vfs.Errno {
	d, nonBlocking := c.descriptor()
	if d == nil {
		return c.noSocket()
	}
	return send(c, d, c.u32(4), nonBlocking)
}

func sockShutdown(c *call) vfs.Errno {
	d, _ := c.descriptor()
	switch how := c.u32(1); {
	case d == nil:
		return c.noSocket()
	case how == 0 || how > 3:
		return vfs.EInval
	default:
		return d.Shutdown(how&1 != 0, how&2 != 0)
	}
}

func sockOpen(c *call) vfs.Errno {
	if c.p.Net == nil {
		return vfs.EAcces
	}
	d, e := c.p.Net.Open(c.u32(0), c.u32(1))
	if e != vfs.OK {
		return e
	}
	return c.add(d, vfs.Type(c.u32(1)), c.u32(2))
}

// address is the one that argument i points at; its length is the argument after it.
func (c *call) address(i int) (netip.AddrPort, vfs.Errno) {
	n := c.u32(i + 1)
	if n > abi.MaxAddress {
		return netip.AddrPort{}, vfs.EInval
	}
	b, e := c.bytes(c.u32(i), uint64(n))
	if e != vfs.OK {
		return netip.AddrPort{}, e
	}
	a, err := abi.ParseAddress(b)
	if err != nil {
		return a, vfs.EAfnosupport
	}
	return a, vfs.OK
}

func sockBind(c *call) vfs.Errno {
	s, _, e := c.socket()
	if e != vfs.OK {
		return e
	}
	a, e := c.address(1)
	if e != vfs.OK {
		return e
	}
	return s.Bind(a)
}

func sockConnect(c *call) vfs.Errno {
	s, nonBlocking, e := c.socket()
	if e != vfs.OK {
		return e
	}
	a, e := c.address(1)
	if e != vfs.OK {
		return e
	}
	e, refused := s.Connect(a)
	c.refused(refused)
	stream, ok := s.(*socket.Stream)
	if e != vfs.EInprogress || nonBlocking || !ok {
		return e
	}
	if e := c.await(s, abi.WaitWritable); e != vfs.OK {
		return e
	}
	return stream.Connected()
}

// refused puts into the function's log why the policy refused an address.
func (c *call) refused(reason error) {
	if reason != nil && c.p.Log != nil {
		c.p.Log(abi.LogWarn, []byte(reason.Error()))
	}
}

func sockName(c *call) vfs.Errno {
	s, _, e := c.socket()
	if e != vfs.OK {
		return e
	}
	a, e := s.Name(c.u32(1))
	if e != vfs.OK {
		return e
	}
	var b [abi.MaxAddress]byte
	n := abi.PutAddress(b[:], a)
	dst, e := c.bytes(c.u32(2), uint64(c.u32(3)))
	if e != vfs.OK {
		return e
	}
	copy(dst, b[:n])
	return c.put32(c.u32(4), uint32(n))
}

func sockGet(c *call) vfs.Errno {
	s, _, e := c.socket()
	if e != vfs.OK {
		return e
	}
	dst, e := c.bytes(c.u32(2), 4)
	if e != vfs.OK {
		return e
	}
	v, e := s.Get(abi.SocketOption(c.u32(1)))
	if e == vfs.OK {
		binary.LittleEndian.PutUint32(dst, v)
	}
	return e
}

func sockSet(c *call) vfs.Errno {
	s, _, e := c.socket()
	if e != vfs.OK {
		return e
	}
	return s.Set(abi.SocketOption(c.u32(1)), c.u32(2))
}

func sockSendto(c *call) vfs.Errno {
	s, nonBlocking, e := c.socket()
	if e != vfs.OK {
		return e
	}
	data, e := c.bytes(c.u32(1), uint64(c.u32(2)))
	if e != vfs.OK {
		return e
	}
	sent, e := c.bytes(c.u32(6), 4)
	if e != vfs.OK {
		return e
	}
	var to netip.AddrPort
	if c.u32(5) != 0 {
		if to, e = c.address(4); e != vfs.OK {
			return e
		}
	}
	var n int
	switch d := s.(type) {
	case *socket.Datagram:
		var refused error
		n, e, refused = d.SendTo(data, to)
		c.refused(refused)
	default: // the address of a stream is not looked at, as on Linux
		for {
			if n, e = s.Write(data); e != vfs.EAgain || nonBlocking {
				break
			}
			if e := c.await(s, abi.WaitWritable); e != vfs.OK {
				return e
			}
		}
	}
	if e == vfs.OK {
		binary.LittleEndian.PutUint32(sent, uint32(n))
	}
	return e
}

func sockRecvfrom(c *call) vfs.Errno {
	s, nonBlocking, e := c.socket()
	if e != vfs.OK {
		return e
	}
	data, e := c.bytes(c.u32(1), uint64(c.u32(2)))
	if e != vfs.OK {
		return e
	}
	result, e := c.bytes(c.u32(4), 12+abi.MaxAddress)
	if e != vfs.OK {
		return e
	}
	peek := c.u32(3)&abi.RecvPeek != 0
	nonBlocking = nonBlocking || c.u32(3)&abi.RecvDontWait != 0
	for {
		var n, addr int
		var flags uint32
		switch d := s.(type) {
		case *socket.Datagram:
			var from netip.AddrPort
			var truncated bool
			if n, from, truncated, e = d.ReceiveFrom(data, peek); e == vfs.OK {
				if truncated {
					flags = 1
				}
				if from.IsValid() {
					addr = abi.PutAddress(result[12:], from)
				}
			}
		default:
			n, e = s.Read(data, peek)
		}
		if e == vfs.EAgain && !nonBlocking {
			if e := c.await(s, abi.WaitReadable); e != vfs.OK {
				return e
			}
			continue
		}
		if e == vfs.EAgain {
			s.Expect(abi.WaitReadable)
		}
		if e == vfs.OK {
			binary.LittleEndian.PutUint32(result, uint32(n))
			binary.LittleEndian.PutUint32(result[4:], flags)
			binary.LittleEndian.PutUint32(result[8:], uint32(addr))
		}
		return e
	}
}

func dnsOpen(c *call) vfs.Errno {
	if c.p.Net == nil {
		return vfs.EAcces
	}
	name, e := c.path(0)
	if e != vfs.OK {
		return e
	}
	q, e := c.p.Net.Query(string(name), c.u32(2))
	if e != vfs.OK {
		return e
	}
	return c.add(q, vfs.TypeStream, c.u32(3))
}

func tlsStart(c *call) vfs.Errno {
	d, _ := c.descriptor()
	s, ok := d.(*socket.Stream)
	if !ok {
		return c.noSocket()
	}
	record, e := c.bytes(c.u32(1), uint64(c.u32(2)))
	if e != vfs.OK {
		return e
	}
	cfg, e := c.p.Net.Configure(record)
	if e != vfs.OK {
		return e
	}
	return s.StartTLS(cfg)
}

func tlsOpen(c *call) vfs.Errno {
	if c.p.Net == nil {
		return vfs.EAcces
	}
	record, e := c.bytes(c.u32(0), uint64(c.u32(1)))
	if e != vfs.OK {
		return e
	}
	cfg, e := c.p.Net.Configure(record)
	if e != vfs.OK {
		return e
	}
	s, e := c.p.Net.OpenTLS(cfg)
	if e != vfs.OK {
		return e
	}
	return c.add(s, vfs.TypeStream, c.u32(2))
}

// session is the TLS session without a socket that argument 0 stands for.
func (c *call) session() (*socket.Session, vfs.Errno) {
	d, _ := c.descriptor()
	if s, ok := d.(*socket.Session); ok {
		return s, vfs.OK
	}
	return nil, c.noSocket()
}

func tlsFeed(c *call) vfs.Errno {
	s, e := c.session()
	if e != vfs.OK {
		return e
	}
	data, e := c.bytes(c.u32(1), uint64(c.u32(2)))
	if e != vfs.OK {
		return e
	}
	taken, e := c.bytes(c.u32(3), 4)
	if e != vfs.OK {
		return e
	}
	n, e := s.Feed(data)
	binary.LittleEndian.PutUint32(taken, uint32(n))
	return e
}

func tlsDrain(c *call) vfs.Errno {
	s, e := c.session()
	if e != vfs.OK {
		return e
	}
	data, e := c.bytes(c.u32(1), uint64(c.u32(2)))
	if e != vfs.OK {
		return e
	}
	got, e := c.bytes(c.u32(3), 4)
	if e != vfs.OK {
		return e
	}
	binary.LittleEndian.PutUint32(got, uint32(s.Drain(data)))
	return vfs.OK
}

func tlsInfo(c *call) vfs.Errno {
	d, _ := c.descriptor()
	s, ok := d.(interface{ TLSInfo() ([]byte, vfs.Errno) })
	if !ok {
		return c.noSocket()
	}
	dst, e := c.bytes(c.u32(1), uint64(c.u32(2)))
	if e != vfs.OK {
		return e
	}
	info, e := s.TLSInfo()
	if e != vfs.OK {
		return e
	}
	if len(info) <= len(dst) {
		copy(dst, info)
	}
	return c.put32(c.u32(3), uint32(len(info)))
}
