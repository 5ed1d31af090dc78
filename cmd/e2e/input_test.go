package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRealInput(t *testing.T) {
	s := serve(t, dataDir(t))
	s.mustCreate("echo", "app.handler", zipOf(t, map[string]string{"app.py": "def handler(event, context): return event"}), map[string]any{"MemorySize": 256})

	t.Run("an event of 6 MB less a byte", func(t *testing.T) {
		event := `"` + strings.Repeat("a", 6<<20-3) + `"`
		if a := s.invoke("echo", event, nil); a.status != 200 || a.body != event {
			t.Errorf("status %d, %d bytes", a.status, len(a.body))
		}
		if a := s.invoke("echo", event+"  ", nil); a.status != 413 || a.header.Get("x-amzn-ErrorType") != "RequestTooLargeException" {
			t.Errorf("6 MB and a byte: %d %s", a.status, a.body)
		}
	})
	t.Run("unicode everywhere", func(t *testing.T) {
		text := "żółć 漢字 🚀 \\u0000 \\ud83d\\ude00"
		code := zipOf(t, map[string]string{"módulo/日本.py": "# -*- coding: utf-8 -*-\nimport os\ndef обработчик(event, context):\n    print('журнал', event)\n    return [event, os.environ['MÜ' if False else 'MU'], open('módulo/данные.txt', encoding='utf-8').read()]\n", "módulo/данные.txt": "данные ✓"})
		s.mustCreate("unicode", "módulo/日本.обработчик", code, map[string]any{"Description": "описание 漢字", "Environment": map[string]any{"Variables": map[string]string{"MU": "µ 🚀"}}})
		a := s.invoke("unicode", `"`+text+`"`, map[string]string{"X-Amz-Log-Type": "Tail"})
		if !sameJSON(t, a.body, `["`+text+`", "µ 🚀", "данные ✓"]`) {
			t.Errorf("%d %s", a.status, a.body)
		}
		if log, _ := base64.StdEncoding.DecodeString(a.header.Get("X-Amz-Log-Result")); !strings.Contains(string(log), "журнал żółć 漢字 🚀") {
			t.Errorf("log %s", log)
		}
	})
	t.Run("a package of 200 modules", func(t *testing.T) {
		files := map[string]string{"pkg/__init__.py": "", "app.py": ""}
		for i := range 200 {
			files[fmt.Sprintf("pkg/m%03d.py", i)] = fmt.Sprintf("VALUE = %d\n", i)
			files["app.py"] += fmt.Sprintf("from pkg import m%03d\n", i)
		}
		files["app.py"] += "import pkg\ndef handler(event, context): return sum(getattr(pkg, 'm%03d' % i).VALUE for i in range(200))\n"
		s.mustCreate("modules", "app.handler", zipOf(t, files), nil)
		if a := s.invoke("modules", `{}`, nil); a.body != "19900" {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	for name, c := range map[string]struct{ code, failed, body string }{
		"nothing returned":    {"def handler(e, c): pass", "", `null`},
		"raises":              {"def handler(e, c): raise RuntimeError('oops')", "Unhandled", `"errorType": "RuntimeError"`},
		"prints 10 MB":        {"def handler(e, c):\n    print('x' * (10 << 20))\n    return 1", "", `1`},
		"sys.exit at import":  {"import sys\nsys.exit(1)", "Unhandled", "Runtime exited with error: exit status 1"},
		"missing module":      {"import missing_module", "Unhandled", "Runtime.ImportModuleError"},
		"missing function":    {"x = 1", "Unhandled", "Runtime.HandlerNotFound"},
		"times out":           {"def handler(e, c):\n    while True: pass", "Unhandled", "Task timed out after 1.00 seconds"},
		"out of memory":       {"def handler(e, c): return len(bytearray(1 << 30))", "Unhandled", "MemoryError"},
		"infinite recursion":  {"def handler(e, c): return handler(e, c)", "Unhandled", "RecursionError"},
		"result not JSON":     {"def handler(e, c): return {1, 2}", "Unhandled", "Runtime.MarshalError"},
		"no listening":        {"import socket\ndef handler(e, c): socket.create_server(('', 8000))", "Unhandled", "nothing can connect to it"},
		"no private networks": {"import socket\ndef handler(e, c): socket.create_connection(('10.0.0.1', 80), 1)", "Unhandled", "PermissionError"},
		"no subprocesses":     {"import subprocess\ndef handler(e, c): subprocess.run(['ls'])", "Unhandled", "errorType"},
		"no host files":       {"def handler(e, c): return open('/etc/passwd').read()", "Unhandled", "FileNotFoundError"},
		"no way out of /var/": {"def handler(e, c): return open('/var/task/../../../../etc/passwd').read()", "Unhandled", "FileNotFoundError"},
	} {
		t.Run(name, func(t *testing.T) {
			fn := strings.NewReplacer(" ", "-", ".", "-", "/", "").Replace(name)
			s.mustCreate(fn, "app.handler", zipOf(t, map[string]string{"app.py": c.code}), map[string]any{"Timeout": 1})
			for range 2 {
				a := s.invoke(fn, `{}`, nil)
				if a.status != 200 || a.header.Get("X-Amz-Function-Error") != c.failed || !strings.Contains(a.body, c.body) {
					t.Errorf("%d %s %.300s; want %s %s", a.status, a.header.Get("X-Amz-Function-Error"), a.body, c.failed, c.body)
				}
			}
		})
	}
	t.Run("two functions at once share nothing", func(t *testing.T) {
		for _, name := range []string{"left", "right"} {
			// Whatever an instance keeps must come from invocations of its own function.
			code := `import os, tempfile
seen = set()
def handler(event, context):
    seen.add(event)
    with open("/tmp/seen", "a") as f: f.write(event + "\n")
    with open("/tmp/seen") as f: kept = set(f.read().split())
    return [context.function_name, os.environ["NAME"], event, sorted(seen), sorted(kept)]
`
			s.mustCreate(name, "app.handler", zipOf(t, map[string]string{"app.py": code}), map[string]any{"Environment": map[string]any{"Variables": map[string]string{"NAME": name}}})
		}
		var wg sync.WaitGroup
		for _, name := range []string{"left", "right"} {
			want := fmt.Sprintf(`["%[1]s", "%[1]s", "%[1]s", ["%[1]s"], ["%[1]s"]]`, name)
			for range 4 {
				wg.Go(func() {
					for range 15 {
						if a := s.invoke(name, `"`+name+`"`, nil); a.body != want {
							t.Errorf("%d %s, want %s", a.status, a.body, want)
						}
					}
				})
			}
		}
		wg.Wait()
	})
	t.Run("the server is as well as before", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for k := range 20 {
					event := fmt.Sprintf(`{"n": %d}`, i*100+k)
					if a := s.invoke("echo", event, nil); a.body != event {
						t.Errorf("%d %s, want %s", a.status, a.body, event)
					}
				}
			})
		}
		wg.Wait()
	})
}

