package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/egress"
)

// What Python code can do to its interpreter ends within the function's limits, and the next invocation is served.
func TestHostilePython(t *testing.T) {
	e := newEngine(t, engine.Config{})
	const timedOut, exited = "Sandbox.Timedout", "Runtime.ExitError"
	for _, c := range []struct {
		name, code string
		want       []string // one of these error types; empty = it succeeds
	}{
		{"recursion", "def f(): return f()\nf()", []string{"RecursionError"}},
		{"recursion without Python's own limit", "sys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1) + 1\nf(0)", []string{"RecursionError", exited, "MemoryError", "SystemError", timedOut}},
		{"recursion in C", "sys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**6): x = [x]\nrepr(x)", []string{"RecursionError", exited, "MemoryError"}},
		{"deeply nested source", "eval('(' * 100000 + ')' * 100000)", []string{"MemoryError", "SyntaxError", "RecursionError"}},
		{"deeply nested JSON", "json.loads('[' * 1000000)", []string{"RecursionError"}},
		{"memory in one piece", "'a' * 10**9", []string{"MemoryError"}},
		{"memory in many pieces", "x = []\nwhile True: x.append(bytearray(1 << 16))", []string{"MemoryError"}},
		{"memory in small objects", "x = None\nwhile True: x = (x, 1)", []string{"MemoryError", exited, timedOut}},
		{"memory while handling what it causes", "def f():\n    x = []\n    try:\n        while True: x.append('y' * 100000)\n    except MemoryError:\n        x.append(f())\nf()", []string{"MemoryError", "RecursionError"}},
		{"a catastrophic regular expression", "re.match(r'(a+)+$', 'a' * 64 + 'b')", []string{timedOut}},
		{"a loop in C", "sum(range(10**12))", []string{timedOut}},
		{"another loop in C", "max(itertools.repeat(1))", []string{timedOut}},
		{"an endless list", "list(itertools.count())", []string{"MemoryError", timedOut}},
		{"a power", "9 ** 9 ** 9", []string{timedOut, "MemoryError"}},
		{"the digits of a long number", "sys.set_int_max_str_digits(0)\nstr(1 << 10**8)", []string{timedOut, "MemoryError"}},
		{"a sort that never ends", "class A:\n    def __lt__(self, o):\n        while True: pass\nsorted([A(), A()])", []string{timedOut}},
		{"a pickle that multiplies", "x = 'y'\nfor _ in range(40): x = [x] * 10\njson.dumps(pickle.loads(pickle.dumps(x)))", []string{"MemoryError", timedOut}},
		{"a pickle that runs code", "class A:\n    def __reduce__(self): return (eval, (\"[0 for _ in iter(int, 1)]\",))\npickle.loads(pickle.dumps(A()))", []string{timedOut, "MemoryError"}},
		{"a zip bomb", "x = zlib.compress(bytes(40 << 20))\n[zlib.decompress(x) for _ in range(100)]", []string{"MemoryError", timedOut}},
		{"the interrupt swallowed", "while True:\n    try:\n        while True: pass\n    except BaseException: pass", []string{timedOut}},
		{"a finally block that never ends", "try:\n    while True: pass\nfinally:\n    while True: pass", []string{timedOut}},
		{"an abort", "os.abort()", []string{exited}},
		{"an exit", "os._exit(3)", []string{exited}},
		{"sleeping for ever", "time.sleep(10**6)", []string{timedOut}},
		{"waiting for nobody", "asyncio.run(asyncio.Event().wait())", []string{timedOut}},
		{"sockets left open", "kept.extend(socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100))", nil},
		{"sockets without end", "while True: kept.append(socket.socket())", []string{"OSError"}},
		{"files left open", "kept.extend(open('/tmp/%d' % i, 'w') for i in range(900))", nil},
		{"10,000 files", "for i in range(10000):\n    with open('/tmp/f%d' % i, 'w') as f: f.write('x')", nil},
		{"a disk filled", "with open('/tmp/x', 'wb') as f:\n    while True: f.write(bytes(1 << 20))", []string{"OSError"}},
		{"a name of many folders", "p = '/tmp'\nwhile True:\n    p += '/d'\n    os.mkdir(p)", []string{"OSError", "RecursionError"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code := "import asyncio, copy, itertools, json, os, pickle, re, socket, sys, time, zlib\nkept = []\ndef bad():\n"
			for line := range strings.SplitSeq(c.code, "\n") {
				code += "    " + line + "\n"
			}
			code += "def handler(event, context):\n    if event == 'bad': bad()\n    return event\n"
			f := function(t, code)
			f.Timeout, f.TmpMB, f.Revision = 2*time.Second, 64, c.name
			deploy(t, e, f)
			wantPayload(t, invoke(t, e, `"good"`), `"good"`)
			begin := time.Now()
			r := invoke(t, e, `"bad"`)
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			var body struct{ ErrorType string }
			_ = json.Unmarshal(r.Payload, &body) // a result is no object
			if (r.FunctionError == engine.Succeeded) != (c.want == nil) || c.want != nil && !slices.Contains(c.want, body.ErrorType) {
				t.Errorf("%s %.200s\nlog: %.500s", r.FunctionError, r.Payload, r.LogTail)
			}
			wantPayload(t, invoke(t, e, `"good"`), `"good"`)
		})
	}
}

