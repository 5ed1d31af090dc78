package python_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/engine/socket"
)

// network is what the instances of all tests share: connections to this machine are open, as with the rule localhost.
type network struct {
	stack  *socket.Stack
	policy *egress.Policy
	ca     string // PEM, trusted by the node
	server tls.Certificate
}

var networkOnce = sync.OnceValues(func() (*network, error) {
	ca, leaf, err := certificates()
	if err != nil {
		return nil, err
	}
	rules, err := egress.ParseRules("localhost")
	if err != nil {
		return nil, err
	}
	dialer := egress.New(egress.Config{Allow: rules})
	policy, _ := dialer.Policy(nil)
	return &network{socket.NewStack(dialer, ca), policy, string(ca), leaf}, nil
})

// certificates makes an authority and a certificate of its for localhost and 127.0.0.1.
func certificates() (ca []byte, leaf tls.Certificate, err error) {
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Organization: []string{"Thaw"}},
			NotBefore: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Now().AddDate(1, 0, 0),
		}
	}
	root := template(1, "Test CA")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, leaf, err
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	if err != nil {
		return nil, leaf, err
	}
	server := template(2, "localhost")
	server.DNSNames, server.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, leaf, err
	}
	der, err := x509.CreateCertificate(rand.Reader, server, root, key.Public(), rootKey)
	if err != nil {
		return nil, leaf, err
	}
	ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
	return ca, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// servers are counterparts on this machine; their addresses are variables of the function's environment.
func servers(t *testing.T) (env []string) {
	n, err := networkOnce()
	if err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch body, _ := io.ReadAll(r.Body); {
		case r.URL.Path == "/big":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 2<<20))
		case r.Method == http.MethodPut: // as S3 answers
			w.Header().Set("ETag", fmt.Sprint(len(body)))
		default:
			fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.Path, len(body))
		}
	})
	plain := httptest.NewServer(handler)
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(handler)
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{n.server}, NextProtos: []string{"http/1.1"}}
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are the point
	secure.StartTLS()
	t.Cleanup(secure.Close)

	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = echo.Close() })
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	datagrams, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = datagrams.Close() })
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := datagrams.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = datagrams.WriteTo(b[:n], from)
		}
	}()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts; nobody answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	port := func(a net.Addr) string { _, p, _ := net.SplitHostPort(a.String()); return p }
	return []string{
		"HTTP", port(plain.Listener.Addr()), "HTTPS", port(secure.Listener.Addr()), "ECHO", port(echo.Addr()),
		"UDP", port(datagrams.LocalAddr()), "SILENT", port(silent.Addr()), "CA", n.ca,
	}
}

// online runs app.handler of a source that finds the ports of the servers in P, and whose function result calls a function
// and returns what it returns or raises.
func online(t *testing.T, source string) any {
	t.Helper()
	const prelude = `
import asyncio, errno, http.client, os, select, socket, ssl, time, urllib.error, urllib.request
CA = os.environ["CA"]
P = {k: int(os.environ[k]) for k in ("HTTP", "HTTPS", "ECHO", "UDP", "SILENT")}
def dial(name, timeout=20):
    return socket.create_connection(("127.0.0.1", P[name]), timeout)
def result(f, *a, **k):
    try:
        return f(*a, **k)
    except Exception as exc:
        return type(exc).__name__ + ": " + str(exc)
`
	in := bind(t, map[string]string{"app.py": prelude + source}, servers(t)...)
	return in.result(t, "{}")
}

