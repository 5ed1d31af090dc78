package python_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
	"github.com/thawrun/thaw/runtimes/python"
)

// interpreter is CPython, compiled once for all tests, and its runtime snapshot.
type interpreter struct {
	program  *sandbox.Program
	snapshot *sandbox.Snapshot
}

var interpreterOnce = sync.OnceValues(func() (*interpreter, error) {
	ctx := context.Background()
	n, err := networkOnce()
	if err != nil {
		return nil, err
	}
	host, err := sandbox.NewHost(ctx, sandbox.HostConfig{Network: n.stack})
	if err != nil {
		return nil, err
	}
	program, err := host.Load(ctx, python.Guest(), nil)
	if err != nil {
		return nil, err
	}
	snapshot, err := program.RuntimeSnapshot(ctx, nil)
	return &interpreter{program, snapshot}, err
})

// instance is an instance of the guest bound to a package, and what it logged.
type instance struct {
	t    *testing.T
	box  *sandbox.Instance
	out  bytes.Buffer // stdout and stderr
	logs []string     // records of the host function log
}

func limits() sandbox.Limits { return sandbox.Limits{Deadline: time.Now().Add(2 * time.Minute)} }

// bind makes an instance with the files of a package below /var/task.
func bind(t *testing.T, files map[string]string, env ...string) *instance {
	t.Helper()
	interp, err := interpreterOnce()
	if err != nil {
		t.Fatal(err)
	}
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
	tree, err := vfs.OpenZip(b.Bytes(), vfs.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	box, err := interp.program.NewInstance(128 << 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := box.Bind(interp.snapshot, 128<<20, vfs.Mounts{Task: tree}); err != nil {
		t.Fatal(err)
	}
	in := &instance{t: t, box: box}
	box.Process().Stdio = func(_ int, p []byte) { in.out.Write(p) }
	if n, err := networkOnce(); err == nil {
		box.Process().Net.SetPolicy(n.policy)
	}
	box.Process().Log = func(_ abi.LogLevel, p []byte) { in.logs = append(in.logs, string(p)) }
	if err := box.Restore(env, limits()); err != nil {
		t.Fatal(err)
	}
	return in
}

func (in *instance) load(handler, runtime string) (string, abi.Status) {
	in.t.Helper()
	payload, status, err := in.box.Load(&abi.Load{
		Runtime: runtime, Handler: handler, TaskRoot: abi.TaskRoot, FunctionName: "fn", Version: "7", MemoryMB: "128",
		LogGroup: "/aws/lambda/fn", LogStream: "stream",
	}, nil, limits())
	if err != nil {
		in.t.Fatalf("%v\n%s", err, in.out.String())
	}
	return string(payload), status
}

func (in *instance) invoke(v *abi.Invoke) (string, abi.Status) {
	in.t.Helper()
	payload, status, err := in.box.Invoke(v, nil, limits())
	if err != nil {
		in.t.Fatalf("%v\n%s", err, in.out.String())
	}
	return string(payload), status
}

// run loads app.handler and invokes it once; the result is decoded.
func run(t *testing.T, source, event string) any {
	t.Helper()
	in := bind(t, map[string]string{"app.py": source})
	return in.result(t, event)
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

func want(t *testing.T, got any, text string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(v, got); d != "" {
		t.Errorf("want - got +:\n%s", d)
	}
}

// What a package's handler string may name.
func TestHandlerStrings(t *testing.T) {
	files := map[string]string{
		"app.py":              "def handler(e, c): return __name__, __file__, __spec__.origin, __package__, __cached__",
		"large.py":            "import importlib.util\nx = '" + strings.Repeat("ü", 100_000) + "'\ndef handler(e, c): return [len(x), importlib.util.cache_from_source(__file__) == __cached__ == __spec__.cached]",
		"pkg/__init__.py":     "",
		"pkg/mod.py":          "def handler(e, c): return __name__",
		"dir/nested/plain.py": "def handler(e, c): return __name__",
		"both.py":             "def handler(e, c): return 'file'",
		"both/__init__.py":    "def handler(e, c): return 'folder'",
		"latin.py":            "# -*- coding: latin-1 -*-\ndef handler(e, c): return '\xe9'",
		"queue.py":            "def handler(e, c): return 'own queue'",
		"uses.py":             "import secrets, queue\ndef handler(e, c): return secrets.KEY, queue.handler(e, c), hasattr(__import__('random'), 'random')",
		"secrets.py":          "KEY = 'own secrets'",
		"html/template.txt":   "a folder without code hides nothing",
		"html_user.py":        "import html\ndef handler(e, c): return html.escape('<')",
	}
	for handler, result := range map[string]string{
		"app.handler":              `["app", "/var/task/app.py", "/var/task/app.py", "", "/var/task/__pycache__/app.cpython-313.pyc"]`,
		"large.handler":            `[100000, true]`,
		"pkg.mod.handler":          `"pkg.mod"`,
		"pkg/mod.handler":          `"pkg.mod"`,
		"dir/nested/plain.handler": `"dir.nested.plain"`,
		"both.handler":             `"folder"`,
		"latin.handler":            `"é"`,
		"queue.handler":            `"own queue"`,
		"uses.handler":             `["own secrets", "own queue", true]`,
		"html_user.handler":        `"&lt;"`,
	} {
		in := bind(t, files)
		if text, status := in.load(handler, "python3.13"); status != abi.StatusDone {
			t.Errorf("%s: %v %s", handler, status, text)
			continue
		}
		text, _ := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"})
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%s: %v in %q", handler, err, text)
			continue
		}
		want(t, v, result)
	}
}

// AWS's sentences for what can't be loaded.
func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ source, handler, kind, message string }{
		{"", "app", "Runtime.MalformedHandlerName", "Bad handler 'app': not enough values to unpack (expected 2, got 1)"},
		{"", "nowhere.f", "Runtime.ImportModuleError", "Unable to import module 'nowhere': No module named 'nowhere'"},
		{"import missing", "app.f", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'missing'"},
		{"from os import nothing", "app.f", "Runtime.ImportModuleError", "Unable to import module 'app': cannot import name 'nothing' from 'os'"},
		{"x = 1", "app.f", "Runtime.HandlerNotFound", "Handler 'f' missing on module 'app'"},
		{"def f(:", "app.f", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"},
		{"raise KeyError('k')", "app.f", "KeyError", "'k'"},
		{"", "sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"},
	} {
		in := bind(t, map[string]string{"app.py": c.source})
		text, status := in.load(c.handler, "python3.13")
		var body struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal([]byte(text), &body); err != nil || status != abi.StatusError {
			t.Errorf("%q: %v %q (%v)", c.source, status, text, err)
			continue
		}
		if body.ErrorType != c.kind || !strings.HasPrefix(body.ErrorMessage, c.message) {
			t.Errorf("%q: got %s: %q, want %s: %q", c.source, body.ErrorType, body.ErrorMessage, c.kind, c.message)
		}
		if len(in.logs) != 1 || !strings.HasPrefix(in.logs[0], "[ERROR] "+c.kind+": "+c.message) {
			t.Errorf("%q: logged %q", c.source, in.logs)
		}
	}
}

// A module that is there as machine code is not called missing.
func TestNativeModule(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "import fast.speed", "fast/__init__.py": "", "fast/speed.cpython-313-x86_64-linux-gnu.so": "\x7fELF"})
	text, status := in.load("app.f", "python3.13")
	wanted := "Unable to import module 'app': /var/task/fast/speed.cpython-313-x86_64-linux-gnu.so is native code"
	if status != abi.StatusError || !strings.Contains(text, wanted) {
		t.Errorf("%v %s", status, text)
	}
}

