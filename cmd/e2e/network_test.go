package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// upstream is what functions talk to: HTTP and HTTPS with a private authority, an echo over TCP, and a listener that never says
// a word.
type upstream struct {
	http, https *httptest.Server
	echo, mute  string // addresses
	closed      string // where nobody listens
	ca          string // PEM
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s", r.URL.RawQuery) })
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("0123456789", 200_000))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // before the answer: net/http reads no more after it began
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = w.Write(body)
	})
	mux.HandleFunc("/peer", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	mux.HandleFunc("/socket", echoSocket)
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/hello?again", http.StatusFound) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(30 * time.Second):
		}
	})
	u := &upstream{http: httptest.NewServer(mux), https: httptest.NewUnstartedServer(mux)}
	quiet := log.New(io.Discard, "", 0) // failed handshakes are the point
	u.https.Config.ErrorLog = quiet
	var certificate tls.Certificate
	u.ca, certificate = authority(t, "localhost")
	u.https.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	u.https.StartTLS()
	u.echo = listener(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
	u.mute = listener(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.closed = nobody.Addr().String()
	_ = nobody.Close()
	t.Cleanup(func() {
		u.http.CloseClientConnections()
		u.https.CloseClientConnections()
		u.http.Close()
		u.https.Close()
	})
	return u
}

func listener(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { handle(c); _ = c.Close() }()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// authority makes a root and a certificate of it for a name and 127.0.0.1.
func authority(t *testing.T, name string) (rootPEM string, leaf tls.Certificate) {
	t.Helper()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Private Root"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: from, NotAfter: to}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(0xABCDEF), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: from, NotAfter: to}, root, &leafKey.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})), tls.Certificate{Certificate: [][]byte{der}, PrivateKey: leafKey}
}

// echoSocket is the server's side of a WebSocket (RFC 6455) that sends back the first message, which must be a short text.
func echoSocket(w http.ResponseWriter, r *http.Request) {
	key := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(key[:]))
	_ = rw.Flush()
	var head [6]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return
	}
	text := make([]byte, head[1]&0x7F)
	if _, err := io.ReadFull(rw, text); err != nil {
		return
	}
	for i := range text {
		text[i] ^= head[2+i%4]
	}
	_, _ = rw.Write(append([]byte{0x81, byte(len(text))}, text...))
	_, _ = rw.Write([]byte{0x88, 2, 0x03, 0xE8}) // close, 1000
	_ = rw.Flush()
	_, _ = io.ReadFull(rw, make([]byte, 8)) // the client's close, after which the server ends the connection
}

func port(address string) string {
	_, p, _ := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://"))
	return p
}

// settings are those of a function that knows where the servers are.
func (u *upstream) settings(runtime string) map[string]any {
	return map[string]any{"Runtime": runtime, "Timeout": 10, "MemorySize": 256, "Environment": map[string]any{"Variables": map[string]string{
		"HTTP": port(u.http.URL), "HTTPS": port(u.https.URL), "ECHO": port(u.echo), "MUTE": port(u.mute), "CLOSED": port(u.closed),
	}}}
}

