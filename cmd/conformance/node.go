package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/nodejs"
)

//go:embed node_driver.js
var nodeDriver string

// nodeGroups are the modules that the Node.js guest claims, by the names of their tests below test/parallel.
var nodeGroups = []struct {
	group string
	name  *regexp.Regexp
}{
	{"whatwg-url", regexp.MustCompile(`^test-whatwg-(url|readable|webstreams)?.*`)},
	{"assert", regexp.MustCompile(`^test-assert\b`)},
	{"async-hooks", regexp.MustCompile(`^test-(async-(hooks|local|wrap)|asyncresource)`)},
	{"blob", regexp.MustCompile(`^test-(blob|file)\b`)},
	{"abort", regexp.MustCompile(`^test-(abort|eventtarget|event-target)`)},
	{"buffer", regexp.MustCompile(`^test-(buffer|btoa|atob)`)},
	{"console", regexp.MustCompile(`^test-console`)},
	{"crypto", regexp.MustCompile(`^test-crypto`)},
	{"webcrypto", regexp.MustCompile(`^test-webcrypto`)},
	{"diagnostics-channel", regexp.MustCompile(`^test-diagnostics-channel`)},
	{"dns", regexp.MustCompile(`^test-(dns|c-ares)`)},
	{"events", regexp.MustCompile(`^test-(event-(emitter|capture)|events)`)},
	{"fetch", regexp.MustCompile(`^test-(fetch|global-(webstreams|customevent|fetch))`)},
	{"fs", regexp.MustCompile(`^test-fs`)},
	{"http", regexp.MustCompile(`^test-http-`)},
	{"https", regexp.MustCompile(`^test-https`)},
	{"module", regexp.MustCompile(`^test-(module|require)`)},
	{"net", regexp.MustCompile(`^test-net`)},
	{"next-tick", regexp.MustCompile(`^test-(next-tick|process-next-tick|microtask|queue-microtask)`)},
	{"os", regexp.MustCompile(`^test-os`)},
	{"path", regexp.MustCompile(`^test-path`)},
	{"perf-hooks", regexp.MustCompile(`^test-(perf|performance)`)},
	{"process", regexp.MustCompile(`^test-process`)},
	{"promise", regexp.MustCompile(`^test-promise`)},
	{"punycode", regexp.MustCompile(`^test-punycode`)},
	{"querystring", regexp.MustCompile(`^test-querystring`)},
	{"readline", regexp.MustCompile(`^test-readline`)},
	{"stream", regexp.MustCompile(`^test-(stream|stream2|stream3|readable|webstream)`)},
	{"string-decoder", regexp.MustCompile(`^test-string-decoder`)},
	{"structured-clone", regexp.MustCompile(`^test-structuredClone`)},
	{"timers", regexp.MustCompile(`^test-timers?`)},
	{"tls", regexp.MustCompile(`^test-tls`)},
	{"url", regexp.MustCompile(`^test-url`)},
	{"util", regexp.MustCompile(`^test-util`)},
	{"zlib", regexp.MustCompile(`^test-zlib`)},
}

// nodeExclusions are the tests that can't say anything about a function in a sandbox.
var nodeExclusions = []struct {
	source *regexp.Regexp
	reason string
}{
	{regexp.MustCompile(`(?m)^// Flags:.*--expose[-_]internals`), "tests Node's private modules (--expose-internals)"},
	{regexp.MustCompile(`(?m)^// Flags:.*--(expose[-_]gc|allow-natives-syntax|max-old|v8|harmony|stack-size|no-concurrent)`), "needs a flag of V8"},
	{regexp.MustCompile(`(?m)^// Flags:.*--(inspect|experimental-permission|experimental-test|test\b|test-only|policy|frozen-intrinsics|openssl|secure-heap|force-fips|tls-)`), "needs a flag of the node program"},
	{regexp.MustCompile(`(?m)^// Flags:.*--(no-deprecation|pending-deprecation|throw-deprecation|trace|unhandled-rejections|disable-proto|icu|title|preserve-symlinks|require\b|import\b|loader|experimental-loader|es-module|experimental-vm-modules|no-experimental|insecure|max-http|report|dns-result|node-snapshot|enable-source-maps|zero-fill|huge|use-|verify-base-objects|no-force-async|network-family|heap)`), "needs a flag of the node program"},
	{regexp.MustCompile(`\brequire\((['"])(node:)?child_process(['"])\)|\bfork\(|spawnPromisified|common\.(spawn|childShouldThrowAndAbort)|assertSnapshot|common/child_process`), "starts processes"},
	{regexp.MustCompile(`\brequire\((['"])(node:)?(worker_threads)(['"])\)|new Worker\(`), "starts threads"},
	{regexp.MustCompile(`\brequire\((['"])(node:)?(cluster|dgram|repl|inspector|domain|v8|http2|wasi|trace_events|node:test)(['"])\)`), "uses a module that is not claimed (cluster, dgram, repl, inspector, domain, v8, http2)"},
	{regexp.MustCompile(`\brequire\((['"])(node:)?vm(['"])\)`), "uses contexts of module vm"},
	{regexp.MustCompile(`\brequire\((['"])node:test(['"])\)|from 'node:test'`), "written for the runner node:test"},
	{regexp.MustCompile(`\brequire\((['"])internal/|internalBinding\(|process\.binding\(`), "tests Node's private modules"},
	{regexp.MustCompile(`\.createServer\(|\.listen\(|new net\.Server|new http\.Server|new Server\(|createServerHandle`), "starts a server, which a function can't"},
	{regexp.MustCompile(`addons?/|\.node['"]|common\.buildType`), "needs a native addon"},
	{regexp.MustCompile(`WebAssembly\.`), "needs WebAssembly within the guest"},
}

