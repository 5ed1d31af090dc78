package e2e

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestUpOnce(t *testing.T) {
	data := dataDir(t)
	for range 2 { // the second time the functions are there already
		addr := freeAddr(t)
		out, err := exec.Command(binary, "up", "--once", "--data", data, "--listen", addr).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, want := range []string{`{"message": "Hello John Doe!"}`, `"bytes": 39235`, `{"north": 22.49`, `accepted opened`, `{"count": 1, "bytes_in_tmp": 37}`, `{"message":"Hello John Doe!"}`, `["MAIL","PUSH","fax took too long"],"atOnce":true`, `"statusCode":422`, "eval \"$(" + binary + " env --data " + data + ")\"", "aws lambda invoke"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("the output lacks %q:\n%s", want, out)
			}
		}
	}
}

// Without --once the server goes on; a signal ends it properly.
func TestUpKeepsServing(t *testing.T) {
	addr := freeAddr(t)
	cmd := exec.Command(binary, "up", "--data", dataDir(t), "--listen", addr, "--auth", "none")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	found := false
	for lines := bufio.NewScanner(out); !found && lines.Scan(); {
		found = strings.HasPrefix(lines.Text(), "Serving the Lambda API on http://"+addr)
	}
	if !found {
		t.Fatal("it never said that it serves")
	}
	resp, err := http.Post("http://"+addr+"/2015-03-31/functions/hello/invocations", "application/json", strings.NewReader(`{"first_name":"A","last_name":"B"}`))
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("%v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("exit after SIGTERM: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("still there 20 s after SIGTERM")
	}
}

// A first start serves the API at once and tells what it is waiting for; an invocation waits for its interpreter.
func TestFirstStart(t *testing.T) {
	s := serve(t, t.TempDir())
	if health := s.http("GET", "/healthz", nil, nil); health.status != 200 || !strings.Contains(health.body, `"starting"`) {
		t.Errorf("%d %s", health.status, health.body)
	}
	s.mustCreate("f", "app.handler", zipOf(t, map[string]string{"app.py": "def handler(event, context): return event"}), nil)
	if a := s.invoke("f", `"early"`, nil); a.body != `"early"` {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, want := range []string{"compiling CPython", " compiled in ", " ready after "} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, s.log)
		}
	}
}

func TestWhatPeopleGetWrong(t *testing.T) {
	s := serve(t, dataDir(t))
	file := func(text string) string { return write(t, "thaw.yaml", []byte(text)) }
	for name, c := range map[string]struct {
		args []string
		env  string
		want string
	}{
		"address in use":      {[]string{"serve", "--listen", s.addr, "--data", t.TempDir()}, "", "is in use, perhaps by another thaw: choose another address with --listen"},
		"data in use":         {[]string{"serve", "--listen", freeAddr(t), "--data", s.data}, "", "data folder is in use by another process"},
		"everybody":           {[]string{"serve", "--auth", "none", "--listen", "0.0.0.0:0"}, "", "only serves loopback addresses"},
		"auth":                {[]string{"serve", "--auth", "basic"}, "", "choose none or sigv4"},
		"env before a start":  {[]string{"env", "--data", t.TempDir()}, "", "start one with thaw serve or thaw up"},
		"env of no account":   {[]string{"env", "--data", s.data, "--account", "999999999999"}, "", "has no account 999999999999"},
		"env of no shell":     {[]string{"env", "--data", s.data, "--shell", "csh"}, "", "choose sh, fish, powershell or json"},
		"unknown limits":      {[]string{"serve", "--limits", "none", "--data", t.TempDir(), "--listen", freeAddr(t)}, "", "choose guide or current"},
		"unknown key":         {[]string{"serve", "--config", file("listen: 127.0.0.1:0\ncolour: blue\n")}, "", `unknown key "colour"`},
		"bad YAML":            {[]string{"serve", "--config", file("listen: [")}, "", "configuration"},
		"file not there":      {[]string{"serve", "--config", "nowhere.yaml"}, "", "nowhere.yaml"},
		"budget":              {[]string{"serve", "--memory-budget", "much"}, "", "--memory-budget"},
		"environment":         {[]string{"serve"}, "THAW_CPU=fast", `--cpu "fast"`},
		"unknown command":     {[]string{"fly"}, "", `unknown command "fly"`},
		"flag before setting": {[]string{"serve", "--cpu", "slow"}, "THAW_CPU=shared", `--cpu "slow"`},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(binary, c.args...)
			cmd.Env = append(os.Environ(), c.env, "XDG_DATA_HOME="+filepath.Join(t.TempDir(), "data"))
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v, %q; want %q", err, out, c.want)
			}
		})
	}
}

// Settings of the file hold, those of the environment win over them, and flags over both.
func TestPrecedence(t *testing.T) {
	fromFile := "123456789012"
	config := write(t, "thaw.yaml", []byte("account: \""+fromFile+"\"\nlimits: current\n"))
	s := serve(t, dataDir(t), "--config", config, "--limits", "guide")
	s.mustCreate("f", "app.handler", zipOf(t, map[string]string{"app.py": "def handler(event, context): return context.invoked_function_arn"}), nil)
	if a := s.invoke("f", `{}`, nil); a.body != `"arn:aws:lambda:us-east-1:`+fromFile+`:function:f"` {
		t.Errorf("the file's account is not in %s", a.body)
	}
	wantException(t, s.create("g", "app.handler", zipOf(t, map[string]string{"app.py": ""}), map[string]any{"MemorySize": 2048}), 400, "InvalidParameterValueException", "memorySize")
}

func TestVersion(t *testing.T) {
	out, err := exec.Command(binary, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "thaw ") || !strings.Contains(string(out), "CPython 3.13") || !strings.Contains(string(out), "Node.js") {
		t.Errorf("%v %s", err, out)
	}
}
