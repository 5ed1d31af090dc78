package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// dial opens a bare connection to the server.
func (s *server) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// What clients send that no AWS client would: each gets an error or a closed connection, and the server goes on.
func TestHostileClients(t *testing.T) {
	s := serve(t, dataDir(t))
	s.mustCreate("f", "app.handler", zipOf(t, map[string]string{"app.py": "def handler(event, context): return event"}), nil)
	const invoke = "POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: x\r\n"
	for name, c := range map[string]struct {
		text   string
		status int // 0 = the connection may end without an answer
	}{
		"no HTTP":                   {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS, perhaps\r\n\r\n", 400},
		"no header ends":            {"GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 1<<20), 400},
		"many headers":              {"GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 100000) + "\r\n", 400},
		"a body of exabytes":        {invoke + "Content-Length: 9223372036854775807\r\n\r\nx", 413},
		"a length that overflows":   {invoke + "Content-Length: 99999999999999999999\r\n\r\nx", 400},
		"a negative length":         {invoke + "Content-Length: -1\r\n\r\nx", 400},
		"chunks without end":        {invoke + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("100000\r\n"+strings.Repeat("x", 1<<20)+"\r\n", 8), 413},
		"a chunk that lies":         {invoke + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n", 400},
		"chunks that are fine":      {invoke + "Transfer-Encoding: chunked\r\n\r\n3\r\n\"ab\r\n2\r\nc\"\r\n0\r\n\r\n", 200},
		"HTTP/1.0":                  {"POST /2015-03-31/functions/f/invocations HTTP/1.0\r\nContent-Length: 1\r\n\r\n1", 200},
		"a path out of the server":  {"GET /../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		"a path in absolute form":   {"GET http://other/2015-03-31/functions/f HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		"broken percent-encoding":   {"GET /2015-03-31/functions/%zz%0 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"a zero byte in the name":   {"GET /2015-03-31/functions/f%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"a method of its own":       {"INVOKE /2015-03-31/functions/f HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		"a client context of 12 KB": {invoke + "X-Amz-Client-Context: " + strings.Repeat("e", 12<<10) + "\r\nContent-Length: 2\r\n\r\n{}", 400},
	} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.t = t
			conn := s.dial()
			go func() { _, _ = io.WriteString(conn, c.text) }() // the server may close before it has read all
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				if c.status == 413 || c.status == 400 {
					return // reset while we were still writing: as good
				}
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.status && !(c.status == 400 && resp.StatusCode == 431) {
				b, _ := io.ReadAll(resp.Body)
				t.Errorf("status %d, want %d: %.200s", resp.StatusCode, c.status, b)
			}
		})
	}
	t.Run("a client that leaves in the middle", func(t *testing.T) {
		before := stored(t, s)
		for range 20 {
			conn := s.dial()
			_, _ = io.WriteString(conn, "POST /2015-03-31/functions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{\"FunctionName\": \"half\"")
			_ = conn.Close()
		}
		if after := stored(t, s); after != before {
			t.Errorf("stored: %s, then %s", before, after)
		}
	})
	t.Run("connections that say nothing", func(t *testing.T) {
		for i := range 300 {
			conn := s.dial()
			if i%2 == 0 {
				_, _ = io.WriteString(conn, "POST /2015-03-31/func")
			}
		}
		for i := range 20 {
			if a := s.invoke("f", fmt.Sprint(i), nil); a.body != fmt.Sprint(i) {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
	})
	if strings.Contains(s.log.String(), "panic") {
		t.Errorf("the server panicked:\n%s", s.log)
	}
}