func runNode(ctx context.Context, o options, suite string) (*report, error) {
	files, err := filepath.Glob(filepath.Join(suite, "parallel", "test-*"))
	if err != nil {
		return nil, err
	}
	var tests []string
	groups, reasons := map[string]string{}, map[string]string{}
	for _, f := range files {
		name := filepath.Base(f)
		ext := filepath.Ext(name)
		if ext != ".js" && ext != ".mjs" || !o.match.MatchString(name) {
			continue
		}
		for _, g := range nodeGroups {
			if !g.name.MatchString(name) {
				continue
			}
			source, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			for _, x := range nodeExclusions {
				if x.source.Match(source) {
					reasons[name] = x.reason
					break
				}
			}
			groups[name] = g.group
			tests = append(tests, name)
			break
		}
	}
	// The tests know that they lie in a folder test.
	code, err := pack(suite, "test", []string{"common", "fixtures", "parallel"}, map[string]string{"driver.js": nodeDriver})
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, o, nodejs.Guest(), engine.Function{
		Runtime: "nodejs20.x", Handler: "driver.handler", MemoryMB: 512, Timeout: 15 * time.Second, Reserved: -1,
		CodeSHA256: hash(code), Code: engine.Zip(code),
	})
	if err != nil {
		return nil, err
	}
	defer r.e.Close(context.Background())
	results := parallel(ctx, o.jobs, tests, func(name string) result {
		x := result{group: groups[name], name: name}
		if reason, out := reasons[name]; out {
			x.verdict, x.reason = excluded, reason
			return x
		}
		x.verdict, x.reason = r.runNodeTest(ctx, name)
		return x
	})
	return &report{
		title: "Node.js's own tests",
		intro: "The files `test/parallel` of Node.js 20.19.2 for the modules that the guest claims, each in a function of its own with Node's real `test/common`, " +
			"by `make conformance-node`. A test passes if it ends without an error and all that it expected (`common.mustCall`) happened.",
		results: results,
	}, ctx.Err()
}

// runNodeTest loads a test and lets its event loop run dry, then has it exit.
func (r *runner) runNodeTest(ctx context.Context, name string) (end verdict, reason string) {
	f, err := r.deploy(ctx, map[string]string{"THAW_TEST": "/var/task/test/parallel/" + name, "NODE_SKIP_FLAG_CHECK": "1", "NODE_TEST_DIR": "/tmp", "TEST_THREAD_ID": "0"}, r.base.Handler)
	if err != nil {
		return failed, err.Error()
	}
	var payload []byte
	defer func() {
		f.done()
		if r.verbose && end == failed {
			fmt.Fprintf(os.Stderr, "---- %s\n%s%s\n", name, f.out.String(), payload)
		}
	}()
	for _, phase := range []string{`{"phase":"run"}`, `{"phase":"exit"}`} {
		resp, err := f.invoke(ctx, phase)
		if err != nil {
			return failed, err.Error()
		}
		payload = resp.Payload
		out := f.out.String()
		if i := strings.Index(out, "1..0 # Skipped: "); i >= 0 {
			reason, _, _ := strings.Cut(out[i+len("1..0 # Skipped: "):], "\n")
			return skipped, reason
		}
		if i := strings.LastIndex(out, "THAW-EXIT "); i >= 0 {
			code, _, _ := strings.Cut(out[i+len("THAW-EXIT "):], "\n")
			if code == "0" {
				return passed, ""
			}
			return failed, "exit status " + code + ": " + firstError(out[:i])
		}
		if resp.FunctionError != engine.Succeeded {
			var e struct{ ErrorType, ErrorMessage string }
			_ = json.Unmarshal(resp.Payload, &e)
			return failed, e.ErrorType + ": " + e.ErrorMessage
		}
	}
	return failed, "no exit"
}

// firstError is the line of a test's output that says most.
func firstError(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "Error") || strings.Contains(line, "Mismatched") {
			return strings.TrimSpace(line)
		}
	}
	first, _, _ := strings.Cut(out, "\n")
	return first
}
