package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/store"
)

const event = `{"first_name": "John", "last_name": "Doe", "tags": ["a", "b", "c"]}`

// benchHTTP puts Thaw beside a server that does nothing but answer.
func benchHTTP(ctx context.Context, dir string) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 2)) // as cmd/thaw does
	echo := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(c *fasthttp.RequestCtx) {
		c.SetContentType("application/json")
		c.SetBody(c.PostBody())
	}}
	echoLn := listen()
	go func() { check(echo.Serve(echoLn)) }()
	defer echo.Shutdown()

	e, err := engine.New(ctx, engine.Config{Guests: guests(), CacheDir: filepath.Join(dir, "cache")})
	check(err)
	defer e.Close(ctx)
	st, thawURL, stop := serveAPI(ctx, filepath.Join(dir, "store"), e)
	defer stop()

	for name, f := range map[string]struct{ runtime, handler, file, code string }{
		"echo":    {"python3.13", "app.handler", "app.py", "def handler(event, context): return event"},
		"echo-js": {"nodejs20.x", "index.handler", "index.js", "exports.handler = async (event) => event;"},
	} {
		code := zipOf(map[string]string{f.file: f.code})
		err = st.Change(ctx, func(tx *store.Tx) error {
			p := st.Pack(code)
			tx.AddCode(p)
			tx.PutFunction(&store.Function{Account: "000000000000", Region: "us-east-1", Name: name, Latest: &store.Version{
				Account: "000000000000", Region: "us-east-1", Name: name,
				RevisionID: "1", Runtime: f.runtime, Role: "arn:aws:iam::000000000000:role/r", Handler: f.handler, Timeout: 3, MemorySize: 128, TmpSize: 512,
				LastModified: time.Now(), CodeSHA256: p.SHA256, CodeSize: p.Size,
			}})
			return nil
		})
		check(err)
		check(e.Ready(ctx, f.runtime))
	}

	fmt.Printf("\nHTTP, %d connections on loopback, client and server in one process\n", *connections)
	fmt.Printf("  %-28s %10s %10s %10s %8s\n", "", "req/s", "p50", "p99", "of echo")
	ceiling := 0.0
	for _, m := range []struct{ name, method, url, body string }{
		{"raw fasthttp echo", "POST", "http://" + echoLn.Addr().String() + "/", event},
		{"GetFunctionConfiguration", "GET", thawURL + "/2015-03-31/functions/echo/configuration", ""},
		{"Invoke, Python echo, warm", "POST", thawURL + "/2015-03-31/functions/echo/invocations", event},
		{"Invoke, Node.js echo, warm", "POST", thawURL + "/2015-03-31/functions/echo-js/invocations", event},
	} {
		load(m.method, m.url, m.body, 0.3) // warm up
		rate, all := load(m.method, m.url, m.body, *seconds)
		if ceiling == 0 {
			ceiling = rate
		}
		fmt.Printf("  %-28s %10.0f %10s %10s %7.1f%%\n", m.name, rate, us(all.quantile(0.5)), us(all.quantile(0.99)), 100*rate/ceiling)
	}
}

// serveAPI puts the Lambda API in front of an engine.
func serveAPI(ctx context.Context, dir string, e *engine.Engine) (st *store.Store, url string, stop func()) {
	limits, err := api.LimitsPreset("guide")
	check(err)
	st, err = store.Open(dir, store.Options{})
	check(err)
	server, err := api.New(api.Config{Engine: e, Store: st, Region: "us-east-1", Account: "000000000000", Limits: limits})
	check(err)
	ln := listen()
	go func() { check(server.Serve(ln)) }()
	return st, "http://" + ln.Addr().String(), func() {
		check(server.Shutdown(ctx))
		check(st.Close())
	}
}

func listen() net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	return ln
}

// load sends requests on all connections for some seconds.
func load(method, url, body string, seconds float64, headers ...[2]string) (rate float64, all samples) {
	client := &fasthttp.Client{MaxConnsPerHost: *connections}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	begin := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range *connections {
		wg.Go(func() {
			req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			defer fasthttp.ReleaseRequest(req)
			defer fasthttp.ReleaseResponse(resp)
			req.Header.SetMethod(method)
			req.SetRequestURI(url)
			req.Header.SetContentType("application/json")
			for _, h := range headers {
				req.Header.Set(h[0], h[1])
			}
			if body != "" {
				req.SetBodyString(body)
			}
			var own samples
			for time.Now().Before(end) {
				t := time.Now()
				check(client.Do(req, resp))
				own = append(own, time.Since(t))
				if resp.StatusCode() != fasthttp.StatusOK || len(resp.Header.Peek("X-Amz-Function-Error")) > 0 {
					fmt.Fprintf(os.Stderr, "bench: %s: %d %s\n", url, resp.StatusCode(), resp.Body())
					os.Exit(1)
				}
			}
			mu.Lock()
			all = append(all, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return float64(len(all)) / time.Since(begin).Seconds(), all
}
