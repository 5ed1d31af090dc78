package repo

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/thawrun/thaw"

const root = "../../.."

type pkg struct {
	ImportPath, Dir, Doc string
	Imports              []string
	GoFiles              []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// rooms says which rooms the packages of a room may import; a longer prefix wins. The direction is cmd → api → engine → abi.
func rooms() map[string][]string {
	return map[string][]string{
		"abi":             {},
		"engine":          {"abi", "engine"},
		"engine/cpu":      {},
		"engine/meter":    {},
		"engine/pool":     {},
		"engine/store":    {},
		"engine/vfs":      {"abi"},
		"engine/wasi":     {"abi", "engine/socket", "engine/vfs"},
		"engine/crypto":   {},
		"engine/compress": {},
		"engine/service":  {"abi", "engine/crypto", "engine/compress"},
		"engine/egress":   {"abi"},
		"engine/socket":   {"abi", "engine/egress", "engine/vfs"},
		"engine/sandbox":  {"abi", "engine/cpu", "engine/meter", "engine/service", "engine/socket", "engine/vfs", "engine/wasi"},
		"runtimes":        {"abi", "runtimes/artefact"},
		"bridges":         {"abi", "engine"},
		"api":             {"engine", "api"},
		"api/audit":       {},
		"api/policy":      {},
		"api/sigv4":       {},
		"bench":           {"abi", "api", "engine", "runtimes", "bridges", "bench"},
		"cmd":             {"abi", "api", "engine", "runtimes", "bridges", "cmd"},
	}
}

func TestDependenciesPointOneWay(t *testing.T) {
	all := packages(t)
	if len(all) < 10 {
		t.Fatalf("only %d packages found", len(all))
	}
	for _, p := range all {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		best := ""
		for room := range rooms() {
			if (name == room || strings.HasPrefix(name, room+"/")) && len(room) > len(best) {
				best = room
			}
		}
		if best == "" {
			t.Errorf("%s is in no room", name)
			continue
		}
		for _, i := range p.Imports {
			i, own := strings.CutPrefix(i, module+"/")
			if own && !slices.ContainsFunc(rooms()[best], func(r string) bool { return i == r || strings.HasPrefix(i, r+"/") }) {
				t.Errorf("%s may not import %s", name, i)
			}
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no doc comment", p.ImportPath)
		}
	}
}

// Several engines live in one process: no state in package variables. Errors made with errors.New and embedded files are
// values, not state; the origin of the monotonic clock is a constant of the process.
func TestNoMutablePackageState(t *testing.T) {
	allowed := regexp.MustCompile(`^(Err[A-Z].*|err[A-Z].*|_|zeroPage|processStart|policyFiles)$`)
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if !strings.HasPrefix(name, "abi") && !strings.HasPrefix(name, "engine") && !strings.HasPrefix(name, "api") {
			continue
		}
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.VAR {
					continue
				}
				for _, s := range g.Specs {
					for _, id := range s.(*ast.ValueSpec).Names {
						if !allowed.MatchString(id.Name) {
							t.Errorf("%s/%s: package variable %s", name, file, id.Name)
						}
					}
				}
			}
		}
	}
}

// tracked is the files that belong to the repository: git's, but for those deleted and not yet committed, or, in an exported
// tree, all.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil {
		return slices.DeleteFunc(strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), func(f string) bool {
			_, err := os.Lstat(filepath.Join(root, f))
			return os.IsNotExist(err)
		})
	}
	var all []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTopLevel(t *testing.T) {
	allowed := []string{"engine", "abi", "api", "runtimes", "bridges", "bench", "cmd", "docs", ".ci", "go.mod", "go.sum", "README.md", "LICENSE", "Makefile", ".gitignore"}
	files := tracked(t)
	for _, must := range []string{"go.mod", "go.sum", "README.md", "LICENSE", "Makefile", ".ci/run", "docs/RATIONALE.md", "docs/SPECIFICATION.md", "docs/COVERAGE.md"} {
		if !slices.Contains(files, must) {
			t.Errorf("%s is missing", must)
		}
	}
	for _, f := range files {
		if top, _, _ := strings.Cut(f, "/"); !slices.Contains(allowed, top) {
			t.Errorf("%s does not belong at the top", top)
		}
	}
}

// Builds take packages by name from whatever registry the machine is set up for, and know no machine's paths.
func TestNoHostsOrPathsOfOneMachine(t *testing.T) {
	// Written in pieces, so that this file does not name them.
	hosts := `(deb|security|snapshot|archive|ftp)\.debian\.` + `org|(proxy|sum)\.golang\.` + `org|registry\.(npmjs|yarnpkg)\.` + `(org|com)|pypi\.` + `org|pythonhosted\.` +
		`org|(static|index)\.crates\.` + `io|repo1?\.maven\.` + `(apache\.)?org|nodesource\.` + `com`
	paths := `/wor` + `k/|/ro` + `ot/\.|/tmp/` + `team|\.lib` + `rary/|\.pyen` + `v`
	banned := regexp.MustCompile(hosts + "|" + paths)
	for _, f := range tracked(t) {
		if strings.HasSuffix(f, ".zst") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		if m := banned.Find(b); m != nil {
			t.Errorf("%s names %s", f, m)
		}
	}
}

// Every direct dependency says who needs it.
func TestDependenciesAreAnnotated(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[1], "v") || strings.Contains(line, "// indirect") {
			continue
		}
		n++
		if !strings.Contains(line, "// ") {
			t.Errorf("go.mod does not say who needs %s", fields[0])
		}
	}
	if n < 4 {
		t.Errorf("only %d direct dependencies found", n)
	}
}
