package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/nodejs"
)

//go:embed test262_driver.js
var test262Driver string

// unsupported are features of test262 that the guest doesn't claim, with the reason.
var unsupported = map[string]string{
	"SharedArrayBuffer": "shared memory: there are no threads", "Atomics": "shared memory: there are no threads",
	"Atomics.waitAsync": "shared memory: there are no threads", "Atomics.pause": "shared memory: there are no threads",
	"cross-realm": "several realms", "ShadowRealm": "several realms", "IsHTMLDDA": "of web browsers",
	"host-gc-required": "asks for the collector to run", "Temporal": "proposal, not in Node.js 20",
	"source-phase-imports": "proposal, not in Node.js 20", "source-phase-imports-module-source": "proposal, not in Node.js 20",
	"import-defer": "proposal, not in Node.js 20", "decorators": "proposal, not in Node.js 20", "explicit-resource-management": "proposal, not in Node.js 20",
	"import-text": "proposal, not in Node.js 20", "import-bytes": "proposal, not in Node.js 20", "immutable-arraybuffer": "proposal, not in Node.js 20",
	"joint-iteration": "proposal, not in Node.js 20", "canonical-tz": "needs Intl or Temporal", "await-dictionary": "proposal, not in Node.js 20",
	"nonextensible-applies-to-private": "proposal, not in Node.js 20", "error-stack-accessor": "proposal, not in Node.js 20",
	"tail-call-optimization": "in no engine but one", "caller": "of sloppy mode, not required",
}

type meta struct {
	flags, includes, features []string
	negative                  string // type of the error that must come
	phase                     string
}

var (
	metaBlock = regexp.MustCompile(`(?s)/\*---(.*?)---\*/`)
	metaList  = regexp.MustCompile(`(?m)^(flags|includes|features):\s*(?:\[([^\]]*)\]|((?:\s*\n\s+-\s*\S+)+))`)
	negative  = regexp.MustCompile(`negative:\s*\n\s*phase:\s*(\w+)\s*\n\s*type:\s*(\w+)`)
)

func parseMeta(source string) (m meta) {
	block := metaBlock.FindStringSubmatch(source)
	if block == nil {
		return m
	}
	for _, l := range metaList.FindAllStringSubmatch(block[1], -1) {
		words := strings.FieldsFunc(l[2]+l[3], func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' })
		words = slices.DeleteFunc(words, func(s string) bool { return s == "-" })
		switch l[1] {
		case "flags":
			m.flags = words
		case "includes":
			m.includes = words
		case "features":
			m.features = words
		}
	}
	if n := negative.FindStringSubmatch(block[1]); n != nil {
		m.phase, m.negative = n[1], n[2]
	}
	return m
}

func runTest262(ctx context.Context, o options, suite string) (*report, error) {
	var tests []string
	root := filepath.Join(suite, "test")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".js") || strings.Contains(path, "_FIXTURE") {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if o.match.MatchString(name) {
			tests = append(tests, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(tests)
	if o.every > 1 {
		var some []string
		for i := 0; i < len(tests); i += o.every {
			some = append(some, tests[i])
		}
		tests = some
	}
	harness := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(suite, "harness", "*.js"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		harness["harness/"+filepath.Base(f)] = string(b)
	}
	harness["driver.js"] = test262Driver
	code, err := pack(suite, "", nil, harness)
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, o, nodejs.Guest(), engine.Function{
		Runtime: "nodejs20.x", Handler: "driver.handler", MemoryMB: 256, Timeout: 30 * time.Second, Reserved: -1,
		CodeSHA256: hash(code), Code: engine.Zip(code), SnapStart: true, Isolation: engine.IsolationRequest, Key: "test262", Name: "test262",
	})
	if err != nil {
		return nil, err
	}
	defer r.e.Close(context.Background())
	if _, err := r.e.Deploy(ctx, r.base); err != nil {
		return nil, err
	}
	results := parallel(ctx, o.jobs, tests, func(name string) result {
		parts := strings.SplitN(name, string(filepath.Separator), 3)
		x := result{group: strings.Join(parts[:min(2, len(parts)-1)], "/"), name: name}
		x.verdict, x.reason = r.runTest262(ctx, filepath.Join(root, name))
		return x
	})
	return &report{
		title: "test262",
		intro: "The ECMAScript conformance suite, every " + ordinal(o.every) + " test, in sloppy and strict mode as each asks for, by `make conformance-test262 SUITE=folder`. " +
			"Each test runs in an instance that was just reset.",
		results: results,
	}, ctx.Err()
}

func ordinal(n int) string {
	if n <= 1 {
		return "single"
	}
	return fmt.Sprintf("%dth", n)
}

func (r *runner) runTest262(ctx context.Context, file string) (verdict, string) {
	b, err := os.ReadFile(file)
	if err != nil {
		return failed, err.Error()
	}
	source := string(b)
	m := parseMeta(source)
	for _, f := range m.features {
		if reason, ok := unsupported[f]; ok {
			return excluded, reason
		}
	}
	has := func(flag string) bool { return slices.Contains(m.flags, flag) }
	switch {
	case has("module"):
		return excluded, "modules that import files of the suite by relative path"
	case has("CanBlockIsTrue"):
		return excluded, "shared memory: there are no threads"
	case strings.Contains(file, "intl402"):
		return excluded, "Intl, of which the guest has a small part only"
	case strings.Contains(source, "createRealm"):
		return excluded, "several realms"
	case strings.Contains(source, "$262.agent"):
		return excluded, "shared memory: there are no threads"
	case strings.Contains(source, "_FIXTURE"):
		return excluded, "modules that import files of the suite by relative path"
	}
	modes := []bool{false, true}
	switch {
	case has("raw"), has("noStrict"):
		modes = modes[:1]
	case has("onlyStrict"):
		modes = modes[1:]
	}
	includes := append([]string{"assert.js", "sta.js"}, m.includes...)
	if has("async") {
		includes = append(includes, "doneprintHandle.js")
	}
	if has("raw") {
		includes = nil
	}
	for _, strict := range modes {
		text := source
		if strict {
			text = "\"use strict\";\n" + source
		}
		event, err := json.Marshal(map[string]any{"source": text, "includes": includes, "async": has("async"), "name": filepath.Base(file)})
		if err != nil {
			return failed, err.Error()
		}
		var resp engine.Response
		if err := r.e.Invoke(ctx, &engine.Request{Function: "test262", Event: event}, &resp); err != nil {
			return failed, err.Error()
		}
		var answer struct{ Error, Type, ErrorMessage, ErrorType string }
		if resp.FunctionError != engine.Succeeded {
			_ = json.Unmarshal(resp.Payload, &answer)
			return failed, answer.ErrorType + ": " + answer.ErrorMessage
		}
		if err := json.Unmarshal(resp.Payload, &answer); err != nil {
			return failed, "no answer: " + string(resp.Payload)
		}
		switch {
		case m.negative != "" && answer.Type != m.negative:
			return failed, fmt.Sprintf("strict %v: want a %s, got %q %s", strict, m.negative, answer.Type, answer.Error)
		case m.negative == "" && answer.Error != "":
			return failed, fmt.Sprintf("strict %v: %s", strict, answer.Error)
		}
	}
	return passed, ""
}
