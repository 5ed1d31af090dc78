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
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
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
	useSuffix = ".use" // of the names of a module's files
)

// compile compiles a module, or takes its code from the cache.
func (h *Host) compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	// Several workers, also for that only they notice that the context ended.
	ctx = experimental.WithCompilationWorkers(ctx, max(2, runtime.GOMAXPROCS(0)))
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
	sum := sha256.Sum256(wasm)
	use := filepath.Join(c.dir, hex.EncodeToString(sum[:16])+useSuffix)
	c.touch(use)
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
	if err := c.seal(use); err != nil {
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

// seal gives new files their companions, and notes in the file use that they are its module's: wazero doesn't tell which file
// it takes code from.
func (c *codeCache) seal(use string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var made []string
	err := c.walk(func(file string) error {
		if _, err := os.Stat(file + sumSuffix); err == nil {
			return nil
		}
		sum, err := fileSum(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(c.dir, file)
		if err != nil {
			return err
		}
		made = append(made, name)
		return os.WriteFile(file+sumSuffix, []byte(sum), 0o600)
	})
	if err == nil && made != nil {
		err = os.WriteFile(use, []byte(strings.Join(made, "\n")), 0o600)
	}
	return err
}

// touch notes that a module's files are in use.
func (c *codeCache) touch(use string) {
	names, err := os.ReadFile(use)
	if err != nil {
		return
	}
	touch(use)
	for name := range strings.SplitSeq(string(names), "\n") {
		if filepath.IsLocal(name) {
			touch(filepath.Join(c.dir, name))
		}
	}
}

// touch sets a file's time of change to now, as a note of its use for Prune. Who may not write the folder doesn't need to.
func touch(file string) {
	now := time.Now()
	_ = os.Chtimes(file, now, now)
}

// Prune removes compiled code and snapshots from the cache folder that no process has used for age, such as those of guests
// that were replaced. Others may be using the folder at the same time: what they have open stays readable for them, and what
// they miss they make anew.
func (h *Host) Prune(age time.Duration) error {
	if h.cfg.CacheDir == "" {
		return nil
	}
	old := func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && time.Since(info.ModTime()) > age
	}
	c := &h.code
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.walk(func(file string) error {
		if !old(file) {
			return nil
		}
		return errors.Join(removeIfThere(file), removeIfThere(file+sumSuffix))
	})
	rest, _ := filepath.Glob(filepath.Join(c.dir, "*"+useSuffix))
	temporary, _ := filepath.Glob(filepath.Join(c.dir, "*", "*"+tmpSuffix))
	snapshots, _ := filepath.Glob(filepath.Join(h.cfg.CacheDir, "snapshots", "*"))
	for _, file := range slices.Concat(rest, temporary, snapshots) {
		if old(file) {
			err = errors.Join(err, removeIfThere(file))
		}
	}
	return err
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
		if err != nil || !e.Type().IsRegular() || strings.HasSuffix(file, sumSuffix) || strings.HasSuffix(file, tmpSuffix) || strings.HasSuffix(file, useSuffix) {
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
