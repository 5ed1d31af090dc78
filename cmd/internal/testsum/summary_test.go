package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A module is written, go test -json run on it, and its summary compared.
func TestSummary(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		last  string
		parts []string
		well  bool
	}{
		"all well": {
			files: map[string]string{"a_test.go": `package a
import "testing"
func TestOne(t *testing.T) {}
func TestSub(t *testing.T) { t.Run("x", func(*testing.T) {}); t.Run("y", func(*testing.T) {}) }`},
			last: "3 passed, 0 failed, 0 skipped", well: true,
		},
		"a subtest fails, one is skipped": {
			files: map[string]string{"a_test.go": `package a
import "testing"
func TestSub(t *testing.T) {
	t.Run("x", func(t *testing.T) { t.Error("broken here") })
	t.Run("y", func(t *testing.T) { t.Skip("no tool") })
	t.Run("z", func(t *testing.T) {})
}`},
			last: "1 passed, 1 failed, 1 skipped", parts: []string{"FAIL  m TestSub/x\n", "broken here", "SKIP  m TestSub/y: a_test.go:5: no tool"},
		},
		"a parent fails itself": {
			files: map[string]string{"a_test.go": `package a
import "testing"
func TestSub(t *testing.T) { t.Run("x", func(t *testing.T) {}); t.Error("after all") }`},
			last: "1 passed, 1 failed, 0 skipped", parts: []string{"FAIL  m TestSub\n", "after all"},
		},
		"a package does not build": {
			files: map[string]string{"a_test.go": "package a\nimport \"testing\"\nfunc TestOne(t *testing.T) {}", "b/b_test.go": "package b\nvar x int = \"\"\n"},
			last:  "1 passed, 1 failed, 0 skipped", parts: []string{"FAIL  m/b\n", "cannot use"},
		},
		"panic": {
			files: map[string]string{"a_test.go": `package a
import "testing"
func TestOne(t *testing.T) { panic("all is lost") }`},
			last: "0 passed, 1 failed, 0 skipped", parts: []string{"FAIL  m TestOne\n", "all is lost"},
		},
		"exit without a word": {
			files: map[string]string{"a_test.go": `package a
import ("os"; "testing")
func TestMain(m *testing.M) { m.Run(); os.Exit(3) }
func TestOne(t *testing.T) {}`},
			last: "1 passed, 1 failed, 0 skipped", parts: []string{"FAIL  m\n"},
		},
		"nothing ran": {
			files: map[string]string{"a.go": "package a"},
			last:  "0 passed, 0 failed, 0 skipped",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c.files["go.mod"] = "module m\n\ngo 1.21\n"
			for name, text := range c.files {
				file := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("go", "test", "-vet=off", "-json", "./...")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
			in, _ := cmd.Output() // fails when tests fail
			var out bytes.Buffer
			s, err := read(bytes.NewReader(in), &out)
			if err != nil {
				t.Fatal(err)
			}
			well := s.print(&out)
			if well != c.well || !strings.HasSuffix(out.String(), "\n"+c.last+"\n") && out.String() != c.last+"\n" {
				t.Errorf("well: %v, want %v and %q:\n%s\n%s", well, c.well, c.last, &out, in)
			}
			for _, part := range c.parts {
				if !strings.Contains(out.String(), part) {
					t.Errorf("lacks %q:\n%s", part, &out)
				}
			}
		})
	}
}
