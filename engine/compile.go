package engine

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/sandbox"
	"github.com/thawrun/thaw/engine/vfs"
)

// A package's source files are compiled once per node and not by every instance: after a function was loaded, the files
// that it read are compiled by an instance of the guest that runs no code of the function, and mounted into the instances
// that start from then on. What was compiled is kept in the cache folder by the hashes of package and guest.

const (
	// compileDelay is how long after a start the compiler begins, so that it doesn't compete with the invocation that the
	// start is for.
	compileDelay = 300 * time.Millisecond
	// compileTimeout bounds the compilation of one file.
	compileTimeout = 10 * time.Second
	// maxCompiled bounds what is kept for one package, in bytes.
	maxCompiled = 64 << 20
	// compiledMagic begins a file of the cache; its SHA-256 and a zip archive follow.
	compiledMagic = "THAWCODE1\n"
	// compiledAge is how long a file of the cache is kept without being used.
	compiledAge = 30 * 24 * time.Hour
)

// compiled is what a guest made of a package's source files.
type compiled struct {
	file string // in the cache; empty = not kept

	mu      sync.Mutex
	opened  bool            // file was looked for
	tree    *vfs.Tree       // nil = nothing yet
	archive []byte          // that tree was made of
	tried   map[string]bool // source files, compiled or not
	reads   int64           // Tree.Reads of the package when it was last looked through
	queued  bool
}

// current returns the tree to mount, nil if there is none.
func (c *compiled) current(e *Engine) *vfs.Tree {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened {
		c.opened = true
		c.tried = map[string]bool{}
		if err := c.openLocked(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			e.cfg.Logger.Warn("compiled code in the cache is unusable, making it anew", "file", c.file, "error", err)
		}
	}
	return c.tree
}

// size is the memory that is held, bytes.
func (c *compiled) size() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(len(c.archive))
}

// forget gives the memory up. What is kept in the cache is read again when it is needed, the rest made anew.
func (c *compiled) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened, c.tree, c.archive, c.reads = false, nil, nil, 0
}

