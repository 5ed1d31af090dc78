package python27_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/egress"
	"github.com/thawrun/thaw/runtimes/artefact"
	"github.com/thawrun/thaw/runtimes/python27"
)

// call runs a function of one file in an engine that lets it reach this machine and trusts the certificate of a test server.
func call(t *testing.T, secure *httptest.Server, source string, env map[string]string) any {
	t.Helper()
	allow, err := egress.ParseRule("localhost")
	if err != nil {
		t.Fatal(err)
	}
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	e, err := engine.New(t.Context(), engine.Config{Guests: []*abi.Guest{python27.Guest()}, CacheDir: cacheDir, Egress: egress.Config{Allow: allow}, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	f := engine.Function{
		Key: "f", Runtime: "python2.7", Handler: "app.handler", Code: engine.Zip(artefact.Zip("app.py", source)), Timeout: time.Minute, MemoryMB: 256, Reserved: -1, Env: env,
	}
	if _, err := e.Deploy(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	var resp engine.Response
	if err := e.Invoke(t.Context(), &engine.Request{Function: "f", Event: []byte("{}"), LogTail: true}, &resp); err != nil {
		t.Fatal(err)
	}
	if resp.FunctionError != engine.Succeeded {
		t.Fatalf("%s\n%s", resp.Payload, resp.LogTail)
	}
	var v any
	if err := json.Unmarshal(resp.Payload, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func servers(t *testing.T) (plain, secure *httptest.Server) {
	t.Helper()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/slow" {
			select {
			case <-time.After(5 * time.Second):
			case <-r.Context().Done():
			}
		}
		fmt.Fprintf(w, "%s %s %s %t", r.Method, r.URL.Path, body, r.TLS != nil)
	})
	plain, secure = httptest.NewServer(h), httptest.NewTLSServer(h)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	return plain, secure
}

// The clients of the standard library reach servers, with and without TLS, and fail as they do elsewhere.
func TestNetwork(t *testing.T) {
	plain, secure := servers(t)
	got := call(t, secure, `
import errno, httplib, os, select, socket, ssl, urllib, urllib2
def failing(f, *a, **k):
    try:
        return f(*a, **k)
    except Exception as exc:
        return type(exc).__module__ + "." + type(exc).__name__, str(exc)
def raw(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=5)
    f = s.makefile("rb")
    s.sendall("GET /raw HTTP/1.0\r\n\r\n")
    first = f.readline().strip()
    s.close()
    return first
def nonblocking(port):
    s = socket.socket()
    s.setblocking(False)
    n = s.connect_ex(("127.0.0.1", port))
    r, w, x = select.select([], [s], [], 5)
    return n in (0, errno.EINPROGRESS), w == [s], s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
def certificate(host, port):
    s = ssl.create_default_context().wrap_socket(socket.create_connection((host, port)), server_hostname="example.com")
    return s.getpeercert()["subjectAltName"][0], s.version(), s.cipher()[2], len(s.getpeercert(True)) > 500
def handler(e, c):
    http, https = os.environ["HTTP"], os.environ["HTTPS"]
    port = int(http.rsplit(":", 1)[1])
    sport = int(https.rsplit(":", 1)[1])
    chain = ssl.create_default_context()
    chain.check_hostname = False  # Python 2.7 has no match of addresses
    conn = httplib.HTTPSConnection("127.0.0.1", sport, context=chain)
    conn.request("PUT", "/put", "data")
    unverified = ssl._create_unverified_context()
    nobody = ssl.SSLContext(ssl.PROTOCOL_SSLv23)
    nobody.verify_mode = ssl.CERT_REQUIRED  # and no certificate that is trusted
    strict = ssl.create_default_context(cafile=os.environ["BOTOCORE"])
    return [
        urllib2.urlopen(http + "/a").read(), urllib2.urlopen(https + "/b", "x=1", context=chain).read(), conn.getresponse().read(),
        urllib.urlopen(http + "/old").read(), raw(port), nonblocking(port), certificate("localhost", sport),
        failing(urllib2.urlopen, http + "/slow", timeout=0.2),
        failing(urllib2.urlopen, https + "/slow", timeout=0.2, context=chain),
        failing(urllib2.urlopen, https.replace("127.0.0.1", "localhost") + "/c"),
        urllib2.urlopen(https.replace("127.0.0.1", "localhost") + "/c", context=unverified).read(),
        failing(socket.create_connection, ("127.0.0.1", 1), 2)[0], failing(socket.create_connection, ("10.1.2.3", 80), 2),
        failing(urllib2.urlopen, "https://127.0.0.1:%d/" % port)[0], failing(urllib2.urlopen, https, context=nobody), socket.gethostbyname("127.0.0.1"),
        [a[4][0] for a in socket.getaddrinfo("localhost", 80, socket.AF_INET, socket.SOCK_STREAM)], failing(socket.gethostbyname, "nowhere.invalid")[0],
        failing(socket.socket().listen, 1)[0], strict.cert_store_stats()["x509_ca"] >= 0,
    ]
`, map[string]string{"HTTP": plain.URL, "HTTPS": secure.URL, "BOTOCORE": "/var/runtime/botocore/cacert.pem"})
	want(t, got, `["GET /a  false", "POST /b x=1 true", "PUT /put data true", "GET /old  false", "HTTP/1.0 200 OK", [true, true, 0],
		[["DNS", "example.com"], "TLSv1.3", 128, true],
		["socket.timeout", "timed out"],
		["ssl.SSLError", "The read operation timed out"],
		["ssl.CertificateError", "hostname 'localhost' doesn't match either of 'example.com', '*.example.com'"],
		"GET /c  true", "socket.error", ["socket.error", "[Errno 2] Permission denied"],
		"urllib2.URLError", ["urllib2.URLError", "<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c)>"],
		"127.0.0.1", ["127.0.0.1"], "socket.gaierror", "socket.error", true]`)
}

// boto3 is there without being packaged, and its transfers run without threads.
func TestBoto3(t *testing.T) {
	_, secure := servers(t)
	var mu sync.Mutex
	objects := map[string]string{}
	s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/") {
			http.Error(w, "unsigned", http.StatusForbidden)
			return
		}
		switch r.Method {
		case http.MethodPut:
			b, _ := io.ReadAll(r.Body)
			objects[r.URL.Path] = string(b)
		case http.MethodHead:
			w.Header().Set("Content-Length", fmt.Sprint(len(objects[r.URL.Path])))
		case http.MethodGet:
			_, _ = io.WriteString(w, objects[r.URL.Path])
		}
	}))
	defer s3.Close()
	got := call(t, secure, `
import boto3, botocore, os, io
from botocore.exceptions import ClientError
def handler(e, c):
    s3 = boto3.client("s3", endpoint_url=os.environ["S3"], region_name="us-east-1", aws_access_key_id="AKID", aws_secret_access_key="s")
    s3.put_object(Bucket="b", Key="k", Body="hello")
    with open("/tmp/up", "w") as f:
        f.write("file")
    s3.upload_file("/tmp/up", "b", "f")
    s3.download_file("b", "f", "/tmp/down")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    dynamodb = boto3.resource("dynamodb", region_name="us-east-1")
    return [s3.get_object(Bucket="b", Key="k")["Body"].read(), open("/tmp/down").read(), "Signature=" in link, dynamodb.Table("t").name,
            boto3.__version__, botocore.__version__, len(boto3.session.Session().get_available_services()) > 200, boto3.__file__]
`, map[string]string{"S3": s3.URL})
	want(t, got, `["hello", "file", true, "t", "1.17.112", "1.20.112", true, "/var/runtime/boto3/__init__.pyc"]`)
	if d := cmp.Diff(map[string]string{"/b/k": "hello", "/b/f": "file"}, objects); d != "" {
		t.Error(d)
	}
}

// A function that packages its own boto3 gets that.
func TestOwnBoto3(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "import boto3\ndef handler(e, c): return boto3.X", "boto3/__init__.py": "X = 'own'"})
	in.load("app.handler", "python2.7")
	if text, _ := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"}); text != `"own"` {
		t.Error(text)
	}
}

// Without a network of the engine's a socket can't be made, and says so.
func TestNoNetwork(t *testing.T) {
	got := run(t, `
import socket
def handler(e, c):
    try:
        socket.create_connection(("127.0.0.1", 80))
    except socket.error as exc:
        return str(exc)
`, "{}")
	if _, ok := got.(string); !ok {
		t.Error(got)
	}
}
