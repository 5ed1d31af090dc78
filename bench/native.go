package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/python"
)

// nativeRounds is how often guest and native interpreter take turns at a workload, nativeSeconds how long a turn takes.
const (
	nativeRounds  = 6
	nativeSeconds = 0.25
)

// timed is a handler that runs a workload for as many seconds as the event says and returns the shortest time that it took.
const timed = `
import time
def handler(event, context):
    best, end = 1e9, time.perf_counter() + event
    while time.perf_counter() < end:
        t = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - t)
    return best
`

// starters are functions whose cold start counts. Those with many modules compile them once per package, in the background of
// the first start.
var starters = []struct {
	name  string
	files func() map[string]string
}{
	{"json, re, datetime, hashlib, decimal, urllib", func() map[string]string {
		return map[string]string{"app.py": "import datetime, decimal, hashlib, json, re, time, urllib.parse, urllib.request\n" + pause}
	}},
	{"boto3 and an S3 client", func() map[string]string {
		return map[string]string{"app.py": "import time\nimport boto3\nclient = boto3.client('s3')\n" + pause}
	}},
	{"a package of 200 modules", func() map[string]string {
		files := map[string]string{"pkg/__init__.py": "", "app.py": "import time\n"}
		for i := range 200 {
			files[fmt.Sprintf("pkg/m%03d.py", i)] = fmt.Sprintf("import os\nVALUE = %d\n\n\nclass Thing:\n    def method(self, x):\n        return x + VALUE\n", i)
			files["app.py"] += fmt.Sprintf("from pkg import m%03d\n", i)
		}
		files["app.py"] += pause
		return files
	}},
}

// pause is a handler that takes time, so that the next invocation needs another instance.
const pause = "def handler(event, context): time.sleep(event)\n"

const startRounds = 20

// benchStarts measures cold starts: from the runtime's snapshot, or the one with boto3, and from snapshots of functions.
func benchStarts(ctx context.Context, dir string) {
	fmt.Println("\nPython, cold starts of one function, the first one apart: bind, load and the way to the handler")
	for _, snapshots := range []bool{false, true} {
		e, err := engine.New(ctx, engine.Config{
			Guests: []*abi.Guest{python.Guest()}, CacheDir: filepath.Join(dir, "native"), FunctionSnapshots: snapshots, MemoryBudget: -1,
		})
		check(err)
		for _, s := range starters {
			_, err := e.Deploy(ctx, engine.Function{
				Key: s.name, Name: "fn", Runtime: "python3.13", Handler: "app.handler", MemoryMB: 256, Reserved: -1, Timeout: time.Minute,
				CodeSHA256: s.name, Code: engine.Zip(zipOf(s.files())),
			})
			check(err)
			invoke := func(seconds string) engine.Report {
				var r engine.Response
				check(e.Invoke(ctx, &engine.Request{Function: s.name, Event: []byte(seconds)}, &r))
				return r.Report
			}
			first := invoke("0")
			time.Sleep(3 * time.Second) // the compiler runs beside
			var starts samples
			var busy sync.WaitGroup
			busy.Go(func() { invoke("2") }) // the instance of the first start
			for range startRounds {
				time.Sleep(50 * time.Millisecond)
				busy.Go(func() { invoke("2") })
				time.Sleep(20 * time.Millisecond)
				begin := time.Now()
				if r := invoke("0"); r.Cold {
					starts = append(starts, time.Since(begin))
				}
			}
			busy.Wait()
			how := map[bool]string{false: "no snapshot of the function", true: "from a function snapshot"}[snapshots]
			fmt.Printf("  %-46s %-28s best %-11s p50 %-11s (first start %s)\n", s.name, how, us(starts.quantile(0)), us(starts.quantile(0.5)), first.Init.Round(time.Millisecond))
		}
		check(e.Close(ctx))
	}
}

// benchPython runs the workloads of the Python guest, metered, and natively by turns. The interpreter is python3.13 on PATH, or
// what THAW_NATIVE_PYTHON names; the best round of each counts.
func benchPython(ctx context.Context, dir string) {
	native := os.Getenv("THAW_NATIVE_PYTHON")
	if native == "" {
		native = "python3.13"
	}
	about, err := exec.CommandContext(ctx, native, "-c", "import sys, sysconfig; print(sys.version.split()[0], sysconfig.get_config_var('CONFIG_ARGS') or '')").Output()
	if err != nil {
		fmt.Printf("\nPython against a native interpreter: not measured, %s: %v\n", native, err)
		return
	}
	fmt.Printf("\nPython, metered, against native %s  time as a ratio\n", bytes.TrimSpace(about))
	e, err := engine.New(ctx, engine.Config{Guests: []*abi.Guest{python.Guest()}, CacheDir: filepath.Join(dir, "native")})
	check(err)
	defer func() { check(e.Close(ctx)) }()
	sum, all := 0.0, interpreters()[0].workloads
	for _, w := range all {
		file := filepath.Join(dir, "native-"+w.name+".py")
		code := w.code + timed
		check(os.WriteFile(file, []byte(code+fmt.Sprintf("print(handler(%g, None))\n", nativeSeconds)), 0o600))
		_, err := e.Deploy(ctx, engine.Function{
			Key: w.name, Name: w.name, Runtime: "python3.13", Handler: "app.handler", MemoryMB: 512, Reserved: -1, Revision: w.name,
			Code: engine.Zip(zipOf(map[string]string{"app.py": code})),
		})
		check(err)
		guest, host := math.Inf(1), math.Inf(1)
		for range nativeRounds {
			var r engine.Response
			check(e.Invoke(ctx, &engine.Request{Function: w.name, Event: fmt.Append(nil, nativeSeconds)}, &r))
			guest = min(guest, seconds64(string(r.Payload)))
			out, err := exec.CommandContext(ctx, native, file).Output()
			check(err)
			host = min(host, seconds64(string(out)))
		}
		fmt.Printf("  %-10s %5.2f   (%.2f ms, natively %.2f ms)\n", w.name, guest/host, guest*1e3, host*1e3)
		sum += math.Log(guest / host)
	}
	fmt.Printf("  %-10s %5.2f\n", "geomean", math.Exp(sum/float64(len(all))))
	benchStarts(ctx, dir)
}

func seconds64(text string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	check(err)
	return v
}