// rawZip makes an archive with an entry that archive/zip's writer would not make by accident.
func rawZip(t *testing.T, name, text string, mode os.FileMode) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	f, err := w.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBadInput(t *testing.T) {
	s := serve(t, dataDir(t))
	good := zipOf(t, map[string]string{"app.py": "def handler(event, context): return 1"})
	before, filesBefore := stored(t, s), s.onDisk()

	creates := map[string]struct {
		name, handler string
		code          []byte
		more          map[string]any
		status        int
		kind, message string
	}{
		"not a zip":          {"f", "app.handler", []byte("hello"), nil, 400, "InvalidParameterValueException", "Could not unzip uploaded file"},
		"empty":              {"f", "app.handler", []byte{}, nil, 400, "InvalidParameterValueException", "non-empty zip"},
		"zip with ../":       {"f", "app.handler", rawZip(t, "../evil.py", "x", 0o644), nil, 400, "InvalidParameterValueException", "Could not unzip"},
		"link that leaves":   {"f", "app.handler", rawZip(t, "passwd", "/etc/passwd", os.ModeSymlink|0o777), nil, 400, "InvalidParameterValueException", "Could not unzip"},
		"251 MB unpacked":    {"f", "app.handler", rawZip(t, "zeros", strings.Repeat("\x00", 251<<20), 0o644), nil, 400, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"},
		"unknown runtime":    {"f", "app.handler", good, map[string]any{"Runtime": "cobol85"}, 400, "InvalidParameterValueException", "Value cobol85 at 'runtime' failed to satisfy constraint"},
		"node.js":            {"f", "app.handler", good, map[string]any{"Runtime": "node.js"}, 400, "InvalidParameterValueException", "enum value set"},
		"known, not here":    {"f", "app.handler", good, map[string]any{"Runtime": "java8"}, 400, "InvalidParameterValueException", "Runtime java8 is not available on this server"},
		"name with a space":  {"bad name", "app.handler", good, nil, 400, "InvalidParameterValueException", "Value 'bad name' at 'functionName' failed to satisfy constraint"},
		"name of 65":         {strings.Repeat("n", 65), "app.handler", good, nil, 400, "InvalidParameterValueException", "length less than or equal to 64"},
		"empty name":         {"", "app.handler", good, nil, 400, "InvalidParameterValueException", "functionName"},
		"no handler":         {"f", "", good, map[string]any{"Handler": nil}, 400, "InvalidParameterValueException", "Value null at 'handler' failed to satisfy constraint: Member must not be null"},
		"two at once":        {"f", "app.handler", good, map[string]any{"Role": nil, "Timeout": 301}, 400, "InvalidParameterValueException", "2 validation errors detected"},
		"handler with space": {"f", "app handler", good, nil, 400, "InvalidParameterValueException", "'handler'"},
		"role":               {"f", "app.handler", good, map[string]any{"Role": "admin"}, 400, "InvalidParameterValueException", "'role'"},
		"memory of 200":      {"f", "app.handler", good, map[string]any{"MemorySize": 200}, 400, "InvalidParameterValueException", "multiple of 64"},
		"timeout of 0":       {"f", "app.handler", good, map[string]any{"Timeout": 0}, 400, "InvalidParameterValueException", "greater than or equal to 1"},
		"reserved variable":  {"f", "app.handler", good, map[string]any{"Environment": map[string]any{"Variables": map[string]string{"AWS_REGION": "x"}}}, 400, "InvalidParameterValueException", "reserved keys"},
		"no code":            {"f", "app.handler", good, map[string]any{"Code": map[string]any{}}, 400, "InvalidParameterValueException", "source for function code"},
		"container image":    {"f", "app.handler", good, map[string]any{"PackageType": "Image", "Code": map[string]any{"ImageUri": "x"}}, 400, "InvalidParameterValueException", "Container images"},
		"wrong type":         {"f", "app.handler", good, map[string]any{"Timeout": "soon"}, 400, "SerializationException", "can not be converted to an Integer"},
		"other account":      {"arn:aws:lambda:us-east-1:111111111111:function:f", "app.handler", good, nil, 403, "AccessDeniedException", "account"},
	}
	for name, c := range creates {
		t.Run(name, func(t *testing.T) {
			wantException(t, s.create(c.name, c.handler, c.code, c.more), c.status, c.kind, c.message)
		})
	}
	if after := stored(t, s); after != before {
		t.Errorf("something was stored: %s, then %s", before, after)
	}

	s.mustCreate("f", "app.handler", good, nil)
	const functions = "/2015-03-31/functions"
	requests := map[string]struct {
		method, path  string
		headers       map[string]string
		body          string
		status        int
		kind, message string
	}{
		"create without JSON":    {"POST", functions, nil, "hello", 400, "InvalidRequestContentException", "Could not parse request body into json"},
		"event without JSON":     {"POST", functions + "/f/invocations", nil, "{'a': 1}", 400, "InvalidRequestContentException", "Could not parse request body into json"},
		"event of another type":  {"POST", functions + "/f/invocations", map[string]string{"Content-Type": "image/png"}, "{}", 415, "UnsupportedMediaTypeException", "image/png"},
		"bad client context":     {"POST", functions + "/f/invocations", map[string]string{"X-Amz-Client-Context": "e30x"}, "{}", 400, "InvalidRequestContentException", "Client context"},
		"unknown invocation":     {"POST", functions + "/f/invocations", map[string]string{"X-Amz-Invocation-Type": "Maybe"}, "{}", 400, "InvalidParameterValueException", "invocationType"},
		"asynchronous, no JSON":  {"POST", functions + "/f/invocations", map[string]string{"X-Amz-Invocation-Type": "Event"}, "{", 400, "InvalidRequestContentException", "JSON"},
		"unknown function":       {"POST", functions + "/nobody/invocations", nil, "{}", 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"},
		"unknown version":        {"GET", functions + "/f?Qualifier=7", nil, "", 404, "ResourceNotFoundException", ":function:f:7"},
		"unknown by ARN":         {"GET", functions + "/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af", nil, "", 404, "ResourceNotFoundException", "eu-west-1"},
		"bad name":               {"GET", functions + "/b%20d", nil, "", 400, "InvalidParameterValueException", "functionName"},
		"MaxItems 0":             {"GET", functions + "?MaxItems=0", nil, "", 400, "InvalidParameterValueException", "maxItems"},
		"delete $LATEST":         {"DELETE", functions + "/f?Qualifier=$LATEST", nil, "", 400, "InvalidParameterValueException", "$LATEST"},
		"from a web page":        {"POST", functions + "/f/invocations", map[string]string{"Origin": "https://example.com"}, "{}", 403, "AccessDeniedException", "web pages"},
		"wrong method":           {"PATCH", functions + "/f", nil, "", 405, "MethodNotAllowedException", "PATCH"},
		"unknown path":           {"GET", "/2015-03-31/nothing", nil, "", 404, "UnknownOperationException", "/2015-03-31/nothing"},
		"unsupported operation":  {"GET", "/2020-04-22/code-signing-configs", nil, "", 501, "UnsupportedOperationException", "ListCodeSigningConfigs"},
		"forged code link":       {"GET", "/_thaw/code/x?Expires=99999999999&Signature=00", nil, "", 403, "AccessDeniedException", "not valid"},
		"code update, not a zip": {"PUT", functions + "/f/code", nil, `{"ZipFile": "aGVsbG8="}`, 400, "InvalidParameterValueException", "Could not unzip"},
	}
	for name, c := range requests {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.t = t
			wantException(t, s.http(c.method, c.path, c.headers, []byte(c.body)), c.status, c.kind, c.message)
		})
	}
	if a := s.invoke("f", `{}`, nil); a.body != "1" {
		t.Errorf("the good function answers %d %s", a.status, a.body)
	}
	if diff := cmp.Diff(filesBefore, s.onDisk()); diff != "" {
		t.Errorf("files are left: %s", diff)
	}
}

func wantException(t *testing.T, a answer, status int, kind, message string) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	text, _ := body["message"].(string)
	if text == "" {
		text, _ = body["Message"].(string)
	}
	if a.status != status || a.header.Get("x-amzn-ErrorType") != kind || !strings.Contains(text, message) || a.header.Get("x-amzn-RequestId") == "" {
		t.Errorf("%d %s %q; want %d %s %q", a.status, a.header.Get("x-amzn-ErrorType"), text, status, kind, message)
	}
}

// stored is what the server says that it keeps.
func stored(t *testing.T, s *server) string {
	t.Helper()
	return s.http("GET", "/2016-08-19/account-settings", nil, nil).body + s.http("GET", "/2015-03-31/functions/", nil, nil).body
}
