package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testdata/contract.py holds the assertions; it fails with a traceback.
func TestBoto3Contract(t *testing.T) {
	python := tool(t, "python3", "-c", "import boto3")
	s := serve(t, dataDir(t), "--auth", "sigv4", "--roles", "permissive", "--async-retry-delay", "10ms")
	cmd := exec.Command(python, "testdata/contract.py")
	cmd.Env = s.clientEnv()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "checks passed") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The guide's tutorial "Using AWS Lambda Aliases" (rows VER-*, ALI-14), with the commands that it prints.
func TestAliasTutorial(t *testing.T) {
	s := serve(t, dataDir(t))
	zip := func(text string) string {
		return "fileb://" + write(t, "helloworld.zip", zipOf(t, map[string]string{"app.py": "def handler(event, context): return [" + text + ", context.function_version, context.invoked_function_arn]"}))
	}
	text := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(s.aws("", append(append([]string{"lambda"}, args...), "--output", "text")...))
	}
	s.aws("", "lambda", "create-function", "--function-name", "helloworld", "--runtime", "python3.13", "--role", "arn:aws:iam::123456789012:role/lambda_basic_execution", "--handler", "app.handler", "--zip-file", zip("1"))
	s.aws("", "lambda", "create-alias", "--function-name", "helloworld", "--description", "sample alias", "--function-version", "$LATEST", "--name", "DEV")
	if got := text("publish-version", "--function-name", "helloworld", "--query", "[Version,FunctionArn]"); got != "1\tarn:aws:lambda:us-east-1:000000000000:function:helloworld:1" {
		t.Errorf("published %q", got)
	}
	s.aws("", "lambda", "create-alias", "--function-name", "helloworld", "--description", "sample alias", "--function-version", "1", "--name", "BETA")
	s.aws("", "lambda", "create-alias", "--function-name", "helloworld", "--description", "sample alias", "--function-version", "1", "--name", "PROD")
	s.aws("", "lambda", "update-function-code", "--function-name", "helloworld", "--zip-file", zip("2"))
	s.aws("", "lambda", "publish-version", "--function-name", "helloworld")
	s.aws("", "lambda", "update-alias", "--function-name", "helloworld", "--function-version", "2", "--name", "BETA")
	if got := text("list-aliases", "--function-name", "helloworld", "--query", "Aliases[].[Name,FunctionVersion,Description]"); got != "BETA\t2\tsample alias\nDEV\t$LATEST\tsample alias\nPROD\t1\tsample alias" {
		t.Errorf("at the end:\n%s", got)
	}
	out := filepath.Join(t.TempDir(), "out")
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:helloworld"
	for qualifier, want := range map[string]string{"DEV": `[2, "$LATEST", "` + arn + `:DEV"]`, "BETA": `[2, "2", "` + arn + `:BETA"]`, "PROD": `[1, "1", "` + arn + `:PROD"]`} {
		meta := s.aws("", "lambda", "invoke", "--function-name", "helloworld:"+qualifier, out)
		if b, err := os.ReadFile(out); err != nil || string(b) != want {
			t.Errorf("%s: %s, %v", qualifier, b, err)
		}
		if !strings.Contains(meta, "ExecutedVersion") {
			t.Errorf("%s: %s", qualifier, meta)
		}
	}
	// Permissions, as in the guide's chapter on versioning and resource policies.
	s.aws("", "lambda", "add-permission", "--function-name", "helloworld", "--qualifier", "BETA", "--statement-id", "1", "--principal", "s3.amazonaws.com", "--action", "lambda:InvokeFunction", "--source-arn", "arn:aws:s3:::examplebucket", "--source-account", "111111111111")
	if got := text("get-policy", "--function-name", "helloworld", "--qualifier", "BETA", "--query", "Policy"); !strings.Contains(got, `"Resource":"`+arn+`:BETA"`) {
		t.Errorf("policy %s", got)
	}
	s.aws("(ResourceNotFoundException)", "lambda", "get-policy", "--function-name", "helloworld")
	s.aws("", "lambda", "remove-permission", "--function-name", "helloworld", "--qualifier", "BETA", "--statement-id", "1")
	s.aws("(ResourceConflictException)", "lambda", "delete-function", "--function-name", "helloworld", "--qualifier", "1")
	s.aws("", "lambda", "delete-alias", "--function-name", "helloworld", "--name", "PROD")
	s.aws("", "lambda", "delete-function", "--function-name", "helloworld", "--qualifier", "1")
	s.aws("", "lambda", "delete-function", "--function-name", "helloworld")
	s.aws("(ResourceNotFoundException)", "lambda", "list-aliases", "--function-name", "helloworld")
	s.aws("", "lambda", "create-function", "--function-name", "helloworld", "--runtime", "python3.13", "--role", "arn:aws:iam::123456789012:role/r", "--handler", "app.handler", "--zip-file", zip("1"), "--publish")
	if got := text("list-versions-by-function", "--function-name", "helloworld", "--query", "Versions[].Version"); got != "$LATEST\t3" {
		t.Errorf("created anew: %q", got)
	}
}