func TestSockets(t *testing.T) {
	got := online(t, `
def stream():
    s = dial("ECHO")
    s.sendall(b"x" * 300000)
    n = 0
    while n < 300000:
        n += len(s.recv(65536))
    s.shutdown(socket.SHUT_WR)
    return n, s.recv(1) == b"", s.getpeername()[0], s.getsockname()[0]
def timeout():
    s = dial("SILENT")
    s.settimeout(0.05)
    s.recv(1)
def nonblocking():
    s = socket.socket()
    s.setblocking(False)
    out = [errno.errorcode.get(s.connect_ex(("127.0.0.1", P["ECHO"])), 0)]
    out.append(len(select.select([], [s], [], 20)[1]))
    out.append(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    out.append(result(s.recv, 1).partition(":")[0])
    s.send(b"abc")
    poll = select.poll()
    poll.register(s, select.POLLIN)
    out.append(poll.poll(20000)[0][1] == select.POLLIN)
    return out + [s.recv(10).decode()]
def datagram():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    s.sendto(b"one", ("127.0.0.1", P["UDP"]))
    data, peer = s.recvfrom(100)
    s.connect(("127.0.0.1", P["UDP"]))
    s.send(b"two")
    return data.decode(), peer[0], s.recv(100).decode(), s.type.name
def options():
    s = dial("ECHO")
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    get = s.getsockopt
    return [get(socket.IPPROTO_TCP, socket.TCP_NODELAY), get(socket.SOL_SOCKET, socket.SO_KEEPALIVE), get(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM]
def file():
    s = dial("ECHO")
    with s.makefile("rwb") as f:
        f.write(b"line\n")
        f.flush()
        return f.readline().decode()
def refused():
    return result(socket.create_connection, ("127.0.0.1", 1), 5).partition(":")[0]
def handler(e, c):
    return [result(f) for f in (stream, timeout, nonblocking, datagram, options, file, refused)]
`)
	want(t, got, `[[300000, true, "127.0.0.1", "127.0.0.1"], "TimeoutError: timed out", ["EINPROGRESS", 1, 0, "BlockingIOError", true, "abc"],
		["one", "127.0.0.1", "two", "SOCK_DGRAM"], [1, 1, true], "line\n", "ConnectionRefusedError"]`)
}

func TestNames(t *testing.T) {
	got := online(t, `
def handler(e, c):
    info = socket.getaddrinfo("127.0.0.1", "https", type=socket.SOCK_STREAM)
    return [[(i[0].name, i[1].name, i[2], i[4]) for i in info], socket.gethostbyname("localhost"), socket.getservbyname("http"),
        [i[4][:2] for i in socket.getaddrinfo("::1", 80, proto=socket.IPPROTO_TCP)], socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST)[0],
        result(socket.getaddrinfo, "no such name", 80).partition(":")[0], result(socket.getaddrinfo, "localhost", 99999, socket.AF_UNSPEC).partition(":")[0],
        socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, "2001:db8:0::1")), result(socket.getaddrinfo, "1.2.3", 1, flags=socket.AI_NUMERICHOST)[0][4][0]]
`)
	want(t, got, `[[["AF_INET", "SOCK_STREAM", 6, ["127.0.0.1", 443]]], "127.0.0.1", 80, [["::1", 80]], "127.0.0.1", "gaierror", "gaierror", "2001:db8::1", "1.2.0.3"]`)
}

func TestHTTP(t *testing.T) {
	got := online(t, `
def handler(e, c):
    plain = http.client.HTTPConnection("localhost", P["HTTP"], timeout=20)
    plain.request("POST", "/a", body=b"z" * 100000)
    first = plain.getresponse().read().decode()
    plain.request("GET", "/b")  # over the same connection
    second = plain.getresponse().read().decode()
    url = "https://localhost:%d" % P["HTTPS"]
    system = urllib.request.urlopen(url + "/c").read().decode()  # the node's own roots
    big = len(urllib.request.urlopen(url + "/big").read())
    own = urllib.request.urlopen(url + "/d", context=ssl.create_default_context(cadata=CA)).read().decode()
    return [first, second, system, big, own]
`)
	want(t, got, `["POST /a 100000", "GET /b 0", "GET /c 0", 2097152, "GET /d 0"]`)
}

