package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/cpu"
)

// benchHostile measures what functions that never end do to others: how late they are stopped, what a well-behaved function
// waits beside them, how processors are shared.
func benchHostile(ctx context.Context, dir string) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 2)) // as cmd/thaw does
	fmt.Printf("\nHostile functions, %d processors\n", runtime.NumCPU())
	loop := zipOf(map[string]string{"app.py": "def handler(event, context):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass\n"})
	hello := zipOf(map[string]string{"app.py": "def handler(event, context): return event\n"})
	newEngine := func(mode cpu.Mode) *engine.Engine {
		e, err := engine.New(ctx, engine.Config{Guests: guests(), CacheDir: filepath.Join(dir, "cache"), CPU: mode, Concurrency: -1})
		check(err)
		ready(ctx, e)
		return e
	}
	deploy := func(e *engine.Engine, key string, code []byte, memory int, timeout time.Duration) {
		_, err := e.Deploy(ctx, engine.Function{Key: key, Runtime: "python3.13", Handler: "app.handler", Code: engine.Zip(code), MemoryMB: memory, Timeout: timeout, Reserved: -1})
		check(err)
	}

	e := newEngine(cpu.Shared)
	const timeout = 100 * time.Millisecond
	deploy(e, "late", loop, 128, timeout)
	var late samples
	var resp engine.Response
	for range 60 {
		// The instance is new each time, so that its start is taken off.
		begin := time.Now()
		check(e.Invoke(ctx, &engine.Request{Function: "late"}, &resp))
		late = append(late, max(0, time.Since(begin)-resp.Report.Init-timeout))
	}
	fmt.Printf("  %-52s p50 %-10s p99 %s\n", "an endless loop is stopped late by", us(late.quantile(0.5)), us(late.quantile(0.99)))

	_, url, stopAPI := serveAPI(ctx, filepath.Join(dir, "hostile-store"), e)
	health := func() samples {
		var all samples
		for range 500 {
			t := time.Now()
			status, _, err := fasthttp.Get(nil, url+"/healthz")
			check(err)
			if status != fasthttp.StatusOK {
				check(fmt.Errorf("healthz: status %d", status))
			}
			all = append(all, time.Since(t))
			time.Sleep(time.Millisecond)
		}
		return all
	}
	healthAlone := health()
	deploy(e, "hello", hello, 128, time.Second)
	alone := latencies(ctx, e, 1000)
	deploy(e, "loop", loop, 128, time.Minute)
	hogs, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for range 2 * runtime.NumCPU() {
		wg.Go(func() { _ = e.Invoke(hogs, &engine.Request{Function: "loop"}, new(engine.Response)) })
	}
	time.Sleep(300 * time.Millisecond)
	beside := latencies(ctx, e, 1000)
	healthBeside := health()
	stop()
	wg.Wait()
	fmt.Printf("  %-52s p50 %-10s p99 %s\n", "a warm hello alone", us(alone.quantile(0.5)), us(alone.quantile(0.99)))
	fmt.Printf("  %-52s p50 %-10s p99 %s\n", fmt.Sprintf("a warm hello beside %d endless loops", 2*runtime.NumCPU()), us(beside.quantile(0.5)), us(beside.quantile(0.99)))
	fmt.Printf("  %-52s p50 %-10s p99 %s\n", "GET /healthz alone", us(healthAlone.quantile(0.5)), us(healthAlone.quantile(0.99)))
	fmt.Printf("  %-52s p50 %-10s p99 %s\n", "GET /healthz beside them", us(healthBeside.quantile(0.5)), us(healthBeside.quantile(0.99)))
	stopAPI()
	check(e.Close(ctx))

	e = newEngine(cpu.Proportional)
	fmt.Printf("  proportional mode, fuel of one second of looping:")
	first := 0.0
	for _, memory := range []int{128, 256, 512} {
		key := fmt.Sprint("share", memory)
		deploy(e, key, loop, memory, time.Second)
		check(e.Invoke(ctx, &engine.Request{Function: key}, &resp))
		if first == 0 {
			first = float64(resp.Report.Fuel)
		}
		fmt.Printf("  %d MB %.2f", memory, float64(resp.Report.Fuel)/first)
	}
	fmt.Println()
	check(e.Close(ctx))
}

func latencies(ctx context.Context, e *engine.Engine, n int) samples {
	var all samples
	var resp engine.Response
	for range n {
		t := time.Now()
		check(e.Invoke(ctx, &engine.Request{Function: "hello", Event: []byte("1")}, &resp))
		all = append(all, time.Since(t))
	}
	return all
}

// benchSoak runs a mixed load with failures of every kind for a while and shows whether anything grows.
func benchSoak(ctx context.Context, dir string) {
	e, err := engine.New(ctx, engine.Config{Guests: guests(), CacheDir: filepath.Join(dir, "cache"), MemoryBudget: 256 << 20, Concurrency: -1})
	check(err)
	ready(ctx, e)
	fmt.Printf("\nSoak, %.0f s of mixed load\n", *soak)
	code := zipOf(map[string]string{"app.py": `
import os, time
def handler(event, context):
    if event == 1:
        while True: pass
    if event == 2: return len(bytearray(1 << 30))
    if event == 3: os._exit(1)
    if event == 4: raise ValueError("no")
    if event == 5: time.sleep(1)
    return event
`})
	for i := range 8 {
		_, err := e.Deploy(ctx, engine.Function{Key: fmt.Sprint("f", i), Runtime: "python3.13", Handler: "app.handler", Code: engine.Zip(code), Timeout: 200 * time.Millisecond, Reserved: -1, Isolation: engine.Isolation(i % 2)})
		check(err)
	}
	end := time.Now().Add(time.Duration(*soak * float64(time.Second)))
	var calls, wrong atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			var resp engine.Response
			for n := w; time.Now().Before(end); n++ {
				kind := n % 40
				c, cancel := ctx, context.CancelFunc(func() {})
				if kind == 5 && n%80 == 5 {
					c, cancel = context.WithTimeout(ctx, 10*time.Millisecond)
				}
				err := e.Invoke(c, &engine.Request{Function: fmt.Sprint("f", n%8), Event: fmt.Append(nil, kind)}, &resp)
				cancel()
				calls.Add(1)
				if err == nil && resp.FunctionError == engine.Succeeded && string(resp.Payload) != fmt.Sprint(kind) {
					wrong.Add(1)
				}
			}
		})
	}
	for round := 0; time.Now().Before(end); round++ {
		select {
		case <-time.After(max(time.Second, time.Until(end)/8)):
		case <-time.After(time.Until(end)):
		}
		r := resources()
		fmt.Printf("  %6d calls, %d wrong answers, %d goroutines, %d mappings, %d descriptors, %d MB resident, pool %d MB\n",
			calls.Load(), wrong.Load(), runtime.NumGoroutine(), r.mappings, r.descriptors, r.resident>>20, e.Stats().Pool.Used>>20)
	}
	wg.Wait()
	check(e.Close(ctx))
	runtime.GC()
	r := resources()
	fmt.Printf("  after Close: %d goroutines, %d mappings, %d descriptors\n", runtime.NumGoroutine(), r.mappings, r.descriptors)
}
