package python27_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
	"github.com/thawrun/thaw/runtimes/python27"
)

// cacheDir is where the engines of the tests of the network keep the compiled interpreter.
var cacheDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "thaw-python27-")
	if err != nil {
		panic(err)
	}
	cacheDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// interpreter is CPython 2.7, compiled once for all tests, and its runtime snapshot.
type interpreter struct {
	program  *sandbox.Program
	snapshot *sandbox.Snapshot
}

var interpreterOnce = sync.OnceValues(func() (*interpreter, error) {
	ctx := context.Background()
	host, err := sandbox.NewHost(ctx, sandbox.HostConfig{})
	if err != nil {
		return nil, err
	}
	program, err := host.Load(ctx, python27.Guest(), nil)
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
	if text, status := in.load("app.handler", "python2.7"); status != abi.StatusDone {
		t.Fatalf("load: %v %s", status, text)
	}
	text, status := in.invoke(&abi.Invoke{Event: []byte(event), RequestID: "r"})
	if status != abi.StatusDone {
		t.Fatalf("invoke: %v %s", status, text)
	}
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
		"app.py":                "def handler(e, c): return __name__, __file__, __package__",
		"large.py":              "# -*- coding: utf-8 -*-\nx = u'" + strings.Repeat("ü", 100_000) + "'\ndef handler(e, c): return len(x)",
		"pkg/__init__.py":       "",
		"pkg/mod.py":            "from . import other\ndef handler(e, c): return __name__, other.X",
		"pkg/other.py":          "X = 1",
		"dir/nested/plain.py":   "import json, uuid\ndef handler(e, c): return __name__",
		"both.py":               "def handler(e, c): return 'file'",
		"both/__init__.py":      "def handler(e, c): return 'folder'",
		"latin.py":              "# -*- coding: latin-1 -*-\ndef handler(e, c): return u'\xe9'",
		"Queue.py":              "def handler(e, c): return 'own queue'",
		"uses.py":               "import uuid, Queue\ndef handler(e, c): return uuid.KEY, Queue.handler(e, c), hasattr(__import__('random'), 'random')",
		"uuid.py":               "KEY = 'own uuid'",
		"email/template.txt":    "a folder without code hides nothing",
		"email_user.py":         "import email.utils\ndef handler(e, c): return email.utils.parseaddr('a <b@c>')",
		"implicit/__init__.py":  "import sibling\ndef handler(e, c): return sibling.__name__",
		"implicit/sibling.py":   "",
		"sourceless/nothing.py": "",
	}
	for handler, result := range map[string]string{
		"app.handler":              `["app", "/var/task/app.py", null]`,
		"large.handler":            `100000`,
		"pkg.mod.handler":          `["pkg.mod", 1]`,
		"pkg/mod.handler":          `["pkg.mod", 1]`,
		"dir/nested/plain.handler": `"dir/nested/plain"`,
		"both.handler":             `"folder"`,
		"latin.handler":            `"é"`,
		"Queue.handler":            `"own queue"`,
		"uses.handler":             `["own uuid", "own queue", true]`,
		"email_user.handler":       `["a", "b@c"]`,
		"implicit.handler":         `"implicit.sibling"`,
	} {
		in := bind(t, files)
		if text, status := in.load(handler, "python2.7"); status != abi.StatusDone {
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
		if strings.Contains(in.out.String()+strings.Join(in.logs, ""), "Warning") {
			t.Errorf("%s: %q %q", handler, in.out.String(), in.logs)
		}
	}
}

// The sentences for what can't be loaded.
func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ source, handler, kind, message string }{
		{"", "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"},
		{"", "nowhere.f", "Runtime.ImportModuleError", "Unable to import module 'nowhere': No module named nowhere"},
		{"", "no/where.f", "Runtime.ImportModuleError", "Unable to import module 'no/where': No module named no/where"},
		{"import missing", "app.f", "Runtime.ImportModuleError", "Unable to import module 'app': No module named missing"},
		{"from os import nothing", "app.f", "Runtime.ImportModuleError", "Unable to import module 'app': cannot import name nothing"},
		{"x = 1", "app.f", "Runtime.HandlerNotFound", "Handler 'f' missing on module 'app'"},
		{"def f(:", "app.f", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"},
		{"x = 'ü'", "app.f", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': Non-ASCII character"},
		{"raise KeyError('k')", "app.f", "KeyError", "'k'"},
		{"", "sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"},
	} {
		in := bind(t, map[string]string{"app.py": c.source})
		text, status := in.load(c.handler, "python2.7")
		var body struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal([]byte(text), &body); err != nil || status != abi.StatusError {
			t.Errorf("%q: %v %q (%v)", c.source, status, text, err)
			continue
		}
		if body.ErrorType != c.kind || !strings.HasPrefix(body.ErrorMessage, c.message) {
			t.Errorf("%q: got %s: %q, want %s: %q", c.source, body.ErrorType, body.ErrorMessage, c.kind, c.message)
		}
		if len(in.logs) != 1 || !strings.HasPrefix(in.logs[0], c.message) {
			t.Errorf("%q: logged %q", c.source, in.logs)
		}
	}
}

// A module that is there as machine code is not called missing; one that is a mere accelerator may be absent.
func TestNativeModule(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "import fast.speed", "fast/__init__.py": "", "fast/speed.so": "\x7fELF"})
	text, status := in.load("app.f", "python2.7")
	wanted := "Unable to import module 'app': /var/task/fast/speed.so is native code"
	if status != abi.StatusError || !strings.Contains(text, wanted) {
		t.Errorf("%v %s", status, text)
	}
	in = bind(t, map[string]string{"app.py": "try:\n    import _speedups\nexcept ImportError:\n    def handler(e, c): return 'slow'\n", "_speedups.so": "\x7fELF"})
	in.load("app.handler", "python2.7")
	if text, _ := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"}); text != `"slow"` {
		t.Error(text)
	}
}