func TestTLS(t *testing.T) {
	got := online(t, `
def wrap(context, name="localhost", port="HTTPS"):
    return context.wrap_socket(dial(port), server_hostname=name)
def good():
    context = ssl.create_default_context(cadata=CA)
    context.set_alpn_protocols(["h2", "http/1.1"])
    s = wrap(context, "127.0.0.1")
    cert = s.getpeercert()
    names = dict(pair for part in cert["subject"] for pair in part)
    return [s.version(), s.selected_alpn_protocol(), s.cipher()[1], names, cert["subjectAltName"], cert["notBefore"],
            len(context.get_ca_certs()), s.pending(), ssl.DER_cert_to_PEM_cert(s.getpeercert(True))[:27]]
def failure(context, name="localhost", port="HTTPS"):
    try:
        wrap(context, name, port)
    except ssl.SSLCertVerificationError as exc:
        return [type(exc).__name__, exc.reason, exc.verify_code, exc.verify_message, isinstance(exc, ValueError)]
    except ssl.SSLError as exc:
        return [type(exc).__name__, exc.reason]
def unverified():
    s = wrap(ssl._create_unverified_context(), "else.example")
    return [s.version(), s.getpeercert(), len(s.getpeercert(True)) > 100]
def oldest():
    context = ssl.create_default_context(cadata=CA)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return wrap(context).version()
def timeouts():
    silent = dial("SILENT", 0.05)
    out = [result(ssl.create_default_context().wrap_socket, silent, server_hostname="localhost")]
    s = wrap(ssl.create_default_context(cadata=CA))
    s.settimeout(0.05)
    out.append(result(s.recv, 1))
    s.setblocking(False)
    return out + [result(s.recv, 1).partition(":")[0]]
def nonblocking():
    s = dial("HTTPS")
    s.setblocking(False)
    s = ssl.create_default_context(cadata=CA).wrap_socket(s, server_hostname="localhost", do_handshake_on_connect=False)
    waits = 0
    while True:
        try:
            s.do_handshake()
            return [s.version(), waits < 10]
        except ssl.SSLWantReadError:
            select.select([s], [], [], 20)
        except ssl.SSLWantWriteError:
            select.select([], [s], [], 20)
        waits += 1
def memory():
    """The protocol in memory, bytes moved by hand."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    obj = ssl.create_default_context(cadata=CA).wrap_bio(incoming, outgoing, server_hostname="localhost")
    s = dial("HTTPS")
    def pump(f, *args):
        while True:
            try:
                value = f(*args)
            except ssl.SSLWantReadError:
                s.sendall(outgoing.read())
                data = s.recv(65536)
                incoming.write(data) if data else incoming.write_eof()
                continue
            s.sendall(outgoing.read())
            return value
    pump(obj.do_handshake)
    pump(obj.write, b"GET /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    data = b""
    while part := pump(obj.read, 700):
        data += part
    return [obj.version(), data[-8:].decode(), obj.getpeercert()["serialNumber"]]
def handler(e, c):
    public = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return [good(), failure(public), failure(ssl.create_default_context(cadata=CA), "else.example"), failure(public, port="HTTP"), unverified(),
            oldest(), timeouts(), nonblocking(), memory(), result(ssl.create_default_context, cafile="/var/task/app.py").partition(" (_ssl")[0],
            result(ssl.create_default_context, cafile="/missing").partition(":")[0]]
`)
	want(t, got, `[["TLSv1.3", "http/1.1", "TLSv1.3", {"commonName": "localhost", "organizationName": "Thaw"},
			[["DNS", "localhost"], ["IP Address", "127.0.0.1"]], "Jan  2 03:04:05 2020 GMT", 1, 0, "-----BEGIN CERTIFICATE-----"],
		["SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED", 20, "unable to get local issuer certificate", true],
		["SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED", 62, "Hostname mismatch, certificate is not valid for 'else.example'.", true],
		["SSLError", "WRONG_VERSION_NUMBER"], ["TLSv1.3", {}, true], "TLSv1.2",
		["TimeoutError: _ssl.c: The handshake operation timed out", "TimeoutError: The read operation timed out", "SSLWantReadError"],
		["TLSv1.3", true], ["TLSv1.3", "GET /m 0", "02"],
		"SSLError: [X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found", "FileNotFoundError"]`)
}

func TestAsyncio(t *testing.T) {
	got := online(t, `
async def echo():
    reader, writer = await asyncio.open_connection("127.0.0.1", P["ECHO"])
    writer.write(b"line\n")
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line.decode()
async def https(n):
    reader, writer = await asyncio.open_connection("localhost", P["HTTPS"], ssl=ssl.create_default_context(cadata=CA))
    writer.write(b"GET /%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % n)
    data = await reader.read()
    writer.close()
    await writer.wait_closed()
    return data[-8:].decode()
async def silent():
    reader, writer = await asyncio.open_connection("127.0.0.1", P["SILENT"])
    await reader.read(1)
class Datagram(asyncio.DatagramProtocol):
    def __init__(self, done):
        self.done = done
    def connection_made(self, transport):
        transport.sendto(b"datagram")
    def datagram_received(self, data, peer):
        self.done.set_result(data.decode())
async def main():
    loop = asyncio.get_running_loop()
    out = [await echo(), await asyncio.gather(https(1), https(2), https(3))]
    try:
        await asyncio.wait_for(silent(), 0.05)
    except TimeoutError:
        out.append("timeout")
    s = socket.socket()
    s.setblocking(False)
    await loop.sock_connect(s, ("127.0.0.1", P["ECHO"]))
    await loop.sock_sendall(s, b"abc")
    out.append((await loop.sock_recv(s, 10)).decode())
    done = loop.create_future()
    await loop.create_datagram_endpoint(lambda: Datagram(done), remote_addr=("127.0.0.1", P["UDP"]))
    out.append(await asyncio.wait_for(done, 20))
    out.append((await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM))[0][4])
    try:
        await asyncio.start_server(lambda r, w: None, "0.0.0.0", 8080)
    except OSError as exc:
        out.append(str(exc).partition("] ")[2])
    return out
def handler(e, c):
    return asyncio.run(main())
`)
	want(t, got, `["line\n", ["GET /1 0", "GET /2 0", "GET /3 0"], "timeout", "abc", "datagram", ["127.0.0.1", 80], "a function can't listen: nothing can connect to it"]`)
}

