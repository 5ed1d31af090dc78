package vfs

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// Type is the kind of a file, in WASI's numbers (filetype).
type Type uint8

const (
	TypeCharDevice Type = 2
	TypeDir        Type = 3
	TypeFile       Type = 4
	TypeSymlink    Type = 7
)

// device is what a character device does.
type device uint8

const (
	devNull device = iota
	devZero
	devRandom
	devStdin
	devStdout
	devStderr
)

// node is a file, folder, link or device. A node of a Tree never changes but for content, which is filled in once.
type node struct {
	typ      Type
	dev      device
	readOnly bool
	mode     uint32 // permission bits
	ino      uint64
	links    int
	mtime    int64 // ns since the Unix epoch
	atime    int64

	children map[string]*node // of a folder
	parent   *node            // of a folder of /tmp
	target   string           // of a symlink

	data    []byte                 // of a file in /tmp
	size    int64                  // of a file of a tree
	content atomic.Pointer[[]byte] // of a file of a tree, once read
	load    func() ([]byte, error) // of a file of a tree
}

func newDir(ino uint64, readOnly bool) *node {
	return &node{typ: TypeDir, mode: 0o755, ino: ino, links: 1, readOnly: readOnly, children: map[string]*node{}}
}

// bytes is a regular file's content.
func (n *node) bytes() ([]byte, Errno) {
	if n.load == nil {
		return n.data, OK
	}
	if p := n.content.Load(); p != nil {
		return *p, OK
	}
	b, err := n.load()
	if err != nil {
		return nil, EIO
	}
	// Two instances may have inflated it at once; both results are equal, one is kept.
	n.content.CompareAndSwap(nil, &b)
	return *n.content.Load(), OK
}

func (n *node) length() int64 {
	switch {
	case n.typ == TypeSymlink:
		return int64(len(n.target))
	case n.load != nil:
		return n.size
	}
	return int64(len(n.data))
}

func (n *node) names() []string { return slices.Sorted(maps.Keys(n.children)) }

func now() int64 { return time.Now().UnixNano() }