// An event that was accepted outlives a kill -9, before it is executed and between two attempts.
func TestAcceptedEventsSurviveAKill(t *testing.T) {
	data := dataDir(t)
	s := serve(t, data, "--async-retry-delay", "1s")
	s.mustCreate("f", "app.handler", zipOf(t, map[string]string{"app.py": "import sys\nn = []\ndef handler(event, context):\n    if event == 'n': return n\n    n.append(event)\n    raise ValueError('no')\n"}), nil)
	s.aws("", "lambda", "put-function-concurrency", "--function-name", "f", "--reserved-concurrent-executions", "0")
	for i := range 5 { // throttled: none is executed yet
		if a := s.invoke("f", fmt.Sprint(i), map[string]string{"X-Amz-Invocation-Type": "Event"}); a.status != 202 || a.body != "" {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	s.kill()
	s = serve(t, data, "--async-retry-delay", "100ms")
	s.aws("", "lambda", "put-function-concurrency", "--function-name", "f", "--reserved-concurrent-executions", "1")
	counts := map[int]int{}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var n []int
		if a := s.invoke("f", `"n"`, nil); a.status == 429 || json.Unmarshal([]byte(a.body), &n) != nil {
			continue
		}
		clear(counts)
		for _, i := range n {
			counts[i]++
		}
		if fmt.Sprint(counts) == "map[0:3 1:3 2:3 3:3 4:3]" { // two retries each
			return
		}
	}
	t.Errorf("executions by event: %v", counts)
}

// Code from an S3-compatible store.
func TestCodeFromS3(t *testing.T) {
	zip := zipOf(t, map[string]string{"app.py": "def handler(event, context): return 's3'"})
	objects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bucket/a/f.zip" && strings.Contains(r.Header.Get("Authorization"), "Credential=key/") {
			_, _ = w.Write(zip)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"))
	}))
	defer objects.Close()
	t.Setenv("THAW_S3_ACCESS_KEY", "key")
	t.Setenv("THAW_S3_SECRET_KEY", "secret")
	s := serve(t, dataDir(t), "--s3-endpoint", objects.URL)
	s.aws("", "lambda", "create-function", "--function-name", "f", "--runtime", "python3.13", "--role", "arn:aws:iam::123456789012:role/r", "--handler", "app.handler", "--code", "S3Bucket=bucket,S3Key=a/f.zip")
	if a := s.invoke("f", "{}", nil); a.body != `"s3"` {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.aws("", "lambda", "update-function-code", "--function-name", "f", "--s3-bucket", "bucket", "--s3-key", "a/f.zip", "--publish")
	s.aws("S3 Error Code: NoSuchKey", "lambda", "update-function-code", "--function-name", "f", "--s3-bucket", "bucket", "--s3-key", "none")
	s.aws("", "lambda", "publish-layer-version", "--layer-name", "l", "--content", "S3Bucket=bucket,S3Key=a/f.zip")
}

// A backup of a serving server, restored, is a server with the same functions.
func TestBackupAndRestore(t *testing.T) {
	data := dataDir(t)
	s := serve(t, data)
	s.mustCreate("f", "app.handler", zipOf(t, map[string]string{"app.py": "def handler(event, context): return 'there'"}), map[string]any{"Publish": true})
	file := filepath.Join(t.TempDir(), "backup")
	thaw := func(want string, args ...string) {
		t.Helper()
		out, err := exec.Command(binary, args...).CombinedOutput()
		if (err == nil) != (want == "") || !bytes.Contains(out, []byte(want)) {
			t.Fatalf("thaw %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	thaw("", "backup", file, "--data", data)
	if a := s.invoke("f", "{}", nil); a.body != `"there"` {
		t.Errorf("the server after the backup: %d %s", a.status, a.body)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	thaw("has something in it already", "restore", file, "--data", data)
	other := dataDir(t)
	thaw("", "restore", file, "--data", other)
	r := serve(t, other)
	if a := r.invoke("f:1", "{}", nil); a.body != `"there"` {
		t.Errorf("restored: %d %s", a.status, a.body)
	}
	// Without a server the folder itself is read.
	s.kill()
	thaw("", "backup", file, "--data", data)
	thaw("", "restore", file, "--data", dataDir(t))
	thaw("nothing to back up", "backup", file, "--data", t.TempDir())
	if err := os.WriteFile(file, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	thaw("backup is damaged", "restore", file, "--data", dataDir(t))
}

// The guide's API reference, walked with boto3.
func TestBoto3Conformance(t *testing.T) {
	python := tool(t, "python3", "-c", "import boto3")
	s := serve(t, dataDir(t), "--auth", "sigv4", "--roles", "permissive")
	cmd := exec.Command(python, "testdata/conformance.py", filepath.Join("..", "..", "api", "testdata", "api.json"))
	cmd.Env = s.clientEnv()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "checks passed") {
		t.Errorf("%v\n%s", err, out)
	}
}
