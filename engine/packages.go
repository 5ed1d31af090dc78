package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/thawrun/thaw/engine/vfs"
)

// packages shares the indexes of deployment packages among function versions that have the same code.
type packages struct {
	mu    sync.Mutex
	byKey map[string]*codePackage
}

// codePackage is one package, fetched and indexed at first use. It is dropped when the last version that uses it is retired.
type codePackage struct {
	key   string // empty = not shared
	fetch func(context.Context) ([]byte, error)
	refs  int // under packages.mu

	mu   sync.Mutex
	tree *vfs.Tree

	compiled map[*guest]*compiled
}

func (p *packages) open(key string, fetch func(context.Context) ([]byte, error)) *codePackage {
	if key == "" {
		return &codePackage{fetch: fetch}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byKey == nil {
		p.byKey = map[string]*codePackage{}
	}
	c := p.byKey[key]
	if c == nil {
		c = &codePackage{key: key, fetch: fetch}
		p.byKey[key] = c
	}
	c.refs++
	return c
}

func (p *packages) release(c *codePackage) {
	if c.key == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.refs--; c.refs == 0 {
		delete(p.byKey, c.key)
	}
}

// get returns the package's tree. Errors are not kept: the next call fetches again.
func (c *codePackage) get(ctx context.Context, maxUnpacked int64) (*vfs.Tree, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tree != nil {
		return c.tree, nil
	}
	if c.fetch == nil {
		return nil, fmt.Errorf("%w: no code", ErrCode)
	}
	data, err := c.fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch code: %w", err)
	}
	tree, err := openPackage(data, maxUnpacked)
	if err != nil {
		return nil, err
	}
	c.tree = tree
	return tree, nil
}

func openPackage(data []byte, maxUnpacked int64) (*vfs.Tree, error) {
	tree, err := vfs.OpenZip(data, vfs.Limits{Unpacked: maxUnpacked})
	return tree, packageError(err)
}

func openLayers(zips [][]byte, maxUnpacked int64) (*vfs.Tree, error) {
	tree, err := vfs.Merge(zips, vfs.Limits{Unpacked: maxUnpacked})
	return tree, packageError(err)
}

// CheckPackage reads a whole deployment package and says whether it can be deployed. maxUnpacked limits its unpacked size
// in bytes; 0 means 250 MB. The error wraps ErrTooLarge or ErrCode.
func CheckPackage(data []byte, maxUnpacked int64) error {
	_, err := vfs.Check(data, vfs.Limits{Unpacked: maxUnpacked})
	return packageError(err)
}

func packageError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, vfs.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return fmt.Errorf("%w: %w", ErrCode, err)
}