// Node's own net, dns, http, https and tls, and fetch, against servers on this machine.
func TestNodeNetwork(t *testing.T) {
	u := newUpstream(t)
	s := serve(t, dataDir(t), "--egress-allow", "127.0.0.0/8")
	const helpers = `
const net = require('net'), tls = require('tls'), dns = require('dns'), http = require('http'), https = require('https'), fs = require('fs');
const { HTTP, HTTPS, ECHO, MUTE } = process.env;
const ca = fs.readFileSync('/var/task/ca.pem');
const request = (module, options, body) => new Promise((resolve, reject) => {
  const r = module.request({ host: 'localhost', ...options }, (m) => { let t = ''; m.on('data', (d) => { t += d }); m.on('end', () => resolve({ status: m.statusCode, headers: m.headers, body: t })); m.on('error', reject) });
  r.on('error', reject);
  r.end(body);
});
const failure = (promise) => promise.then((r) => { throw new Error('no failure: ' + JSON.stringify(r)) }, (e) => [e.code, e.message]);
`
	for name, c := range map[string]struct{ code, want string }{
		"connects": {`() => new Promise((resolve, reject) => {
			const s = net.connect(ECHO, '127.0.0.1', () => { s.write('one '); s.end('two') });
			let t = ''; s.setEncoding('utf8'); s.on('data', (d) => { t += d }); s.on('error', reject);
			s.on('close', () => resolve([t, s.bytesRead, s.bytesWritten]));
		})`, `["one two",7,7]`},
		"looks-up":      {`() => dns.promises.lookup('localhost', { family: 4 })`, `{"address":"127.0.0.1","family":4}`},
		"looks-up-none": {`() => failure(dns.promises.lookup('no-such-host.invalid')).then((f) => f[0].replace('EAI_AGAIN', 'ENOTFOUND'))`, `"ENOTFOUND"`},
		"gets":          {`() => request(http, { port: HTTP, path: '/hello?x=1' }).then((r) => [r.status, r.headers['content-length'], r.body])`, `[200,"9","hello x=1"]`},
		"gets-much":     {`() => request(http, { port: HTTP, path: '/big' }).then((r) => r.body.length)`, `2000000`},
		"posts":         {`() => request(http, { port: HTTP, path: '/echo', method: 'POST' }, 'x'.repeat(500000)).then((r) => r.body.length)`, `500000`},
		"keeps-alive": {`async () => {
			const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
			const peers = new Set();
			for (let i = 0; i < 5; i++) peers.add((await request(http, { port: HTTP, path: '/peer', agent })).body);
			return peers.size;
		}`, `1`},
		"verifies":    {`() => request(https, { port: HTTPS, path: '/hello?tls', ca }).then((r) => r.body)`, `"hello tls"`},
		"gets-much-s": {`() => request(https, { port: HTTPS, path: '/big', ca }).then((r) => r.body.length)`, `2000000`},
		"distrusts":   {`() => failure(request(https, { port: HTTPS }))`, `["UNABLE_TO_VERIFY_LEAF_SIGNATURE","unable to verify the first certificate"]`},
		"joins-roots": {`() => request(https, { port: HTTPS, path: '/hello?roots', ca: [...tls.rootCertificates, ca] }).then((r) => r.body)`, `"hello roots"`},
		"checks-names-again": {`async () => {
			const agent = new https.Agent({ keepAlive: false, ca });
			const f = [];
			for (let i = 0; i < 3; i++) f.push((await failure(request(https, { port: HTTPS, agent, servername: 'other.test' })))[0]);
			return f;
		}`, `["ERR_TLS_CERT_ALTNAME_INVALID","ERR_TLS_CERT_ALTNAME_INVALID","ERR_TLS_CERT_ALTNAME_INVALID"]`},
		"is-lax":       {`() => request(https, { port: HTTPS, path: '/hello?lax', rejectUnauthorized: false }).then((r) => r.body)`, `"hello lax"`},
		"checks-names": {`() => failure(request(https, { port: HTTPS, ca, servername: 'other.test' })).then((f) => f[0])`, `"ERR_TLS_CERT_ALTNAME_INVALID"`},
		"meets-no-tls": {`() => failure(request(https, { port: HTTP, ca })).then(([code, text]) => [code, /wrong version number/.test(text)])`, `["EPROTO",true]`},
		"sees-certificates": {`() => new Promise((resolve, reject) => {
			const s = tls.connect({ host: 'localhost', port: HTTPS, ca, ALPNProtocols: ['http/1.1'] }, () => {
				const c = s.getPeerCertificate(true);
				resolve([s.authorized, s.encrypted, s.getProtocol(), s.alpnProtocol, c.subject, c.subjectaltname, c.serialNumber, c.bits, c.issuerCertificate.subject.CN, c.fingerprint256.length]);
				s.destroy();
			});
			s.on('error', reject);
		})`, `[true,true,"TLSv1.3","http/1.1",{"CN":"localhost"},"DNS:localhost, IP Address:127.0.0.1","ABCDEF",256,"Private Root",95]`},
		"upgrades-a-socket": {`() => new Promise((resolve, reject) => {
			const raw = net.connect(HTTPS, 'localhost', () => {
				const s = tls.connect({ socket: raw, servername: 'localhost', ca }, () => s.write('GET /hello?up HTTP/1.0\r\n\r\n'));
				let t = ''; s.on('data', (d) => { t += d }); s.on('end', () => resolve(t.split('\r\n\r\n')[1])); s.on('error', reject);
			});
		})`, `"hello up"`},
		"speaks-tls-over-a-stream": {`() => new Promise((resolve, reject) => {
			const raw = net.connect(HTTPS, 'localhost', () => {
				const { Duplex } = require('stream');
				const d = new Duplex({ read() { raw.resume() }, write(c, e, done) { raw.write(c, e, done) }, final(done) { raw.end(done) } });
				raw.on('data', (c) => { if (!d.push(c)) raw.pause() });
				raw.on('end', () => d.push(null));
				const s = tls.connect({ socket: d, servername: 'localhost', ca }, () => s.write('GET /big HTTP/1.0\r\n\r\n'));
				let n = 0; s.on('data', (x) => { n += x.length }); s.on('end', () => resolve(n > 2000000)); s.on('error', reject);
			});
		})`, `true`},
		"is-refused":   {`() => failure(request(http, { port: 1 })).then((f) => f[0])`, `"ECONNREFUSED"`},
		"is-denied":    {`() => failure(request(http, { host: '169.254.169.254', port: 80 })).then((f) => f[0])`, `"EACCES"`},
		"listens":      {`() => failure(new Promise((resolve, reject) => http.createServer().on('error', reject).listen(3000, resolve))).then((f) => f[0])`, `"ENOTSUP"`},
		"times-out":    {`() => new Promise((resolve) => { const s = net.connect(MUTE, '127.0.0.1'); s.setTimeout(50, () => { s.destroy(); resolve('timeout') }) })`, `"timeout"`},
		"many-at-once": {`async () => (await Promise.all(Array.from({ length: 50 }, (_, i) => request(http, { port: HTTP, path: '/hello?' + i, agent: new http.Agent({ maxSockets: 50 }) })))).filter((r, i) => r.body === 'hello ' + i).length`, `50`},
		"cannot-open-thousands": {`async () => {
			const all = [];
			const errors = new Set();
			for (let i = 0; i < 1500; i++) all.push(new Promise((r) => { const s = net.connect(MUTE, '127.0.0.1'); s.on('connect', () => r(s)); s.on('error', (e) => { errors.add(e.code); r(null) }) }));
			const open = (await Promise.all(all)).filter(Boolean);
			open.forEach((s) => s.destroy());
			return [open.length > 50, open.length < 1024, [...errors].every((c) => c === 'EMFILE' || c === 'ENFILE')];
		}`, `[true,true,true]`},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			code := zipOf(t, map[string]string{"index.js": helpers + "exports.handler = " + c.code, "ca.pem": u.ca})
			s.mustCreate("net-"+name, "index.handler", code, u.settings("nodejs20.x"))
			for range 2 {
				if a := s.invoke("net-"+name, `{}`, nil); a.status != 200 || a.header.Get("X-Amz-Function-Error") != "" || a.body != c.want {
					t.Errorf("%d %s %.500s, want %s", a.status, a.header.Get("X-Amz-Function-Error"), a.body, c.want)
				}
			}
		})
	}
}

