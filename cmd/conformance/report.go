package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// verdict is how a test ended.
type verdict uint8

const (
	passed   verdict = iota
	failed           // for the reason given
	skipped          // by its own decision
	excluded         // not run, for the reason given
)

// result is one test's.
type result struct {
	group, name string
	verdict     verdict
	reason      string
}

// report is what a suite's run came to.
type report struct {
	title, intro string
	skips        bool // also lists why tests skipped themselves
	results      []result
}

type tally struct {
	group string
	n     [4]int
}

// percent is of the tests that ran to an end of their own.
func (t tally) percent() float64 {
	if ran := t.n[passed] + t.n[failed]; ran > 0 {
		return 100 * float64(t.n[passed]) / float64(ran)
	}
	return 0
}

func (r *report) tallies() (groups []tally, all tally) {
	all.group = "all"
	for _, x := range r.results {
		i := slices.IndexFunc(groups, func(t tally) bool { return t.group == x.group })
		if i < 0 {
			i = len(groups)
			groups = append(groups, tally{group: x.group})
		}
		groups[i].n[x.verdict]++
		all.n[x.verdict]++
	}
	slices.SortFunc(groups, func(a, b tally) int { return strings.Compare(a.group, b.group) })
	return groups, all
}

func (r *report) summary(w io.Writer) {
	groups, all := r.tallies()
	fmt.Fprintf(w, "%-24s %8s %8s %8s %8s %8s\n", "group", "passed", "failed", "skipped", "excluded", "percent")
	for _, t := range append(groups, all) {
		fmt.Fprintf(w, "%-24s %8d %8d %8d %8d %7.1f%%\n", t.group, t.n[passed], t.n[failed], t.n[skipped], t.n[excluded], t.percent())
	}
}

func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "# %s\n\n%s\n\n| group | passed | failed | skipped by itself | excluded | percent of those run |\n|---|--:|--:|--:|--:|--:|\n", r.title, r.intro)
	groups, all := r.tallies()
	for _, t := range append(groups, all) {
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %.1f |\n", t.group, t.n[passed], t.n[failed], t.n[skipped], t.n[excluded], t.percent())
	}
	r.list(w, "Failures", failed)
	r.reasons(w, "Exclusions", excluded)
	if r.skips {
		r.reasons(w, "Skipped by themselves", skipped)
	}
}

// reasons counts the tests with a verdict by its reason.
func (r *report) reasons(w io.Writer, title string, v verdict) {
	reasons := map[string]int{}
	for _, x := range r.results {
		if x.verdict == v {
			reasons[x.reason]++
		}
	}
	fmt.Fprintf(w, "\n## %s\n\n| tests | reason |\n|--:|---|\n", title)
	var sorted []string
	for reason := range reasons {
		sorted = append(sorted, reason)
	}
	slices.SortFunc(sorted, func(a, b string) int { return cmp.Or(reasons[b]-reasons[a], strings.Compare(a, b)) })
	for _, reason := range sorted {
		fmt.Fprintf(w, "| %d | %s |\n", reasons[reason], cell(reason))
	}
}

func (r *report) list(w io.Writer, title string, v verdict) {
	fmt.Fprintf(w, "\n## %s\n\n| test | reason |\n|---|---|\n", title)
	for _, x := range r.results {
		if x.verdict == v {
			fmt.Fprintf(w, "| %s | %s |\n", x.name, cell(x.reason))
		}
	}
}

// cell makes a text fit into a table.
func cell(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 160 {
		s = strings.ToValidUTF8(s[:160], "") + "…"
	}
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "`", "'").Replace(s)
}