// What the sandbox has not says so.
func TestRefusals(t *testing.T) {
	got := online(t, `
import multiprocessing, subprocess
def handler(e, c):
    s = socket.socket()
    low = result(s.bind, ("127.0.0.1", 80))
    s.bind(("0.0.0.0", 8000))
    return [t.partition("] ")[2] for t in (low, result(s.listen), result(socket.create_connection, ("10.1.2.3", 80), 5), result(subprocess.run, ["ls"]), result(os.fork),
        result(os.system, "ls"), result(multiprocessing.Process(target=print).start))]
`)
	want(t, got, `["a function may bind a socket to 0.0.0.0 or ::, with port 0 or one from 1024 on, and to nothing else",
		"a function can't listen: nothing can connect to it", "Permission denied", "wasi does not support processes.",
		"os.fork is for several processes, which a function in a WebAssembly sandbox can't have",
		"os.system is for several processes, which a function in a WebAssembly sandbox can't have",
		"os.pipe is for several processes, which a function in a WebAssembly sandbox can't have"]`)
}

// boto3 is there, with all services; a package's own copy wins.
func TestBoto3(t *testing.T) {
	in := bind(t, map[string]string{"app.py": `
import boto3, botocore, botocore.exceptions, os
from botocore.config import Config
def handler(e, c):
    url = "https://localhost:" + os.environ["HTTPS"]
    s3 = boto3.client("s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"}))
    body = s3.get_object(Bucket="bucket", Key="some/key")["Body"].read().decode()
    sent = int(s3.put_object(Bucket="bucket", Key="k", Body=b"x" * 70000)["ETag"]) >= 70000
    try:
        boto3.client("sts", endpoint_url=url, verify="/var/task/other.pem").get_caller_identity()
    except botocore.exceptions.SSLError as exc:
        error = "CERTIFICATE_VERIFY_FAILED" in str(exc)
    return [body, sent, error, len(boto3.Session().get_available_services()) > 400, boto3.resource("dynamodb").Table("t").name, boto3.client("ec2").meta.region_name]
`, "other.pem": otherRoot}, append(servers(t), "AWS_ACCESS_KEY_ID", "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY", "secret", "AWS_DEFAULT_REGION", "eu-west-3")...)
	want(t, in.result(t, "{}"), `["GET /bucket/some/key 0", true, true, true, "t", "eu-west-3"]`)

	own := bind(t, map[string]string{"app.py": "import boto3\ndef handler(e, c):\n    return boto3.version\n", "boto3/__init__.py": "version = 'own'\n"})
	want(t, own.result(t, "{}"), `"own"`)
}

// result loads app.handler and invokes it once; the result is decoded.
func (in *instance) result(t *testing.T, event string) any {
	t.Helper()
	if text, status := in.load("app.handler", "python3.13"); status != abi.StatusDone {
		t.Fatalf("load: %v %s", status, text)
	}
	text, status := in.invoke(&abi.Invoke{Event: []byte(event), RequestID: "r"})
	if status != abi.StatusDone {
		t.Fatalf("invoke: %v %s", status, text)
	}
	return decode(t, text)
}

// otherRoot is an authority that has signed nothing here.
const otherRoot = `-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUdixz2xXBWDwGEflr/lseG65AC3gwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFT3RoZXIwIBcNMjYxMTI1MTUwMjQ1WhgPMjEyNjExMDExNTAy
NDVaMBAxDjAMBgNVBAMMBU90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
SX4ch+pXO78k9b5kuUh9iwqjWR1aDTqjl9HKuqkpPOUAo+ssUb75bxEl4eZFCP9R
1JBym61f+t78ZhT967NhZKNTMFEwHQYDVR0OBBYEFOUhdDDSOstYcR/WGkhTeIFN
ktmKMB8GA1UdIwQYMBaAFOUhdDDSOstYcR/WGkhTeIFNktmKMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgFLZRW5zhINjq0zTPhnC7OIp8tPgISTod
lS9pXTPWvekCIQCaIJxB78l9S2T4DCw6jcteuppsJm8Sam8HS5ggSkLWEw==
-----END CERTIFICATE-----
`