// All attributes of the context object (guide, "The Context Object (Python)").
func TestContext(t *testing.T) {
	source := `
def handler(e, c):
    cc, i = c.client_context, c.identity
    return [c.aws_request_id, c.function_name, c.function_version, c.invoked_function_arn, c.memory_limit_in_mb, c.log_group_name,
            c.log_stream_name, 0 < c.get_remaining_time_in_millis() <= 120000,
            cc and [cc.client.installation_id, cc.client.app_title, cc.client.app_version_name, cc.client.app_version_code,
                    cc.client.app_package_name, cc.custom, cc.env],
            i and [i.cognito_identity_id, i.cognito_identity_pool_id]]
`
	in := bind(t, map[string]string{"app.py": source})
	if text, status := in.load("app.handler", "python3.13"); status != abi.StatusDone {
		t.Fatal(text)
	}
	for _, c := range []struct {
		call *abi.Invoke
		rest string
	}{
		{&abi.Invoke{Event: []byte("1"), RequestID: "id-✓", InvokedARN: "arn:x"}, `null, null`},
		{&abi.Invoke{
			Event: []byte("1"), RequestID: "id-✓", InvokedARN: "arn:x", IdentityID: "i", IdentityPoolID: "p",
			ClientContext: []byte(`{"client": {"installation_id": "a", "app_title": "b", "app_version_name": "c", "app_version_code": "d", "app_package_name": "e"}, "custom": {"k": 1}, "env": {"m": "n"}}`),
		}, `["a", "b", "c", "d", "e", {"k": 1}, {"m": "n"}], ["i", "p"]`},
	} {
		text, status := in.invoke(c.call)
		if status != abi.StatusDone {
			t.Fatal(text)
		}
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		want(t, v, `["id-✓", "fn", "7", "arn:x", "128", "/aws/lambda/fn", "stream", true, `+c.rest+`]`)
	}
}

