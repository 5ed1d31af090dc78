package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/runtimes/python"
)

//go:embed python_driver.py
var pythonDriver string

//go:embed python_reasons.txt
var pythonReasons string

// pythonModules are the parts of the standard library that the Python guest claims, by the names of their tests without test_.
func pythonModules() []string {
	return strings.Fields(`
		asyncio.test_base_events asyncio.test_context asyncio.test_eager_task_factory asyncio.test_futures asyncio.test_futures2 asyncio.test_locks
		asyncio.test_pep492 asyncio.test_protocols asyncio.test_queues asyncio.test_runners asyncio.test_staggered asyncio.test_streams
		asyncio.test_taskgroups asyncio.test_tasks asyncio.test_threads asyncio.test_timeouts asyncio.test_transports asyncio.test_waitfor
		json re datetime decimal collections itertools functools hashlib hmac base64 binascii struct csv urlparse uuid logging io zlib gzip bz2
		lzma zipfile sqlite3 socket ssl http_cookies httplib urllib urllib2 email select selectors poll
		math cmath random statistics fractions numeric_tower operator heapq bisect string str bytes unicodedata codecs textwrap difflib html htmlparser
		list tuple dict set int float bool range slice deque defaultdict ordered_dict enum dataclasses typing types contextlib contextlib_async abc
		copy pickle pprint generators coroutines asyncgen exceptions traceback with patma fstring syntax calendar time zoneinfo pathlib tempfile
		shutil glob fnmatch os posixpath configparser argparse shlex string_literals secrets ipaddress xml_etree xml_etree_c queue sched weakref
		inspect importlib ast tokenize array memoryview concurrent_futures`)
}

// pythonTimeout limits an invocation that runs a class of tests, pythonAlone one that runs a single test.
const (
	pythonTimeout = 2 * time.Minute
	pythonAlone   = 15 * time.Second
)

// runPython runs CPython's own suite, the folder Lib/test of its source. Each class of tests is one invocation of a function
// whose package is the suite. A class whose invocation ends without an answer (a crash, memory, time) is run again test by test, so that a
// test costs only itself.
func runPython(ctx context.Context, o options, folder string) (*report, error) {
	code, err := pack(folder, "test", []string{"."}, map[string]string{"suite.py": pythonDriver})
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, o, python.Guest(), engine.Function{
		Runtime: "python3.13", Handler: "suite.handler", Code: engine.Zip(code), CodeSHA256: hash(code), Reserved: -1, MemoryMB: 1024,
	})
	if err != nil {
		return nil, err
	}
	defer r.e.Close(context.WithoutCancel(ctx))
	var modules []string
	for _, m := range pythonModules() {
		if o.match.MatchString(m) {
			modules = append(modules, m)
		}
	}
	rules, err := parseReasons(pythonReasons)
	if err != nil {
		return nil, err
	}
	s := &pythonSuite{ctx, r, rules}
	results, failures := make([][]result, len(modules)), make([]error, len(modules))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(o.jobs, 1) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(modules) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				start := time.Now()
				results[i], failures[i] = s.module(modules[i])
				one := &report{results: results[i]}
				_, all := one.tallies()
				fmt.Fprintf(os.Stderr, "%-20s %5d passed %4d failed %4d skipped  %.0f s\n", modules[i], all.n[passed], all.n[failed], all.n[skipped], time.Since(start).Seconds())
			}
		})
	}
	wg.Wait()
	for i, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", modules[i], err)
		}
	}
	return &report{
		title: "CPython's own tests",
		intro: "`make conformance-python`: tests from Lib/test of the CPython source that the guest is built from, for the modules that it claims. Each class of tests is an invocation of a deployed\n" +
			"function of 1,024 MB. Skipped are the tests that CPython leaves out by itself on this platform or in a plain run: no threads, no processes, no C test\n" +
			"modules, no resources like the network. A reason in brackets says why a test can't pass here; the rest are open.",
		skips:   true,
		results: slices.Concat(results...),
	}, ctx.Err()
}

// hash names a package. What was compiled of it is kept between runs.
func hash(code []byte) string {
	sum := sha256.Sum256(code)
	return base64.StdEncoding.EncodeToString(sum[:])
}