// Certificates of the node, and of NODE_EXTRA_CA_CERTS.
func TestNodeRoots(t *testing.T) {
	u := newUpstream(t)
	file := write(t, "ca.pem", []byte(u.ca))
	code := `exports.handler = () => new Promise((resolve) => require('https').get({ host: 'localhost', port: process.env.HTTPS, path: '/hello' }, (m) => resolve(m.statusCode)).on('error', (e) => resolve(e.code)))`
	s := serve(t, dataDir(t), "--egress-allow", "localhost", "--egress-roots", file)
	s.mustCreate("roots", "index.handler", zipOf(t, map[string]string{"index.js": code}), u.settings("nodejs20.x"))
	if a := s.invoke("roots", `{}`, nil); a.body != "200" {
		t.Errorf("--egress-roots: %s", a.body)
	}
	s = serve(t, dataDir(t), "--egress-allow", "localhost")
	settings := u.settings("nodejs20.x")
	s.mustCreate("none", "index.handler", zipOf(t, map[string]string{"index.js": code}), settings)
	if a := s.invoke("none", `{}`, nil); a.body != `"UNABLE_TO_VERIFY_LEAF_SIGNATURE"` {
		t.Errorf("without roots: %s", a.body)
	}
	settings["Environment"].(map[string]any)["Variables"].(map[string]string)["NODE_EXTRA_CA_CERTS"] = "/var/task/extra.pem"
	s.mustCreate("extra", "index.handler", zipOf(t, map[string]string{"index.js": code, "extra.pem": u.ca}), settings)
	if a := s.invoke("extra", `{}`, nil); a.body != "200" {
		t.Errorf("NODE_EXTRA_CA_CERTS: %s", a.body)
	}
}

