package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

var (
	seconds     = flag.Float64("seconds", 3, "how long each HTTP measurement takes")
	soak        = flag.Float64("soak", 60, "how long the soak test takes, in seconds")
	connections = flag.Int("connections", 16, "HTTP connections, each with one request at a time")
)

func main() {
	flag.Parse()
	which := flag.Args()
	if len(which) == 0 {
		which = []string{"http", "engine", "meter", "hostile"}
	}
	dir, err := os.MkdirTemp("", "thaw-bench-")
	check(err)
	defer os.RemoveAll(dir)
	fmt.Printf("%s %s/%s, %d processors, GOMAXPROCS %d\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.GOMAXPROCS(0))
	ctx := context.Background()
	for _, name := range which {
		switch name {
		case "http":
			benchHTTP(ctx, dir)
		case "auth":
			benchAuth(ctx, dir)
		case "control":
			benchControl(ctx, dir)
		case "engine":
			benchEngine(ctx, dir)
		case "meter":
			benchMeter(ctx, dir)
		case "hostile":
			benchHostile(ctx, dir)
		case "python":
			benchPython(ctx, dir)
		case "nodejs":
			benchNode(ctx, dir)
		case "soak":
			benchSoak(ctx, dir)
		default:
			fmt.Fprintf(os.Stderr, "bench: unknown measurement %q\n", name)
			os.Exit(2)
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// samples are durations of one thing, many times.
type samples []time.Duration

func (s samples) quantile(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func us(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/1e3) }