type pythonSuite struct {
	ctx   context.Context
	r     *runner
	rules []reason
}

// pythonAnswer is what the driver answers: the list of a module's tests, or what became of some.
type pythonAnswer struct {
	Groups, IDs    []string
	Broken, Refuse string
	Passed         []string
	Failed         map[string]string
	Skipped        map[string]string
}

func (s *pythonSuite) module(name string) ([]result, error) {
	together, err := s.r.deployFor(s.ctx, nil, s.r.base.Handler, pythonTimeout)
	if err != nil {
		return nil, err
	}
	defer together.done()
	alone, err := s.r.deployFor(s.ctx, nil, s.r.base.Handler, pythonAlone)
	if err != nil {
		return nil, err
	}
	defer alone.done()
	whole := func(v verdict, why string) []result {
		return []result{{name, "test_" + name, v, s.explain("test_"+name, why)}}
	}
	list, why, err := s.call(together, name, map[string]any{})
	switch {
	case err != nil:
		return nil, err
	case why != "":
		return whole(failed, why), nil
	case list.Broken != "":
		return whole(failed, list.Broken), nil
	case list.Refuse != "":
		return whole(skipped, list.Refuse), nil
	}
	var results []result
	for first, last := 0, 0; first < len(list.IDs); first = last {
		for last = first + 1; last < len(list.IDs) && list.Groups[last] == list.Groups[first]; last++ {
		}
		more, err := s.class(together, alone, name, list, first, last)
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	return results, nil
}

// class runs the tests first to last-1, together if possible, else alone.
func (s *pythonSuite) class(together, alone *function, module string, list *pythonAnswer, first, last int) ([]result, error) {
	a, why, err := s.call(together, module, map[string]any{"first": first, "last": last})
	if err != nil {
		return nil, err
	}
	if why != "" {
		if last-first == 1 {
			return []result{s.result(module, list.IDs[first], failed, why)}, nil
		}
		var all []result
		for i := first; i < last; i++ {
			one, err := s.class(alone, alone, module, list, i, i+1)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
	var all []result
	for _, id := range a.Passed {
		all = append(all, s.result(module, id, passed, ""))
	}
	for _, id := range slices.Sorted(maps.Keys(a.Failed)) {
		all = append(all, s.result(module, id, failed, a.Failed[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(a.Skipped)) {
		all = append(all, s.result(module, id, skipped, a.Skipped[id]))
	}
	return all, nil
}

func (s *pythonSuite) result(module, id string, v verdict, why string) result {
	name := strings.TrimPrefix(id, "test.")
	if v == failed {
		why = s.explain(name, why)
	}
	return result{module, name, v, why}
}

// call invokes a module's function. The text says why there is no answer.
func (s *pythonSuite) call(f *function, module string, event map[string]any) (*pythonAnswer, string, error) {
	event["module"] = "test_" + module
	text, err := json.Marshal(event)
	if err != nil {
		return nil, "", err
	}
	resp, err := f.invoke(s.ctx, string(text))
	if err != nil {
		return nil, "", err
	}
	if resp.FunctionError != engine.Succeeded {
		var e struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal(resp.Payload, &e); err != nil {
			return nil, "", err
		}
		if rest, ok := strings.CutPrefix(e.ErrorMessage, "RequestId: "); ok { // it differs from run to run
			_, e.ErrorMessage, _ = strings.Cut(rest, " ")
		}
		return nil, e.ErrorType + ": " + e.ErrorMessage, nil
	}
	a := new(pythonAnswer)
	return a, "", json.Unmarshal(resp.Payload, a)
}

// reason explains failures: those whose "test – message" matches.
type reason struct {
	re   *regexp.Regexp
	text string
}

// parseReasons reads lines of a regular expression, a tab and the reason.
func parseReasons(text string) ([]reason, error) {
	var list []reason
	for line := range strings.Lines(text) {
		pattern, why, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, err
		}
		list = append(list, reason{re, strings.TrimSpace(why)})
	}
	return list, nil
}

func (s *pythonSuite) explain(test, why string) string {
	for _, r := range s.rules {
		if r.re.MatchString(test + " – " + why) {
			return "[" + r.text + "] " + why
		}
	}
	return why
}
