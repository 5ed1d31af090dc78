package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const greeter = `
import os
def handler(event, context):
    print("greeting", event["name"])
    return {"greeting": os.environ.get("GREETING", "Hello") + " " + event["name"]}
`

// The whole life of a function, as somebody types it.
func TestAWSCLI(t *testing.T) {
	s := serve(t, dataDir(t), "--auth", "sigv4")
	first := write(t, "first.zip", zipOf(t, map[string]string{"app.py": greeter}))
	second := write(t, "second.zip", zipOf(t, map[string]string{"app.py": strings.ReplaceAll(greeter, "Hello", "Good day")}))
	out := t.TempDir() + "/out.json"
	event := "fileb://" + write(t, "event.json", []byte(`{"name": "Zoë 🚀"}`)) // means the same to versions 1 and 2 of the CLI
	invoke := func(want string) string {
		t.Helper()
		meta := s.aws("", "lambda", "invoke", "--function-name", "greet", "--payload", event, "--log-type", "Tail", out)
		b, err := os.ReadFile(out)
		if err != nil || string(b) != want {
			t.Errorf("result %s, %v; want %s", b, err, want)
		}
		return meta
	}

	s.aws("", "lambda", "create-function", "--function-name", "greet", "--runtime", "python3.13", "--role", "arn:aws:iam::000000000000:role/lambda_basic_execution",
		"--handler", "app.handler", "--zip-file", "fileb://"+first, "--timeout", "5", "--memory-size", "256", "--description", "says hello")
	s.aws("", "lambda", "wait", "function-active-v2", "--function-name", "greet")
	s.aws("", "lambda", "wait", "function-exists", "--function-name", "greet")
	meta := invoke(`{"greeting": "Hello Zoë 🚀"}`)
	var m struct {
		StatusCode                 int
		LogResult, ExecutedVersion string
	}
	if err := json.Unmarshal([]byte(meta), &m); err != nil || m.StatusCode != 200 || m.ExecutedVersion != "$LATEST" {
		t.Errorf("%+v, %v", m, err)
	}
	if log, err := base64.StdEncoding.DecodeString(m.LogResult); err != nil || !strings.Contains(string(log), "greeting Zoë 🚀\n") {
		t.Errorf("log %q, %v", log, err)
	}

	s.aws("", "lambda", "update-function-code", "--function-name", "greet", "--zip-file", "fileb://"+second)
	s.aws("", "lambda", "wait", "function-updated-v2", "--function-name", "greet")
	invoke(`{"greeting": "Good day Zoë 🚀"}`)
	s.aws("", "lambda", "update-function-configuration", "--function-name", "arn:aws:lambda:us-east-1:000000000000:function:greet", "--environment", "Variables={GREETING=Salut}")
	s.aws("", "lambda", "wait", "function-updated", "--function-name", "greet")
	invoke(`{"greeting": "Salut Zoë 🚀"}`)

	for field, want := range map[string]string{"Handler": "app.handler", "MemorySize": "256", "Timeout": "5", "Description": "says hello", "State": "Active", "LastUpdateStatus": "Successful", "Version": "$LATEST", "Environment.Variables.GREETING": "Salut"} {
		if got := strings.TrimSpace(s.aws("", "lambda", "get-function-configuration", "--function-name", "greet", "--query", field, "--output", "text")); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if got := strings.TrimSpace(s.aws("", "lambda", "list-functions", "--query", "Functions[].FunctionName", "--output", "text")); got != "greet" {
		t.Errorf("listed %q", got)
	}
	s.aws("(ResourceConflictException)", "lambda", "create-function", "--function-name", "greet", "--runtime", "python3.13", "--role", "arn:aws:iam::000000000000:role/lambda_basic_execution", "--handler", "app.handler", "--zip-file", "fileb://"+first)
	s.aws("(InvalidParameterValueException)", "lambda", "update-function-configuration", "--function-name", "greet", "--memory-size", "130")
	s.aws("(UnsupportedOperationException)", "lambda", "list-code-signing-configs")
	s.aws("", "lambda", "delete-function", "--function-name", "greet")
	s.aws("(ResourceNotFoundException)", "lambda", "get-function", "--function-name", "greet")
}

// testdata/client.py holds the assertions; it fails with a traceback.
func TestBoto3(t *testing.T) {
	python := tool(t, "python3", "-c", "import boto3")
	s := serve(t, dataDir(t), "--auth", "sigv4")
	cmd := exec.Command(python, "testdata/client.py")
	cmd.Env = s.clientEnv()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "12 checks passed") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What was acknowledged survives kill -9.
func TestKillBetweenCreateAndInvoke(t *testing.T) {
	data := dataDir(t)
	s := serve(t, data)
	file := write(t, "f.zip", zipOf(t, map[string]string{"app.py": greeter}))
	s.aws("", "lambda", "create-function", "--function-name", "survivor", "--runtime", "python3.13", "--role", "arn:aws:iam::123456789012:role/r", "--handler", "app.handler", "--zip-file", "fileb://"+file)
	s.kill()
	s = serve(t, data)
	out := t.TempDir() + "/out.json"
	s.aws("", "lambda", "invoke", "--function-name", "survivor", "--payload", "fileb://"+write(t, "event.json", []byte(`{"name": "again"}`)), out)
	if b, err := os.ReadFile(out); err != nil || string(b) != `{"greeting": "Hello again"}` {
		t.Errorf("%s, %v", b, err)
	}
	s.aws("", "lambda", "delete-function", "--function-name", "survivor")
	s.kill()
	s = serve(t, data)
	s.aws("(ResourceNotFoundException)", "lambda", "invoke", "--function-name", "survivor", out)
}