func (c *compiled) openLocked() error {
	if c.file == "" {
		return nil
	}
	b, err := os.ReadFile(c.file)
	if err != nil {
		return err
	}
	body, ok := bytes.CutPrefix(b, []byte(compiledMagic))
	if !ok || len(body) < sha256.Size {
		return errors.New("not compiled code")
	}
	sum, body := body[:sha256.Size], body[sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(sum, got[:]) {
		return errors.New("checksum differs")
	}
	if err := c.setLocked(body); err != nil {
		return err
	}
	now := time.Now()
	_ = os.Chtimes(c.file, now, now) // in use: see pruneCompiled
	return nil
}

func (c *compiled) setLocked(archive []byte) error {
	tree, err := vfs.OpenZip(archive, vfs.Limits{Unpacked: 2 * maxCompiled})
	if err != nil {
		return err
	}
	for _, name := range tree.Names() {
		c.tried[strings.TrimSuffix(name, "c")] = true
	}
	c.tree, c.archive = tree, archive
	return nil
}

// write keeps the archive in the cache.
func (c *compiled) write(archive []byte) error {
	if c.file == "" {
		return nil
	}
	dir := filepath.Dir(c.file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".code-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	sum := sha256.Sum256(archive)
	for _, part := range [][]byte{[]byte(compiledMagic), sum[:], archive} {
		if _, err := tmp.Write(part); err != nil {
			tmp.Close()
			return err
		}
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), c.file)
}

// compiledOf returns what a guest makes of a package.
func (e *Engine) compiledOf(c *codePackage, g *guest) *compiled {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.compiled[g]; found != nil {
		return found
	}
	made := &compiled{}
	if e.cfg.CacheDir != "" && c.key != "" {
		sum := sha256.Sum256([]byte(c.key))
		name := fmt.Sprintf("%s-%s-%s.code", g.abi.ID, g.abi.Digest[:min(16, len(g.abi.Digest))], hex.EncodeToString(sum[:16]))
		made.file = filepath.Join(e.cfg.CacheDir, "bytecode", name)
	}
	c.compiled[g] = made
	return made
}

// compileLater has the files compiled that a version's instances have read and that are not compiled yet.
func (v *version) compileLater(task *vfs.Tree) {
	c := v.compiled
	if c == nil {
		return
	}
	c.mu.Lock()
	skip := c.queued || c.reads == task.Reads()
	c.queued = true
	c.mu.Unlock()
	if skip {
		return
	}
	v.e.background.Go(func() {
		select {
		case <-time.After(compileDelay):
		case <-v.e.ended.Done():
			return
		}
		v.e.compiling.Lock() // one package after the other
		defer v.e.compiling.Unlock()
		if err := v.compile(task, c); err != nil && v.e.ended.Err() == nil {
			v.e.cfg.Logger.Warn("compiled code not kept", "function", v.f.Key, "error", err)
		}
	})
}

// compile runs the guest's compiler over the files of task that were read and not tried before.
func (v *version) compile(task *vfs.Tree, c *compiled) error {
	c.mu.Lock()
	c.queued = false
	c.reads = task.Reads()
	var todo []string
	for _, name := range task.Read(v.g.abi.Sources) {
		if !c.tried[name] {
			c.tried[name] = true
			todo = append(todo, name)
		}
	}
	old := c.archive
	c.mu.Unlock()
	if len(todo) == 0 {
		return nil
	}
	files, err := v.compileFiles(task, todo)
	if err != nil || len(files) == 0 {
		return err
	}
	archive, err := joined(old, files)
	if err != nil || len(archive) > maxCompiled {
		return err
	}
	c.mu.Lock()
	err = c.setLocked(archive)
	c.mu.Unlock()
	v.e.counts.compiled.Add(uint64(len(files)))
	return errors.Join(err, c.write(archive))
}

type compiledFile struct {
	name string
	code []byte
}

func (v *version) compileFiles(task *vfs.Tree, names []string) (files []compiledFile, err error) {
	box, err := v.g.shell(v.cap)
	if err != nil {
		return nil, err
	}
	defer func() { v.g.recycle(box) }()
	limits := sandbox.Limits{Context: v.e.ended, CPU: v.e.cpus.Task(128), MaxPayload: maxCompiled}
	fresh := false
	for _, name := range names {
		limits.Deadline = time.Now().Add(compileTimeout)
		if !fresh {
			if err := box.Bind(v.g.snapshot, v.cap, vfs.Mounts{Task: task}); err != nil {
				return nil, err
			}
			if err := box.Restore(environment(&Function{Runtime: v.f.Runtime, Version: v.f.Version}, v.g.abi, v.e.cfg.Region, ""), limits); err != nil {
				return nil, err
			}
			fresh = true
		}
		code, ok, err := box.Compile(abi.TaskRoot+"/"+name, nil, limits)
		switch {
		case v.e.ended.Err() != nil:
			return nil, err
		case err != nil:
			// The instance is spent; the file will be compiled, or not, by those who load it.
			v.e.cfg.Logger.Debug("file not compiled", "function", v.f.Key, "file", name, "error", err)
			fresh = false
		case ok:
			files = append(files, compiledFile{name + "c", code})
		}
	}
	return files, nil
}

// joined adds files to an archive. They are stored as they are, so that reading them copies nothing.
func joined(archive []byte, files []compiledFile) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if archive != nil {
		r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			return nil, err
		}
		for _, f := range r.File {
			if err := w.Copy(f); err != nil {
				return nil, err
			}
		}
	}
	for _, f := range files {
		out, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(f.code); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(b.Bytes()), nil
}

// pruneCompiled removes what was not used for long from the cache.
func (e *Engine) pruneCompiled() {
	if e.cfg.CacheDir == "" {
		return
	}
	files, _ := filepath.Glob(filepath.Join(e.cfg.CacheDir, "bytecode", "*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && time.Since(info.ModTime()) > compiledAge {
			_ = os.Remove(f)
		}
	}
}
