package api

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

func TestInvoke(t *testing.T) {
	x := newFixture(t)
	x.create("f", fields{"Timeout": 7, "MemorySize": 192, "Environment": fields{"Variables": fields{"KEY": "v"}}})
	var got engine.Request
	var event string
	x.engine.serve = func(f engine.Function, req *engine.Request, resp *engine.Response) error {
		got, event = *req, string(req.Event)
		got.ClientContext = append([]byte(nil), req.ClientContext...)
		resp.Payload = append(resp.Payload, `"done"`...)
		if req.LogTail {
			resp.LogTail = append(resp.LogTail, "START\nEND\n"...)
		}
		return nil
	}
	a := x.invoke("f", ` {"a": "ü"} `)
	if a.status != 200 || a.body != `"done"` || a.header.Get("X-Amz-Executed-Version") != "$LATEST" || a.header.Get("Content-Type") != contentJSON {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	for _, absent := range []string{"X-Amz-Function-Error", "X-Amz-Log-Result", "x-amzn-ErrorType"} {
		if v := a.header.Values(absent); v != nil {
			t.Errorf("%s: %q", absent, v)
		}
	}
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
	if event != ` {"a": "ü"} ` || got.Function != arn+":$LATEST" || got.InvokedARN != arn || got.RequestID != a.header.Get("x-amzn-RequestId") || got.LogTail || got.ClientContext != nil || got.TraceID != "" {
		t.Errorf("%+v", got)
	}
	f := x.engine.deployed[arn+":$LATEST"]
	if f.Name != "f" || f.ARN != arn || f.Version != "$LATEST" || f.Timeout != 7*time.Second || f.MemoryMB != 192 || f.TmpMB != 512 || f.Env["KEY"] != "v" || f.Reserved != -1 || f.Handler != "app.handler" || f.Runtime != "python3.13" || f.Account != "123456789012" {
		t.Errorf("deployed %+v", f)
	}
	if code, err := f.Code(t.Context()); err != nil || string(code) != string(zipOf("app.py", "f")) {
		t.Errorf("%d bytes of code, %v", len(code), err)
	}

	context := base64.StdEncoding.EncodeToString([]byte(`{"custom":{"a":1}}`))
	a = x.invoke("arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af:$LATEST", "", "X-Amz-Log-Type", "Tail", "X-Amz-Client-Context", context, "X-Amzn-Trace-Id", "Root=1-2-3")
	if a.status != 200 || a.header.Get("X-Amz-Log-Result") != base64.StdEncoding.EncodeToString([]byte("START\nEND\n")) {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	if event != "" || got.InvokedARN != arn+":$LATEST" || !got.LogTail || string(got.ClientContext) != `{"custom":{"a":1}}` || got.TraceID != "Root=1-2-3" {
		t.Errorf("%+v", got)
	}
	// Nothing of a request stays for the next one.
	x.invoke("f", `1`)
	if got.LogTail || got.ClientContext != nil || got.TraceID != "" || got.InvokedARN != arn {
		t.Errorf("%+v", got)
	}

	calls := 0
	x.engine.serve = func(engine.Function, *engine.Request, *engine.Response) error { calls++; return nil }
	if a := x.invoke("f", `{}`, "X-Amz-Invocation-Type", "DryRun"); a.status != 204 || a.body != "" || calls != 0 {
		t.Errorf("DryRun: %d %q, %d calls", a.status, a.body, calls)
	}
	for _, c := range []struct {
		event   string
		headers []string
		name    string
		message string
	}{
		{`{'a': 1}`, nil, "InvalidRequestContentException", "Could not parse request body into json: invalid character"},
		{"\"\xff\"", nil, "InvalidRequestContentException", "the text is not UTF-8"},
		{` `, nil, "InvalidRequestContentException", "unexpected end of JSON input"},
		{`{}`, []string{"Content-Type", "text/html; charset=x"}, "UnsupportedMediaTypeException", "text/html"},
		{`{}`, []string{"X-Amz-Invocation-Type", "Event", "X-Amz-Log-Type", "Tail"}, "InvalidParameterValueException", "LogType Tail"},
		{`{}`, []string{"X-Amz-Invocation-Type", "DryRun", "X-Amz-Log-Type", "Tail"}, "InvalidParameterValueException", "LogType Tail"},
		{`"` + strings.Repeat("x", 128<<10) + `"`, []string{"X-Amz-Invocation-Type", "Event"}, "RequestTooLargeException", "131072"},
		{`{}`, []string{"X-Amz-Invocation-Type", "Sync", "X-Amz-Log-Type", "Head"}, "InvalidParameterValueException", "2 validation errors detected: Value 'Head' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]; Value 'Sync' at 'invocationType'"},
		{`{}`, []string{"X-Amz-Client-Context", "!"}, "InvalidRequestContentException", "Client context"},
		{`{}`, []string{"X-Amz-Client-Context", base64.StdEncoding.EncodeToString([]byte(`[]`))}, "InvalidRequestContentException", "Client context"},
		{`{}`, []string{"X-Amz-Client-Context", strings.Repeat("A", 3584)}, "InvalidParameterValueException", "3583"},
	} {
		x.wantError(x.invoke("f", c.event, c.headers...), c.name, c.message)
	}
	for _, kind := range []string{"application/json; charset=utf-8", "application/vnd.api+JSON", "application/octet-stream", ""} {
		if a := x.invoke("f", `{}`, "Content-Type", kind); a.status != 200 {
			t.Errorf("%q: %d %s", kind, a.status, a.body)
		}
	}
	x.wantError(x.invoke("g", `{}`), "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:123456789012:function:g")
	x.wantError(x.invoke("f:prod", `{}`), "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:123456789012:function:f:prod")
	x.wantError(x.invoke("999999999999:f", `{}`), "ResourceNotFoundException", "999999999999")
}

func TestInvokeFailures(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	var err error
	x.engine.serve = func(_ engine.Function, _ *engine.Request, resp *engine.Response) error {
		resp.Payload = append(resp.Payload, `half`...) // must not reach the client with an error
		return err
	}
	for _, c := range []struct {
		err  error
		name string
	}{
		{&engine.ThrottleError{Reason: engine.ThrottleReserved}, "TooManyRequestsException"},
		{fmt.Errorf("x: %w", engine.ErrTooLarge), "RequestTooLargeException"},
		{fmt.Errorf("x: %w", engine.ErrCode), "InvalidZipFileException"},
		{fmt.Errorf("x: %w", engine.ErrRuntime), "InvalidRuntimeException"},
		{engine.ErrClosed, "ServiceUnavailableException"},
		{engine.ErrStarting, "ResourceNotReadyException"},
		{engine.ErrNotFound, "ResourceNotFoundException"},
		{store.ErrCorrupt, "ServiceException"},
		{errors.New("disk on fire"), "ServiceException"},
	} {
		err = c.err
		a := x.invoke("f", `{}`)
		x.wantError(a, c.name, "")
		if strings.Contains(a.body, "half") || strings.Contains(a.body, "fire") {
			t.Errorf("%v: %s", c.err, a.body)
		}
		if c.name == "TooManyRequestsException" {
			if body := decodeInto[map[string]string](t, a.body); body["Reason"] != "ReservedFunctionConcurrentInvocationLimitExceeded" || body["retryAfterSeconds"] != "1" || a.header.Get("Retry-After") != "1" {
				t.Errorf("%s %v", a.body, a.header)
			}
		}
	}
	x.engine.serve = func(_ engine.Function, _ *engine.Request, resp *engine.Response) error {
		resp.FunctionError, resp.Payload = engine.Unhandled, append(resp.Payload, `{"errorMessage":"no"}`...)
		return nil
	}
	if a := x.invoke("f", `{}`); a.status != 200 || a.header.Get("X-Amz-Function-Error") != "Unhandled" || a.body != `{"errorMessage":"no"}` {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
}

// A shutdown waits for invocations, and ends them when its patience does.
func TestShutdown(t *testing.T) {
	x := newFixture(t)
	x.create("f", nil)
	started, release := make(chan struct{}), make(chan struct{})
	x.engine.serve = func(_ engine.Function, _ *engine.Request, resp *engine.Response) error {
		close(started)
		select {
		case <-release:
			resp.Payload = append(resp.Payload, "1"...)
			return nil
		case <-x.api.base.Done():
			return x.api.base.Err()
		}
	}
	done := make(chan answer, 1)
	go func() { done <- x.invoke("f", `{}`) }()
	<-started
	down := make(chan error, 1)
	go func() { down <- x.api.Shutdown(t.Context()) }()
	select {
	case err := <-down:
		t.Errorf("the shutdown did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if a := <-done; a.status != 200 || a.body != "1" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

const benchEvent = `{"first_name": "John", "last_name": "Doe", "tags": ["a", "b", "c"]}`

// BenchmarkHandler is the API's own work on a warm invocation and a read, without network and function.
func BenchmarkHandler(b *testing.B) {
	x := newFixture(b)
	x.create("echo", nil)
	for name, c := range map[string]struct{ method, uri, body string }{
		"Invoke":                   {"POST", functionsPath + "/echo/invocations", benchEvent},
		"GetFunctionConfiguration": {"GET", functionsPath + "/echo/configuration", ""},
	} {
		b.Run(name, func(b *testing.B) {
			var req fasthttp.Request
			req.Header.SetMethod(c.method)
			req.SetRequestURI(c.uri)
			req.Header.SetContentType(contentJSON)
			req.SetBodyString(c.body)
			var ctx fasthttp.RequestCtx
			ctx.Init(&req, nil, nil)
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				x.api.ServeFastHTTP(&ctx)
				if ctx.Response.StatusCode() != 200 {
					b.Fatalf("%d %s", ctx.Response.StatusCode(), ctx.Response.Body())
				}
			}
		})
	}
}

// BenchmarkHTTP puts a warm invocation of a function that costs nothing beside a raw fasthttp echo; compare the two.
func BenchmarkHTTP(b *testing.B) {
	x := newFixture(b)
	x.create("echo", nil)
	echo := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(c *fasthttp.RequestCtx) {
		c.SetContentType(contentJSON)
		c.SetBody(c.PostBody())
	}}
	for name, serve := range map[string]func(net.Listener) error{"echo": echo.Serve, "Invoke": x.api.Serve} {
		b.Run(name, func(b *testing.B) {
			ln := fasthttputil.NewInmemoryListener()
			go func() { _ = serve(ln) }()
			if name == "echo" {
				defer ln.Close() // the API closes its listeners itself
			}
			client := &fasthttp.HostClient{Addr: "lambda", Dial: func(string) (net.Conn, error) { return ln.Dial() }}
			defer client.CloseIdleConnections()
			var req fasthttp.Request
			var resp fasthttp.Response
			req.Header.SetMethod(http.MethodPost)
			req.SetRequestURI("http://lambda" + functionsPath + "/echo/invocations")
			req.SetBodyString(benchEvent)
			b.ReportAllocs()
			for b.Loop() {
				if err := client.Do(&req, &resp); err != nil || resp.StatusCode() != 200 {
					b.Fatal(err, resp.StatusCode())
				}
			}
		})
	}
}
