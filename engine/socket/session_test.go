package socket

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

// shuttle moves bytes between a session and its server until cond holds.
func shuttle(t *testing.T, s *Session, conn net.Conn, cond func() bool) {
	t.Helper()
	buf := make([]byte, 700) // odd sizes: records come in parts
	for limit := time.Now().Add(patience); !cond(); {
		if time.Now().After(limit) {
			t.Fatal("no end")
		}
		for {
			n := s.Drain(buf)
			if n == 0 {
				break
			}
			if _, err := conn.Write(buf[:n]); err != nil {
				return
			}
		}
		if cond() {
			return
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, err := conn.Read(buf)
		for b := buf[:n]; len(b) > 0; {
			taken, e := s.Feed(b)
			if e != vfs.OK {
				t.Fatal("feed:", e)
			}
			b = b[taken:]
		}
		if err == io.EOF {
			if _, e := s.Feed(nil); e != vfs.OK && e != vfs.EPipe {
				t.Fatal("feed the end:", e)
			}
		}
	}
}

func TestSession(t *testing.T) {
	ca := newAuthority(t, "root")
	cert := ca.issue(t, nil, "server.test")
	for _, v := range []string{"TLSv1.2", "TLSv1.3"} {
		t.Run(v, func(t *testing.T) {
			to := serve(t, func(c net.Conn) {
				tc := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
				echo(tc)
				_ = tc.Close()
			})
			conn, err := net.Dial("tcp", to.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			set := newSet(t)
			s, e := set.OpenTLS(configure(t, set, abi.TLSVerifyName, "server.test", abi.TLSRoots, ca.pem, abi.TLSMaxVersion, v))
			if e != vfs.OK {
				t.Fatal(e)
			}
			defer s.Close()
			if _, e := s.Write([]byte("x")); e != vfs.EAgain {
				t.Errorf("write before the handshake: %d", e)
			}
			if _, e := s.Read(make([]byte, 1), false); e != vfs.EAgain {
				t.Errorf("read before the handshake: %d", e)
			}
			if s.Ready().Events != 0 {
				t.Error("ready before the handshake")
			}
			shuttle(t, s, conn, func() bool { return s.Ready().Events&abi.WaitWritable != 0 })
			if f := info(t, s); f[0] != "open" || f[abi.TLSInfoVersion] != v || f[abi.TLSInfoVerifyCode] != "0" {
				t.Fatalf("%q", f[:12])
			}
			want := bytes.Repeat([]byte("plain text "), 10_000)
			var got []byte
			rest := want
			buf := make([]byte, 3000)
			shuttle(t, s, conn, func() bool {
				if n, e := s.Write(rest); e == vfs.OK {
					rest = rest[n:]
				} else if e != vfs.EAgain {
					t.Fatal(e)
				}
				for {
					n, e := s.Read(buf, false)
					if e == vfs.EAgain {
						break
					}
					if e != vfs.OK || n == 0 {
						t.Fatal(n, e)
					}
					got = append(got, buf[:n]...)
				}
				return len(got) >= len(want)
			})
			if !bytes.Equal(got, want) {
				t.Error("something else came back")
			}
			if e := s.Shutdown(false, true); e != vfs.OK {
				t.Fatal(e)
			}
			shuttle(t, s, conn, func() bool { n, e := s.Read(buf, false); return n == 0 && e == vfs.OK })
			if f := info(t, s); f[0] != "closed" {
				t.Errorf("%q", f[:12])
			}
			if _, e := s.Write([]byte("x")); e != vfs.EPipe {
				t.Errorf("write after the end: %d", e)
			}
		})
	}
}

func TestSessionFailures(t *testing.T) {
	set := newSet(t)
	cfg := configure(t, set, abi.TLSVerify, "none")
	garbage, _ := set.OpenTLS(cfg)
	defer garbage.Close()
	if n, e := garbage.Feed([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")); n == 0 || e != vfs.OK {
		t.Fatal(n, e)
	}
	if _, e := garbage.Read(make([]byte, 1), false); e != vfs.EProto {
		t.Errorf("read: %d", e)
	}
	if f := info(t, garbage); f[0] != "failed" || f[abi.TLSInfoFailure] != "protocol" {
		t.Errorf("%q", f[:12])
	}
	ended, _ := set.OpenTLS(cfg)
	defer ended.Close()
	if _, e := ended.Feed(nil); e != vfs.OK {
		t.Fatal(e)
	}
	if _, e := ended.Write([]byte("x")); e != vfs.EProto {
		t.Errorf("write: %d", e)
	}
	if f := info(t, ended); f[abi.TLSInfoFailure] != "eof" {
		t.Errorf("%q", f[:12])
	}
	// As many as an instance may have, none of which gets anywhere.
	var all []*Session
	for {
		s, e := set.OpenTLS(cfg)
		if e == vfs.ENobufs {
			break
		}
		all = append(all, s)
	}
	if len(all) != maxSessions-2 {
		t.Errorf("%d sessions", len(all))
	}
	for _, s := range all {
		s.Close()
	}
}

// A hostile server's bytes do no more than fail.
func FuzzSession(f *testing.F) {
	f.Add([]byte("\x16\x03\x03\x00\x05hello"), 3)
	f.Add([]byte("\x15\x03\x03\x00\x02\x02\x28"), 100)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		set := newSet(t)
		s, e := set.OpenTLS(configure(t, set, abi.TLSVerify, "none"))
		if e != vfs.OK {
			t.Fatal(e)
		}
		size = max(1, min(size, 4096))
		for len(b) > 0 {
			n, e := s.Feed(b[:min(size, len(b))])
			if e != vfs.OK || n == 0 {
				break
			}
			b = b[n:]
			_, _ = s.Read(make([]byte, 10), false)
		}
		_, _ = s.Feed(nil)
		if n, e := s.Read(make([]byte, 10), false); n > 0 {
			t.Fatal(n, e)
		}
		s.Close()
		if held := set.Bytes(); held != 0 {
			t.Fatalf("%d bytes are held", held)
		}
	})
}

func TestStarvationIsTemporary(t *testing.T) {
	var err net.Error
	if !errors.As(error(starvation{}), &err) || !err.Timeout() {
		t.Error("crypto/tls would give the session up")
	}
}
