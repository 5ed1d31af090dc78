package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
	"github.com/thawrun/thaw/runtimes/python"
)

// workloads are small CPU-bound programs; each is run inside the handler, n times.
func workloads() []struct{ name, code string } {
	return []struct{ name, code string }{
		{"fib", "def f(n): return n if n < 2 else f(n-1) + f(n-2)\ndef run(): return f(19)"},
		{"json", "import json\nd = {'a': list(range(200)), 'b': ['x' * 20] * 100, 'c': {str(i): i / 3 for i in range(100)}}\ndef run(): return len(json.dumps(json.loads(json.dumps(d))))"},
		{"sort", "import random\nrandom.seed(1)\nv = [random.random() for _ in range(6000)]\ndef run(): return len(sorted(v))"},
		{"string", "def run(): return len(' '.join(str(i) for i in range(6000)).upper().replace('1', 'one').split())"},
		{"regex", "import re\nr = re.compile(r'(\\w+)@(\\w+)\\.com')\ntext = 'x y z foo@bar.com ' * 300\ndef run(): return len(r.findall(text))"},
		{"sha256", "import hashlib\ndata = b'x' * 200000\ndef run(): return hashlib.sha256(data).hexdigest()"},
		{"dict", "def run():\n    d = {}\n    for i in range(9000): d[i % 997] = d.get(i % 997, 0) + i\n    return len(d)"},
		{"objects", "class P:\n    def __init__(self, x): self.x = x\n    def add(self, o): return P(self.x + o.x)\ndef run():\n    p = P(0)\n    for i in range(5000): p = p.add(P(i))\n    return p.x"},
	}
}

// benchMeter runs each workload in both guests by turns and takes the best of each.
func benchMeter(ctx context.Context, dir string) {
	fmt.Printf("\nMetering: time in the metered guest, of that in the unmetered one\n")
	hosts := [2]*sandbox.Host{}
	var programs [2]*sandbox.Program
	var snapshots [2]*sandbox.Snapshot
	for i, unmetered := range []bool{false, true} {
		h, err := sandbox.NewHost(ctx, sandbox.HostConfig{CacheDir: filepath.Join(dir, fmt.Sprint("meter", i)), Unmetered: unmetered})
		check(err)
		hosts[i] = h
		programs[i], err = h.Load(ctx, python.Guest(), nil)
		check(err)
		snapshots[i], err = programs[i].RuntimeSnapshot(ctx, nil)
		check(err)
	}
	product, n := 1.0, 0
	for _, w := range workloads() {
		source := w.code + "\nimport time\ndef handler(event, context):\n    t = time.perf_counter()\n    for _ in range(event): run()\n    return time.perf_counter() - t\n"
		tree, err := vfs.OpenZip(zipOf(map[string]string{"app.py": source}), vfs.Limits{})
		check(err)
		best := [2]float64{math.Inf(1), math.Inf(1)}
		var boxes [2]*sandbox.Instance
		for i, p := range programs {
			boxes[i], err = p.NewInstance(512 << 20)
			check(err)
			check(boxes[i].Bind(snapshots[i], 512<<20, vfs.Mounts{Task: tree}))
			l := sandbox.Limits{Deadline: time.Now().Add(time.Hour)}
			check(boxes[i].Restore(nil, l))
			_, _, err := boxes[i].Load(&abi.Load{Runtime: "python3.13", Handler: "app.handler", TaskRoot: abi.TaskRoot, FunctionName: "f", Version: "$LATEST", MemoryMB: "512"}, nil, l)
			check(err)
		}
		for range 60 {
			for i, box := range boxes {
				payload, status, err := box.Invoke(&abi.Invoke{Event: []byte("4"), RequestID: "r"}, nil, sandbox.Limits{Deadline: time.Now().Add(time.Hour)})
				check(err)
				var took float64
				if status != abi.StatusDone || json.Unmarshal(payload, &took) != nil {
					fmt.Fprintf(os.Stderr, "bench: %s\n", payload)
					os.Exit(1)
				}
				best[i] = min(best[i], took)
			}
		}
		ratio := best[0] / best[1]
		product *= ratio
		n++
		fmt.Printf("  %-10s %.3f   (%.2f ms)\n", w.name, ratio, best[0]*1e3/4)
		for _, box := range boxes {
			check(box.Close())
		}
	}
	fmt.Printf("  %-10s %.3f\n", "geomean", math.Pow(product, 1/float64(n)))
	for i, h := range hosts {
		snapshots[i].Close()
		check(h.Close(ctx))
	}
}