// A deadline in the middle of connecting, reading or a handshake ends the invocation; the next one works.
func TestNodeNetworkDeadline(t *testing.T) {
	u := newUpstream(t)
	s := serve(t, dataDir(t), "--egress-allow", "localhost")
	settings := u.settings("nodejs20.x")
	settings["Timeout"] = 1
	code := `
const net = require('net'), tls = require('tls'), http = require('http');
exports.handler = (event) => event === 'ok' ? Promise.resolve('ok') : new Promise(() => {
  if (event === 'read') net.connect(process.env.MUTE, '127.0.0.1').on('data', () => {});
  if (event === 'handshake') tls.connect(process.env.MUTE, '127.0.0.1').on('error', () => {});
  if (event === 'body') http.get({ port: process.env.HTTP, path: '/slow' }, (m) => m.resume());
  if (event === 'write') { const s = net.connect(process.env.MUTE, '127.0.0.1'); const more = () => { while (s.write('x'.repeat(65536))); s.once('drain', more) }; more() }
});`
	s.mustCreate("late", "index.handler", zipOf(t, map[string]string{"index.js": code}), settings)
	for _, event := range []string{"read", "handshake", "body", "write"} {
		begin := time.Now()
		if a := s.invoke("late", `"`+event+`"`, nil); !strings.Contains(a.body, "Task timed out after 1.00 seconds") || time.Since(begin) > 10*time.Second {
			t.Errorf("%s: %s after %v", event, a.body, time.Since(begin))
		}
		if a := s.invoke("late", `"ok"`, nil); a.body != `"ok"` {
			t.Errorf("after %s: %s", event, a.body)
		}
	}
}