// The language: what Python 3 refuses or does differently. The guide's programs depend on it.
func TestLanguage(t *testing.T) {
	got := run(t, `
import base64, sys, urllib2, ConfigParser
def handler(e, c):
    print "a statement",
    print >>sys.stderr, "to stderr"
    try:
        raise ValueError, "old form"
    except ValueError, exc:
        message = str(exc)
    exec "y = 1 <> 2"
    return [base64.b64decode("SGk=") + "!", type(b"") is str, 7 / 2, [1, u"x", None] < {}, message, y, 0777, sorted(e.iteritems()), `+"`1L`"+`,
            type(e["k"]).__name__, sys.version_info[:3], sys.platform, map(None, [1], [2])]
`, `{"k": "v"}`)
	want(t, got, `["Hi!", true, 3, false, "old form", true, 511, [["k", "v"]], "1L", "unicode", [2, 7, 18], "linux2", [[1, 2]]]`)
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
	if text, status := in.load("app.handler", "python2.7"); status != abi.StatusDone {
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

// An uncaught exception is answered and logged as the guide shows ("Exceptions (Python)").
func TestException(t *testing.T) {
	in := bind(t, map[string]string{"lambda_function.py": "def always_failed_handler(event, context):\n    deeper()\n\ndef deeper():\n    raise Exception('I failed!')\n"})
	in.load("lambda_function.always_failed_handler", "python2.7")
	text, status := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "rid"})
	if status != abi.StatusError {
		t.Fatal(status)
	}
	if wanted := `{"errorMessage": "I failed!", "stackTrace": [["/var/task/lambda_function.py", 2, "always_failed_handler", "deeper()"], ` +
		`["/var/task/lambda_function.py", 5, "deeper", "raise Exception('I failed!')"]], "errorType": "Exception"}`; !equalJSON(t, text, wanted) {
		t.Errorf("%s, want %s", text, wanted)
	}
	logged := "I failed!: Exception\nTraceback (most recent call last):\n  File \"/var/task/lambda_function.py\", line 2, in always_failed_handler\n    deeper()\n" +
		"  File \"/var/task/lambda_function.py\", line 5, in deeper\n    raise Exception('I failed!')\nException: I failed!"
	if d := cmp.Diff([]string{logged}, in.logs); d != "" {
		t.Errorf("log, want - got +:\n%s", d)
	}
}

func equalJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return cmp.Equal(x, y)
}

// Exceptions of every kind that Python 2 has end in JSON.
func TestOddExceptions(t *testing.T) {
	for raise, wanted := range map[string]string{
		`raise ValueError(u"\xfc\u2713")`: `"ü✓" ValueError`,
		`raise ValueError("\xff")`:        `"ÿ" ValueError`,
		`raise Old("old")`:                `"old" Old`,
		`raise Bad()`:                     `"<exception str() failed: ZeroDivisionError>" Bad`,
		`raise KeyboardInterrupt`:         `"" KeyboardInterrupt`,
		`raise GeneratorExit("g")`:        `"g" GeneratorExit`,
		`1 / 0`:                           `"integer division or modulo by zero" ZeroDivisionError`,
		`f = lambda: f(); f()`:            `"maximum recursion depth exceeded" RuntimeError`,
	} {
		source := "# -*- coding: utf-8 -*-\nclass Old:\n    def __init__(self, x): self.x = x\n    def __str__(self): return self.x\nclass Bad(Exception):\n    def __str__(self): return 1/0\n" +
			"def handler(e, c):\n    " + raise + "\n"
		in := bind(t, map[string]string{"app.py": source})
		in.load("app.handler", "python2.7")
		text, status := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"})
		var body struct {
			ErrorType, ErrorMessage string
			StackTrace              [][]any
		}
		if err := json.Unmarshal([]byte(text), &body); err != nil || status != abi.StatusError {
			t.Errorf("%s: %v %q (%v)", raise, status, text, err)
			continue
		}
		if got := fmt.Sprintf("%q %s", body.ErrorMessage, body.ErrorType); got != wanted || len(body.StackTrace) == 0 || len(body.StackTrace[0]) != 4 {
			t.Errorf("%s: %s %v, want %s", raise, got, body.StackTrace, wanted)
		}
	}
}

