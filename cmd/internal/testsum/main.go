// Command testsum reads the output of go test -json, shows what failed and what was skipped and why, and ends with a line that
// counts the tests. It exits with 1 if anything failed or no test ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

func main() {
	passed, failed := 0, 0
	var skips, failures []string
	output := map[string][]string{}
	parents := map[string]bool{} // tests with subtests, which aren't counted themselves
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			fmt.Println(in.Text()) // of the build, not of a test
			continue
		}
		id := e.Package + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			output[id] = append(output[id], e.Output)
		case "run":
			if i := strings.LastIndexByte(e.Test, '/'); i >= 0 {
				parents[e.Package+" "+e.Test[:i]] = true
			}
		case "pass":
			if e.Test == "" {
				fmt.Printf("ok    %-50s %6.1fs\n", e.Package, e.Elapsed)
			} else if !parents[id] {
				passed++
			}
			delete(output, id)
		case "skip":
			if e.Test != "" {
				skips = append(skips, id+": "+reason(output[id]))
			}
			delete(output, id)
		case "fail", "build-fail":
			if !parents[id] || len(output[id]) > 0 {
				failures = append(failures, id)
			}
			if e.Test != "" && !parents[id] || e.Test == "" && len(failures) == 1 {
				failed++
			}
		}
	}
	slices.Sort(failures)
	for _, id := range slices.Compact(failures) {
		fmt.Printf("FAIL  %s\n%s", id, strings.Join(output[id], ""))
	}
	for _, s := range skips {
		fmt.Println("SKIP  " + s)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, len(skips))
	if len(failures) > 0 || passed == 0 || in.Err() != nil {
		os.Exit(1)
	}
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