// Sockets and the event loop: a callback's answer waits for them unless it is told not to; what is left open is there in the next
// invocation.
func TestNodeFrozenSockets(t *testing.T) {
	u := newUpstream(t)
	s := serve(t, dataDir(t), "--egress-allow", "localhost")
	deploy := func(name, code string) {
		s.mustCreate(name, "index.handler", zipOf(t, map[string]string{"index.js": code}), u.settings("nodejs20.x"))
	}
	deploy("waits", `
const net = require('net');
exports.handler = (event, context, callback) => {
  let text = '';
  const s = net.connect(process.env.ECHO, '127.0.0.1', () => s.write('late'));
  s.on('data', (d) => { text += d; s.end() });
  callback(null, { get text() { return text } });
};`)
	if a := s.invoke("waits", `{}`, nil); a.body != `{"text":"late"}` {
		t.Errorf("waiting for the socket: %s", a.body)
	}
	deploy("freezes", `
const net = require('net');
let socket, text = '';
exports.handler = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  if (!socket) {
    socket = net.connect(process.env.ECHO, '127.0.0.1', () => { socket.write('a'); callback(null, 'connected') });
    socket.on('data', (d) => { text += d; if (socket.waiting) socket.waiting() });
    return;
  }
  socket.waiting = () => { socket.waiting = null; callback(null, text) };
  socket.write('b');
};`)
	if a := s.invoke("freezes", `{}`, nil); a.body != `"connected"` {
		t.Errorf("first: %s", a.body)
	}
	if a := s.invoke("freezes", `{}`, nil); a.body != `"a"` && a.body != `"ab"` {
		t.Errorf("second, over the same socket: %s", a.body)
	}
}

// Without rules nothing of this machine is in reach, Thaw itself included; --egress-endpoint opens just that, and networks of the
// configuration open what they name to the functions in their subnets. The log says what was refused.
func TestEgressOfFunctions(t *testing.T) {
	u := newUpstream(t)
	code := zipOf(t, map[string]string{"index.js": `exports.handler = (event) => new Promise((resolve) => require('http').get({ host: '127.0.0.1', port: event, path: '/healthz' }, (m) => { m.resume(); resolve(m.statusCode) }).on('error', (e) => resolve(e.code)))`})
	logged := func(a answer) string {
		tail, err := base64.StdEncoding.DecodeString(a.header.Get("X-Amz-Log-Result"))
		if err != nil {
			t.Fatal(err)
		}
		return string(tail)
	}
	tail := map[string]string{"X-Amz-Log-Type": "Tail"}

	s := serve(t, dataDir(t))
	s.mustCreate("f", "index.handler", code, u.settings("nodejs20.x"))
	for _, p := range []string{port(s.addr), port(u.http.URL)} {
		a := s.invoke("f", p, tail)
		if a.body != `"EACCES"` || !strings.Contains(logged(a), "127.0.0.1:"+p+" refused by the egress policy: loopback address") {
			t.Errorf("by default: %s, log %q", a.body, logged(a))
		}
	}

	s = serve(t, dataDir(t), "--egress-endpoint")
	s.mustCreate("f", "index.handler", code, u.settings("nodejs20.x"))
	if a := s.invoke("f", port(s.addr), nil); a.body != "200" {
		t.Errorf("the endpoint: %s", a.body)
	}
	if a := s.invoke("f", port(u.http.URL), nil); a.body != `"EACCES"` {
		t.Errorf("beside the endpoint: %s", a.body)
	}

	config := write(t, "thaw.yaml", []byte(`egress:
  networks:
    - name: backend
      subnets: [subnet-back]
      allow: ["127.0.0.1:`+port(u.http.URL)+`"]
`))
	s = serve(t, dataDir(t), "--config", config)
	s.mustCreate("outside", "index.handler", code, u.settings("nodejs20.x"))
	settings := u.settings("nodejs20.x")
	settings["VpcConfig"] = map[string]any{"SubnetIds": []string{"subnet-back"}, "SecurityGroupIds": []string{"sg-1"}}
	s.mustCreate("inside", "index.handler", code, settings)
	if a := s.invoke("outside", port(u.http.URL), nil); a.body != `"EACCES"` {
		t.Errorf("outside the network: %s", a.body)
	}
	if a := s.invoke("inside", port(u.http.URL), nil); a.body != "404" {
		t.Errorf("inside the network: %s", a.body)
	}
}

