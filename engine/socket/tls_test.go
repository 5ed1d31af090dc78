package socket

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.cert = sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, &a.key.PublicKey, a.key)
	a.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, c, parent *x509.Certificate, pub *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotBefore.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue makes a leaf; edit may change the template.
func (a *authority) issue(t testing.TB, edit func(*x509.Certificate), names ...string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	c := &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	if edit != nil {
		edit(c)
	}
	leaf := sign(t, c, a.cert, &key.PublicKey, a.key)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// record makes the record of tls_start from pairs of field and value.
func record(pairs ...any) []byte {
	fields := make([]abi.Field, abi.TLSFields)
	fields[abi.TLSVerify] = abi.String(abi.TLSVerifyRequire)
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i].(int)] = abi.String(pairs[i+1].(string))
	}
	return abi.AppendRecord(nil, fields...)
}

func configure(t testing.TB, s *Set, pairs ...any) *tlsConfig {
	t.Helper()
	c, e := s.Configure(record(pairs...))
	if e != vfs.OK {
		t.Fatal(e)
	}
	return c
}

func info(t testing.TB, d interface{ TLSInfo() ([]byte, vfs.Errno) }) []string {
	t.Helper()
	b, e := d.TLSInfo()
	if e != vfs.OK {
		t.Fatal(e)
	}
	fields, err := abi.ParseRecord(b)
	if err != nil || len(fields) != abi.TLSInfoFields {
		t.Fatal(len(fields), err)
	}
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.Value
	}
	return texts
}

func TestTLSEcho(t *testing.T) {
	ca := newAuthority(t, "root")
	cert := ca.issue(t, nil, "server.test", "127.0.0.1")
	for _, v := range []string{"TLSv1.2", "TLSv1.3"} {
		t.Run(v, func(t *testing.T) {
			cfg := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}}
			var sawName string
			cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) { sawName = h.ServerName; return nil, nil }
			s := newSet(t)
			to := serve(t, func(c net.Conn) { tc := tls.Server(c, cfg); echo(tc); _ = tc.Close() })
			tc := configure(t, s, abi.TLSServerName, "server.test", abi.TLSVerifyName, "server.test", abi.TLSRoots, ca.pem, abi.TLSALPN, "\x08http/1.1", abi.TLSMaxVersion, v)
			for round := range 2 {
				st := connect(t, s, to)
				if _, e := st.TLSInfo(); e != vfs.EInval {
					t.Errorf("info without TLS: %d", e)
				}
				if e := st.StartTLS(tc); e != vfs.OK {
					t.Fatal(e)
				}
				if e := st.StartTLS(tc); e != vfs.EIsconn {
					t.Errorf("twice: %d", e)
				}
				await(t, s, st, abi.WaitWritable)
				f := info(t, st)
				want := []string{"open", v, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", "256", "http/1.1"}
				if v == "TLSv1.3" { // the suites of 1.3 are not configurable
					want[2], want[3], want[4] = f[2], f[2], f[4]
				}
				for i, w := range want {
					if f[i] != w {
						t.Errorf("field %d is %q, not %q", i, f[i], w)
					}
				}
				if resumed := f[abi.TLSInfoResumed] == "1"; resumed != (round == 1) {
					t.Errorf("round %d: resumed %v", round, resumed)
				}
				if f[abi.TLSInfoVerifyCode] != "0" || f[abi.TLSInfoVerifyText] != "ok" || !strings.Contains(f[abi.TLSInfoPeerCertificates], string(cert.Certificate[0])) ||
					!strings.Contains(f[abi.TLSInfoChain], string(ca.cert.Raw)) {
					t.Errorf("verification: %q %q", f[abi.TLSInfoVerifyCode], f[abi.TLSInfoVerifyText])
				}
				if sawName != "server.test" {
					t.Errorf("server name %q", sawName)
				}
				want2 := bytes.Repeat([]byte("encrypted "), 20_000)
				rest, got := want2, []byte(nil)
				for len(got) < len(want2) {
					if n, e := st.Write(rest); e == vfs.OK {
						rest = rest[n:]
					} else if e != vfs.EAgain {
						t.Fatal(e)
					}
					buf := make([]byte, 5000)
					if n, e := st.Read(buf, false); e == vfs.OK {
						got = append(got, buf[:n]...)
					} else if e != vfs.EAgain {
						t.Fatal(e)
					} else if len(rest) == 0 {
						await(t, s, st, abi.WaitReadable)
					} else {
						await(t, s, st, abi.WaitReadable|abi.WaitWritable)
					}
				}
				if !bytes.Equal(got, want2) {
					t.Error("something else came back")
				}
				if e := st.Shutdown(false, true); e != vfs.OK {
					t.Fatal(e)
				}
				if b := readAll(t, s, st, 1); len(b) != 0 {
					t.Errorf("%q after the end", b)
				}
				if f := info(t, st); f[0] != "closed" || f[abi.TLSInfoFailure] != "" {
					t.Errorf("state %q, failure %q", f[0], f[abi.TLSInfoFailure])
				}
				st.Close()
			}
			if n := s.Bytes(); n != 0 {
				t.Errorf("%d bytes are held", n)
			}
		})
	}
}

