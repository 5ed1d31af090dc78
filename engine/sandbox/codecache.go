package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
)

// codeCache guards wazero's folder of compiled code. wazero checks the code itself against a CRC but not the tables around
// it, and what they say is believed: a damaged file ends in a crash. So every file gets a companion with its SHA-256, and
// what doesn't agree with its companion is deleted before wazero may see it.
type codeCache struct {
	dir string // empty = none
	log *slog.Logger

	mu       sync.Mutex
	verified bool
}

// sumSuffix is the end of a companion's name; wazero's own temporary files end in tmpSuffix.
const (
	sumSuffix = ".sha256"
	tmpSuffix = ".tmp"
)

// compile compiles a module, or takes its code from the cache.
func (h *Host) compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	c := &h.code
	if c.dir == "" {
		return h.runtime.CompileModule(ctx, wasm)
	}
	if err := c.verify(); err != nil {
		c.log.Warn("compiled code can't be checked, compiling anew", "folder", c.dir, "error", err)
		if err := c.clear(); err != nil {
			return nil, err
		}
	}
	m, err := h.runtime.CompileModule(ctx, wasm)
	if err != nil && ctx.Err() == nil {
		// The module may be at fault, or a file that another version of wazero wrote.
		if err := c.clear(); err != nil {
			return nil, err
		}
		m, err = h.runtime.CompileModule(ctx, wasm)
	}
	if err != nil {
		return nil, err
	}
	if err := c.seal(); err != nil {
		c.log.Warn("compiled code not kept", "folder", c.dir, "error", err)
	}
	return m, nil
}

// verify deletes damaged files, once per host.
func (c *codeCache) verify() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.verified {
		return nil
	}
	err := c.walk(func(file string) error {
		sum, err := fileSum(file)
		if err != nil {
			return err
		}
		if want, err := os.ReadFile(file + sumSuffix); err == nil && string(want) == sum {
			return nil
		}
		c.log.Warn("compiled code in the cache is damaged, compiling anew", "file", file)
		return errors.Join(os.Remove(file), removeIfThere(file+sumSuffix))
	})
	c.verified = err == nil
	return err
}

// seal gives new files their companions.
func (c *codeCache) seal() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.walk(func(file string) error {
		if _, err := os.Stat(file + sumSuffix); err == nil {
			return nil
		}
		sum, err := fileSum(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file+sumSuffix, []byte(sum), 0o600)
	})
}

// clear empties the folder, which wazero expects to be there.
func (c *codeCache) clear() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.walk(func(file string) error { return errors.Join(os.Remove(file), removeIfThere(file+sumSuffix)) })
}

// walk calls f for every file of compiled code.
func (c *codeCache) walk(f func(file string) error) error {
	return filepath.WalkDir(c.dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasSuffix(file, sumSuffix) || strings.HasSuffix(file, tmpSuffix) {
			return err
		}
		return f(file)
	})
}

func fileSum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
