package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/cpu"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
)

const (
	meterStarts = 4  // fresh instances, for how they lie in memory shows
	meterRounds = 40 // of each start
	meterSample = 2 * time.Millisecond
)

// form is one way to run a guest.
type form struct {
	name      string
	unmetered bool
	wasm      func() ([]byte, error) // instead of the guest's
}

// benchMeter runs workloads in each form of a guest by turns. Of each form the best round of a start counts; a ratio is the
// geometric mean of the starts'. Time is wall clock, with a processor's token held as in the product.
func benchMeter(ctx context.Context, dir string) {
	for _, l := range interpreters() {
		forms := []form{{name: "metered"}, {name: "unmetered", unmetered: true}}
		if file := linkedModule(l); file != "" {
			forms = append(forms, form{"unmetered, before wasm-opt", true, func() ([]byte, error) { return os.ReadFile(file) }})
		}
		fmt.Printf("\nMetering, %s: time in the metered guest as a ratio to others\n  %-10s", l.guest().Name, "")
		for _, f := range forms[1:] {
			fmt.Printf("  to %-28s", f.name)
		}
		fmt.Println()
		(&meterBench{l: l, forms: forms, task: cpu.New(cpu.Shared, 1).Task(1792)}).run(ctx, dir)
		switch {
		case l.linked == "":
			fmt.Println("  its build doesn't use wasm-opt: the comparison that counts the pre-pass is the same")
		case len(forms) == 2:
			fmt.Println("  what wasm-opt does was not measured: the build folder has no module of before this guest (make runtimes)")
		}
	}
}

// linkedModule finds the module before wasm-opt where the runtime's build script left it, if what became of it is the guest
// that is measured.
func linkedModule(l interpreter) string {
	if l.linked == "" {
		return ""
	}
	dir := os.Getenv("THAW_BUILD_DIR")
	if dir == "" {
		home, err := os.UserHomeDir()
		check(err)
		dir = filepath.Join(home, ".cache", "thaw-build")
	}
	file := filepath.Join(dir, filepath.FromSlash(l.linked))
	want, err := l.guest().Wasm()
	check(err)
	got, err := os.ReadFile(filepath.Join(filepath.Dir(file), "thaw.wasm"))
	if err != nil || !bytes.Equal(got, want) {
		return ""
	}
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

type meterBench struct {
	l     interpreter
	forms []form
	task  *cpu.Task
}

func (b *meterBench) run(ctx context.Context, dir string) {
	programs := make([]*sandbox.Program, len(b.forms))
	snapshots := make([]*sandbox.Snapshot, len(b.forms))
	for i, f := range b.forms {
		h, err := sandbox.NewHost(ctx, sandbox.HostConfig{CacheDir: filepath.Join(dir, fmt.Sprint("meter-", b.l.runtime, i)), Unmetered: f.unmetered})
		check(err)
		defer func() { check(h.Close(ctx)) }()
		g := b.l.guest()
		if f.wasm != nil {
			g.Wasm = f.wasm
		}
		programs[i], err = h.Load(ctx, g, nil)
		check(err)
		snapshots[i], err = programs[i].RuntimeSnapshot(ctx, nil)
		check(err)
		defer snapshots[i].Close()
	}
	total := make([]float64, len(b.forms)) // of logarithms
	for _, w := range b.l.workloads {
		sum, metered := make([]float64, len(b.forms)), math.Inf(1)
		for range meterStarts {
			best := b.start(programs, snapshots, w)
			for i := range best {
				sum[i] += math.Log(best[0]/best[i]) / meterStarts
			}
			metered = min(metered, best[0])
		}
		fmt.Printf("  %-10s", w.name)
		for i := 1; i < len(sum); i++ {
			fmt.Printf("  %-31.3f", math.Exp(sum[i]))
			total[i] += sum[i] / float64(len(b.l.workloads))
		}
		fmt.Printf("  (%.2f ms)\n", metered*1e3)
	}
	fmt.Printf("  %-10s", "geomean")
	for i := 1; i < len(total); i++ {
		fmt.Printf("  %-31.3f", math.Exp(total[i]))
	}
	fmt.Println()
}

// start measures a workload in fresh instances: the least seconds of one run in each form.
func (b *meterBench) start(programs []*sandbox.Program, snapshots []*sandbox.Snapshot, w workload) []float64 {
	const memory = 512 << 20
	tree, err := vfs.OpenZip(zipOf(map[string]string{b.l.file: w.code + b.l.handler}), vfs.Limits{})
	check(err)
	boxes, best := make([]*sandbox.Instance, len(programs)), make([]float64, len(programs))
	limits := func() sandbox.Limits { return sandbox.Limits{Deadline: time.Now().Add(time.Hour), CPU: b.task} }
	for i, p := range programs {
		boxes[i], err = p.NewInstance(memory)
		check(err)
		defer func() { check(boxes[i].Close()) }()
		check(boxes[i].Bind(snapshots[i], memory, vfs.Mounts{Task: tree}))
		check(boxes[i].Restore(nil, limits()))
		_, _, err := boxes[i].Load(&abi.Load{Runtime: b.l.runtime, Handler: "app.handler", TaskRoot: abi.TaskRoot, FunctionName: "f", Version: "$LATEST", MemoryMB: "512"}, nil, limits())
		check(err)
		best[i] = math.Inf(1)
	}
	call := func(box *sandbox.Instance, n int) float64 {
		begin := time.Now()
		payload, status, err := box.Invoke(&abi.Invoke{Event: strconv.AppendInt(nil, int64(n), 10), RequestID: "r"}, nil, limits())
		took := time.Since(begin).Seconds() / float64(n)
		check(err)
		if status != abi.StatusDone {
			check(fmt.Errorf("%s: %s", w.name, payload))
		}
		return took
	}
	call(boxes[0], 1)
	n := max(1, int(meterSample.Seconds()/call(boxes[0], 1)))
	for r := range meterRounds {
		for k := range boxes {
			i := (r + k) % len(boxes)
			best[i] = min(best[i], call(boxes[i], n))
		}
	}
	return best
}
