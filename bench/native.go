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
}

func seconds64(text string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	check(err)
	return v
}
