package vfs

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// Has says whether a file or folder below the root exists, by its path relative to it. Links aren't followed.
func (t *Tree) Has(name string) bool {
	n := t.root
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		if n.folder == nil {
			return false
		}
		if n = n.folder.byName[part].n; n == nil {
			return false
		}
	}
	return true
}

// Names lists the tree's files and links, by path relative to its root, in no particular order.
func (t *Tree) Names() []string {
	var names []string
	t.root.files("", []string{""}, func(name string, _ *node) bool {
		names = append(names, name)
		return true
	})
	return names
}

// Reads is the number of files whose contents were asked for since the tree was opened.
func (t *Tree) Reads() int64 { return t.reads.Load() }

// Read lists the files with one of the suffixes whose contents were asked for since the tree was opened, by path relative to
// its root, sorted.
func (t *Tree) Read(suffixes []string) []string {
	var names []string
	t.root.files("", suffixes, func(name string, n *node) bool {
		if n.entry.used.Load() {
			names = append(names, name)
		}
		return true
	})
	slices.Sort(names)
	return names
}

// Mentions says whether a file with one of the suffixes holds one of the texts. Files are looked at, folder by folder, until
// limit bytes were searched; those in folders for which skip answers true are left out. Nothing that is inflated for the
// search is kept.
func (t *Tree) Mentions(suffixes, texts []string, limit int64, skip func(folder string) bool) bool {
	found := false
	t.root.files("", suffixes, func(name string, n *node) bool {
		if skip != nil && skip(path.Dir(name)) {
			return true
		}
		if limit -= n.entry.size; limit < 0 {
			return false
		}
		b, err := n.entry.peek()
		found = err == nil && slices.ContainsFunc(texts, func(s string) bool { return bytes.Contains(b, []byte(s)) })
		return !found
	})
	return found
}

// files calls f for the files of an archive's folder and of those below it until f answers false; a folder's own files come
// first.
func (n *node) files(at string, suffixes []string, f func(string, *node) bool) bool {
	for _, folders := range []bool{false, true} {
		for _, l := range n.folder.order {
			name := path.Join(at, l.name)
			switch {
			case folders && l.n.typ == TypeDir:
				if !l.n.files(name, suffixes, f) {
					return false
				}
			case !folders && l.n.entry != nil && slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) }):
				if !f(name, l.n) {
					return false
				}
			}
		}
	}
	return true
}

// peek returns the contents as bytes does, but doesn't keep them where they had to be inflated.
func (e *entry) peek() ([]byte, error) {
	if p := e.content.Load(); p != nil {
		return *p, nil
	}
	return e.load()
}
