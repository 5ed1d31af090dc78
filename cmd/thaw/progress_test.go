package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/thawrun/thaw/engine"
)

// A first start of two interpreters at once tells of both; a later start says nothing.
func TestProgress(t *testing.T) {
	var out strings.Builder
	step := progressPrinter(t.Context(), &out)
	var wg sync.WaitGroup
	for _, guest := range []string{"Snake", "Script"} {
		wg.Go(func() {
			for _, stage := range []string{"meter", "compile", "snapshot", "ready"} {
				step(engine.Progress{Guest: guest, Stage: stage, Elapsed: 3 * time.Second})
			}
		})
	}
	wg.Go(func() {
		for _, stage := range []string{"compile", "ready"} {
			step(engine.Progress{Guest: "Cached", Stage: stage, Elapsed: time.Millisecond})
		}
	})
	wg.Wait()
	for _, guest := range []string{"Snake", "Script"} {
		for _, want := range []string{guest + " compiled in 3.0 s", guest + " ready after 3.0 s"} {
			if strings.Count(out.String(), want) != 1 {
				t.Errorf("not once %q in:\n%s", want, &out)
			}
		}
	}
	if strings.Contains(out.String(), "Cached") {
		t.Errorf("what comes from the cache is announced:\n%s", &out)
	}
}

func TestProgressOfFailures(t *testing.T) {
	var out strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	step := progressPrinter(ctx, &out)
	step(engine.Progress{Guest: "Snake", Stage: "failed", Err: errors.New("no room")})
	cancel()
	step(engine.Progress{Guest: "Script", Stage: "failed", Err: context.Canceled})
	if got := out.String(); got != "thaw: Snake is not available: no room\n" {
		t.Errorf("%q", got)
	}
}
