package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The same requests get the same answers by way of net/http.
func TestServeHTTP(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	for scheme, start := range map[string]func(*httptest.Server){"http": (*httptest.Server).Start, "https": (*httptest.Server).StartTLS} {
		server := httptest.NewUnstartedServer(x.api)
		start(server)
		client := server.Client()
		transport := client.Transport.(*http.Transport)
		addr := server.Listener.Addr().String()
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return net.Dial("tcp", addr) }
		if transport.TLSClientConfig != nil {
			transport.TLSClientConfig.ServerName = "example.com" // the test certificate's
		}
		send := func(method, path, body string) answer {
			req, err := http.NewRequest(method, scheme+"://lambda"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return answer{resp.StatusCode, resp.Header, string(text)}
		}
		if a := send("POST", functionsPath+"/f/invocations?Qualifier=%24LATEST", `{"a":"ü"}`); a.status != 200 || a.body != `{"a":"ü"}` || a.header.Get("X-Amz-Executed-Version") != "$LATEST" || len(a.header.Values("Content-Type")) != 1 || !uuidForm.MatchString(a.header.Get("x-amzn-RequestId")) {
			t.Errorf("%s: %d %s %v", scheme, a.status, a.body, a.header)
		}
		x.wantError(send("GET", functionsPath+"/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ag", ""), "ResourceNotFoundException", "function:g")
		x.wantError(send("POST", functionsPath+"/f/invocations", strings.Repeat("1", 6<<20+1)), "RequestTooLargeException", "6291456")
		if a := send("GET", functionsPath+"/f", ""); !strings.Contains(a.body, `"Location":"`+scheme+`://lambda/_thaw/code/`) {
			t.Errorf("%s: %s", scheme, a.body)
		}
		client.CloseIdleConnections()
		server.Close()
	}
}

// A client that sends far too much over a real socket reads why it is refused, instead of finding the connection reset.
func TestARefusedBodyIsAnsweredOverTCP(t *testing.T) {
	x := newFixture(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- x.api.Serve(ln) }()
	t.Cleanup(func() {
		if err := errors.Join(x.api.Shutdown(context.Background()), <-served); err != nil {
			t.Error(err)
		}
	})
	over := *x
	over.client = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }}}
	defer over.client.CloseIdleConnections()
	for range 5 {
		x.wantError(over.invoke("f", strings.Repeat("1", 30<<20)), "RequestTooLargeException", "6291456")
	}
}
