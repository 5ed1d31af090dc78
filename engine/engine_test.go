package engine_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/cpu"
	"github.com/thawrun/thaw/runtimes/python"
)

// cacheDir is shared by all tests, so that CPython is compiled once.
var cacheDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "thaw-engine-")
	if err != nil {
		panic(err)
	}
	cacheDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func newEngine(t *testing.T, cfg engine.Config) *engine.Engine {
	t.Helper()
	cfg.Guests = []*abi.Guest{python.Guest()}
	cfg.CacheDir = cacheDir
	e, err := engine.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// function is a Python function whose module app.py is source.
func function(t *testing.T, source string) engine.Function {
	t.Helper()
	return engine.Function{
		Key: "fn", Name: "fn", Runtime: "python3.13", Handler: "app.handler", Timeout: 10 * time.Second, Reserved: -1,
		Code: engine.Zip(zipOf(t, map[string]string{"app.py": source})),
	}
}

func deploy(t *testing.T, e *engine.Engine, f engine.Function) {
	t.Helper()
	if _, err := e.Deploy(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func invoke(t *testing.T, e *engine.Engine, event string) *engine.Response {
	t.Helper()
	var resp engine.Response
	if err := e.Invoke(t.Context(), &engine.Request{Function: "fn", Event: []byte(event), LogTail: true}, &resp); err != nil {
		t.Fatal(err)
	}
	return &resp
}

func wantPayload(t *testing.T, r *engine.Response, want string) {
	t.Helper()
	if r.FunctionError != engine.Succeeded || string(r.Payload) != want {
		t.Errorf("got %q (%s), want %q\nlog:\n%s", r.Payload, r.FunctionError, want, r.LogTail)
	}
}

func wantError(t *testing.T, r *engine.Response, kind, message string) {
	t.Helper()
	var body struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(r.Payload, &body); err != nil {
		t.Fatalf("%v in %q", err, r.Payload)
	}
	if r.FunctionError != engine.Unhandled || body.ErrorType != kind || !strings.Contains(body.ErrorMessage, message) {
		t.Errorf("got %s %s: %q, want %s: %q\nlog:\n%s", r.FunctionError, body.ErrorType, body.ErrorMessage, kind, message, r.LogTail)
	}
}

func TestInvoke(t *testing.T) {
	e := newEngine(t, engine.Config{})
	deploy(t, e, function(t, `
print("loading")
count = 0
def handler(event, context):
    global count
    count += 1
    print("hello from", context.function_name)
    return {"count": count, "event": event, "id": context.aws_request_id}
`))
	for i := 1; i <= 3; i++ {
		r := invoke(t, e, `{"name":"Wörld ✓ 🚀"}`)
		wantPayload(t, r, fmt.Sprintf(`{"count": %d, "event": {"name": "Wörld ✓ 🚀"}, "id": "%s"}`, i, r.RequestID))
		if r.Report.Cold != (i == 1) || (r.Report.Init > 0) != (i == 1) {
			t.Errorf("call %d: %+v", i, r.Report)
		}
		log := string(r.LogTail)
		for _, want := range []string{"START RequestId: " + r.RequestID + " Version: $LATEST\n", "hello from fn\n", "END RequestId: ", "REPORT RequestId: "} {
			if !strings.Contains(log, want) {
				t.Errorf("log of call %d lacks %q:\n%s", i, want, log)
			}
		}
		if strings.Contains(log, "loading") != (i == 1) {
			t.Errorf("log of call %d: module output belongs to the first only:\n%s", i, log)
		}
	}
	if s := e.Stats(); s.Invocations != 3 || s.Errors != 0 || s.Pool.Cold != 1 || s.Pool.Warm != 2 || s.Fuel == 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhatFunctionsReturnAndRaise(t *testing.T) {
	cases := []struct {
		name, source string
		event        string
		payload      string // or
		kind, text   string
	}{
		{"nothing", "def handler(e, c): pass", `{}`, `null`, "", ""},
		{"decimal", "from decimal import Decimal\ndef handler(e, c): return [Decimal('1.5'), Decimal(3)]", `{}`, `[1.5, 3]`, "", ""},
		{"scalar event", "def handler(e, c): return e", `5`, `5`, "", ""},
		{"null event", "def handler(e, c): return e is None", `null`, `true`, "", ""},
		{"relative file", "def handler(e, c): return open('app.py').read(3)", `{}`, `"def"`, "", ""},
		{"tmp", "def handler(e, c):\n open('/tmp/x','w').write('hi')\n return open('/tmp/x').read()", `{}`, `"hi"`, "", ""},
		{"sqlite", "import sqlite3\ndef handler(e, c):\n d=sqlite3.connect('/tmp/db'); d.execute('create table t(a)'); d.execute('insert into t values (7)'); d.commit()\n return d.execute('select a from t').fetchall()", `{}`, `[[7]]`, "", ""},
		{"codecs", "import bz2, lzma, zlib, hashlib\ndef handler(e, c): return [bz2.decompress(bz2.compress(b'a')).decode(), lzma.decompress(lzma.compress(b'b')).decode(), zlib.decompress(zlib.compress(b'c')).decode(), hashlib.md5(b'').hexdigest()]", `{}`, `["a", "b", "c", "d41d8cd98f00b204e9800998ecf8427e"]`, "", ""},
		{"raises", "def handler(e, c): raise ValueError('no ✓')", `{}`, "", "ValueError", "no ✓"},
		{"raises at import", "1/0", `{}`, "", "ZeroDivisionError", "division by zero"},
		{"not JSON", "def handler(e, c): return object()", `{}`, "", "Runtime.MarshalError", "not JSON serializable"},
		{"no handler", "x = 1", `{}`, "", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"},
		{"no module", "import nowhere", `{}`, "", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'nowhere'"},
		{"syntax", "def handler(:", `{}`, "", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"},
		{"exit at import", "import sys; sys.exit(3)", `{}`, "", "Runtime.ExitError", "exit status 3"},
		{"exit", "import sys\ndef handler(e, c): sys.exit(0)", `{}`, "", "Runtime.ExitError", "without providing a reason"},
		{"recursion", "def handler(e, c): return handler(e, c)", `{}`, "", "RecursionError", "recursion"},
		{"read only", "def handler(e, c): open('/var/task/x', 'w')", `{}`, "", "OSError", "Read-only"},
		{"memory", "def handler(e, c): return len('a' * 10**9)", `{}`, "", "MemoryError", ""},
		{"event not JSON", "def handler(e, c): return e", `{"a"`, "", "Runtime.UnmarshalError", "Unable to unmarshal input"},
	}
	e := newEngine(t, engine.Config{})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := function(t, c.source)
			f.Revision = c.name
			deploy(t, e, f)
			for range 2 { // the next invocation works as the first did
				r := invoke(t, e, c.event)
				if c.kind == "" {
					wantPayload(t, r, c.payload)
				} else {
					wantError(t, r, c.kind, c.text)
				}
				if c.name == "sqlite" {
					break // its table is there the second time
				}
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	for name, body := range map[string]string{
		"loop":       "    while True: pass",
		"sleep":      "    time.sleep(60)",
		"C loop":     "    sum(range(10**12))",
		"swallowing": "    while True:\n        try:\n            time.sleep(60)\n        except BaseException: pass",
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, engine.Config{})
			f := function(t, "import time\ndef handler(event, context):\n    if event == 1: return 'fine'\n    print('working')\n"+body)
			f.Timeout = 200 * time.Millisecond
			deploy(t, e, f)
			r := invoke(t, e, `{}`)
			wantError(t, r, "Sandbox.Timedout", "Task timed out after 0.20 seconds")
			if !strings.Contains(string(r.LogTail), "working\n") || !strings.Contains(string(r.LogTail), "Task timed out") {
				t.Errorf("log:\n%s", r.LogTail)
			}
			wantPayload(t, invoke(t, e, `1`), `"fine"`)
		})
	}
}

// Shortly before the deadline the handler is interrupted, so that finally blocks and log lines run.
func TestSoftInterrupt(t *testing.T) {
	e := newEngine(t, engine.Config{})
	f := function(t, `
def handler(event, context):
    try:
        while True: pass
    finally:
        print("tidied up")
`)
	f.Timeout = 300 * time.Millisecond
	deploy(t, e, f)
	// On a machine that is busy otherwise the few milliseconds may pass without the guest running at all.
	for range 10 {
		r := invoke(t, e, `{}`)
		wantError(t, r, "Sandbox.Timedout", "Task timed out after 0.30 seconds")
		if strings.Contains(string(r.LogTail), "tidied up\n") {
			return
		}
	}
	t.Error("finally never ran")
}

func TestCancel(t *testing.T) {
	e := newEngine(t, engine.Config{})
	deploy(t, e, function(t, "import time\ndef handler(event, context):\n    time.sleep(event)\n    while event: pass\n    return 1"))
	for _, event := range []string{"60", "0.001"} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		var resp engine.Response
		err := e.Invoke(ctx, &engine.Request{Function: "fn", Event: []byte(event)}, &resp)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("sleep %s: %v", event, err)
		}
	}
	wantPayload(t, invoke(t, e, `0`), `1`)
}

// Close ends what runs, sleeping guests included.
func TestCloseWhileRunning(t *testing.T) {
	e := newEngine(t, engine.Config{})
	f := function(t, "import time\ndef handler(event, context):\n    time.sleep(event)\n    while True: pass")
	f.Timeout = 5 * time.Minute
	deploy(t, e, f)
	var wg sync.WaitGroup
	for _, event := range []string{"200", "0.001"} {
		wg.Go(func() {
			var resp engine.Response
			if err := e.Invoke(t.Context(), &engine.Request{Function: "fn", Event: []byte(event)}, &resp); !errors.Is(err, engine.ErrClosed) {
				t.Errorf("%v, %s", err, resp.Payload)
			}
		})
	}
	if err := e.Ready(t.Context(), "python3.13"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	var resp engine.Response
	if err := e.Invoke(t.Context(), &engine.Request{Function: "fn"}, &resp); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Close doesn't wait for an interpreter to be compiled.
func TestCloseWhileCompiling(t *testing.T) {
	var log bytes.Buffer
	compiling, stages := make(chan struct{}), make(chan string, 16)
	e, err := engine.New(t.Context(), engine.Config{
		Guests: []*abi.Guest{python.Guest()}, CacheDir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Progress: func(p engine.Progress) {
			stages <- p.Stage
			if p.Stage == "compile" {
				close(compiling)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	<-compiling
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(stages)
	for s := range stages {
		if s != "meter" && s != "compile" {
			t.Errorf("stage %s was reached: compiling went on", s)
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
}

func TestAnUpdateIsServedAtOnce(t *testing.T) {
	e := newEngine(t, engine.Config{})
	for i := range 5 {
		f := function(t, fmt.Sprintf("def handler(event, context): return %d", i))
		f.Revision = fmt.Sprint(i)
		deploy(t, e, f)
		wantPayload(t, invoke(t, e, `{}`), fmt.Sprint(i))
	}
	e.Remove("fn")
	var resp engine.Response
	if err := e.Invoke(t.Context(), &engine.Request{Function: "fn"}, &resp); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("after Remove: %v", err)
	}
}

// Clones of one snapshot must not draw the same random values.
func TestClonesDiffer(t *testing.T) {
	e := newEngine(t, engine.Config{})
	for _, snap := range []bool{false, true} {
		f := function(t, `
import random, uuid, secrets, tempfile, os
random.random()
def handler(event, context):
    return [random.random(), str(uuid.uuid4()), str(uuid.uuid1()), secrets.token_hex(8), next(tempfile._get_candidate_names()), os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], context.log_stream_name]
`)
		f.SnapStart = snap
		f.Isolation = engine.IsolationInstance
		seen := map[string]bool{}
		for i := range 4 {
			f.Key = fmt.Sprintf("clone-%v-%d", snap, i/2) // new versions, and the same one deployed anew
			f.Revision = fmt.Sprint(i)
			deploy(t, e, f)
			var resp engine.Response
			if err := e.Invoke(t.Context(), &engine.Request{Function: f.Key}, &resp); err != nil {
				t.Fatal(err)
			}
			var values []any
			if err := json.Unmarshal(resp.Payload, &values); err != nil {
				t.Fatalf("%v: %s", err, resp.Payload)
			}
			if values[5] != values[6] {
				t.Errorf("log stream: %v in the environment, %v in the context", values[5], values[6])
			}
			for k, v := range values[:6] {
				key := fmt.Sprint(k, v)
				if seen[key] {
					t.Errorf("snapstart %v, clone %d: value %d repeats: %v", snap, i, k, v)
				}
				seen[key] = true
			}
		}
	}
}

func TestIsolation(t *testing.T) {
	e := newEngine(t, engine.Config{})
	f := function(t, `
import os
n = 0
def handler(event, context):
    global n
    n += 1
    open("/tmp/%d" % n, "w").write("x")
    return [n, len(os.listdir("/tmp"))]
`)
	f.Isolation = engine.IsolationRequest
	deploy(t, e, f)
	for range 4 {
		wantPayload(t, invoke(t, e, `{}`), `[1, 1]`)
	}
	if s := e.Stats(); runtime.GOOS == "linux" && s.Faults == 0 {
		t.Errorf("no page fault was counted: %+v", s)
	}
	f.Isolation, f.Revision = engine.IsolationInstance, "shared"
	deploy(t, e, f)
	for i := 1; i <= 3; i++ {
		wantPayload(t, invoke(t, e, `{}`), fmt.Sprintf(`[%d, %d]`, i, i))
	}
}

func TestThrottling(t *testing.T) {
	e := newEngine(t, engine.Config{Concurrency: 2})
	f := function(t, "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 1")
	deploy(t, e, f)
	wantPayload(t, invoke(t, e, `0`), `1`)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	started := make(chan struct{}, 2)
	for range 2 {
		wg.Go(func() {
			started <- struct{}{}
			var resp engine.Response
			_ = e.Invoke(ctx, &engine.Request{Function: "fn", Event: []byte("9")}, &resp)
		})
	}
	<-started
	<-started
	var throttled *engine.ThrottleError
	for begin := time.Now(); throttled == nil && time.Since(begin) < 5*time.Second; {
		var resp engine.Response
		if err := e.Invoke(t.Context(), &engine.Request{Function: "fn", Event: []byte("0")}, &resp); err != nil && !errors.As(err, &throttled) {
			t.Fatal(err)
		}
	}
	if throttled == nil || throttled.Reason != engine.ThrottleAccount || !errors.Is(throttled, engine.ErrThrottled) {
		t.Errorf("third of two: %v", throttled)
	}
	cancel()
	wg.Wait()
}

func TestPayloadLimits(t *testing.T) {
	e := newEngine(t, engine.Config{})
	f := function(t, "def handler(event, context): return event if isinstance(event, str) else 'x' * event")
	f.MemoryMB = 256
	deploy(t, e, f)
	big := `"` + strings.Repeat("y", 6<<20-3) + `"` // 6 MB less a byte
	wantPayload(t, invoke(t, e, big), big)
	wantError(t, invoke(t, e, fmt.Sprint(7<<20)), "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size (6291456 bytes)")
	var resp engine.Response
	if err := e.Invoke(t.Context(), &engine.Request{Function: "fn", Event: []byte(big + "  ")}, &resp); !errors.Is(err, engine.ErrTooLarge) {
		t.Errorf("event of 6 MB + 1: %v", err)
	}
}

func TestMuchOutput(t *testing.T) {
	var mu sync.Mutex
	total := 0
	e := newEngine(t, engine.Config{Logs: func(r engine.LogRecord) { mu.Lock(); total += len(r.Message); mu.Unlock() }})
	deploy(t, e, function(t, "def handler(event, context):\n    for i in range(10240): print('z' * 1023)\n    return 'done'"))
	r := invoke(t, e, `{}`)
	wantPayload(t, r, `"done"`)
	if len(r.LogTail) != 4096 || !strings.Contains(string(r.LogTail), "REPORT RequestId") {
		t.Errorf("tail of %d bytes", len(r.LogTail))
	}
	if total < 10240*1023 {
		t.Errorf("the sink got %d bytes", total)
	}
}

func TestCorruptCacheIsRebuilt(t *testing.T) {
	own := t.TempDir()
	if err := os.CopyFS(own, os.DirFS(cacheDir)); err != nil {
		t.Fatal(err)
	}
	snaps, _ := filepath.Glob(filepath.Join(own, "snapshots", "*.snap"))
	if len(snaps) == 0 {
		t.Fatal("no snapshot in the cache")
	}
	for _, file := range snaps {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var progress []string
	var mu sync.Mutex
	e, err := engine.New(t.Context(), engine.Config{Guests: []*abi.Guest{python.Guest()}, CacheDir: own, Progress: func(p engine.Progress) {
		mu.Lock()
		progress = append(progress, p.Stage)
		mu.Unlock()
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(context.Background())
	deploy(t, e, function(t, "def handler(event, context): return 1"))
	wantPayload(t, invoke(t, e, `{}`), `1`)
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(progress, " ") != "meter compile snapshot ready" {
		t.Errorf("progress %v", progress)
	}
}

func TestBadPackages(t *testing.T) {
	if _, err := engine.CheckPackage([]byte("hello"), 0); !errors.Is(err, engine.ErrCode) {
		t.Errorf("no zip: %v", err)
	}
	if _, err := engine.CheckPackage(zipOf(t, map[string]string{"../x": ""}), 0); !errors.Is(err, engine.ErrCode) {
		t.Errorf("traversal: %v", err)
	}
	if _, err := engine.CheckPackage(zipOf(t, map[string]string{"a": strings.Repeat("0", 2000)}), 1000); !errors.Is(err, engine.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if n, err := engine.CheckPackage(zipOf(t, map[string]string{"a": "xy"}), 0); err != nil || n != 2 {
		t.Error(err)
	}
	e := newEngine(t, engine.Config{})
	if _, err := e.Deploy(t.Context(), engine.Function{Key: "x", Runtime: "cobol"}); !errors.Is(err, engine.ErrRuntime) {
		t.Errorf("unknown runtime: %v", err)
	}
}

// Nothing is global: engines in one process don't know of each other.
func TestTwoEngines(t *testing.T) {
	a, b := newEngine(t, engine.Config{}), newEngine(t, engine.Config{CPU: cpu.Proportional})
	for i, e := range []*engine.Engine{a, b} {
		deploy(t, e, function(t, fmt.Sprintf("def handler(event, context): return %d", i)))
	}
	for range 3 {
		wantPayload(t, invoke(t, a, `{}`), "0")
		wantPayload(t, invoke(t, b, `{}`), "1")
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPayload(t, invoke(t, b, `{}`), "1")
}

// Many functions share a budget: what costs most while idle makes room. What is cheap, the functions' snapshots, stays for all of
// them, so that the next call of each binds it and loads nothing.
func TestManyFunctionsStayWithinTheBudget(t *testing.T) {
	for _, c := range []struct {
		name      string
		functions int
		snapshots bool
		budget    int64
	}{{"instances", 2000, false, 64 << 20}, {"function snapshots", 2000, true, 160 << 20}, {"too many snapshots", 600, true, 40 << 20}} {
		t.Run(c.name, func(t *testing.T) {
			functions := c.functions
			var loads atomic.Int64
			e := newEngine(t, engine.Config{MemoryBudget: c.budget, FunctionSnapshots: c.snapshots, Logs: func(r engine.LogRecord) {
				if string(r.Message) == "loading" {
					loads.Add(1)
				}
			}})
			f := function(t, "print('loading')\ndef handler(event, context): return event")
			f.CodeSHA256 = "shared"
			call := func(i int) *engine.Response {
				t.Helper()
				var resp engine.Response
				if err := e.Invoke(t.Context(), &engine.Request{Function: fmt.Sprint("fn", i), Event: []byte(fmt.Sprint(i))}, &resp); err != nil {
					t.Fatal(err)
				}
				if string(resp.Payload) != fmt.Sprint(i) {
					t.Fatalf("function %d answered %s", i, resp.Payload)
				}
				if used := e.Stats().Pool.Used; used > c.budget {
					t.Fatalf("%d bytes used of %d after function %d", used, c.budget, i)
				}
				return &resp
			}
			for i := range functions {
				f.Key = fmt.Sprint("fn", i)
				deploy(t, e, f)
				call(i)
			}
			s := e.Stats()
			if s.Functions != functions || s.Pool.Evicted == 0 || s.Pool.Live >= functions || s.Pool.Cached == 0 {
				t.Errorf("%+v", s)
			}
			if r := call(functions - 1); r.Report.Cold {
				t.Error("the last function's instance was evicted")
			}
			loads.Store(0)
			const again = 300
			for i := range again {
				if r := call(i); !r.Report.Cold {
					t.Fatalf("the instance of function %d was not evicted", i)
				}
			}
			want := int64(again)
			if c.name == "function snapshots" {
				want = 0
			}
			if n := loads.Load(); n != want {
				t.Errorf("%d functions loaded their module anew, want %d; %+v", n, want, e.Stats().Pool)
			}
			if dropped := e.Stats().Pool.Dropped; c.name == "too many snapshots" && dropped < uint64(functions)/4 {
				t.Errorf("%d snapshots dropped", dropped)
			}
			for i := range functions {
				e.Remove(fmt.Sprint("fn", i))
			}
			if s := e.Stats().Pool; s.Live != 0 {
				t.Errorf("after all are removed: %+v", s)
			}
		})
	}
}

// Reservations of removed functions are given back to the others.
func TestReservedConcurrency(t *testing.T) {
	e := newEngine(t, engine.Config{Concurrency: 1})
	f := function(t, "def handler(event, context): return 1")
	f.Reserved = 0
	deploy(t, e, f)
	var resp engine.Response
	var throttled *engine.ThrottleError
	if err := e.Invoke(t.Context(), &engine.Request{Function: "fn"}, &resp); !errors.As(err, &throttled) || throttled.Reason != engine.ThrottleReserved {
		t.Errorf("with a reservation of 0: %v", err)
	}
	f.Reserved, f.Revision = 1, "2"
	deploy(t, e, f)
	wantPayload(t, invoke(t, e, `{}`), "1")
	other := function(t, "def handler(event, context): return 2")
	other.Key = "other"
	deploy(t, e, other)
	if err := e.Invoke(t.Context(), &engine.Request{Function: "other"}, &resp); !errors.As(err, &throttled) || throttled.Reason != engine.ThrottleAccount {
		t.Errorf("the other one's function, with all reserved: %v", err)
	}
	e.Remove("fn")
	if err := e.Invoke(t.Context(), &engine.Request{Function: "other"}, &resp); err != nil || string(resp.Payload) != "2" {
		t.Errorf("after the reservation is gone: %v, %s", err, resp.Payload)
	}
}

func TestPrewarm(t *testing.T) {
	e := newEngine(t, engine.Config{})
	f := function(t, "def handler(event, context): return 1")
	f.Prewarm = 2
	deploy(t, e, f)
	for begin := time.Now(); e.Stats().Pool.Idle < 2; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("not prewarmed: %+v", e.Stats())
		}
	}
	wantPayload(t, invoke(t, e, `{}`), "1")
	if s := e.Stats().Pool; s.Cold != 0 || s.Warm != 1 {
		t.Errorf("%+v", s)
	}
}

// Hammer: updates, failures of every kind and cancellations beside good calls. Nothing is lost, leaked or mixed up.
func TestHammer(t *testing.T) {
	e := newEngine(t, engine.Config{MemoryBudget: 256 << 20, Concurrency: -1})
	source := `
import os, sys
def handler(event, context):
    kind = event["kind"]
    if kind == "loop":
        while True: pass
    if kind == "memory": return len(bytearray(1 << 30))
    if kind == "exit": os._exit(3)
    if kind == "raise": raise ValueError("no")
    return [event["n"], VERSION]
`
	put := func(revision int) {
		f := function(t, strings.ReplaceAll(source, "VERSION", fmt.Sprint(revision)))
		f.Revision, f.Timeout = fmt.Sprint(revision), 500*time.Millisecond
		deploy(t, e, f)
	}
	put(0)
	invoke(t, e, `{"kind": "good", "n": 0}`)
	end := time.Now().Add(4 * time.Second)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 1; time.Now().Before(end); i++ {
			time.Sleep(200 * time.Millisecond)
			put(i)
		}
	})
	kinds := []string{"good", "good", "good", "memory", "exit", "raise", "good", "loop"}
	for w := range 6 {
		wg.Go(func() {
			var resp engine.Response
			for n := 0; time.Now().Before(end); n++ {
				kind := kinds[(n+w)%len(kinds)]
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if kind == "loop" && n%2 == 0 {
					ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond)
				}
				err := e.Invoke(ctx, &engine.Request{Function: "fn", Event: fmt.Appendf(nil, `{"kind": %q, "n": %d}`, kind, n)}, &resp)
				cancel()
				var throttled *engine.ThrottleError
				switch {
				case errors.Is(err, context.DeadlineExceeded) && kind == "loop", errors.As(err, &throttled):
				case err != nil:
					t.Errorf("%s: %v", kind, err)
				case kind == "good" && !strings.HasPrefix(string(resp.Payload), fmt.Sprintf("[%d, ", n)) && resp.FunctionError == "":
					t.Errorf("%s %d: %s %s", kind, n, resp.FunctionError, resp.Payload)
				case kind != "good" && resp.FunctionError != engine.Unhandled:
					t.Errorf("%s: %q %s", kind, resp.FunctionError, resp.Payload)
				}
			}
		})
	}
	wg.Wait()
	put(-1)
	wantPayload(t, invoke(t, e, `{"kind": "good", "n": 7}`), "[7, -1]")
}
