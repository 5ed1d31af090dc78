package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/egress"
)

// runner deploys tests as functions of one engine.
type runner struct {
	verbose bool
	e       *engine.Engine
	base    engine.Function
	logs    sync.Map // function key → *bytes.Buffer; an instance at a time writes to it
	next    atomic.Int64
}

func newRunner(ctx context.Context, o options, guest *abi.Guest, base engine.Function) (*runner, error) {
	loopback, err := egress.ParseRule("localhost") // where the servers of a run are
	if err != nil {
		return nil, err
	}
	r := &runner{base: base, verbose: o.log}
	e, err := engine.New(ctx, engine.Config{Guests: []*abi.Guest{guest}, CacheDir: o.cache, Concurrency: -1, InitTimeout: time.Minute, Logs: r.log, Egress: egress.Config{Allow: loopback}})
	if err != nil {
		return nil, err
	}
	r.e = e
	return r, e.Ready(ctx, base.Runtime)
}

func (r *runner) log(l engine.LogRecord) {
	if b, ok := r.logs.Load(l.Function.Key); ok {
		b.(*bytes.Buffer).Write(append(l.Message, '\n'))
	}
}

// function is a test that was deployed. done removes it.
type function struct {
	r   *runner
	key string
	out bytes.Buffer
}

func (r *runner) deploy(ctx context.Context, env map[string]string, handler string) (*function, error) {
	return r.deployFor(ctx, env, handler, r.base.Timeout)
}

// deployFor deploys with a limit of its own for an invocation.
func (r *runner) deployFor(ctx context.Context, env map[string]string, handler string, timeout time.Duration) (*function, error) {
	f := &function{r: r, key: fmt.Sprint("test", r.next.Add(1))}
	d := r.base
	d.Key, d.Name, d.Env, d.Handler, d.Timeout = f.key, f.key, env, handler, timeout
	r.logs.Store(f.key, &f.out)
	_, err := r.e.Deploy(ctx, d)
	return f, err
}

func (f *function) invoke(ctx context.Context, event string) (*engine.Response, error) {
	var resp engine.Response
	err := f.r.e.Invoke(ctx, &engine.Request{Function: f.key, Event: []byte(event)}, &resp)
	return &resp, err
}

func (f *function) done() {
	f.r.e.Remove(f.key)
	f.r.logs.Delete(f.key)
}

// parallel runs the tests with o.jobs at a time and keeps the results in order.
func parallel(ctx context.Context, jobs int, tests []string, run func(name string) result) []result {
	results := make([]result, len(tests))
	var next, done atomic.Int64
	var wg sync.WaitGroup
	for range max(jobs, 1) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(tests) {
					return
				}
				results[i] = run(tests[i])
				if n := done.Add(1); n%500 == 0 {
					fmt.Fprintf(os.Stderr, "%s %d of %d\n", time.Now().Format(time.TimeOnly), n, len(tests))
				}
			}
		})
	}
	wg.Wait()
	return results
}

// pack makes a deployment package of folders below root, put into a folder of the package as they are, and of more files.
func pack(root, into string, folders []string, more map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(file string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || into == "" && !wanted(file) {
				return err
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			name, _ := filepath.Rel(root, file)
			return store(w, path.Join(into, filepath.ToSlash(name)), data)
		})
		if err != nil {
			return nil, err
		}
	}
	for name, text := range more {
		if err := store(w, name, []byte(text)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func store(w *zip.Writer, name string, data []byte) error {
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: time.Date(2016, 8, 29, 0, 0, 0, 0, time.UTC)})
	if err == nil {
		_, err = f.Write(data)
	}
	return err
}
