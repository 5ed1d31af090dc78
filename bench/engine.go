package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/python"
)

func zipOf(files map[string]string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		check(err)
		_, err = io.WriteString(f, text)
		check(err)
	}
	check(w.Close())
	return b.Bytes()
}

// benchEngine measures invocations in process.
func benchEngine(ctx context.Context, dir string) {
	begin := time.Now()
	e, err := engine.New(ctx, engine.Config{Guests: []*abi.Guest{python.Guest()}, CacheDir: filepath.Join(dir, "cache"), MemoryBudget: -1})
	check(err)
	defer e.Close(ctx)
	check(e.Ready(ctx, "python3.13"))
	fmt.Printf("\nEngine, in process (runtime ready after %.2f s)\n", time.Since(begin).Seconds())
	code := zipOf(map[string]string{"app.py": "def handler(event, context):\n    return {'message': 'Hello ' + event['name']}\n"})
	fn := func(key string) engine.Function {
		return engine.Function{Key: key, Name: "hello", Runtime: "python3.13", Handler: "app.handler", Code: engine.Zip(code), CodeSHA256: "hello", Reserved: -1}
	}
	call := func(key string, resp *engine.Response) time.Duration {
		t := time.Now()
		check(e.Invoke(ctx, &engine.Request{Function: key, Event: []byte(`{"name": "Ada"}`)}, resp))
		d := time.Since(t)
		if resp.FunctionError != "" {
			fmt.Fprintf(os.Stderr, "bench: %s\n", resp.Payload)
			os.Exit(1)
		}
		return d
	}
	var resp engine.Response
	cold := func(name string, n int, edit func(*engine.Function)) {
		var all samples
		for i := range n {
			f := fn("cold")
			f.Revision = fmt.Sprint(name, i)
			edit(&f)
			_, err := e.Deploy(ctx, f)
			check(err)
			all = append(all, call("cold", &resp))
			time.Sleep(time.Millisecond) // the retired instance becomes a shell meanwhile
		}
		fmt.Printf("  %-52s p50 %-10s p99 %s\n", name, us(all.quantile(0.5)), us(all.quantile(0.99)))
	}
	plain := func(*engine.Function) {}
	cold("cold: bind the runtime snapshot, load, first invoke", 300, plain)

	warm := func(name string, n int, edit func(*engine.Function)) time.Duration {
		f := fn("warm")
		f.Revision = name
		edit(&f)
		_, err := e.Deploy(ctx, f)
		check(err)
		var all samples
		for range n {
			all = append(all, call("warm", &resp))
		}
		fmt.Printf("  %-52s p50 %-10s p99 %s\n", name, us(all.quantile(0.5)), us(all.quantile(0.99)))
		return all.quantile(0.5)
	}
	warm("warm", 20000, plain)
	warm("warm, a reset after every call (back to back)", 5000, func(f *engine.Function) { f.Isolation = engine.IsolationRequest })

	// One version, many instances: with a function snapshot each start binds the loaded handler.
	f := fn("snap")
	f.SnapStart = true
	_, err = e.Deploy(ctx, f)
	check(err)
	call("snap", &resp)
	fmt.Printf("  %-52s %+v\n", "pool", e.Stats().Pool)
	before := e.Stats().Pool
	const idle = 200
	for i := range idle {
		f := fn(fmt.Sprint("idle", i))
		_, err := e.Deploy(ctx, f)
		check(err)
		call(f.Key, &resp)
	}
	after := e.Stats().Pool
	fmt.Printf("  %-52s %.0f KiB\n", "an idle instance of hello, private memory", float64(after.Used-before.Used)/float64(after.Live-before.Live)/1024)
}