// An uncaught exception is answered with AWS's JSON and logged with its traceback; the frames are the function's own.
func TestException(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "def deep(n):\n    raise ValueError('bad: ✓')\n\ndef handler(e, c):\n    deep(1)\n"})
	in.load("app.handler", "python3.13")
	text, status := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "rid"})
	if status != abi.StatusError {
		t.Fatal(status)
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	want(t, v, `{"errorMessage": "bad: ✓", "errorType": "ValueError", "requestId": "rid", "stackTrace": [
		"  File \"/var/task/app.py\", line 5, in handler\n    deep(1)\n",
		"  File \"/var/task/app.py\", line 2, in deep\n    raise ValueError('bad: ✓')\n"]}`)
	logged := "[ERROR] ValueError: bad: ✓\nTraceback (most recent call last):\n  File \"/var/task/app.py\", line 5, in handler\n    deep(1)\n" +
		"  File \"/var/task/app.py\", line 2, in deep\n    raise ValueError('bad: ✓')"
	if d := cmp.Diff([]string{logged}, in.logs); d != "" {
		t.Errorf("log, want - got +:\n%s", d)
	}
}

func TestResults(t *testing.T) {
	for _, c := range []struct{ runtime, source, result string }{
		{"python3.13", "def handler(e, c): pass", `null`},
		{"python3.13", "def handler(e, c): return {'ü': '✓', 1: None}", `{"ü": "✓", "1": null}`},
		{"python3.11", "def handler(e, c): return 'ü'", `"\u00fc"`},
		{"python3.13", "def handler(e, c): return '\\ud800'", `"\ud800"`},
		{"python3.13", "def handler(e, c): return (1.5, True, float('inf'))", `[1.5, true, Infinity]`},
	} {
		in := bind(t, map[string]string{"app.py": c.source})
		in.load("app.handler", c.runtime)
		if text, status := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"}); status != abi.StatusDone || text != c.result {
			t.Errorf("%q: %v %s, want %s", c.source, status, text, c.result)
		}
	}
	for source, kind := range map[string]string{
		"def handler(e, c): return {1, 2}":                   "Runtime.MarshalError",
		"def handler(e, c):\n a = []; a.append(a); return a": "Runtime.MarshalError",
		"def handler(e, c): return b''":                      "Runtime.MarshalError",
	} {
		in := bind(t, map[string]string{"app.py": source})
		in.load("app.handler", "python3.13")
		text, status := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"})
		if status != abi.StatusError || !strings.Contains(text, `"errorType": "`+kind+`"`) {
			t.Errorf("%q: %v %s", source, status, text)
		}
	}
}

// Events pass unchanged up to the limit of 6 MB, and buffers for them are given back.
func TestLargeEvent(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "def handler(e, c): return e"})
	in.load("app.handler", "python3.13")
	event := `"` + strings.Repeat("ü✓", (6<<20)/5-1) + `"`
	for range 3 {
		if text, status := in.invoke(&abi.Invoke{Event: []byte(event), RequestID: "r"}); status != abi.StatusDone || text != event {
			t.Fatalf("%v, %d bytes for %d", status, len(text), len(event))
		}
	}
	if text, _ := in.invoke(&abi.Invoke{Event: []byte(`"x"`), RequestID: "r"}); text != `"x"` {
		t.Error(text)
	}
	if peak := in.box.Usage().PeakMemory; peak > 96<<20 {
		t.Errorf("%d bytes of memory for events of 6 MB", peak)
	}
}