func TestResults(t *testing.T) {
	for _, c := range []struct{ source, result string }{
		{"def handler(e, c): pass", `null`},
		{"def handler(e, c): return {u'\\xfc': '\\xe2\\x9c\\x93', 1: None}", `{"1": null, "\u00fc": "\u2713"}`},
		{"def handler(e, c): return u'\\ud800'", `"\ud800"`},
		{"def handler(e, c): return (1.5, True, float('inf'), 10**20, 3000000000)", `[1.5, true, Infinity, 100000000000000000000, 3000000000]`},
		{"from decimal import Decimal\ndef handler(e, c): return Decimal('1.5')", `1.5`},
	} {
		in := bind(t, map[string]string{"app.py": c.source})
		in.load("app.handler", "python2.7")
		if text, status := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"}); status != abi.StatusDone || text != c.result {
			t.Errorf("%q: %v %s, want %s", c.source, status, text, c.result)
		}
	}
	for source, message := range map[string]string{
		"def handler(e, c): return {1, 2}":                   "set([1, 2]) is not JSON serializable",
		"def handler(e, c):\n a = []; a.append(a); return a": "Circular reference detected",
		"def handler(e, c): return '\\xff'":                  "'utf8' codec can't decode byte 0xff in position 0: invalid start byte",
	} {
		in := bind(t, map[string]string{"app.py": source})
		in.load("app.handler", "python2.7")
		text, status := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"})
		if status != abi.StatusError || !strings.Contains(text, `"errorType": "Runtime.MarshalError"`) || !strings.Contains(text, message) {
			t.Errorf("%q: %v %s", source, status, text)
		}
	}
	in := bind(t, map[string]string{"app.py": "def handler(e, c): pass"})
	in.load("app.handler", "python2.7")
	for _, event := range []string{"{", "\"\xff\""} {
		if text, status := in.invoke(&abi.Invoke{Event: []byte(event), RequestID: "r"}); status != abi.StatusError || !strings.Contains(text, "Runtime.UnmarshalError") {
			t.Errorf("%q: %v %s", event, status, text)
		}
	}
}

// Events pass unchanged up to the limit of 6 MB, and buffers for them are given back.
func TestLargeEvent(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "def handler(e, c): return e"})
	in.load("app.handler", "python2.7")
	event := `"` + strings.Repeat("u0", (6<<20)/2-1) + `"`
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
	in := bind(t, map[string]string{"app.py": `# -*- coding: utf-8 -*-
import logging, sys
print "at load"
def handler(e, c):
    print "ü", "plain"
    sys.stderr.write("no newline")
    logging.getLogger().warning("w %d", 1)
    logging.getLogger("x").info("not shown")
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("x").info(u"shown \u2713")
`})
	in.load("app.handler", "python2.7")
	if got := in.out.String(); got != "at load\n" {
		t.Errorf("after load %q", got)
	}
	in.out.Reset()
	in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "rid"})
	if got := in.out.String(); !strings.Contains(got, "ü plain\n") || !strings.Contains(got, "no newline") {
		t.Errorf("%q", got)
	}
	if len(in.logs) != 2 || !strings.HasPrefix(in.logs[0], "[WARNING]\t2") || !strings.HasSuffix(in.logs[0], "Z\trid\tw 1") || !strings.HasPrefix(in.logs[1], "[INFO]\t") || !strings.HasSuffix(in.logs[1], "shown ✓") {
		t.Errorf("%q", in.logs)
	}
}