// Every way in which a certificate is bad has OpenSSL's number, and "report" goes on all the same.
func TestVerification(t *testing.T) {
	ca := newAuthority(t, "root")
	inter := &authority{key: newKey(t)}
	inter.cert = sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "inter"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, ca.cert, &inter.key.PublicKey, ca.key)
	good := ca.issue(t, nil, "server.test", "127.0.0.1")
	chained := inter.issue(t, nil, "server.test")
	full := chained
	full.Certificate = [][]byte{chained.Certificate[0], inter.cert.Raw}
	withRoot := chained
	withRoot.Certificate = [][]byte{chained.Certificate[0], inter.cert.Raw, ca.cert.Raw}
	self := &authority{key: newKey(t)}
	self.cert = sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "self"}, DNSNames: []string{"server.test"}}, nil, &self.key.PublicKey, self.key)
	selfPEM := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: self.cert.Raw}))
	for name, c := range map[string]struct {
		cert  tls.Certificate
		name  string
		roots string
		code  string
	}{
		"good":                   {good, "server.test", ca.pem, "0"},
		"address":                {good, "127.0.0.1", ca.pem, "0"},
		"any name":               {good, "", ca.pem, "0"},
		"other name":             {good, "other.test", ca.pem, "62"},
		"other address":          {good, "127.0.0.2", ca.pem, "64"},
		"unknown authority":      {good, "server.test", newAuthority(t, "another").pem, "20"},
		"system's roots":         {good, "server.test", "", "20"},
		"chain":                  {full, "server.test", ca.pem, "0"},
		"gap in the chain":       {chained, "server.test", ca.pem, "20"},
		"root sent, not trusted": {withRoot, "server.test", newAuthority(t, "another").pem, "19"},
		"self-signed":            {tls.Certificate{Certificate: [][]byte{self.cert.Raw}, PrivateKey: self.key}, "server.test", ca.pem, "18"},
		"self-signed, trusted":   {tls.Certificate{Certificate: [][]byte{self.cert.Raw}, PrivateKey: self.key}, "server.test", selfPEM, "0"},
		"expired": {ca.issue(t, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(-9*time.Hour), time.Now().Add(-time.Hour)
		}, "server.test"),
			"server.test", ca.pem, "10"},
		"not yet valid": {ca.issue(t, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		}, "server.test"),
			"server.test", ca.pem, "9"},
		"for clients only": {ca.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "server.test"),
			"server.test", ca.pem, "26"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t)
			cfg := &tls.Config{Certificates: []tls.Certificate{c.cert}}
			to := serve(t, func(conn net.Conn) { tc := tls.Server(conn, cfg); echo(tc); _ = tc.Close() })
			for _, mode := range []string{abi.TLSVerifyRequire, abi.TLSVerifyReport, abi.TLSVerifyNone} {
				pairs := []any{abi.TLSServerName, "server.test", abi.TLSVerifyName, c.name, abi.TLSVerify, mode}
				if c.roots == "" {
					pairs = append(pairs, abi.TLSSystemRoots, "1")
				} else {
					pairs = append(pairs, abi.TLSRoots, c.roots)
				}
				st := connect(t, s, to)
				if e := st.StartTLS(configure(t, s, pairs...)); e != vfs.OK {
					t.Fatal(e)
				}
				await(t, s, st, abi.WaitWritable)
				f := info(t, st)
				code := c.code
				if mode == abi.TLSVerifyNone {
					code = ""
				}
				if f[abi.TLSInfoVerifyCode] != code {
					t.Errorf("%s: code %q (%s), not %q", mode, f[abi.TLSInfoVerifyCode], f[abi.TLSInfoVerifyText], code)
				}
				if mode != abi.TLSVerifyRequire || code == "0" {
					if f[0] != "open" {
						t.Errorf("%s: %s, %s", mode, f[0], f[abi.TLSInfoFailureText])
					}
					writeAll(t, s, st, []byte("x"))
					if b := readAll(t, s, st, 1); string(b) != "x" {
						t.Errorf("%s: %q", mode, b)
					}
				} else {
					if f[0] != "failed" || f[abi.TLSInfoFailure] != "verify" || f[abi.TLSInfoVerifyText] == "" || f[abi.TLSInfoPeerCertificates] != "" && code == "" {
						t.Errorf("%s: %q", mode, f[:12])
					}
					for range 2 {
						if _, e := st.Read(make([]byte, 1), false); e != vfs.EProto {
							t.Errorf("read: %d", e)
						}
						if _, e := st.Write([]byte("x")); e != vfs.EProto {
							t.Errorf("write: %d", e)
						}
					}
				}
				st.Close()
			}
		})
	}
}