func TestOutput(t *testing.T) {
	in := bind(t, map[string]string{"app.py": `
import logging, sys
print("at load")
def handler(e, c):
    print("ü", "plain")
    sys.stderr.write("no newline")
    logging.getLogger().warning("w %d", 1)
    logging.getLogger("x").info("not shown")
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("x").info("shown")
`})
	in.load("app.handler", "python3.13")
	if got := in.out.String(); got != "at load\n" {
		t.Errorf("after load %q", got)
	}
	in.out.Reset()
	in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "rid"})
	if got := in.out.String(); !strings.Contains(got, "ü plain\n") || !strings.Contains(got, "no newline") {
		t.Errorf("%q", got)
	}
	if len(in.logs) != 2 || !strings.HasPrefix(in.logs[0], "[WARNING]\t2") || !strings.HasSuffix(in.logs[0], "Z\trid\tw 1") || !strings.HasPrefix(in.logs[1], "[INFO]\t") {
		t.Errorf("%q", in.logs)
	}
}

// Two instances of one snapshot share no randomness and have the environment that they were given, for C and Python code.
func TestRestore(t *testing.T) {
	source := `
import os, random, secrets, tempfile, time, uuid, subprocess
def handler(e, c):
    return [random.random(), random.Random().random(), random.SystemRandom().random(), random.gauss(0, 1), str(uuid.uuid4()), str(uuid.uuid1()),
            secrets.token_hex(), tempfile.mktemp()], os.environ["A"], os.getenv("B"), sorted(os.environ)
`
	seen := map[string]int{}
	for i := range 4 {
		in := bind(t, map[string]string{"app.py": source}, "A", fmt.Sprint("value ü ", i), "B", "")
		in.load("app.handler", "python3.13")
		text, _ := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"})
		var v []any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		for k, x := range v[0].([]any) {
			seen[fmt.Sprint(k, x)]++
		}
		want(t, v[1:], fmt.Sprintf(`["value ü %d", "", ["A", "B"]]`, i))
	}
	for x, n := range seen {
		if n > 1 {
			t.Errorf("%s in %d instances", x, n)
		}
	}
}

// An event loop made by its class is the one that asyncio.run makes; the environment as bytes is the environment.
func TestByClass(t *testing.T) {
	got := run(t, `
import asyncio, os
async def main():
    async with asyncio.TaskGroup() as g:
        a, b = g.create_task(asyncio.sleep(0.01, 1)), g.create_task(asyncio.to_thread(lambda: 2))
    return a.result() + b.result()
def handler(e, c):
    loop = asyncio.SelectorEventLoop()
    n = loop.run_until_complete(main())
    loop.close()
    with asyncio.Runner(loop_factory=asyncio.EventLoop) as r:
        n += r.run(main())
    os.environ["A"] = "ü"
    os.environb[b"B"] = b"\xff"
    return n, os.environb[b"A"].hex(), os.environ["B"] == "\udcff", os.getenvb(b"A") == os.environb[b"A"], sorted(os.environ) == sorted(map(os.fsdecode, os.environb))
`, "{}")
	want(t, got, `[6, "c3bc", true, true, true]`)
}

// What degrades in a sandbox with one thread, and how.
func TestConcurrency(t *testing.T) {
	got := run(t, `
import asyncio, concurrent.futures, threading, subprocess, os
async def after(n):
    await asyncio.sleep(n / 1000)
    return n
async def main():
    r = await asyncio.gather(after(3), after(1), asyncio.to_thread(lambda: 7))
    try:
        await asyncio.wait_for(after(10000), 0.01)
    except TimeoutError:
        r.append("timeout")
    return r
def failing(f, *a, **k):
    try:
        f(*a, **k)
    except Exception as exc:
        return type(exc).__name__
def handler(e, c):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda x: x * 2, range(3)))
        error = pool.submit(lambda: 1 / 0).exception()
    return [asyncio.run(main()), asyncio.run(main()), results, repr(error), failing(threading.Thread(target=print).start),
            failing(subprocess.run, ["ls"]), failing(os.fork)]
`, "{}")
	want(t, got, `[[3, 1, 7, "timeout"], [3, 1, 7, "timeout"], [0, 2, 4], "ZeroDivisionError('division by zero')", "RuntimeError", "OSError", "OSError"]`)
}