// Two instances of one snapshot share no randomness and have the environment that they were given, for C and Python code.
func TestRestore(t *testing.T) {
	source := `
import os, random, tempfile, uuid
def handler(e, c):
    return [random.random(), random.Random().random(), random.SystemRandom().random(), random.gauss(0, 1), str(uuid.uuid4()), str(uuid.uuid1()),
            os.urandom(8).encode("hex"), tempfile.mktemp(), os.path.basename(tempfile.mkdtemp())], os.environ["A"], os.getenv("B"), sorted(os.environ)
`
	seen := map[string]int{}
	for i := range 4 {
		in := bind(t, map[string]string{"app.py": source}, "A", fmt.Sprint("value ü ", i), "B", "")
		in.load("app.handler", "python2.7")
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

// What degrades in a sandbox with one thread and no processes, and how.
func TestMissing(t *testing.T) {
	got := run(t, `
import threading, subprocess, os, socket, urllib2, Queue, multiprocessing, thread
def failing(f, *a, **k):
    try:
        return f(*a, **k)
    except Exception as exc:
        return type(exc).__name__, str(exc)
def handler(e, c):
    local = threading.local(); local.x = 1
    with threading.RLock(): pass
    event = threading.Event()
    return [failing(threading.Thread(target=len).start), failing(subprocess.check_output, ["ls"]), failing(os.fork), failing(os.popen, "ls"),
            failing(Queue.Queue().get), failing(Queue.Queue().get, True, 0.01), event.wait(0.01), local.x, failing(multiprocessing.Process(target=len).start)]
`, "{}")
	want(t, got, `[["error", "can't start new thread: a sandbox has one thread"], ["OSError", "[Errno 52] Function not implemented"],
		["OSError", "[Errno 52] Function not implemented"], ["OSError", "[Errno 52] Function not implemented"],
		["error", "deadlock: the lock is held, and there is no other thread that could release it"], ["Empty", ""], false, 1,
		["OSError", "[Errno 52] Function not implemented"]]`)
}

// The modules that docs/COVERAGE.md says are built in.
func TestLibraries(t *testing.T) {
	got := run(t, `
import bz2, csv, datetime, decimal, gzip, hashlib, io, json, sqlite3, struct, zlib, xml.etree.cElementTree as ET, unicodedata, cPickle, StringIO, hmac
import _json, _struct, _bisect, _heapq, _elementtree, array, audioop, parser, fcntl, pwd, calendar, optparse, unittest, difflib, xml.dom.minidom, email.mime.text
def handler(e, c):
    data = b"thaw" * 100
    out = StringIO.StringIO()
    with gzip.GzipFile(fileobj=out, mode="w") as f: f.write(data)
    db = sqlite3.connect(":memory:")
    db.execute("create table t (a text, b blob)")
    db.execute("insert into t values (?, ?)", (u"h\xe9llo", buffer("x")))
    disk = sqlite3.connect("/tmp/x.db")
    with disk: disk.execute("create table u (a)")
    return [
        [m.decompress(m.compress(data)) == data for m in (zlib, bz2)] + [gzip.GzipFile(fileobj=StringIO.StringIO(out.getvalue())).read() == data],
        {n: hashlib.new(n, b"abc").hexdigest()[:8] for n in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")},
        [r[0] for r in db.execute("select a from t")], disk.execute("select count(*) from u").fetchone(),
        datetime.datetime(2016, 7, 1).isoformat(), str(decimal.Decimal(1) / 3), ET.fromstring("<a><b>x</b></a>").find("b").text,
        unicodedata.name(u"\u2713"), cPickle.loads(cPickle.dumps([1, u"x"], 2)), u"\u65e5".encode("shift_jis").encode("hex"),
        xml.dom.minidom.parseString("<a/>").documentElement.tagName, hmac.new("k", "m").hexdigest()[:6], list(csv.reader(["a,b"])), struct.pack("<q", 1).encode("hex"),
        os.path.expanduser("~x")[:2], datetime.datetime.strptime("2016-01-02", "%Y-%m-%d").day, 2 ** 100 % 97, float("1e300") * 10, round(2.5), "%.3f" % 0.0005, 1e16, repr(0.1),
    ]
import os
`, "{}")
	want(t, got, `[[true, true, true],
		{"md5": "90015098", "sha1": "a9993e36", "sha224": "23097d22", "sha256": "ba7816bf", "sha384": "cb00753f", "sha512": "ddaf35a1"},
		["héllo"], [0], "2016-07-01T00:00:00", "0.3333333333333333333333333333", "x", "CHECK MARK", [1, "x"], "93fa", "a", "ed7e72", [["a", "b"]], "0100000000000000",
		"~x", 2, 16, 1e301, 3, "0.001", 1e16, "0.1"]`)
}

// What is in the snapshot survives garbage collection, module reloading and cleaning up.
func TestSnapshotObjectsSurvive(t *testing.T) {
	got := run(t, `
import gc, sys
class Node(object): pass
def handler(e, c):
    for name in [n for n in sys.modules if n.startswith(("json", "email", "logging"))]:
        del sys.modules[name]
    import json, email.message, logging
    for _ in range(3):
        a, b = Node(), Node()
        a.b, b.a = b, a
        del a, b
        gc.collect()
    reload(json)
    return json.loads(json.dumps({"a": [1, None]})), gc.collect()
`, "{}")
	want(t, got, `[{"a": [1, null]}, 0]`)
}

// A handler that overstays is interrupted softly: finally blocks and log lines run.
func TestSoftInterrupt(t *testing.T) {
	for _, body := range []string{"while True: pass", "time.sleep(100)", "sum(1 for x in iter(int, 1))"} {
		in := bind(t, map[string]string{"app.py": "import time\ndef handler(e, c):\n    try:\n        " + body + "\n    except Exception: pass\n    finally: print 'tidied up'\n"})
		in.load("app.handler", "python2.7")
		for range 2 {
			in.out.Reset()
			now := time.Now()
			payload, status, err := in.box.Invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"}, nil,
				sandbox.Limits{Deadline: now.Add(time.Minute), Soft: now.Add(100 * time.Millisecond)})
			if err != nil || status != abi.StatusError || !strings.Contains(string(payload), "Sandbox.Timedout") || in.out.String() != "tidied up\n" {
				t.Errorf("%s: %v %s %v, output %q", body, status, payload, err, in.out.String())
			}
		}
		// The words are clear: the next invocation is not interrupted.
		if text, _ := in.invoke(&abi.Invoke{Event: []byte("{"), RequestID: "r"}); !strings.Contains(text, "Runtime.UnmarshalError") {
			t.Error(text)
		}
	}
}

func TestExit(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "import sys\ndef handler(e, c):\n    print 'bye'\n    sys.exit(3)\n"})
	in.load("app.handler", "python2.7")
	_, _, err := in.box.Invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"}, nil, limits())
	if err == nil || !strings.Contains(err.Error(), "3") || in.out.String() != "bye\n" {
		t.Errorf("%v, output %q", err, in.out.String())
	}
}

