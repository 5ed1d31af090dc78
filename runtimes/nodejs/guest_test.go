package nodejs

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/service"
)

// host is the smallest host that the guest runs on: wazero's WASI and a thaw module that collects the log.
type host struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	library  fs.FS
}

var sharedHost = sync.OnceValues(func() (*host, error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2).WithCloseOnContextDone(false))
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	b := r.NewHostModuleBuilder("thaw")
	service.Export(b, func(ctx context.Context) *service.Table { return &ctx.Value(guestKey{}).(*guest).services })
	exportNoNetwork(b)
	_, err := b.
		NewFunctionBuilder().WithFunc(func(ctx context.Context, m api.Module, level, ptr, n uint32) {
		b, _ := m.Memory().Read(ptr, n)
		g := ctx.Value(guestKey{}).(*guest)
		g.logs = append(g.logs, string(b))
	}).Export("log").
		NewFunctionBuilder().WithFunc(func(context.Context) int64 { return 2999 }).Export("remaining_time").
		Instantiate(ctx)
	if err != nil {
		return nil, err
	}
	g := Guest()
	code, err := g.Wasm()
	if err != nil {
		return nil, err
	}
	compiled, err := r.CompileModule(ctx, code)
	if err != nil {
		return nil, err
	}
	image, err := g.Files()
	if err != nil {
		return nil, err
	}
	library, err := zip.NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		return nil, err
	}
	return &host{r, compiled, library}, nil
})

// exportNoNetwork adds the functions of the network, which refuse everything: the end-to-end tests have a real one.
func exportNoNetwork(b wazero.HostModuleBuilder) {
	const eacces = 2
	for name, params := range map[string]int{
		"sock_open": 3, "sock_bind": 3, "sock_connect": 3, "sock_name": 5, "sock_get": 3, "sock_set": 3, "sock_sendto": 7, "sock_recvfrom": 5,
		"dns_open": 4, "tls_start": 3, "tls_open": 3, "tls_feed": 4, "tls_drain": 4, "tls_info": 4,
	} {
		types := make([]api.ValueType, params)
		for i := range types {
			types[i] = api.ValueTypeI32
		}
		b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) { stack[0] = eacces }), types, []api.ValueType{api.ValueTypeI32}).Export(name)
	}
}

type guestKey struct{}

// guest is one instance with a function's files.
type guest struct {
	t      testing.TB
	ctx    context.Context
	module api.Module
	call   api.Function
	logs   []string
	stdout bytes.Buffer
	tmp    string
	name   string // runtime

	services service.Table
}

// start brings an instance to the state after RESTORE.
func start(t testing.TB, task fstest.MapFS, env ...string) *guest {
	t.Helper()
	h, err := sharedHost()
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t, tmp: t.TempDir(), services: service.Table{Charge: func(uint64) {}}}
	t.Cleanup(g.services.Reset)
	g.ctx = context.WithValue(context.Background(), guestKey{}, g)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithSysNanosleep().WithSysNanotime().WithSysWalltime().
		WithStdout(&g.stdout).WithStderr(&g.stdout).WithRandSource(entropy{}).
		WithFSConfig(wazero.NewFSConfig().WithFSMount(h.library, "/var/runtime").WithFSMount(task, "/var/task").WithDirMount(g.tmp, "/tmp"))
	g.module, err = h.runtime.InstantiateModule(g.ctx, h.compiled, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.module.Close(g.ctx) })
	g.call = g.module.ExportedFunction("thaw_call")
	g.done(abi.OpInit, abi.AppendPairs(nil, "abi", "1"))
	pairs := []string{"AWS_LAMBDA_LOG_STREAM_NAME", "LS", "HOME", "/home/sbx_user1051"}
	g.done(abi.OpRestore, abi.AppendPairs(nil, append(pairs, env...)...))
	return g
}

type entropy struct{}

func (entropy) Read(b []byte) (int, error) {
	f, err := os.Open("/dev/urandom")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Read(b)
}

// raw performs one operation with a frame.
func (g *guest) raw(op abi.Op, frame []byte) (abi.Status, []byte) {
	g.t.Helper()
	ptr := uint64(0)
	if frame != nil {
		r, err := g.call.Call(g.ctx, uint64(abi.OpAlloc), uint64(len(frame)), 0)
		if err != nil {
			g.t.Fatal(err)
		}
		ptr = r[0] & 0xFFFFFFFF
		if !g.module.Memory().Write(uint32(ptr), frame) {
			g.t.Fatal("out of memory")
		}
	}
	r, err := g.call.Call(g.ctx, uint64(op), ptr, uint64(len(frame)))
	if err != nil {
		g.t.Fatalf("%v: %v\n%s", op, err, g.stdout.String())
	}
	return g.result(r[0])
}

func (g *guest) result(r uint64) (abi.Status, []byte) {
	at := uint32(r)
	n, _ := g.module.Memory().ReadUint32Le(at)
	b, ok := g.module.Memory().Read(at+4, n)
	if !ok {
		g.t.Fatalf("result frame at %d with %d bytes", at, n)
	}
	return abi.Status(r >> 32), bytes.Clone(b)
}

func (g *guest) done(op abi.Op, frame []byte) {
	g.t.Helper()
	if s, b := g.raw(op, frame); s != abi.StatusDone {
		g.t.Fatalf("%v: %v %s\n%s", op, s, b, g.stdout.String())
	}
}

func (g *guest) load(runtime, handler string) (abi.Status, []byte) {
	g.t.Helper()
	g.name = runtime
	l := abi.Load{Runtime: runtime, Handler: handler, TaskRoot: "/var/task", FunctionName: "fn", Version: "$LATEST", MemoryMB: "128",
		LogGroup: "/aws/lambda/fn", LogStream: "LS", FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:fn"}
	return g.raw(abi.OpLoad, l.Append(nil))
}

// invoke waits for the answer as the engine does, sleeping between turns.
func (g *guest) invoke(event string, more ...func(*abi.Invoke)) (abi.Status, string) {
	g.t.Helper()
	v := abi.Invoke{DeadlineMS: time.Now().Add(3 * time.Second).UnixMilli(), Event: []byte(event), RequestID: "RID",
		InvokedARN: "arn:aws:lambda:us-east-1:000000000000:function:fn"}
	for _, f := range more {
		f(&v)
	}
	frame := make([]byte, v.Size())
	v.Encode(frame)
	s, b := g.raw(abi.OpInvoke, frame)
	for s == abi.StatusPending {
		w, err := abi.ParseWait(b)
		if err != nil {
			g.t.Fatal(err)
		}
		if w.Until < 0 {
			g.t.Fatal("pending without a timer")
		}
		time.Sleep(time.Millisecond)
		s, b = g.raw(abi.OpTurn, nil)
	}
	return s, string(b)
}

func task(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1]), Mode: 0o644}
	}
	return m
}

// loaded starts a guest whose only file is index.js.
func loaded(t testing.TB, runtime, source string, env ...string) *guest {
	t.Helper()
	g := start(t, task("index.js", source), env...)
	if s, b := g.load(runtime, "index.handler"); s != abi.StatusDone {
		t.Fatalf("load: %v %s", s, b)
	}
	return g
}

func decode(t testing.TB, s string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return m
}