// manyModules is a package of n modules, all imported by app.py, whose handler returns what their sum is.
func manyModules(t *testing.T, n int) engine.Function {
	files := map[string]string{"pkg/__init__.py": ""}
	app := "import sys, pkg\n"
	for i := range n {
		files[fmt.Sprintf("pkg/m%03d.py", i)] = fmt.Sprintf("import os\nVALUE = %d\n\n\nclass Thing:\n    def method(self, x):\n        return x + VALUE\n", i)
		app += fmt.Sprintf("from pkg import m%03d\n", i)
	}
	app += "def handler(event, context):\n    return [sum(getattr(pkg, 'm%03d' % i).Thing().method(1) for i in range(" + fmt.Sprint(n) + ")), pkg.m000.__file__, pkg.m000.Thing.method.__code__.co_filename]\n"
	files["app.py"] = app
	f := function(t, "")
	code := zipOf(t, files)
	f.Code, f.CodeSHA256 = engine.Zip(code), "modules"
	return f
}

// The modules of a package are compiled once, not by every instance.
func TestPythonModulesAreCompiledOnce(t *testing.T) {
	e := newEngine(t, engine.Config{})
	f := manyModules(t, 40)
	f.Revision = "1"
	deploy(t, e, f)
	const result = `[820, "/var/task/pkg/m000.py", "/var/task/pkg/m000.py"]`
	first := invoke(t, e, "{}")
	wantPayload(t, first, result)
	for begin := time.Now(); e.Stats().Compiled < 41; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d modules compiled", e.Stats().Compiled)
		}
	}
	f.Revision = "2" // new instances, the same code
	deploy(t, e, f)
	second := invoke(t, e, "{}")
	wantPayload(t, second, result)
	if !second.Report.Cold {
		t.Error("not a cold start")
	}
}

// A function that uses the AWS SDK finds it imported; nothing of where the snapshot was made is left in it.
func TestBoto3Preload(t *testing.T) {
	rules, err := egress.ParseRules("localhost")
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, engine.Config{Region: "eu-central-1", Egress: egress.Config{Allow: rules}})
	f := function(t, `
import sys
loaded = "boto3" in sys.modules
import boto3
client = boto3.client("s3")
def handler(event, context):
    creds = boto3.Session().get_credentials()
    url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
    other = boto3.client("sqs", region_name="us-west-2")
    return [loaded, client.meta.region_name, creds.access_key, "AKIAFUNCTION" in url, other.meta.endpoint_url, boto3.resource("dynamodb").Table("t").table_name,
        "exec-env/AWS_Lambda_python3.13" in client.meta.config.user_agent]
`)
	f.MemoryMB = 128
	f.Env = map[string]string{"AWS_ACCESS_KEY_ID": "AKIAFUNCTION", "AWS_SECRET_ACCESS_KEY": "secret"}
	deploy(t, e, f)
	wantPayload(t, invoke(t, e, "{}"), `[true, "eu-central-1", "AKIAFUNCTION", true, "https://sqs.us-west-2.amazonaws.com", "t", true]`)

	own := function(t, "import boto3\ndef handler(event, context): return boto3.mine\n")
	own.Code = engine.Zip(zipOf(t, map[string]string{"app.py": "import boto3\ndef handler(event, context): return boto3.mine\n", "boto3/__init__.py": "mine = 1\n"}))
	own.Revision = "own"
	deploy(t, e, own)
	wantPayload(t, invoke(t, e, "{}"), "1")
}

// Clients that a module makes while it is loaded for a snapshot find the credentials of each clone when they are used.
func TestBoto3ClientInASnapshot(t *testing.T) {
	e := newEngine(t, engine.Config{FunctionSnapshots: true})
	f := function(t, `
import os
import boto3
at_load = os.environ.get("AWS_ACCESS_KEY_ID")
client = boto3.client("s3")
def handler(event, context):
    return [at_load, "AKIAROLE" in client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})]
`)
	f.Credentials = func(context.Context) (engine.Credentials, error) {
		return engine.Credentials{AccessKeyID: "AKIAROLE", SecretAccessKey: "secret", SessionToken: "token", Issued: time.Now(), Expires: time.Now().Add(6 * time.Hour)}, nil
	}
	deploy(t, e, f)
	wantPayload(t, invoke(t, e, "{}"), "[null, true]")
}
