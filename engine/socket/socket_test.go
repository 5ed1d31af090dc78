package socket

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/engine/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// newSet makes the network of an instance that may reach loopback addresses.
func newSet(t testing.TB, roots ...byte) *Set {
	t.Helper()
	rules, err := egress.ParseRules("127.0.0.0/8", "::1")
	if err != nil {
		t.Fatal(err)
	}
	d := egress.New(egress.Config{Allow: rules})
	t.Cleanup(func() {
		d.Close()
		if n := d.Sockets(); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
	})
	s := NewStack(d, roots).NewSet()
	p, _ := d.Policy(nil)
	s.SetPolicy(p)
	return s
}

// await waits as package wasi does.
func await(t testing.TB, s *Set, d Descriptor, events uint32) {
	t.Helper()
	timeout := time.After(patience)
	for d.Ready().Events&events == 0 {
		d.Expect(events)
		if d.Ready().Events&events != 0 {
			return
		}
		select {
		case <-s.Changed():
		case <-timeout:
			t.Fatal("never ready")
		}
	}
}

// serve runs a server for one connection after the other.
func serve(t testing.TB, handle func(net.Conn)) netip.AddrPort {
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

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

func open(t testing.TB, s *Set) *Stream {
	t.Helper()
	d, e := s.Open(abi.FamilyINET4, abi.SocketStream)
	if e != vfs.OK {
		t.Fatal(e)
	}
	t.Cleanup(d.Close)
	return d.(*Stream)
}

func connect(t testing.TB, s *Set, to netip.AddrPort) *Stream {
	t.Helper()
	st := open(t, s)
	if e, err := st.Connect(to); e != vfs.EInprogress {
		t.Fatal(e, err)
	}
	await(t, s, st, abi.WaitWritable)
	if e := st.Connected(); e != vfs.OK {
		t.Fatal("connect:", e)
	}
	return st
}

func writeAll(t testing.TB, s *Set, d Descriptor, p []byte) {
	t.Helper()
	for len(p) > 0 {
		n, e := d.Write(p)
		if e == vfs.EAgain {
			await(t, s, d, abi.WaitWritable)
		} else if e != vfs.OK {
			t.Fatal("write:", e)
		}
		p = p[n:]
	}
}

// readAll reads up to n bytes, or to the end.
func readAll(t testing.TB, s *Set, d Descriptor, n int) []byte {
	t.Helper()
	var all []byte
	buf := make([]byte, 10_000)
	for len(all) < n {
		got, e := d.Read(buf[:min(len(buf), n-len(all))], false)
		if e == vfs.EAgain {
			await(t, s, d, abi.WaitReadable)
			continue
		}
		if e != vfs.OK {
			t.Fatal("read:", e)
		}
		if got == 0 {
			break
		}
		all = append(all, buf[:got]...)
	}
	return all
}

func TestStreamEcho(t *testing.T) {
	s := newSet(t)
	st := connect(t, s, serve(t, echo))
	if _, e := st.Read(make([]byte, 1), false); e != vfs.EAgain {
		t.Errorf("nothing was sent, and read says %d", e)
	}
	want := bytes.Repeat([]byte("0123456789"), 50_000) // more than all buffers hold
	var got []byte
	buf := make([]byte, 8192)
	for rest := want; len(got) < len(want); {
		if len(rest) > 0 {
			if n, e := st.Write(rest); e == vfs.OK {
				rest = rest[n:]
			} else if e != vfs.EAgain {
				t.Fatal(e)
			}
		}
		if n, e := st.Read(buf, false); e == vfs.OK {
			got = append(got, buf[:n]...)
		} else if e == vfs.EAgain && len(rest) == 0 {
			await(t, s, st, abi.WaitReadable)
		} else if e == vfs.EAgain {
			await(t, s, st, abi.WaitReadable|abi.WaitWritable)
		} else {
			t.Fatal(e)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("something else came back")
	}
	// Half a close: the server sees the end and closes.
	if e := st.Shutdown(false, true); e != vfs.OK {
		t.Fatal(e)
	}
	if b := readAll(t, s, st, 10); len(b) != 0 {
		t.Errorf("%q after the end", b)
	}
	if _, e := st.Write([]byte("x")); e != vfs.EPipe {
		t.Errorf("write after shutdown: %d", e)
	}
	if !st.Ready().Hangup {
		t.Error("no hang-up though both directions have ended")
	}
	st.Close()
	if n := s.Bytes(); n != 0 {
		t.Errorf("%d bytes are held", n)
	}
}

func TestStreamPeekAndSmallReads(t *testing.T) {
	s := newSet(t)
	st := connect(t, s, serve(t, func(c net.Conn) { _, _ = c.Write([]byte("hello")); _, _ = io.Copy(io.Discard, c) }))
	await(t, s, st, abi.WaitReadable)
	b := make([]byte, 2)
	for _, c := range []struct {
		peek bool
		want string
	}{{true, "he"}, {false, "he"}, {true, "ll"}, {false, "ll"}, {false, "o"}} {
		if n, e := st.Read(b, c.peek); e != vfs.OK || string(b[:n]) != c.want {
			t.Errorf("%v: %q, %d", c, b[:n], e)
		}
	}
	if v, e := st.Get(abi.OptionReadable); v != 0 || e != vfs.OK {
		t.Errorf("readable: %d, %d", v, e)
	}
}

func TestConnectFailures(t *testing.T) {
	s := newSet(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := netip.MustParseAddrPort(l.Addr().String())
	_ = l.Close()

	st := open(t, s)
	if e, _ := st.Connect(nobody); e != vfs.EInprogress {
		t.Fatal(e)
	}
	if e, _ := st.Connect(nobody); e != vfs.EAlready && e != vfs.EInprogress {
		t.Errorf("twice: %d", e)
	}
	await(t, s, st, abi.WaitWritable)
	if v, _ := st.Get(abi.OptionError); vfs.Errno(v) != vfs.EConnrefused {
		t.Errorf("pending error %d", v)
	}
	if v, _ := st.Get(abi.OptionError); v != 0 {
		t.Errorf("still pending: %d", v)
	}
	if _, e := st.Read(make([]byte, 1), false); e != vfs.ENotconn {
		t.Errorf("read: %d", e)
	}

	e, reason := open(t, s).Connect(netip.MustParseAddrPort("10.0.0.1:80"))
	if e != vfs.EAcces || reason == nil || !strings.Contains(reason.Error(), "private") {
		t.Errorf("private address: %d, %v", e, reason)
	}
	if e, _ := open(t, s).Connect(netip.MustParseAddrPort("[::1]:80")); e != vfs.EAfnosupport {
		t.Errorf("IPv6 on IPv4: %d", e)
	}
	s.SetPolicy(nil)
	if _, e := s.Open(abi.FamilyINET4, abi.SocketStream); e != vfs.EAcces {
		t.Errorf("open without a network: %d", e)
	}
	if _, e := s.Query("localhost", 0); e != vfs.EAcces {
		t.Errorf("question without a network: %d", e)
	}
}

// An IPv6 socket reaches IPv4 addresses in the notation for it, and sees them so.
func TestMappedAddress(t *testing.T) {
	s := newSet(t)
	to := serve(t, echo)
	d, e := s.Open(abi.FamilyINET6, abi.SocketStream)
	if e != vfs.OK {
		t.Fatal(e)
	}
	st := d.(*Stream)
	defer st.Close()
	mapped := netip.AddrPortFrom(netip.AddrFrom16(to.Addr().As16()), to.Port())
	if e, err := st.Connect(mapped); e != vfs.EInprogress {
		t.Fatal(e, err)
	}
	await(t, s, st, abi.WaitWritable)
	if a, e := st.Name(abi.NamePeer); e != vfs.OK || a != mapped {
		t.Errorf("peer %v, %d", a, e)
	}
	if a, e := st.Name(abi.NameLocal); e != vfs.OK || !a.Addr().Is4In6() || a.Port() == 0 {
		t.Errorf("local %v, %d", a, e)
	}
}

// What was written before a close arrives.
func TestCloseSendsTheRest(t *testing.T) {
	s := newSet(t)
	got := make(chan int, 1)
	release := make(chan struct{})
	st := connect(t, s, serve(t, func(c net.Conn) {
		<-release
		n, _ := io.Copy(io.Discard, c)
		got <- int(n)
	}))
	total := 0
	for b := make([]byte, 30_000); ; { // until nothing is taken any more
		n, e := st.Write(b)
		total += n
		if e == vfs.EAgain {
			break
		}
		if e != vfs.OK {
			t.Fatal(e)
		}
	}
	st.Close()
	close(release)
	select {
	case n := <-got:
		if n != total {
			t.Errorf("%d of %d bytes arrived", n, total)
		}
	case <-time.After(patience):
		t.Fatal("nothing arrived")
	}
}

// Closing ends what is in progress: connecting, reading, sending to somebody who doesn't read.
func TestCloseEndsGoroutines(t *testing.T) {
	s := newSet(t)
	hang := make(chan struct{})
	to := serve(t, func(c net.Conn) { <-hang })
	reading := connect(t, s, to)
	reading.Expect(abi.WaitReadable)
	connecting := open(t, s)
	if e, _ := connecting.Connect(to); e != vfs.EInprogress {
		t.Fatal(e)
	}
	connecting.Close()
	reading.Close()
	reading.Close()
	close(hang) // the rest is TestMain's
}

func TestOptions(t *testing.T) {
	s := newSet(t)
	st := connect(t, s, serve(t, echo))
	for opt, v := range map[abi.SocketOption]uint32{
		abi.OptionNoDelay: 0, abi.OptionKeepAlive: 1, abi.OptionKeepIdle: 30, abi.OptionKeepInterval: 5, abi.OptionKeepCount: 3,
		abi.OptionSendBuffer: 100_000, abi.OptionReceiveBuffer: 100_000, abi.OptionLinger: 1,
	} {
		if e := st.Set(opt, v); e != vfs.OK {
			t.Errorf("set %d: %d", opt, e)
		}
		if got, e := st.Get(opt); got != v || e != vfs.OK {
			t.Errorf("option %d is %d, not %d (%d)", opt, got, v, e)
		}
	}
	for opt, want := range map[abi.SocketOption]uint32{abi.OptionType: abi.SocketStream, abi.OptionFamily: abi.FamilyINET4, abi.OptionError: 0, abi.OptionUnsent: 0} {
		if got, e := st.Get(opt); got != want || e != vfs.OK {
			t.Errorf("option %d is %d (%d)", opt, got, e)
		}
		if e := st.Set(opt, 1); e != vfs.ENoprotoopt {
			t.Errorf("set %d: %d", opt, e)
		}
	}
	if st.Set(abi.OptionKeepIdle, 0) != vfs.EInval || st.Set(abi.OptionBroadcast, 1) != vfs.EAcces || st.Set(999, 1) != vfs.ENoprotoopt {
		t.Error("bad options")
	}
	if _, e := st.Get(999); e != vfs.ENoprotoopt {
		t.Error("unknown option")
	}
}

func TestBind(t *testing.T) {
	s := newSet(t)
	st := open(t, s)
	for text, want := range map[string]vfs.Errno{"127.0.0.1:0": vfs.EAcces, "0.0.0.0:80": vfs.EAcces, "[::]:0": vfs.EAfnosupport} {
		if e := st.Bind(netip.MustParseAddrPort(text)); e != want {
			t.Errorf("%s: %d", text, e)
		}
	}
	if e := st.Bind(netip.MustParseAddrPort("0.0.0.0:0")); e != vfs.OK {
		t.Error(e)
	}
	if e := st.Bind(netip.MustParseAddrPort("0.0.0.0:0")); e != vfs.EInval {
		t.Error(e)
	}
}

func TestDatagrams(t *testing.T) {
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 2000)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(bytes.ToUpper(buf[:n]), from)
		}
	}()
	defer func() { _ = server.Close(); <-done }()
	to := netip.MustParseAddrPort(server.LocalAddr().String())
	s := newSet(t)
	for _, connected := range []bool{false, true} {
		d, e := s.Open(abi.FamilyINET4, abi.SocketDatagram)
		if e != vfs.OK {
			t.Fatal(e)
		}
		u := d.(*Datagram)
		if !connected {
			if e := u.Bind(netip.MustParseAddrPort("0.0.0.0:0")); e != vfs.OK {
				t.Fatal(e)
			}
			if _, e := u.Write([]byte("x")); e != vfs.EDestaddrreq {
				t.Errorf("to nobody: %d", e)
			}
			// A stranger is not heard.
			local, _ := u.Name(abi.NameLocal)
			stranger, err := net.Dial("udp4", netip.AddrPortFrom(to.Addr(), local.Port()).String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = stranger.Write([]byte("psst"))
			_ = stranger.Close()
			if n, e, err := u.SendTo([]byte("abc"), to); n != 3 || e != vfs.OK {
				t.Fatal(n, e, err)
			}
		} else {
			if e, err := u.Connect(to); e != vfs.OK {
				t.Fatal(e, err)
			}
			if n, e := u.Write([]byte("abc")); n != 3 || e != vfs.OK {
				t.Fatal(n, e)
			}
		}
		await(t, s, u, abi.WaitReadable)
		buf := make([]byte, 2)
		if n, from, cut, e := u.ReceiveFrom(buf, true); n != 2 || from != to || !cut || e != vfs.OK {
			t.Errorf("peek: %d from %v, %v, %d", n, from, cut, e)
		}
		if n, e := u.Read(buf, false); n != 2 || string(buf) != "AB" || e != vfs.OK {
			t.Errorf("%q, %d", buf[:n], e)
		}
		if _, e := u.Read(buf, false); e != vfs.EAgain {
			t.Errorf("the rest was not dropped: %d", e)
		}
		if _, e, err := u.SendTo([]byte("x"), netip.MustParseAddrPort("224.0.0.1:1")); e != vfs.EAcces && e != vfs.EIsconn {
			t.Errorf("multicast: %d, %v", e, err)
		}
		if _, e, _ := u.SendTo(make([]byte, 70_000), to); e != vfs.EMsgsize {
			t.Errorf("long: %d", e)
		}
		u.Expect(abi.WaitReadable)
		u.Close()
	}
	if n := s.Bytes(); n != 0 {
		t.Errorf("%d bytes are held", n)
	}
}

func TestQuery(t *testing.T) {
	s := newSet(t)
	q, e := s.Query("localhost", abi.DNSIPv4)
	if e != vfs.OK {
		t.Fatal(e)
	}
	defer q.Close()
	b := readAll(t, s, q, 1<<16)
	if len(b) < 4 || b[0] != abi.DNSOK {
		t.Fatalf("%q", b)
	}
	fields, err := abi.ParseRecord(b[4:])
	if err != nil || len(fields) == 0 || fields[0].Value != "\x7f\x00\x00\x01" {
		t.Errorf("%v, %v", fields, err)
	}
	if _, e := q.Write(nil); e == vfs.OK {
		t.Error("a question can be written to")
	}
	late, e := s.Query("a.name.that.is.asked.for.in.vain.invalid", 0)
	if e != vfs.OK {
		t.Fatal(e)
	}
	late.Close()
}

// A hostile instance: as many sockets as it may have, and memory that stays bounded while nobody reads.
func TestManySockets(t *testing.T) {
	s := newSet(t)
	hang := make(chan struct{})
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
			go func() { <-hang; _ = c.Close() }()
		}
	}()
	to := netip.MustParseAddrPort(l.Addr().String())
	var all []*Stream
	for range 300 {
		d, e := s.Open(abi.FamilyINET4, abi.SocketStream)
		if e == vfs.ENfile {
			break
		}
		st := d.(*Stream)
		if e, _ := st.Connect(to); e != vfs.EInprogress {
			t.Fatal(e)
		}
		all = append(all, st)
	}
	chunk := make([]byte, 1<<20)
	for _, st := range all {
		await(t, s, st, abi.WaitWritable)
		for {
			if _, e := st.Write(chunk); e != vfs.OK {
				break
			}
		}
	}
	if n := s.Bytes(); n > bufferBudget+int64(len(all)+1)*smallBuffer+sendBuffer {
		t.Errorf("%d bytes are held", n)
	}
	for _, st := range all {
		st.Close()
	}
	close(hang)
	_ = l.Close()
	<-done
}

func TestLimitOfTheNode(t *testing.T) {
	d := egress.New(egress.Config{MaxSockets: 3})
	defer d.Close()
	s := NewStack(d, nil).NewSet()
	p, _ := d.Policy(nil)
	s.SetPolicy(p)
	for i := range 5 {
		h, e := s.Open(abi.FamilyINET4, uint32(abi.SocketDatagram+i%2))
		if (e == vfs.OK) != (i < 3) {
			t.Errorf("socket %d: %d", i, e)
		}
		if h != nil {
			defer h.Close()
		}
	}
}
