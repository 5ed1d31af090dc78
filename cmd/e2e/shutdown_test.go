package e2e

import (
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// invokeSlowly invokes a function that takes its time, and returns once it runs.
func invokeSlowly(t *testing.T, s *server, seconds string) chan answer {
	t.Helper()
	s.mustCreate("slow", "app.handler", zipOf(t, map[string]string{"app.py": "import time\ndef handler(event, context):\n    print('it runs', flush=True)\n    time.sleep(event)\n    return 'done'\n"}), map[string]any{"Timeout": 30})
	done := make(chan answer, 1)
	go func() {
		defer close(done)
		resp, err := http.Post(s.url()+"/2015-03-31/functions/slow/invocations", "application/json", strings.NewReader(seconds))
		if err != nil {
			return // the server ended
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); err == nil {
			done <- answer{status: resp.StatusCode, body: string(b)}
		}
	}()
	for begin := time.Now(); !strings.Contains(s.log.String(), "it runs"); time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatal("the function does not run")
		}
	}
	return done
}

func (s *server) exit(t *testing.T) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.cmd.Wait() }()
	select {
	case err := <-done:
		var e *exec.ExitError
		if errors.As(err, &e) {
			return e.ExitCode()
		}
		return 0
	case <-time.After(25 * time.Second):
		t.Fatal("it does not end")
		return -1
	}
}

// The first signal lets invocations finish, refuses new connections, and ends with 0.
func TestASignalDrains(t *testing.T) {
	s := serve(t, dataDir(t), "--log-level", "debug")
	done := invokeSlowly(t, s, "1.5")
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if a := <-done; a.status != 200 || a.body != `"done"` {
		t.Errorf("the invocation in progress was answered with %d %q", a.status, a.body)
	}
	if code := s.exit(t); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if got := s.onDisk(); len(got) != 3 { // the data folder, its cache, and an empty TMPDIR
		t.Errorf("left on disk: %q", got)
	}
}

// The second signal does not wait.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	s := serve(t, dataDir(t), "--log-level", "debug")
	done := invokeSlowly(t, s, "25")
	for range 2 {
		if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	if code := s.exit(t); code != 130 {
		t.Errorf("exit status %d", code)
	}
	if a, ok := <-done; ok {
		t.Errorf("answered %q", a.body)
	}
}
