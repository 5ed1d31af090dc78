package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	binary string // the program under test
	cache  string // of compiled interpreters, shared by all servers of the run
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "thaw-e2e-")
	if err != nil {
		panic(err)
	}
	binary, cache = filepath.Join(dir, "thaw"), filepath.Join(dir, "cache")
	build := exec.Command("go", "build", "-o", binary, "../thaw")
	build.Stderr = os.Stderr
	if err := errors.Join(os.Mkdir(cache, 0o700), build.Run()); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// server is a running thaw.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	data string
	tmp  string // its TMPDIR, where nothing should be left
	addr string
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// dataDir is a fresh data folder whose caches are those of the whole run.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(cache, filepath.Join(dir, "cache")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// serve starts thaw serve on a data folder and waits until it answers. Unless the flags say otherwise everybody may do
// everything: most tests are about something else.
func serve(t *testing.T, data string, flags ...string) *server {
	t.Helper()
	if !slices.Contains(flags, "--auth") {
		flags = append([]string{"--auth", "none"}, flags...)
	}
	s := &server{t: t, data: data, tmp: t.TempDir(), addr: freeAddr(t), log: &lockedBuffer{}}
	s.cmd = exec.Command(binary, append([]string{"serve", "--listen", s.addr, "--data", data}, flags...)...)
	s.cmd.Stderr = s.log
	s.cmd.Env = append(os.Environ(), "TMPDIR="+s.tmp)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_, _ = s.cmd.Process.Wait()
		if t.Failed() {
			t.Logf("server's log:\n%s", s.log)
		}
	})
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(s.url() + "/healthz")
		if err == nil {
			resp.Body.Close()
			return s
		}
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("no answer from %s: %v\n%s", s.addr, err, s.log)
		}
	}
}

func (s *server) url() string { return "http://" + s.addr }

// kill is kill -9.
func (s *server) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait()
}

// clientEnv is the environment in which the AWS clients find the server and act as its root user.
func (s *server) clientEnv() []string {
	s.t.Helper()
	env := append(os.Environ(), "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1")
	for name, value := range s.env() {
		if strings.HasPrefix(name, "AWS_") {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// env is what thaw env prints for the server.
func (s *server) env(flags ...string) map[string]string {
	s.t.Helper()
	out, err := exec.Command(binary, append([]string{"env", "--shell", "json", "--data", s.data}, flags...)...).Output()
	var values map[string]string
	if err := errors.Join(err, json.Unmarshal(out, &values)); err != nil {
		s.t.Fatalf("thaw env: %v", err)
	}
	return values
}

// probes are the outcomes of probing tools, by command line: the AWS CLI takes half a second to say its version.
var probes sync.Map

// tool finds a client program. CI must have it; elsewhere its absence skips the test, loudly.
func tool(t *testing.T, name string, probe ...string) string {
	t.Helper()
	find, _ := probes.LoadOrStore(fmt.Sprint(name, probe), sync.OnceValues(func() (string, error) {
		file, err := exec.LookPath(name)
		if err != nil {
			return "", err
		}
		if out, err := exec.Command(file, probe...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		return file, nil
	}))
	file, err := find.(func() (string, error))()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is needed: %v", name, err)
		}
		t.Skipf("%s is not usable (%v): install the AWS CLI and boto3 to run this test", name, err)
	}
	return file
}

// aws runs the AWS CLI and returns its output; want is a part of its error, or empty for success.
func (s *server) aws(want string, args ...string) string {
	s.t.Helper()
	cmd := exec.Command(tool(s.t, "aws", "--version"), args...)
	cmd.Env = s.clientEnv()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case want == "" && err != nil:
		s.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	case want != "" && (err == nil || !strings.Contains(stderr.String(), want)):
		s.t.Errorf("aws %s: %v, %q; want %q", strings.Join(args, " "), err, &stderr, want)
	}
	return stdout.String()
}

// answer is an HTTP response, read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *server) http(method, path string, headers map[string]string, body []byte) answer {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.url()+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// create creates a Python function over HTTP.
func (s *server) create(name, handler string, code []byte, more map[string]any) answer {
	s.t.Helper()
	body := map[string]any{
		"FunctionName": name, "Runtime": "python3.13", "Handler": handler, "Role": "arn:aws:iam::123456789012:role/r", "Timeout": 10,
		"Code": map[string]any{"ZipFile": code},
	}
	for k, v := range more {
		if v == nil {
			delete(body, k)
		} else {
			body[k] = v
		}
	}
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.http("POST", "/2015-03-31/functions", nil, b)
}

func (s *server) mustCreate(name, handler string, code []byte, more map[string]any) {
	s.t.Helper()
	if a := s.create(name, handler, code, more); a.status != 201 {
		s.t.Fatalf("create %s: %d %s", name, a.status, a.body)
	}
}

func (s *server) invoke(name, event string, headers map[string]string) answer {
	s.t.Helper()
	return s.http("POST", "/2015-03-31/functions/"+name+"/invocations", headers, []byte(event))
}

// onDisk is the names of all that the server keeps in files, but for the database's own, the compiled interpreters, the audit log
// and the root credentials.
func (s *server) onDisk() []string {
	s.t.Helper()
	var all []string
	for _, dir := range []string{s.data, s.tmp} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() && (d.Name() == "store" || d.Name() == "audit") {
				return filepath.SkipDir
			}
			if err == nil && d.Name() == "access.json" {
				return nil
			}
			all = append(all, path)
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return all
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
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
