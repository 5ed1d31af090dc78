package python27_test

import (
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
	"github.com/thawrun/thaw/runtimes/artefact"
)

func benchInstance(b *testing.B) *sandbox.Instance {
	interp, err := interpreterOnce()
	if err != nil {
		b.Fatal(err)
	}
	box, err := interp.program.NewInstance(128 << 20)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = box.Close() })
	return box
}

func benchStart(b *testing.B, box *sandbox.Instance, source string) {
	interp, _ := interpreterOnce()
	tree, err := vfs.OpenZip(artefact.Zip("app.py", source), vfs.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	if err := box.Bind(interp.snapshot, 128<<20, vfs.Mounts{Task: tree}); err != nil {
		b.Fatal(err)
	}
	if err := box.Restore([]string{"A", "B"}, limits()); err != nil {
		b.Fatal(err)
	}
	if _, status, err := box.Load(&abi.Load{Runtime: "python2.7", Handler: "app.handler", TaskRoot: abi.TaskRoot, MemoryMB: "128"}, nil, limits()); err != nil || status != abi.StatusDone {
		b.Fatal(status, err)
	}
}

func benchInvoke(b *testing.B, box *sandbox.Instance) {
	limits := sandbox.Limits{Deadline: time.Now().Add(time.Hour)}
	if _, status, err := box.Invoke(&abi.Invoke{Event: []byte(`{"name": "x"}`), RequestID: "r"}, nil, limits); err != nil || status != abi.StatusDone {
		b.Fatal(status, err)
	}
}

const hello = "import json\n\n\ndef handler(event, context):\n    return {'message': 'Hello ' + event['name']}\n"

// BenchmarkColdStart binds, loads and invokes the simplest of functions.
func BenchmarkColdStart(b *testing.B) {
	box := benchInstance(b)
	for b.Loop() {
		benchStart(b, box, hello)
		benchInvoke(b, box)
	}
}

// BenchmarkWarmInvoke invokes it again.
func BenchmarkWarmInvoke(b *testing.B) {
	box := benchInstance(b)
	benchStart(b, box, hello)
	for b.Loop() {
		benchInvoke(b, box)
	}
}

// BenchmarkFib is a function that computes.
func BenchmarkFib(b *testing.B) {
	box := benchInstance(b)
	benchStart(b, box, "def fib(n): return n if n < 2 else fib(n-1) + fib(n-2)\ndef handler(event, context): return fib(20)\n")
	for b.Loop() {
		benchInvoke(b, box)
	}
}
