package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// What Node.js functions return, throw and try, over HTTP; how each ends must not matter to the next.
func TestNodeFunctions(t *testing.T) {
	s := serve(t, dataDir(t))
	deploy := func(name, code string, more map[string]any) {
		t.Helper()
		settings := map[string]any{"Runtime": "nodejs20.x", "Timeout": 1}
		for k, v := range more {
			settings[k] = v
		}
		s.mustCreate(name, "index.handler", zipOf(t, map[string]string{"index.js": code}), settings)
	}
	deploy("echo", "let n = 0; exports.handler = async (event, context) => { n++; return { event, n, id: context.awsRequestId } }", nil)
	for i := range 3 {
		a := s.invoke("echo", `"żółć 漢字 🚀 \u0000"`, nil)
		want := fmt.Sprintf(`{"event": "żółć 漢字 🚀 \u0000", "n": %d, "id": %q}`, i+1, a.header.Get("x-amzn-RequestId"))
		if a.status != 200 || !sameJSON(t, a.body, want) {
			t.Errorf("%d %s, want %s", a.status, a.body, want)
		}
	}
	deploy("big", "exports.handler = async (event) => event", map[string]any{"MemorySize": 256})
	event := `"` + strings.Repeat("b", 6<<20-3) + `"`
	if a := s.invoke("big", event, nil); a.body != event {
		t.Errorf("an event of 6 MB less a byte: %d, %d bytes", a.status, len(a.body))
	}

	for name, c := range map[string]struct{ code, failed, body string }{
		"throws":              {`exports.handler = async () => { throw new RangeError("too far") }`, "Unhandled", `"errorType":"RangeError"`},
		"rejects-unseen":      {`exports.handler = async () => { Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 20)) }`, "Unhandled", "Runtime.UnhandledPromiseRejection"},
		"calls-back-an-error": {`exports.handler = (e, c, callback) => callback(new Error("told"))`, "Handled", `"errorMessage":"told"`},
		"exits":               {`exports.handler = async () => process.exit(3)`, "Unhandled", "exit status 3"},
		"loops":               {`exports.handler = async () => { for (;;) {} }`, "Unhandled", "Task timed out after 1.00 seconds"},
		"loops-in-a-builtin":  {`exports.handler = async () => "x".repeat(2 ** 26).split("").map((c) => c + c).join("").length`, "Unhandled", ""}, // out of time or of memory, as the machine goes
		"waits-too-long":      {`exports.handler = () => new Promise((r) => setTimeout(r, 60000))`, "Unhandled", "Task timed out after 1.00 seconds"},
		"takes-all-memory":    {`exports.handler = async () => { const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1)) }`, "Unhandled", "out of memory"},
		"recurses":            {`exports.handler = async function f() { const g = () => g() + 1; return g() }`, "Unhandled", "RangeError"},
		"regex-bomb":          {`exports.handler = async () => /^(a+)+$/.test("a".repeat(40) + "b")`, "Unhandled", "Task timed out after 1.00 seconds"},
		"reads-the-host":      {`exports.handler = async () => require("fs").readFileSync("/etc/passwd", "utf8")`, "Unhandled", "ENOENT"},
		"climbs":              {`exports.handler = async () => require("fs").readFileSync("/var/task/../../../etc/passwd", "utf8")`, "Unhandled", "ENOENT"},
		"writes-its-code":     {`exports.handler = async () => require("fs").writeFileSync("/var/task/index.js", "")`, "Unhandled", "EROFS"},
		"missing-module":      {`require("left-pad")`, "Unhandled", "Runtime.ImportModuleError"},
		"syntax-error":        {`exports.handler = async ( => {`, "Unhandled", "Runtime.UserCodeSyntaxError"},
		"no-handler":          {`exports.other = 1`, "Unhandled", "Runtime.HandlerNotFound"},
		"circular-result":     {`exports.handler = async () => { const a = {}; a.a = a; return a }`, "Unhandled", "Runtime.MarshalError"},
		"nothing":             {`exports.handler = async () => {}`, "", "null"},
		"ten-megabytes":       {`exports.handler = async () => { console.log("x".repeat(10 << 20)); return 1 }`, "", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			deploy(name, c.code, nil)
			for range 2 {
				a := s.invoke(name, `{}`, nil)
				if a.status != 200 || a.header.Get("X-Amz-Function-Error") != c.failed || !strings.Contains(a.body, c.body) {
					t.Errorf("%d %s %.300s; want %s %s", a.status, a.header.Get("X-Amz-Function-Error"), a.body, c.failed, c.body)
				}
			}
			if a := s.invoke("echo", `1`, nil); !strings.Contains(a.body, `"event":1`) {
				t.Errorf("the neighbour answers %d %s", a.status, a.body)
			}
		})
	}
}
