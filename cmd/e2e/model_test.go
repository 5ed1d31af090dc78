package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The guide's programming model for Python: what a handler gets, and what becomes of what it gives.

func TestEventsOfEveryKind(t *testing.T) {
	s := serve(t, dataDir(t))
	s.mustCreate("kind", "app.handler", zipOf(t, map[string]string{"app.py": "def handler(event, context): return [type(event).__name__, event]"}), nil)
	for event, kind := range map[string]string{
		`{"a": [1, {"b": null}]}`: "dict", `[1, 2]`: "list", `"test"`: "str", `123`: "int", `-1.5e3`: "float", `null`: "NoneType", `true`: "bool", `""`: "str", `{}`: "dict", ` [] `: "list",
	} {
		if a := s.invoke("kind", event, nil); a.status != 200 || !sameJSON(t, a.body, `["`+kind+`", `+event+`]`) {
			t.Errorf("%s: %d %s", event, a.status, a.body)
		}
	}
	// A payload is optional, and so is its content type.
	if a := s.invoke("kind", "", map[string]string{"Content-Type": ""}); a.status != 200 || !sameJSON(t, a.body, `["dict", {}]`) {
		t.Errorf("no payload: %d %s", a.status, a.body)
	}
}

func TestContext(t *testing.T) {
	s := serve(t, dataDir(t))
	code := `import logging, os, time
logging.getLogger().setLevel(logging.INFO)
def handler(event, context):
    before = context.get_remaining_time_in_millis()
    time.sleep(0.05)
    after = context.get_remaining_time_in_millis()
    print("printed")
    logging.info("logged")
    client = context.client_context
    return {
        "type": type(context).__name__, "name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "request": context.aws_request_id, "group": context.log_group_name, "stream": context.log_stream_name,
        "identity": context.identity and context.identity.cognito_identity_id,
        "client": client and [client.client.installation_id, client.client.app_title, client.client.app_version_name, client.client.app_version_code, client.client.app_package_name, client.custom, client.env],
        "slept": before - after, "left": after, "task": os.environ["LAMBDA_TASK_ROOT"], "cwd": os.getcwd(), "path": bool(os.environ["PATH"]),
    }
`
	s.mustCreate("context", "app.handler", zipOf(t, map[string]string{"app.py": code}), map[string]any{"MemorySize": 192, "Timeout": 9})
	client := `{"client": {"installation_id": "i", "app_title": "t", "app_version_name": "n", "app_version_code": "c", "app_package_name": "p"}, "custom": {"k": "v"}, "env": {"locale": "de"}}`
	a := s.invoke("context", `{}`, map[string]string{"X-Amz-Client-Context": base64.StdEncoding.EncodeToString([]byte(client)), "X-Amz-Log-Type": "Tail"})
	var got map[string]any
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	number := func(key string) float64 { n, _ := got[key].(float64); delete(got, key); return n }
	if slept := number("slept"); slept < 49 {
		t.Errorf("the remaining time went down by %v ms in a sleep of 50", slept)
	}
	if left := number("left"); left < 5000 || left > 8951 {
		t.Errorf("%v ms are left of 9 s", left)
	}
	stream, _ := got["stream"].(string)
	if day := time.Now().UTC().Format("2006/01"); !strings.HasPrefix(stream, day) || !strings.Contains(stream, "[$LATEST]") {
		t.Errorf("log stream %q", stream)
	}
	delete(got, "stream")
	id := a.header.Get("x-amzn-RequestId")
	want := map[string]any{
		"type": "LambdaContext", "name": "context", "version": "$LATEST", "arn": "arn:aws:lambda:us-east-1:000000000000:function:context", "memory": "192",
		"request": id, "group": "/aws/lambda/context", "identity": nil, "client": []any{"i", "t", "n", "c", "p", map[string]any{"k": "v"}, map[string]any{"locale": "de"}},
		"task": "/var/task", "cwd": "/var/task", "path": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	log, err := base64.StdEncoding.DecodeString(a.header.Get("X-Amz-Log-Result"))
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^START RequestId: ` + id + ` Version: \$LATEST\nprinted\n\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t` + id +
		`\tlogged\nEND RequestId: ` + id + `\nREPORT RequestId: ` + id + `\tDuration: \d+\.\d\d ms\tBilled Duration: \d*00 ms\tMemory Size: 192 MB\tMax Memory Used: \d+ MB`)
	if !form.Match(log) {
		t.Errorf("log:\n%s", log)
	}
}

// What pip and zip make of a project folder.
func TestPackageLayouts(t *testing.T) {
	s := serve(t, dataDir(t))
	project := map[string]string{
		"lambda_function.py":                    "import tool, deep.er.still\nfrom importlib.metadata import version\ndef lambda_handler(event, context): return [tool.NAME, deep.er.still.HERE, version('tool'), open('data.txt').read()]\n",
		"tool/__init__.py":                      "NAME = 'tool'\n",
		"tool-1.2.dist-info/METADATA":           "Metadata-Version: 2.1\nName: tool\nVersion: 1.2\n",
		"tool-1.2.dist-info/RECORD":             "",
		"deep/er/still/__init__.py":             "HERE = __name__\n", // deep and er are namespace packages
		"data.txt":                              "beside the code",
		"tool/__pycache__/old.cpython-27.pyc":   "not for this interpreter",
		strings.Repeat("long/", 40) + "file.py": "",
	}
	s.mustCreate("content", "lambda_function.lambda_handler", zipOf(t, project), nil)
	if a := s.invoke("content", `{}`, nil); !sameJSON(t, a.body, `["tool", "deep.er.still", "1.2", "beside the code"]`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	// The folder itself in the archive is the usual mistake: it fails, and isn't guessed at.
	folder := map[string]string{}
	for name, text := range project {
		folder["project/"+name] = text
	}
	s.mustCreate("folder", "lambda_function.lambda_handler", zipOf(t, folder), nil)
	if a := s.invoke("folder", `{}`, nil); a.header.Get("X-Amz-Function-Error") != "Unhandled" || !strings.Contains(a.body, "Unable to import module 'lambda_function'") {
		t.Errorf("%d %s", a.status, a.body)
	}
	// Any function of the module can be the handler.
	many := ""
	for i := range 3 {
		many += fmt.Sprintf("def h%d(event, context): return %d\n", i, i)
	}
	s.mustCreate("many", "app.h0", zipOf(t, map[string]string{"app.py": many}), nil)
	for i := range 3 {
		if a := s.http("PUT", "/2015-03-31/functions/many/configuration", nil, fmt.Appendf(nil, `{"Handler": "app.h%d"}`, i)); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if a := s.invoke("many", `{}`, nil); a.body != fmt.Sprint(i) {
			t.Errorf("h%d: %s", i, a.body)
		}
	}
}
