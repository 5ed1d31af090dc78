package repo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// functionsOf is the names of test functions by package folder, such as "engine/store". What lies in a package's subfolders
// counts as its own too, so that a table may name the room only.
func functionsOf(t *testing.T) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w*)\(`)
	for _, f := range tracked(t) {
		if !strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllStringSubmatch(string(b), -1) {
			for dir := filepath.Dir(f); dir != "."; dir = filepath.Dir(dir) {
				if all[dir] == nil {
					all[dir] = map[string]bool{}
				}
				all[dir][m[1]] = true
			}
		}
	}
	return all
}

// The documents name tests as `package TestA, TestB; package TestC`. Each must exist, in that package.
func TestDocumentsNameRealTests(t *testing.T) {
	functions := functionsOf(t)
	token := regexp.MustCompile(`(?:\b(?:abi|api|engine|runtimes|bridges|bench|cmd)(?:/\w+)*\b)|\b(?:Test|Fuzz|Example)[A-Z]\w*`)
	n := 0
	for _, document := range []string{"docs/COVERAGE.md", "docs/SPECIFICATION.md"} {
		b, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			if !strings.HasPrefix(line, "|") {
				continue
			}
			pkg := ""
			for _, word := range token.FindAllString(line, -1) {
				if !strings.HasPrefix(word, "Test") && !strings.HasPrefix(word, "Fuzz") && !strings.HasPrefix(word, "Example") {
					pkg = word
					continue
				}
				n++
				if !functions[pkg][word] {
					t.Errorf("%s:%d: there is no %s in %q", document, i+1, word, pkg)
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d tests are named", n)
	}
}

// Rows are written like API-Invoke-01, with "…" for a range and ", " for more of the same area; a row may stand only once.
func TestCoverageRowsAreUnique(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "docs/COVERAGE.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i, line := range strings.Split(string(b), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") {
			continue
		}
		cell := strings.TrimSpace(strings.Split(line, "|")[1])
		for _, row := range expand(t, i+1, cell) {
			if seen[row] != 0 {
				t.Errorf("line %d: %s stands in line %d too", i+1, row, seen[row])
			}
			seen[row] = i + 1
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d rows found", len(seen))
	}
}

// expand turns "LIM-02, 05…07" into its rows. A cell that names no row ("all other operations") has none.
func expand(t *testing.T, line int, cell string) []string {
	t.Helper()
	part := regexp.MustCompile(`^(?:([A-Z][A-Z0-9]*(?:-[A-Za-z]+)?)-)?(\d\d)(?:…(\d\d))?$`)
	area := ""
	var rows []string
	for p := range strings.SplitSeq(cell, ", ") {
		m := part.FindStringSubmatch(p)
		if m == nil {
			if len(rows) > 0 || regexp.MustCompile(`-\d\d\b`).MatchString(p) {
				t.Errorf("line %d: %q is no row", line, p)
			}
			return rows
		}
		if m[1] != "" {
			area = m[1]
		}
		first, last := m[2], m[3]
		if last == "" {
			last = first
		}
		if last < first {
			t.Errorf("line %d: %q runs backwards", line, p)
		}
		for n := first; n <= last; n = next(n) {
			rows = append(rows, area+"-"+n)
		}
	}
	return rows
}

func next(n string) string {
	b := []byte(n)
	if b[1]++; b[1] > '9' {
		b[0], b[1] = b[0]+1, '0'
	}
	return string(b)
}
