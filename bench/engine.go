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
	"github.com/thawrun/thaw/runtimes/nodejs"
	"github.com/thawrun/thaw/runtimes/python"
)

// guests are the interpreters that are measured.
func guests() []*abi.Guest { return []*abi.Guest{python.Guest(), nodejs.Guest()} }

// ready waits for every guest: one that is still being compiled takes all processors.
func ready(ctx context.Context, e *engine.Engine) {
	for _, r := range e.Runtimes() {
		check(e.Ready(ctx, r.Runtime))
	}
}

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

// language is a runtime with the same small function in it.
type language struct {
	name, runtime, file, code, handler string
}

func languages() []language {
	return []language{
		{"Python", "python3.13", "app.py", "def handler(event, context):\n    return {'message': 'Hello ' + event['name']}\n", "app.handler"},
		{"Node.js", "nodejs20.x", "index.js", "exports.handler = async (event) => ({message: 'Hello ' + event.name});\n", "index.handler"},
	}
}

// benchEngine measures invocations in process.
func benchEngine(ctx context.Context, dir string) {
	for _, l := range languages() {
		begin := time.Now()
		e, err := engine.New(ctx, engine.Config{Guests: guests(), CacheDir: filepath.Join(dir, "cache"), MemoryBudget: -1})
		check(err)
		check(e.Ready(ctx, l.runtime))
		fmt.Printf("\nEngine, in process, hello in %s (runtime ready after %.2f s)\n", l.name, time.Since(begin).Seconds())
		(&engineBench{e: e, l: l, code: zipOf(map[string]string{l.file: l.code})}).run(ctx)
		check(e.Close(ctx))
	}
}

type engineBench struct {
	e    *engine.Engine
	l    language
	code []byte
	resp engine.Response
}

func (b *engineBench) deploy(ctx context.Context, key string, edit func(*engine.Function)) {
	f := engine.Function{Key: key, Name: "hello", Runtime: b.l.runtime, Handler: b.l.handler, Code: engine.Zip(b.code), CodeSHA256: "hello", Reserved: -1}
	if edit != nil {
		edit(&f)
	}
	_, err := b.e.Deploy(ctx, f)
	check(err)
}

func (b *engineBench) call(ctx context.Context, key string) time.Duration {
	t := time.Now()
	check(b.e.Invoke(ctx, &engine.Request{Function: key, Event: []byte(`{"name": "Ada"}`)}, &b.resp))
	d := time.Since(t)
	if b.resp.FunctionError != "" || string(bytes.ReplaceAll(b.resp.Payload, []byte(" "), nil)) != `{"message":"HelloAda"}` {
		fmt.Fprintf(os.Stderr, "bench: %s\n", b.resp.Payload)
		os.Exit(1)
	}
	return d
}

func show(name string, s samples) {
	fmt.Printf("  %-52s p50 %-10s p99 %s\n", name, us(s.quantile(0.5)), us(s.quantile(0.99)))
}

func (b *engineBench) run(ctx context.Context) {
	var cold samples
	for i := range 300 {
		b.deploy(ctx, "cold", func(f *engine.Function) { f.Revision = fmt.Sprint(i) })
		cold = append(cold, b.call(ctx, "cold"))
		time.Sleep(2 * time.Millisecond) // the retired instance is parked meanwhile
	}
	show("cold: bind the runtime snapshot, load, first invoke", cold)

	var snap samples
	b.deploy(ctx, "snap", func(f *engine.Function) { f.SnapStart = true; f.Isolation = engine.IsolationRequest })
	b.call(ctx, "snap")
	for range 300 {
		time.Sleep(2 * time.Millisecond)
		snap = append(snap, b.call(ctx, "snap"))
	}
	show("after a reset to the function's own snapshot, 2 ms apart", snap)
	var apart samples
	b.deploy(ctx, "apart", nil)
	b.call(ctx, "apart")
	for range 300 {
		time.Sleep(2 * time.Millisecond)
		apart = append(apart, b.call(ctx, "apart"))
	}
	show("warm, 2 ms apart", apart)

	warm := func(name string, n int, edit func(*engine.Function)) {
		b.deploy(ctx, "warm", func(f *engine.Function) { f.Revision = name; edit(f) })
		b.call(ctx, "warm")
		var all samples
		for range n {
			all = append(all, b.call(ctx, "warm"))
		}
		show(name, all)
	}
	warm("warm", 20000, func(*engine.Function) {})
	warm("warm, a reset after every call (back to back)", 5000, func(f *engine.Function) { f.Isolation = engine.IsolationRequest })

	before := b.e.Stats().Pool
	for i := range 200 {
		key := fmt.Sprint("idle", i)
		b.deploy(ctx, key, nil)
		b.call(ctx, key)
	}
	private := func(name string) {
		after := b.e.Stats().Pool
		fmt.Printf("  %-52s %.0f KiB\n", name, float64(after.Used-after.Cached-before.Used+before.Cached)/float64(after.Live-before.Live)/1024)
	}
	private("an instance, private memory right after its call")
	time.Sleep(12 * time.Second) // the pool compacts what is idle for 10 s
	private("an instance that is idle for 12 s")
}
