package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/service"
	"github.com/thawrun/thaw/engine/socket"
	"github.com/thawrun/thaw/engine/wasi"
)

// HostConfig configures a Host.
type HostConfig struct {
	CacheDir    string // for compiled code and runtime snapshots; empty = none
	Logger      *slog.Logger
	Interpreter bool // use wazero's interpreter: for comparison, and where there is no compiler
	Unmetered   bool // run guests without fuel, for comparison: nothing can stop them
	Portable    bool // copy images instead of mapping them, as on systems without memory files

	Network *socket.Stack // of the instances; nil = they have none
}

// Host is what the programs of one engine share.
type Host struct {
	cfg     HostConfig
	cache   wazero.CompilationCache // nil = none
	runtime wazero.Runtime
	scan    *scanner
	code    codeCache
}

// NewHost makes a host.
func NewHost(ctx context.Context, cfg HostConfig) (*Host, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Host{cfg: cfg}
	h.code.log = cfg.Logger
	if cfg.CacheDir != "" {
		if err := os.MkdirAll(cfg.CacheDir, 0o700); err != nil {
			return nil, fmt.Errorf("cache folder: %w", err)
		}
	}
	if err := h.open(ctx); err != nil {
		return nil, err
	}
	h.scan = newScanner()
	return h, nil
}

func (h *Host) open(ctx context.Context) error {
	config := wazero.NewRuntimeConfigCompiler()
	if h.cfg.Interpreter {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	config = config.WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false)
	if h.cfg.CacheDir != "" {
		h.code.dir = filepath.Join(h.cfg.CacheDir, "code")
		cache, err := wazero.NewCompilationCacheWithDir(h.code.dir)
		if err != nil {
			return fmt.Errorf("compilation cache: %w", err)
		}
		h.cache = cache
		config = config.WithCompilationCache(cache)
	}
	h.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	process := func(ctx context.Context) *wasi.Process { return instanceOf(ctx).proc }
	if err := wasi.Instantiate(ctx, h.runtime, process); err != nil {
		return fmt.Errorf("host functions: %w", err)
	}
	b := h.runtime.NewHostModuleBuilder(abi.HostModule)
	wasi.ExportThaw(b, process)
	service.Export(b, func(ctx context.Context) *service.Table { return &instanceOf(ctx).serve })
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
		stack[0] = uint64(instanceOf(ctx).refuel(int64(stack[0])))
	}), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).Export("refuel")
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("host functions: %w", err)
	}
	return nil
}

// Close gives everything up. All instances must be closed before.
func (h *Host) Close(ctx context.Context) error {
	err := h.runtime.Close(ctx)
	if h.cache != nil {
		err = errors.Join(err, h.cache.Close(ctx))
	}
	h.scan.close()
	return err
}