// A program that lifts Python's own limit on recursion runs into the engine's. That is an error like others, and the
// instance works again once it is reset.
func TestRecursionWithoutPythonsLimit(t *testing.T) {
	in := bind(t, map[string]string{"app.py": "import sys\ndef f(n): return f(n + 1)\ndef handler(e, c):\n    if e == 'good': return e\n    sys.setrecursionlimit(10**9)\n    f(0)\n"})
	for range 2 {
		in.load("app.handler", "python2.7")
		_, _, err := in.box.Invoke(&abi.Invoke{Event: []byte(`"bad"`), RequestID: "r"}, nil, limits())
		if !errors.Is(err, sandbox.ErrStackOverflow) && (err == nil || !strings.Contains(err.Error(), "out of bounds memory access")) {
			t.Errorf("%v", err)
		}
		if err := in.box.Reset(); err != nil {
			t.Fatal(err)
		}
		if err := in.box.Restore(nil, limits()); err != nil {
			t.Fatal(err)
		}
	}
	in.load("app.handler", "python2.7")
	if text, status := in.invoke(&abi.Invoke{Event: []byte(`"good"`), RequestID: "r"}); status != abi.StatusDone || text != `"good"` {
		t.Errorf("%v %s", status, text)
	}
}

// A function that asks for too much gets Python's own errors, and the next invocation works.
func TestLimits(t *testing.T) {
	in := bind(t, map[string]string{"app.py": `
import json
def nest(n):
    x = []
    for _ in xrange(n): x = [x]
    return x
def handler(e, c):
    failures = []
    for f in (lambda: "a" * 10**9, lambda: range(10**8), lambda: json.dumps(nest(100000)), lambda: repr(nest(100000)), lambda: eval("(" * 500 + ")" * 500),
              lambda: bytearray(10**9), lambda: [0] * 10**9):
        try:
            f()
        except (MemoryError, RuntimeError, SyntaxError, OverflowError) as exc:
            failures.append(type(exc).__name__)
    return failures
`})
	in.load("app.handler", "python2.7")
	for range 2 {
		text, status := in.invoke(&abi.Invoke{Event: []byte("{}"), RequestID: "r"})
		if want := `["MemoryError", "MemoryError", "RuntimeError", "RuntimeError", "MemoryError", "MemoryError", "MemoryError"]`; status != abi.StatusDone || text != want {
			t.Errorf("%v %s, want %s", status, text, want)
		}
	}
}
