// Command conformance runs the upstream test suites of the languages in deployed functions and reports, per group, how much
// of them passes.
//
//	go run ./cmd/conformance [-o report.md] [-match regexp] [-jobs N] node FOLDER
//	go run ./cmd/conformance [-o report.md] [-match regexp] [-jobs N] [-every N] test262 FOLDER
//	go run ./cmd/conformance [-o report.md] [-match regexp] npm cmd/conformance/npm
//	go run ./cmd/conformance [-o report.md] [-match regexp] [-jobs N] python FOLDER
//
// FOLDER is the suite's own: the folder test of Node.js's source package (make conformance-node fetches it), a checkout of
// test262, or Lib/test of CPython's source (make conformance-python); npm is a suite of ours, of packages that do a job. Every test
// runs in an instance of its own, of Python every class of tests in an invocation. The exit status is 0 however many tests fail; the report lists them,
// each with the reason that it gave.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
)

// options are the command line's.
type options struct {
	match *regexp.Regexp
	jobs  int
	every int
	cache string
	log   bool
}

func main() {
	out := flag.String("o", "", "write the report as Markdown to this `file`")
	match := flag.String("match", "", "only tests whose path (python: module) matches this `regexp`")
	o := options{}
	flag.IntVar(&o.jobs, "jobs", 2, "tests that run at once")
	flag.IntVar(&o.every, "every", 1, "test262: only every `N`th test")
	flag.StringVar(&o.cache, "cache", os.TempDir()+"/thaw-conformance", "`folder` for compiled guests")
	flag.BoolVar(&o.log, "v", false, "show what every test that fails wrote and answered")
	flag.Parse()
	var err error
	if o.match, err = regexp.Compile(*match); err == nil {
		err = run(o, flag.Args(), *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(o options, args []string, out string) error {
	if len(args) != 2 {
		return fmt.Errorf("want a suite (node, npm, python, test262) and its folder, got %q", args)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var r *report
	var err error
	switch args[0] {
	case "node":
		r, err = runNode(ctx, o, args[1])
	case "npm":
		r, err = runNPM(ctx, o, args[1])
	case "test262":
		r, err = runTest262(ctx, o, args[1])
	case "python":
		r, err = runPython(ctx, o, args[1])
	default:
		return fmt.Errorf("unknown suite %q: want node, npm, python or test262", args[0])
	}
	if err != nil {
		return err
	}
	r.summary(os.Stdout)
	if out == "" {
		return nil
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	r.markdown(f)
	return f.Close()
}
