package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/api"
	"github.com/thawrun/thaw/api/audit"
	"github.com/thawrun/thaw/api/iam"
	"github.com/thawrun/thaw/engine"
	"github.com/thawrun/thaw/engine/cpu"
	"github.com/thawrun/thaw/engine/store"
	"github.com/thawrun/thaw/runtimes/nodejs"
	"github.com/thawrun/thaw/runtimes/python"
	"github.com/thawrun/thaw/runtimes/python27"
)

// guests are the interpreters that this program brings. They are compiled in this order: what is quickly done comes first, what is least used last.
func guests() []*abi.Guest { return []*abi.Guest{nodejs.Guest(), python.Guest(), python27.Guest()} }

// node is a running server with all its parts.
type node struct {
	cfg    *config
	log    *slog.Logger
	store  *store.Store
	engine *engine.Engine
	api    *api.Server
	admin  *admin

	identity *iam.Service
	trail    *audit.Trail // nil = none
	ln       net.Listener
	served   chan error
}

// startNode starts a server; it answers requests when startNode returns, while interpreters may still be compiling.
func startNode(ctx context.Context, cfg *config, stderr io.Writer) (*node, error) {
	level, err := cfg.level()
	if err != nil {
		return nil, err
	}
	n := &node{cfg: cfg, log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})), served: make(chan error, 1)}
	if err := n.start(ctx, stderr); err != nil {
		n.stop(ctx)
		return nil, err
	}
	return n, nil
}

func (n *node) start(ctx context.Context, stderr io.Writer) error {
	cfg := n.cfg
	limits, err := api.LimitsPreset(cfg.Limits)
	if err != nil {
		return err
	}
	budget, err := cfg.memory()
	if err != nil {
		return err
	}
	// First the address and the data folder: what most often goes wrong, and is cheap to find out.
	if n.ln, err = net.Listen("tcp", cfg.Listen); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is in use, perhaps by another thaw: choose another address with --listen", cfg.Listen)
		}
		return fmt.Errorf("listen: %w", err)
	}
	if n.store, err = store.Open(filepath.Join(cfg.Data, "store"), store.Options{Logger: n.log}); err != nil {
		return err
	}
	policy, roots, err := cfg.egress()
	if err != nil {
		return err
	}
	mode := cpu.Shared
	if cfg.CPU == "proportional" {
		mode = cpu.Proportional
	}
	// Guests may hold as many Ps as there are processors; the rest keeps the API responsive (see package cpu).
	cpus := runtime.NumCPU()
	runtime.GOMAXPROCS(cpus + 2)
	n.engine, err = engine.New(ctx, engine.Config{
		Guests: guests(), CacheDir: filepath.Join(cfg.Data, "cache"), Region: cfg.Region, Concurrency: limits.Concurrency, MemoryBudget: budget,
		IdleTimeout: cfg.IdleTimeout, CPU: mode, CPUs: cpus, FunctionSnapshots: cfg.FunctionSnapshots, MaxPayload: limits.SyncPayload,
		MaxUnpacked: limits.UnzippedSize, Egress: policy, Roots: roots, Logger: n.log, Logs: n.functionLog, Progress: progressPrinter(ctx, stderr),
	})
	if err != nil {
		return err
	}
	code, err := cfg.codeSource()
	if err != nil {
		return err
	}
	c := api.Config{
		Engine: n.engine, Store: n.store, Region: cfg.Region, Account: cfg.accounts()[0], Limits: limits, Code: code, Logger: n.log, Version: version(),
		RetiredRuntimes: cfg.retired(), AsyncRetryDelays: []time.Duration{cfg.AsyncRetryDelay, 2 * cfg.AsyncRetryDelay},
	}
	if err := n.identities(ctx, &c); err != nil {
		return err
	}
	if n.api, err = api.New(c); err != nil {
		return err
	}
	if err := n.startAdmin(); err != nil {
		n.log.Warn("thaw backup will only work while this server is stopped", "error", err)
	}
	go func() { n.served <- n.api.Serve(n.ln) }()
	return nil
}

// functionLog shows what functions write, at the level for people who debug.
func (n *node) functionLog(r engine.LogRecord) {
	if n.log.Enabled(context.Background(), slog.LevelDebug) {
		n.log.Debug("function log", "function", r.Function.Name, "stream", r.Stream, "requestId", r.RequestID, "message", string(r.Message))
	}
}

// url is where clients on this machine find the server.
func (n *node) url() string {
	addr := n.ln.Addr().String()
	if a, ok := n.ln.Addr().(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
	}
	return "http://" + addr
}

// drainTimeout is how long invocations may go on after a stop was asked for.
const drainTimeout = 30 * time.Second

// stop shuts down whatever was started, in the order that loses nothing: requests, engine, store.
func (n *node) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if n.api != nil {
		if err := n.api.Shutdown(ctx); err != nil {
			n.log.Warn("shutdown", "error", err)
		}
	} else if n.ln != nil {
		_ = n.ln.Close()
	}
	if n.trail != nil {
		n.trail.Close()
	}
	if n.engine != nil {
		if err := n.engine.Close(ctx); err != nil {
			n.log.Warn("engine", "error", err)
		}
	}
	if n.admin != nil {
		if err := n.admin.stop(); err != nil {
			n.log.Warn("admin socket", "error", err)
		}
	}
	if n.store != nil {
		if err := n.store.Close(); err != nil {
			n.log.Error("store", "error", err)
		}
	}
}