// The modules that docs/COVERAGE.md says are built in.
func TestLibraries(t *testing.T) {
	got := run(t, `
import bz2, datetime, decimal, gzip, hashlib, json, lzma, sqlite3, struct, zlib, zoneinfo, xml.etree.ElementTree as ET, unicodedata
import _json, _struct, _decimal, _datetime, _pickle, _bisect, _heapq, _elementtree
def handler(e, c):
    data = b"thaw" * 100
    db = sqlite3.connect(":memory:")
    db.execute("create virtual table t using fts5(a)")
    db.execute("insert into t values ('hello world')")
    return [
        [m.decompress(m.compress(data)) == data for m in (zlib, bz2, lzma, gzip)],
        {n: hashlib.new(n, b"abc").hexdigest()[:8] for n in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s")},
        db.execute("select a from t where t match 'world'").fetchall(),
        datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("America/New_York")).isoformat(),
        len(zoneinfo.available_timezones()) > 400,
        str(decimal.Decimal(1) / 3),
        ET.fromstring("<a><b>x</b></a>").find("b").text,
        unicodedata.name("✓"),
    ]
`, "{}")
	want(t, got, `[[true, true, true, true],
		{"md5": "90015098", "sha1": "a9993e36", "sha256": "ba7816bf", "sha512": "ddaf35a1", "sha3_256": "3a985da7", "blake2b": "ba80a53f", "blake2s": "508c5e8c"},
		[["hello world"]], "2026-07-01T00:00:00-04:00", true, "0.3333333333333333333333333333", "x", "CHECK MARK"]`)
}

// What is in the snapshot is never freed, so that garbage collection, module reloading and cleaning up leave it alone.
func TestSnapshotObjectsSurvive(t *testing.T) {
	got := run(t, `
import gc, importlib, json, sys, sqlite3
class Node: pass
def handler(e, c):
    for name in [n for n in sys.modules if n.startswith(("json", "email", "logging", "asyncio"))]:
        del sys.modules[name]
    import json, email.message, logging, asyncio
    gc.unfreeze()
    for _ in range(3):
        a, b = Node(), Node()
        a.b, b.a = b, a
        del a, b
        gc.collect()
    importlib.reload(json)
    return json.loads(json.dumps({"a": [1, None]})), sys.getrefcount(object) > 1000, gc.collect()
`, "{}")
	want(t, got, `[{"a": [1, null]}, true, 0]`)
}

// A handler that overstays is interrupted softly: finally blocks and log lines run.
func TestSoftInterrupt(t *testing.T) {
	for _, body := range []string{"while True: pass", "time.sleep(100)", "import asyncio; asyncio.run(asyncio.Event().wait())"} {
		in := bind(t, map[string]string{"app.py": "import time\ndef handler(e, c):\n    try:\n        " + body + "\n    except Exception: pass\n    finally: print('tidied up')\n"})
		in.load("app.handler", "python3.13")
		now := time.Now()
		payload, status, err := in.box.Invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"}, nil,
			sandbox.Limits{Deadline: now.Add(time.Minute), Soft: now.Add(100 * time.Millisecond)})
		if err != nil || status != abi.StatusError || !strings.Contains(string(payload), "Sandbox.Timedout") || in.out.String() != "tidied up\n" {
			t.Errorf("%s: %v %s %v, output %q", body, status, payload, err, in.out.String())
		}
		// The words are clear: the next invocation is not interrupted.
		if text, _ := in.invoke(&abi.Invoke{Event: []byte("{"), RequestID: "r"}); !strings.Contains(text, "Runtime.UnmarshalError") {
			t.Error(text)
		}
	}
}

func TestExit(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "import sys\ndef handler(e, c):\n    print('bye')\n    sys.exit(3)\n"})
	in.load("app.handler", "python3.13")
	_, _, err := in.box.Invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"}, nil, limits())
	if err == nil || !strings.Contains(err.Error(), "3") || in.out.String() != "bye\n" {
		t.Errorf("%v, output %q", err, in.out.String())
	}
}
