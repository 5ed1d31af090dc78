package engine

import (
	"context"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
)

// maxSearched bounds the source text of a package that is searched for the modules it uses, in bytes. A function's own
// files come first, so that what is left out are the libraries that it brings.
const maxSearched = 2 << 20

// preload is a snapshot of a guest with some modules loaded, made when the first function that uses them starts.
type preload struct {
	abi *abi.Preload

	once     sync.Once
	ready    chan struct{}     // closed when snapshot is known
	size     atomic.Int64      // of snapshot, bytes
	snapshot *sandbox.Snapshot // nil: it could not be made, and functions load the modules themselves
}

func newPreloads(g *abi.Guest) []*preload {
	var all []*preload
	for i := range g.Preloads {
		all = append(all, &preload{abi: &g.Preloads[i], ready: make(chan struct{})})
	}
	return all
}

// wants says whether a function of a runtime with this package finds its modules here.
func (p *preload) wants(runtime string, task *vfs.Tree) bool {
	if p.abi.Runtimes != nil && !slices.Contains(p.abi.Runtimes, runtime) || slices.ContainsFunc(p.abi.Own, task.Has) {
		return false
	}
	return task.Mentions(p.abi.Sources, p.abi.Markers, maxSearched, library)
}

// library says whether a folder holds packages from elsewhere.
func library(folder string) bool {
	for ; folder != "." && folder != "/"; folder = path.Dir(folder) {
		if base := path.Base(folder); base == "node_modules" || base == "site-packages" {
			return true
		}
	}
	return false
}

// preloadFor returns the preload that a function should start from, nil if none.
func (g *guest) preloadFor(runtime string, task *vfs.Tree) *preload {
	for _, p := range g.preloads {
		if p.wants(runtime, task) {
			return p
		}
	}
	return nil
}

// base is the snapshot that a version's instances start from when there is none with its handler loaded.
func (v *version) base(ctx context.Context) *sandbox.Snapshot {
	p := v.preload
	if p == nil {
		return v.g.snapshot
	}
	p.once.Do(func() { v.e.background.Go(func() { v.g.makePreload(p) }) })
	select {
	case <-p.ready:
	default:
		// Loading the modules in the function would take about as long as this.
		wait, cancel := context.WithTimeout(ctx, v.e.cfg.InitTimeout/2)
		defer cancel()
		select {
		case <-p.ready:
		case <-wait.Done():
			return v.g.snapshot
		}
	}
	if p.snapshot == nil || uint64(p.snapshot.Length()) > v.cap {
		return v.g.snapshot
	}
	return p.snapshot
}

func (g *guest) makePreload(p *preload) {
	defer close(p.ready)
	begin := time.Now()
	s, err := g.program.PreloadSnapshot(g.e.ended, p.abi.Name)
	switch {
	case g.e.ended.Err() != nil:
		if s != nil {
			s.Close()
		}
	case err != nil:
		g.e.cfg.Logger.Warn("modules are not preloaded", "guest", g.abi.Name, "preload", p.abi.Name, "error", err)
	default:
		p.snapshot = s
		p.size.Store(int64(s.Size()))
		g.measureFixed()
		g.e.cfg.Logger.Debug("modules preloaded", "guest", g.abi.Name, "preload", p.abi.Name, "elapsed", time.Since(begin))
	}
}
