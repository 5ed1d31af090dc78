package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMeta(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         meta
	}{
		{"none", "var x;", meta{}},
		{"lists", "/*---\ndescription: x\nincludes: [a.js, b.js]\nflags: [onlyStrict]\nfeatures: [Temporal]\n---*/", meta{
			flags: []string{"onlyStrict"}, includes: []string{"a.js", "b.js"}, features: []string{"Temporal"}}},
		{"lines", "/*---\nincludes:\n  - a.js\n  - b.js\nfeatures:\n  - BigInt\n---*/", meta{includes: []string{"a.js", "b.js"}, features: []string{"BigInt"}}},
		{"negative", "/*---\nnegative:\n  phase: parse\n  type: SyntaxError\n---*/", meta{negative: "SyntaxError", phase: "parse"}},
	} {
		if diff := cmp.Diff(c.want, parseMeta(c.source), cmp.AllowUnexported(meta{})); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestReport(t *testing.T) {
	r := report{title: "T", intro: "I", results: []result{
		{"b", "b1", failed, "a | b"}, {"a", "a1", passed, ""}, {"a", "a2", passed, ""}, {"b", "b2", passed, ""},
		{"b", "b3", skipped, "no"}, {"a", "a3", excluded, "threads"},
	}}
	var b bytes.Buffer
	r.markdown(&b)
	for _, want := range []string{"| a | 2 | 0 | 0 | 1 | 100.0 |\n| b | 1 | 1 | 1 | 0 | 50.0 |\n| all | 3 | 1 | 1 | 1 | 75.0 |", `| b1 | a \| b |`, "| 1 | threads |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
