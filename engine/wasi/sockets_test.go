package wasi_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/engine/socket"
	"github.com/thawrun/thaw/engine/vfs"
)

const patience = 20 * time.Second

// online gives a guest a network in which loopback addresses are open.
func online(t testing.TB) *guest {
	t.Helper()
	g := start(t)
	rules, err := egress.ParseRules("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	d := egress.New(egress.Config{Allow: rules})
	g.p.Net = socket.NewStack(d, nil).NewSet()
	p, _ := d.Policy(nil)
	g.p.Net.SetPolicy(p)
	g.p.Deadline = time.Now().Add(patience)
	t.Cleanup(func() {
		g.p.FS.Reset()
		d.Close()
		if n, held := d.Sockets(), g.p.Net.Bytes(); n != 0 || held != 0 {
			t.Errorf("%d sockets, %d bytes are left", n, held)
		}
	})
	return g
}

// listen runs a server that handles one connection after the other.
func listen(t testing.TB, handle func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(patience))
			handle(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return netip.MustParseAddrPort(l.Addr().String())
}

func address(a netip.AddrPort) string {
	var b [abi.MaxAddress]byte
	return string(b[:abi.PutAddress(b[:], a)])
}

func (g *guest) socket(typ int) uint32 {
	g.t.Helper()
	g.must("sock_open", 1, typ, scratch)
	return g.u32(scratch)
}

// A blocking client: connect, write, read, all of it, names, options, the end.
func TestBlockingSocket(t *testing.T) {
	g := online(t)
	to := listen(t, func(c net.Conn) {
		b := make([]byte, 5)
		_, _ = io.ReadFull(c, b)
		for _, part := range []string{"wor", "ld"} { // in two parts, for MSG_WAITALL
			_, _ = c.Write([]byte(part))
			time.Sleep(5 * time.Millisecond)
		}
	})
	fd := g.socket(abi.SocketStream)
	g.must("sock_connect", fd, address(to))
	g.must("sock_name", fd, 1, scratch, 24, scratch+24)
	if n := g.u32(scratch + 24); n != 8 || string(g.bytes(scratch, 8)) != address(to) {
		t.Errorf("peer: %d bytes %x", n, g.bytes(scratch, 8))
	}
	g.must("sock_name", fd, 0, scratch, 24, scratch+24)
	if e := g.call("sock_name", fd, 2, scratch, 24, scratch+24); e != vfs.EInval {
		t.Errorf("name 2: %d", e)
	}
	g.must("sock_set", fd, int(abi.OptionKeepAlive), 1)
	g.must("sock_get", fd, int(abi.OptionKeepAlive), scratch)
	if g.u32(scratch) != 1 {
		t.Error("the option is not set")
	}
	g.must("fd_fdstat_get", fd, scratch)
	if b := g.bytes(scratch, 4); b[0] != abi.SocketStream || b[2] != 0 {
		t.Errorf("fdstat %v", b)
	}
	if e := g.write(fd, "hello"); e != vfs.OK {
		t.Fatal(e)
	}
	buf := g.alloc(16)
	g.must("sock_recv", fd, g.vectors(buf, 2, buf+2, 3), 2, abi.RecvWaitAll, scratch, scratch+8)
	if n := g.u32(scratch); n != 5 || string(g.bytes(buf, 5)) != "world" {
		t.Errorf("%q", g.bytes(buf, int(n)))
	}
	g.must("fd_read", fd, g.vectors(buf, 16), 1, scratch)
	if n := g.u32(scratch); n != 0 {
		t.Errorf("%d bytes after the end", n)
	}
	g.must("sock_shutdown", fd, 2)
	for name, e := range map[string]vfs.Errno{
		"seek": g.call("fd_seek", fd, 0, 0, scratch), "pread": g.call("fd_pread", fd, g.vectors(buf, 1), 1, 0, scratch),
		"pwrite": g.call("fd_pwrite", fd, g.vectors(buf, 1), 1, 0, scratch),
	} {
		if e != vfs.ESpipe {
			t.Errorf("%s: %d", name, e)
		}
	}
	if e := g.call("sock_accept", fd, 0, scratch); e != vfs.EInval {
		t.Errorf("accept: %d", e)
	}
	g.must("fd_close", fd)
	if e := g.call("fd_read", fd, g.vectors(buf, 1), 1, scratch); e != vfs.EBadf {
		t.Errorf("read after close: %d", e)
	}
}

// subscription of poll_oneoff: to a descriptor.
func fdSub(userdata uint64, tag byte, fd uint32) []byte {
	b := make([]byte, 48)
	binary.LittleEndian.PutUint64(b, userdata)
	b[8] = tag
	binary.LittleEndian.PutUint32(b[16:], fd)
	return b
}

func clockSub(userdata uint64, d time.Duration) []byte {
	b := make([]byte, 48)
	binary.LittleEndian.PutUint64(b, userdata)
	binary.LittleEndian.PutUint32(b[16:], 1)
	binary.LittleEndian.PutUint64(b[24:], uint64(d))
	return b
}

// poll returns the userdata of the events.
func (g *guest) pollAll(subs ...[]byte) ([]uint64, vfs.Errno) {
	g.t.Helper()
	all := bytes.Join(subs, nil)
	in, out := g.alloc(len(all)), g.alloc(32*len(subs))
	g.mod.Memory().Write(in, all)
	if e := g.call("poll_oneoff", in, out, len(subs), scratch); e != vfs.OK {
		return nil, e
	}
	var data []uint64
	for i := range g.u32(scratch) {
		data = append(data, g.u64(out+32*i))
	}
	return data, vfs.OK
}

// An event loop's client: everything by poll_oneoff.
func TestNonBlockingSocket(t *testing.T) {
	g := online(t)
	reply := make(chan struct{})
	to := listen(t, func(c net.Conn) { <-reply; _, _ = c.Write([]byte("hi")); _, _ = io.Copy(io.Discard, c) })
	fd := g.socket(abi.SocketStream)
	g.must("fd_fdstat_set_flags", fd, 4)
	if e := g.call("sock_connect", fd, address(to)); e != vfs.EInprogress {
		t.Fatal(e)
	}
	if got, e := g.pollAll(fdSub(1, 2, fd), clockSub(2, patience)); e != vfs.OK || !slices.Equal(got, []uint64{1}) {
		t.Fatal(got, e)
	}
	g.must("sock_get", fd, int(abi.OptionError), scratch)
	if g.u32(scratch) != 0 {
		t.Fatal(g.u32(scratch))
	}
	buf := g.alloc(16)
	if e := g.call("fd_read", fd, g.vectors(buf, 16), 1, scratch); e != vfs.EAgain {
		t.Fatal(e)
	}
	if got, e := g.pollAll(fdSub(1, 1, fd), clockSub(2, 10*time.Millisecond)); e != vfs.OK || !slices.Equal(got, []uint64{2}) {
		t.Fatal(got, e)
	}
	// A file is ready, so the socket isn't waited for.
	g.file("/tmp/f", "x")
	file := g.mustOpen("/tmp/f", 0, rightRead)
	if got, e := g.pollAll(fdSub(1, 1, fd), fdSub(3, 1, file)); e != vfs.OK || !slices.Equal(got, []uint64{3}) {
		t.Fatal(got, e)
	}
	close(reply)
	if got, e := g.pollAll(fdSub(1, 1, fd)); e != vfs.OK || !slices.Equal(got, []uint64{1}) {
		t.Fatal(got, e)
	}
	g.must("fd_read", fd, g.vectors(buf, 16), 1, scratch)
	if string(g.bytes(buf, int(g.u32(scratch)))) != "hi" {
		t.Error("something else came")
	}
	if got, e := g.pollAll(fdSub(1, 1, 999)); e != vfs.OK || len(got) != 1 {
		t.Errorf("poll of nothing: %v, %d", got, e)
	}
	g.must("fd_close", fd) // ends the server
}

// The deadline and the soft interrupt end what waits: connecting, reading, writing, a handshake, an answer of the DNS.
func TestDeadlineInTheMiddle(t *testing.T) {
	ended := errors.New("deadline")
	for _, soft := range []bool{false, true} {
		for name, wait := range map[string]func(g *guest, fd uint32) (uint64, error){
			"read": func(g *guest, fd uint32) (uint64, error) {
				return g.try("fd_read", fd, g.vectors(g.alloc(16), 16), 1, scratch)
			},
			"recvfrom": func(g *guest, fd uint32) (uint64, error) {
				return g.try("sock_recvfrom", fd, g.alloc(16), 16, 0, scratch)
			},
			"write": func(g *guest, fd uint32) (uint64, error) {
				for {
					res, err := g.try("fd_write", fd, g.vectors(0, 60000), 1, scratch)
					if err != nil || res != 0 {
						return res, err
					}
				}
			},
			"handshake": func(g *guest, fd uint32) (uint64, error) {
				record := tlsRecord()
				g.must("tls_start", fd, record)
				return g.try("fd_read", fd, g.vectors(g.alloc(16), 16), 1, scratch)
			},
			"poll": func(g *guest, fd uint32) (uint64, error) {
				in := g.alloc(48)
				g.mod.Memory().Write(in, fdSub(1, 1, fd))
				return g.try("poll_oneoff", in, g.alloc(32), 1, scratch)
			},
		} {
			t.Run(name+map[bool]string{true: " soft", false: ""}[soft], func(t *testing.T) {
				g := online(t)
				hang := make(chan struct{})
				defer close(hang)
				to := listen(t, func(net.Conn) { <-hang })
				fd := g.socket(abi.SocketStream)
				g.must("sock_connect", fd, address(to))
				end := time.Now().Add(30 * time.Millisecond)
				if soft {
					g.p.Wake = end
				} else {
					g.p.Deadline = end
				}
				g.p.Check = func() {
					if !soft && !time.Now().Before(end) {
						panic(ended)
					}
				}
				res, err := wait(g, fd)
				if soft && (err != nil || vfs.Errno(res) != vfs.EIntr) {
					t.Errorf("%d, %v", res, err)
				}
				if !soft && !errors.Is(err, ended) {
					t.Errorf("%d, %v", res, err)
				}
			})
		}
	}
}

func tlsRecord() string {
	fields := make([]abi.Field, abi.TLSFields)
	fields[abi.TLSVerify] = abi.String(abi.TLSVerifyNone)
	return string(abi.AppendRecord(nil, fields...))
}

// What the policy refuses is EACCES, and the function's log says why.
func TestRefusalIsLogged(t *testing.T) {
	g := online(t)
	var log []string
	g.p.Log = func(level abi.LogLevel, p []byte) { log = append(log, string(p)) }
	for _, typ := range []int{abi.SocketStream, abi.SocketDatagram} {
		fd := g.socket(typ)
		if e := g.call("sock_connect", fd, address(netip.MustParseAddrPort("169.254.169.254:80"))); e != vfs.EAcces {
			t.Errorf("connect: %d", e)
		}
		g.must("fd_close", fd)
	}
	fd := g.socket(abi.SocketDatagram)
	at := g.alloc(3)
	if e := g.call("sock_sendto", fd, at, 3, 0, address(netip.MustParseAddrPort("10.0.0.1:53")), scratch); e != vfs.EAcces {
		t.Errorf("send: %d", e)
	}
	if len(log) != 3 || !strings.Contains(log[0], "169.254.169.254:80") || !strings.Contains(log[0], "metadata") || !strings.Contains(log[2], "private") {
		t.Errorf("%q", log)
	}
}

func TestAnswerByDescriptor(t *testing.T) {
	g := online(t)
	g.must("dns_open", "localhost", abi.DNSIPv4, scratch)
	fd, buf := g.u32(scratch), g.alloc(512)
	g.must("fd_read", fd, g.vectors(buf, 512), 1, scratch)
	b := g.bytes(buf, int(g.u32(scratch)))
	fields, err := abi.ParseRecord(b[4:])
	if b[0] != abi.DNSOK || err != nil || fields[0].Value != "\x7f\x00\x00\x01" {
		t.Errorf("%q, %v", b, err)
	}
	g.must("fd_read", fd, g.vectors(buf, 512), 1, scratch)
	if g.u32(scratch) != 0 {
		t.Error("no end")
	}
	g.must("fd_close", fd)
}

// Datagrams through the blocking calls.
func TestBlockingDatagram(t *testing.T) {
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 100)
		if n, from, err := server.ReadFrom(b); err == nil {
			_, _ = server.WriteTo(append([]byte("re: "), b[:n]...), from)
		}
	}()
	g := online(t)
	to := netip.MustParseAddrPort(server.LocalAddr().String())
	fd := g.socket(abi.SocketDatagram)
	at, buf := g.alloc(3), g.alloc(64)
	g.mod.Memory().Write(at, []byte("abc"))
	g.must("sock_sendto", fd, at, 3, 0, address(to), scratch)
	g.must("sock_recvfrom", fd, buf, 64, 0, scratch)
	if n := g.u32(scratch); string(g.bytes(buf, int(n))) != "re: abc" || g.u32(scratch+4) != 0 || string(g.bytes(scratch+12, int(g.u32(scratch+8)))) != address(to) {
		t.Errorf("%q", g.bytes(buf, int(n)))
	}
	<-done
}