// What goes wrong besides certificates has a kind.
func TestTLSFailures(t *testing.T) {
	ca := newAuthority(t, "root")
	cert := ca.issue(t, nil, "server.test")
	server := func(cfg *tls.Config) func(net.Conn) {
		cfg.Certificates = []tls.Certificate{cert}
		return func(c net.Conn) { tc := tls.Server(c, cfg); echo(tc); _ = tc.Close() }
	}
	for name, c := range map[string]struct {
		server func(net.Conn)
		pairs  []any
		kind   string
		alert  string
		errno  vfs.Errno
	}{
		"not TLS":           {func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.9\r\n")) }, nil, "protocol", "", vfs.EProto},
		"closed at once":    {func(net.Conn) {}, nil, "", "", 0},
		"client wants more": {server(&tls.Config{MaxVersion: tls.VersionTLS12}), []any{abi.TLSMinVersion, "TLSv1.3"}, "alert", "70", vfs.EProto},
		"server wants more": {server(&tls.Config{MinVersion: tls.VersionTLS13}), []any{abi.TLSMaxVersion, "TLSv1.2"}, "alert", "70", vfs.EProto},
		"no common ALPN":    {server(&tls.Config{NextProtos: []string{"h2"}}), []any{abi.TLSALPN, "\x03foo"}, "alert", "120", vfs.EProto},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSet(t)
			st := connect(t, s, serve(t, c.server))
			pairs := append([]any{abi.TLSServerName, "server.test", abi.TLSRoots, ca.pem}, c.pairs...)
			if e := st.StartTLS(configure(t, s, pairs...)); e != vfs.OK {
				t.Fatal(e)
			}
			await(t, s, st, abi.WaitWritable)
			f := info(t, st)
			if f[0] != "failed" || c.kind != "" && f[abi.TLSInfoFailure] != c.kind || f[abi.TLSInfoAlert] != c.alert || f[abi.TLSInfoFailureText] == "" {
				t.Errorf("%q", f[:12])
			}
			if _, e := st.Write([]byte("x")); e == vfs.OK || c.errno != 0 && e != c.errno {
				t.Errorf("write: %d", e)
			}
		})
	}
}

func TestClientCertificate(t *testing.T) {
	ca := newAuthority(t, "root")
	cert := ca.issue(t, nil, "server.test")
	client := ca.issue(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "client.test")
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	s := newSet(t)
	to := serve(t, func(c net.Conn) {
		tc := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
		if tc.Handshake() == nil {
			_, _ = io.WriteString(tc, tc.ConnectionState().PeerCertificates[0].Subject.CommonName)
		}
		_ = tc.Close()
	})
	der, err := x509.MarshalECPrivateKey(client.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	chain := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Certificate[0]}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	base := []any{abi.TLSVerifyName, "server.test", abi.TLSRoots, ca.pem}
	st := connect(t, s, to)
	if e := st.StartTLS(configure(t, s, append(base, abi.TLSCertificate, chain, abi.TLSKey, key)...)); e != vfs.OK {
		t.Fatal(e)
	}
	await(t, s, st, abi.WaitWritable)
	if b := readAll(t, s, st, 100); string(b) != "client.test" {
		t.Errorf("the server saw %q: %q", b, info(t, st)[:12])
	}
	if f := info(t, st); f[abi.TLSInfoCertificateRequested] != "1" {
		t.Errorf("requested %q", f[abi.TLSInfoCertificateRequested])
	}
	// Without one the server's alert comes after the handshake, in TLS 1.3.
	st = connect(t, s, to)
	if e := st.StartTLS(configure(t, s, base...)); e != vfs.OK {
		t.Fatal(e)
	}
	await(t, s, st, abi.WaitWritable)
	await(t, s, st, abi.WaitReadable)
	if _, e := st.Read(make([]byte, 1), false); e != vfs.EProto {
		t.Errorf("read: %d", e)
	}
	if f := info(t, st); f[abi.TLSInfoFailure] != "alert" || f[abi.TLSInfoAlert] != "116" {
		t.Errorf("%q", f[:12])
	}
}