// fetch and what belongs to it.
func TestNodeFetch(t *testing.T) {
	u := newUpstream(t)
	s := serve(t, dataDir(t), "--egress-allow", "127.0.0.0/8", "--egress-roots", write(t, "ca.pem", []byte(u.ca)))
	code := `
const at = (path) => 'http://localhost:' + process.env.HTTP + path;
const failure = (p) => p.then(() => 'none', (e) => [e.name, e.message, e.cause && e.cause.code]);
exports.handler = async () => {
  const form = new FormData();
  form.append('field', 'value');
  form.append('file', new Blob(['contents'], { type: 'text/plain' }), 'a.txt');
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  let streamed = 0;
  for await (const chunk of (await fetch(at('/big'))).body) streamed += chunk.length;
  return {
    text: await (await fetch(at('/hello?f'))).text(),
    json: await (await fetch(at('/echo'), { method: 'POST', body: JSON.stringify({ a: 1 }), headers: { 'content-type': 'application/json' } })).json(),
    params: await (await fetch(at('/echo'), { method: 'POST', body: new URLSearchParams({ q: '1 2' }) })).text(),
    form: [...await (await fetch(at('/echo'), { method: 'POST', body: form })).formData()].map(([k, v]) => [k, typeof v === 'string' ? v : v.name]),
    redirect: await fetch(at('/redirect')).then(async (r) => [r.redirected, await r.text()]),
    bytes: (await (await fetch(at('/big'))).arrayBuffer()).byteLength, streamed,
    tls: await (await fetch('https://localhost:' + process.env.HTTPS + '/hello?tls')).text(),
    aborted: await failure(fetch(at('/slow'), { signal: controller.signal }).then((r) => r.text())).then((f) => f[0]),
    refused: await failure(fetch('http://127.0.0.1:' + process.env.CLOSED)),
    denied: await failure(fetch('http://169.254.169.254/')),
    headers: [...new Headers({ b: '1', A: '2' })], response: await new Response('{"x":1}').json(), request: new Request(at('/'), { method: 'put' }).method,
  };
};`
	s.mustCreate("fetches", "index.handler", zipOf(t, map[string]string{"index.js": code}), u.settings("nodejs20.x"))
	want := `{"text":"hello f","json":{"a":1},"params":"q=1+2","form":[["field","value"],["file","a.txt"]],"redirect":[true,"hello again"],"bytes":2000000,
		"streamed":2000000,"tls":"hello tls","aborted":"AbortError","refused":["TypeError","fetch failed","ECONNREFUSED"],"denied":["TypeError","fetch failed","EACCES"],
		"headers":[["a","2"],["b","1"]],"response":{"x":1},"request":"PUT"}`
	for range 2 {
		var compact bytes.Buffer
		a := s.invoke("fetches", `{}`, nil)
		if err := json.Compact(&compact, []byte(want)); err != nil || a.body != compact.String() {
			t.Errorf("%s\nwant %s", a.body, compact.String())
		}
	}
}

// Newer names have WebSocket too.
func TestNodeWebSocket(t *testing.T) {
	u := newUpstream(t)
	s := serve(t, dataDir(t), "--egress-allow", "localhost")
	code := `exports.handler = () => new Promise((resolve) => {
  const s = new WebSocket('ws://localhost:' + process.env.HTTP + '/socket'), seen = [];
  s.addEventListener('open', () => s.send('hello'));
  s.addEventListener('message', (e) => seen.push(e.data));
  s.addEventListener('close', (e) => resolve([...seen, e.code]));
  s.addEventListener('error', (e) => resolve(String(e.error ?? e.type)));
});`
	s.mustCreate("socket", "index.handler", zipOf(t, map[string]string{"index.js": code}), u.settings("nodejs22.x"))
	if a := s.invoke("socket", `{}`, nil); a.body != `["hello",1000]` {
		t.Error(a.body)
	}
	s.mustCreate("without", "index.handler", zipOf(t, map[string]string{"index.js": "exports.handler = async () => typeof WebSocket"}), u.settings("nodejs20.x"))
	if a := s.invoke("without", `{}`, nil); a.body != `"undefined"` {
		t.Errorf("Node.js 20: %s", a.body)
	}
}
