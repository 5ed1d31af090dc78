package engine

import (
	"context"
	"sync"

	"github.com/thawrun/thaw/engine/pool"
	"github.com/thawrun/thaw/engine/vfs"
)

// content is a tree of files, a package or a function's layers. It is fetched and indexed when it is first needed. It counts
// against the memory budget, and is given up when memory is short or nobody used it for long: the tree if no instance mounts
// it, else what of it was inflated.
type content struct {
	open func(context.Context) (*vfs.Tree, error)
	mem  *pool.Cached

	mu    sync.Mutex
	tree  *vfs.Tree
	users int // instances that mount it

	// What belongs to the content besides the tree: its size, and what gives it up. Called with mu held; may be nil.
	extra  func() int64
	forget func()
}

func newContent(p *pool.Pool, open func(context.Context) (*vfs.Tree, error)) *content {
	c := &content{open: open}
	c.mem = p.Cached(pool.CachedConfig{Drop: c.drop, Expires: true})
	return c
}

// use returns the tree for an instance that mounts it until done. Errors are not kept: the next call fetches again.
func (c *content) use(ctx context.Context) (*vfs.Tree, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tree == nil {
		tree, err := c.open(ctx)
		if err != nil {
			return nil, err
		}
		c.tree = tree
	}
	c.users++
	c.measureLocked()
	return c.tree, nil
}

func (c *content) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.measureLocked()
}

// measure accounts for what was inflated since the last time.
func (c *content) measure() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.measureLocked()
}

func (c *content) measureLocked() {
	c.mem.Touch()
	c.resizeLocked()
}

func (c *content) resizeLocked() {
	n := int64(0)
	if c.tree != nil {
		n = c.tree.Held()
	}
	if c.extra != nil {
		n += c.extra()
	}
	c.mem.Resize(n)
}

func (c *content) drop() {
	if !c.mu.TryLock() { // being fetched
		return
	}
	defer c.mu.Unlock()
	if c.users == 0 {
		c.tree = nil
		if c.forget != nil {
			c.forget()
		}
	} else {
		c.tree.DropContents()
	}
	c.resizeLocked()
}

// close ends the accounting, when no version needs the content any more.
func (c *content) close() { c.mem.Close() }