// Plain text first, then TLS, though somebody was waiting for plain text.
func TestStartTLSInTheMiddle(t *testing.T) {
	ca := newAuthority(t, "root")
	cert := ca.issue(t, nil, "server.test")
	s := newSet(t)
	st := connect(t, s, serve(t, func(c net.Conn) {
		b := make([]byte, 9)
		_, _ = io.ReadFull(c, b)
		_, _ = c.Write([]byte("go ahead\n"))
		tc := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		echo(tc)
		_ = tc.Close()
	}))
	writeAll(t, s, st, []byte("STARTTLS\n"))
	if b := readAll(t, s, st, 9); string(b) != "go ahead\n" {
		t.Fatalf("%q", b)
	}
	st.Expect(abi.WaitReadable)
	if e := st.StartTLS(configure(t, s, abi.TLSVerifyName, "server.test", abi.TLSRoots, ca.pem)); e != vfs.OK {
		t.Fatal(e)
	}
	await(t, s, st, abi.WaitWritable)
	writeAll(t, s, st, []byte("secret"))
	if b := readAll(t, s, st, 6); string(b) != "secret" {
		t.Errorf("%q, %q", b, info(t, st)[:12])
	}
}

func TestCloseDuringHandshake(t *testing.T) {
	s := newSet(t)
	st := connect(t, s, serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }))
	if e := st.StartTLS(configure(t, s, abi.TLSVerify, "none")); e != vfs.OK {
		t.Fatal(e)
	}
	if _, e := st.Write([]byte("x")); e != vfs.EAgain {
		t.Errorf("write: %d", e)
	}
	if f := info(t, st); f[0] != "handshake" {
		t.Errorf("state %q", f[0])
	}
	st.Close()
	if n := s.Bytes(); n != 0 {
		t.Errorf("%d bytes are held", n)
	}
}

func TestMalformedRecords(t *testing.T) {
	s := newSet(t)
	for name, r := range map[string][]byte{
		"empty": nil, "short": abi.AppendRecord(nil, abi.String("x")), "mode": record(abi.TLSVerify, "maybe"), "version": record(abi.TLSMinVersion, "SSLv3"),
		"ALPN": record(abi.TLSALPN, "\x05ab"), "empty ALPN": record(abi.TLSALPN, "\x00"), "certificate": record(abi.TLSCertificate, "x", abi.TLSKey, "y"),
		"too long": make([]byte, maxRecord+1),
	} {
		if _, e := s.Configure(r); e != vfs.EInval {
			t.Errorf("%s: %d", name, e)
		}
	}
	a, b := configure(t, s, abi.TLSVerify, "none"), configure(t, s, abi.TLSVerify, "none")
	if a != b {
		t.Error("the same record was decoded twice")
	}
	s.SetPolicy(s.policy.Load())
	if c := configure(t, s, abi.TLSVerify, "none"); c == a {
		t.Error("a configuration outlived its function")
	}
}

func FuzzConfigure(f *testing.F) {
	f.Add(record(abi.TLSServerName, "a", abi.TLSALPN, "\x02h2"))
	f.Add([]byte{1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newSet(t)
		if c, e := s.Configure(b); (c == nil) != (e == vfs.EInval) {
			t.Fatal(c, e)
		}
	})
}

func TestNames(t *testing.T) {
	for iana, want := range map[string]string{
		"TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA": "DES-CBC3-SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
		"TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384", "TLS_AES_128_GCM_SHA256": "TLS_AES_128_GCM_SHA256",
	} {
		if got := openSSLName(iana); got != want {
			t.Errorf("%s: %s", iana, got)
		}
	}
}
