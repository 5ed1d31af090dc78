package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/nodejs"
)

// runNPM installs the packages of folder/package-lock.json and has every job of folder/jobs done twice: by the machine's own
// Node.js and by a deployed function. The answers must be equal. The first line of a job names the packages.
func runNPM(ctx context.Context, o options, folder string) (*report, error) {
	work, err := os.MkdirTemp("", "thaw-npm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	for _, name := range []string{"package.json", "package-lock.json"} {
		if err := copyFile(filepath.Join(work, name), filepath.Join(folder, name)); err != nil {
			return nil, err
		}
	}
	if err := os.CopyFS(filepath.Join(work, "jobs"), os.DirFS(filepath.Join(folder, "jobs"))); err != nil {
		return nil, err
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = work
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm ci: %w: %s", err, out)
	}
	version, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	server := httptest.NewServer(http.HandlerFunc(serve))
	defer server.Close()
	env := map[string]string{"HTTP_URL": server.URL}
	if port, stop, err := startRedis(ctx, work); err == nil {
		defer stop()
		env["REDIS_PORT"] = port
	}
	code, err := pack(work, "", []string{"node_modules", "jobs"}, nil)
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, o, nodejs.Guest(), engine.Function{
		Runtime: "nodejs20.x", MemoryMB: 512, Timeout: 30 * time.Second, Reserved: -1, CodeSHA256: hash(code), Code: engine.Zip(code),
	})
	if err != nil {
		return nil, err
	}
	defer r.e.Close(context.Background())
	files, err := filepath.Glob(filepath.Join(work, "jobs", "*.js"))
	if err != nil {
		return nil, err
	}
	results := parallel(ctx, o.jobs, files, func(file string) result {
		name := strings.TrimSuffix(filepath.Base(file), ".js")
		x := result{group: "npm", name: name}
		if !o.match.MatchString(name) {
			x.verdict, x.reason = excluded, "not asked for"
			return x
		}
		source, err := os.ReadFile(file)
		if err != nil {
			x.verdict, x.reason = failed, err.Error()
			return x
		}
		head, _, _ := strings.Cut(string(source), "\n")
		x.name = strings.TrimPrefix(head, "// ")
		if strings.Contains(string(source), "REDIS_PORT") && env["REDIS_PORT"] == "" {
			x.verdict, x.reason = excluded, "no redis-server on this machine"
			return x
		}
		x.verdict, x.reason = r.runJob(ctx, file, env)
		return x
	})
	return &report{
		title: "npm packages",
		intro: "Packages of `cmd/conformance/npm/package-lock.json`, each doing a job in a deployed function, by `make conformance-npm`. " +
			"A job passes if its answer equals the one that Node.js " + strings.TrimSpace(string(version)) + " gives on the same machine. Those that need a network talk to servers of the run.",
		results: results,
	}, ctx.Err()
}

// job runs a handler natively as a function of a runtime would.
const job = `const h = require(process.argv[1]).handler;
const done = (e, r) => { if (e) { console.error(e); process.exit(1); } process.stdout.write('\0' + JSON.stringify(r === undefined ? null : r), () => process.exit(0)); };
const r = h({}, {}, done);
if (r && r.then && h.length < 3) r.then((v) => done(null, v), done);`

func (r *runner) runJob(ctx context.Context, file string, env map[string]string) (end verdict, reason string) {
	native := exec.CommandContext(ctx, "node", "-e", job, file)
	native.Dir = filepath.Dir(filepath.Dir(file))
	native.Env = append(os.Environ(), "TZ=UTC")
	for k, v := range env {
		native.Env = append(native.Env, k+"="+v)
	}
	var stderr bytes.Buffer
	native.Stderr = &stderr
	out, err := native.Output()
	_, want, _ := bytes.Cut(out, []byte{0})
	if err != nil {
		return failed, fmt.Sprintf("native: %v: %s", err, stderr.String())
	}
	f, err := r.deploy(ctx, env, "jobs/"+strings.TrimSuffix(filepath.Base(file), ".js")+".handler")
	if err != nil {
		return failed, err.Error()
	}
	defer f.done()
	resp, err := f.invoke(ctx, "{}")
	if err != nil {
		return failed, err.Error()
	}
	if r.verbose {
		defer func() {
			if end == failed {
				fmt.Fprintf(os.Stderr, "---- %s\n%s\nwant %s\ngot  %s\n", file, f.out.String(), want, resp.Payload)
			}
		}()
	}
	if resp.FunctionError != engine.Succeeded {
		var e struct{ ErrorType, ErrorMessage string }
		_ = json.Unmarshal(resp.Payload, &e)
		return failed, e.ErrorType + ": " + e.ErrorMessage
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(want, &a), json.Unmarshal(resp.Payload, &b)); err != nil {
		return failed, err.Error()
	}
	if !reflect.DeepEqual(a, b) {
		return failed, fmt.Sprintf("answered %s, Node.js %s", resp.Payload, want)
	}
	return passed, ""
}

// serve is the server that the jobs talk to.
func serve(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == "/echo":
		body, _ := io.ReadAll(r.Body)
		headers := map[string]string{}
		for k := range r.Header {
			headers[strings.ToLower(k)] = r.Header.Get(k)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "url": r.URL.RequestURI(), "headers": headers, "body": string(body)})
	case path == "/gzip":
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/plain")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, strings.Repeat("compressed ", 100))
		_ = z.Close()
	case path == "/redirect":
		http.Redirect(w, r, "/echo?from=redirect", http.StatusFound)
	case path == "/port":
		_, _ = io.WriteString(w, r.RemoteAddr)
	case path == "/slow":
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Second):
		}
	case strings.HasPrefix(path, "/status/"):
		var status int
		_, _ = fmt.Sscan(path[len("/status/"):], &status)
		http.Error(w, "as asked", max(status, 200))
	default:
		http.NotFound(w, r)
	}
}

// startRedis starts the machine's redis-server on a free port.
func startRedis(ctx context.Context, dir string) (port string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	c := exec.CommandContext(ctx, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir)
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { _ = c.Process.Kill(); _ = c.Wait() }
	for range 100 {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = conn.Close()
			return port, stop, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return "", nil, errors.New("redis-server doesn't answer")
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o644)
	}
	return err
}

// wanted are the files of a package that a function can use.
func wanted(name string) bool {
	return !slices.Contains([]string{".ts", ".cts", ".mts", ".map", ".md", ".markdown", ".flow", ".html", ".png"}, filepath.Ext(name))
}
