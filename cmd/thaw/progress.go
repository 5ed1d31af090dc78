package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/thawrun/thaw/engine"
)

// patience is how long a preparation goes on before a person is told that it does.
const patience = time.Second

// progress tells a person who waits for a first start what is going on. Later starts take a moment and are silent, and so is
// what fails because ctx ended.
type progress struct {
	ctx context.Context
	w   io.Writer

	mu     sync.Mutex
	guests map[string]*preparation // by guest; several are prepared at once
}

type preparation struct {
	announce *time.Timer
	compiled bool // rather than taken from the cache
}

// progressPrinter returns a function for engine.Config.Progress.
func progressPrinter(ctx context.Context, w io.Writer) func(engine.Progress) {
	p := &progress{ctx: ctx, w: w, guests: map[string]*preparation{}}
	return p.step
}

func (p *progress) step(step engine.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.guests[step.Guest]
	if g == nil {
		g = &preparation{}
		p.guests[step.Guest] = g
	}
	if g.announce != nil {
		g.announce.Stop()
	}
	if p.ctx.Err() != nil {
		return
	}
	switch step.Stage {
	case "compile":
		g.announce = time.AfterFunc(patience, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			fmt.Fprintf(p.w, "thaw: compiling %s, which takes some seconds and is kept for later starts\n", step.Guest)
		})
	case "snapshot":
		g.compiled = true
		fmt.Fprintf(p.w, "thaw: %s compiled in %.1f s, taking its start-up snapshot\n", step.Guest, step.Elapsed.Seconds())
	case "ready":
		if g.compiled {
			fmt.Fprintf(p.w, "thaw: %s ready after %.1f s\n", step.Guest, step.Elapsed.Seconds())
		}
	case "failed":
		fmt.Fprintf(p.w, "thaw: %s is not available: %v\n", step.Guest, step.Err)
	}
}