// As many sockets as descriptors, and no more; a reset closes all.
func TestDescriptorsAreShared(t *testing.T) {
	g := online(t)
	n := 0
	for {
		e := g.call("sock_open", 1, abi.SocketStream, scratch)
		if e == vfs.EMfile {
			break
		}
		if e != vfs.OK {
			t.Fatal(e)
		}
		n++
	}
	if n != abi.MaxDescriptors-4 || g.p.FS.OpenFiles() != n {
		t.Errorf("%d sockets, %d descriptors", n, g.p.FS.OpenFiles())
	}
	g.p.FS.Reset()
	if g.p.FS.OpenFiles() != 0 {
		t.Error("something is open")
	}
}

// Arguments from hell: no call panics or waits, whatever it is given.
func TestHostileNetworkCalls(t *testing.T) {
	g := online(t)
	g.p.Deadline = time.Now().Add(time.Hour)
	values := []uint32{0, 1, 2, 3, 4, 5, 6, 24, 64, 65535, memSize - 4, memSize, 1 << 31, 1<<32 - 1}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		if g.p.FS.OpenFiles() > 50 {
			g.p.FS.Reset()
		}
		names := slices.Sorted(func(yield func(string) bool) {
			for n := range netSignatures {
				if !yield(n) {
					return
				}
			}
		})
		name := names[r.IntN(len(names))]
		args := make([]any, len(netSignatures[name]))
		for i := range args {
			args[i] = values[r.IntN(len(values))]
		}
		if fd, ok := args[0].(uint32); ok && fd >= 4 && fd < 64 { // nothing waits
			_ = g.p.FS.SetFlags(int32(fd), vfs.NonBlock)
		}
		if _, err := g.try(name, args...); err != nil {
			t.Fatalf("%s%v: %v", name, args, err)
		}
	}
}
