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

// codePackage is one package. It is dropped when the last version that uses it is retired.
type codePackage struct {
	*content
	key  string // empty = not shared
	refs int    // under packages.mu

	compiled map[*guest]*compiled // under content.mu
}

func (e *Engine) newCodePackage(key string, fetch func(context.Context) ([]byte, error)) *codePackage {
	c := &codePackage{key: key, compiled: map[*guest]*compiled{}}
	c.content = newContent(e.pool, func(ctx context.Context) (*vfs.Tree, error) {
		if fetch == nil {
			return nil, fmt.Errorf("%w: no code", ErrCode)
		}
		data, err := fetch(ctx)
		if err != nil {
			return nil, fmt.Errorf("fetch code: %w", err)
		}
		return openPackage(data, e.cfg.MaxUnpacked)
	})
	c.extra = func() (n int64) {
		for _, made := range c.compiled {
			n += made.size()
		}
		return n
	}
	c.forget = func() {
		for _, made := range c.compiled {
			made.forget()
		}
	}
	return c
}

// codePackage returns the package with a key, that with fetch if there is none yet.
func (e *Engine) codePackage(key string, fetch func(context.Context) ([]byte, error)) *codePackage {
	if key == "" {
		return e.newCodePackage("", fetch)
	}
	p := &e.packages
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byKey == nil {
		p.byKey = map[string]*codePackage{}
	}
	c := p.byKey[key]
	if c == nil {
		c = e.newCodePackage(key, fetch)
		p.byKey[key] = c
	}
	c.refs++
	return c
}

func (p *packages) release(c *codePackage) {
	p.mu.Lock()
	if c.refs--; c.key != "" && c.refs == 0 {
		delete(p.byKey, c.key)
	}
	last := c.refs <= 0
	p.mu.Unlock()
	if last {
		c.close()
	}
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
// in bytes; 0 means 250 MB. unpacked is that size. The error wraps ErrTooLarge or ErrCode.
func CheckPackage(data []byte, maxUnpacked int64) (unpacked int64, err error) {
	stats, err := vfs.Check(data, vfs.Limits{Unpacked: maxUnpacked})
	return stats.Unpacked, packageError(err)
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
