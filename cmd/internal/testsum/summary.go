package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of go test -json (go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	Test        string
	Output      string
	Elapsed     float64 // s
	FailedBuild string  // import path of the package whose build failure made this package fail
}

// test names a test, or with an empty name its package.
type test struct{ pkg, name string }

func (t test) String() string { return strings.TrimSpace(t.pkg + " " + t.name) }

// ending is how a test or a package ended: "pass", "fail" or "skip".
type ending struct {
	action string
	output []string // none of what passed
}

type summary struct {
	ends    map[test]ending
	parents map[test]bool       // tests that have subtests
	builds  map[string][]string // compilers' output by import path
}

// read collects the events of in, and tells on out how packages end while it goes on.
func read(in io.Reader, out io.Writer) (*summary, error) {
	s := &summary{ends: map[test]ending{}, parents: map[test]bool{}, builds: map[string][]string{}}
	output := map[test][]string{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Action == "" {
			fmt.Fprintln(out, lines.Text()) // of the go command, not of a test
			continue
		}
		id := test{e.Package, e.Test}
		switch e.Action {
		case "build-output":
			s.builds[e.ImportPath] = append(s.builds[e.ImportPath], e.Output)
		case "output":
			output[id] = append(output[id], e.Output)
		case "run":
			if i := strings.LastIndexByte(e.Test, '/'); i >= 0 {
				s.parents[test{e.Package, e.Test[:i]}] = true
			}
		case "pass", "fail", "skip":
			kept := output[id]
			delete(output, id)
			if e.Action == "pass" {
				kept = nil
			}
			if e.FailedBuild != "" {
				kept = append(s.builds[e.FailedBuild], kept...)
			}
			s.ends[id] = ending{e.Action, kept}
			if e.Test == "" && e.Action != "skip" {
				fmt.Fprintf(out, "%-4s  %-50s %6.1fs\n", map[string]string{"pass": "ok", "fail": "FAIL"}[e.Action], e.Package, e.Elapsed)
			}
		}
	}
	// What has begun and never ended was running when the process died; its output tells why.
	for id, lines := range output {
		if _, ended := s.ends[id]; !ended && id.name != "" {
			s.ends[id] = ending{"fail", lines}
		}
	}
	return s, lines.Err()
}

// count sorts the tests into those that passed, failed and were skipped.
func (s *summary) count() (passed int, failed, skipped []test) {
	guilty := map[test]bool{} // parents and packages whose failure a test in them explains
	for id, e := range s.ends {
		if e.action != "fail" || id.name == "" {
			continue
		}
		guilty[test{id.pkg, ""}] = true
		for name := id.name; ; {
			i := strings.LastIndexByte(name, '/')
			if i < 0 {
				break
			}
			name = name[:i]
			guilty[test{id.pkg, name}] = true
		}
	}
	for id, e := range s.ends {
		switch {
		case e.action == "fail" && !guilty[id]:
			failed = append(failed, id)
		case id.name == "" || s.parents[id]: // counted by what is in it
		case e.action == "skip":
			skipped = append(skipped, id)
		case e.action == "pass":
			passed++
		}
	}
	order := func(a, b test) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(failed, order)
	slices.SortFunc(skipped, order)
	return passed, failed, skipped
}

// print shows the failures with their output, the skipped tests with their reasons, and the counts in the last line. It reports
// whether all is well.
func (s *summary) print(w io.Writer) bool {
	passed, failed, skipped := s.count()
	for _, id := range failed {
		fmt.Fprintf(w, "FAIL  %s\n%s", id, strings.Join(s.ends[id].output, ""))
		// A parent's own messages may say what its subtest lacks.
		if top, _, ok := strings.Cut(id.name, "/"); ok {
			fmt.Fprint(w, strings.Join(s.ends[test{id.pkg, top}].output, ""))
		}
	}
	for _, id := range skipped {
		fmt.Fprintf(w, "SKIP  %s: %s\n", id, reason(s.ends[id].output))
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", passed, len(failed), len(skipped))
	return len(failed) == 0 && passed > 0
}

// reason is what a skipped test printed, without the frame that go test puts around it.
func reason(lines []string) string {
	var kept []string
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if l != "" && !strings.HasPrefix(l, "=== ") && !strings.HasPrefix(l, "--- SKIP") {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, " ")
}
