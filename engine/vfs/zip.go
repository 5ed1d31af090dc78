package vfs

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/klauspost/compress/flate"
)

// Errors about archives.
var (
	ErrNotZip    = errors.New("not a zip archive")
	ErrTooLarge  = errors.New("unpacked size exceeds the limit")
	ErrTraversal = errors.New("entry leads out of the archive")
	ErrEntry     = errors.New("entry can't be unpacked")
)

const (
	// maxEntries bounds what the index of an archive may cost, about 300 bytes each.
	maxEntries = 200_000
	// maxLink is the longest target of a symbolic link.
	maxLink = 4096
)

// Limits bound an archive.
type Limits struct {
	Unpacked int64 // total size in bytes; 0 = 250 MB (262,144,000)
}

func (l Limits) unpacked() int64 {
	if l.Unpacked > 0 {
		return l.Unpacked
	}
	return 262_144_000
}

// Tree is a read-only file tree. The zero value is not usable.
type Tree struct {
	root  *node
	stats Stats
	ino   uint64
}

// Stats describe a tree.
type Stats struct {
	Files    int
	Unpacked int64 // bytes
}

// Stats returns the tree's size.
func (t *Tree) Stats() Stats { return t.stats }

// OpenZip indexes an archive. It refuses entries that lead out of it (absolute names, "..", links that leave), devices,
// encrypted entries, duplicates and more bytes than the limit allows by the sizes that the archive declares; contents are
// inflated when first read, and checked then. data must not change afterwards. Backslashes in names, which some Windows
// tools write, count as slashes, as in Lambda.
func OpenZip(data []byte, limits Limits) (*Tree, error) {
	t := &Tree{root: newDir(1, true), ino: 1}
	return t, t.add(data, limits)
}

// Merge indexes several archives into one tree, entries of later ones replacing earlier ones.
func Merge(archives [][]byte, limits Limits) (*Tree, error) {
	t := &Tree{root: newDir(1, true), ino: 1}
	for i, data := range archives {
		one, err := OpenZip(data, limits)
		if err != nil {
			return nil, fmt.Errorf("archive %d: %w", i, err)
		}
		t.overlay(t.root, one.root)
		t.stats.Files += one.stats.Files
		if t.stats.Unpacked += one.stats.Unpacked; t.stats.Unpacked > limits.unpacked() {
			return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, t.stats.Unpacked)
		}
	}
	return t, nil
}

func (t *Tree) overlay(dst, src *node) {
	for name, n := range src.children {
		if old := dst.children[name]; old != nil && old.typ == TypeDir && n.typ == TypeDir {
			t.overlay(old, n)
			continue
		}
		t.ino++
		n.ino = t.ino
		dst.children[name] = n
	}
}

// Check reads a whole archive, so that every size and checksum in it is known to be right, and keeps nothing.
func Check(data []byte, limits Limits) (Stats, error) {
	t, err := OpenZip(data, limits)
	if err != nil {
		return Stats{}, err
	}
	return t.stats, check("", t.root)
}

func check(prefix string, n *node) error {
	for name, c := range n.children {
		full := path.Join(prefix, name)
		if c.typ == TypeDir {
			if err := check(full, c); err != nil {
				return err
			}
		} else if c.typ == TypeFile {
			if _, err := c.load(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Tree) add(data []byte, limits Limits) error {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("%w: %w", ErrNotZip, err)
	}
	if len(r.File) > maxEntries {
		return fmt.Errorf("%w: %d entries", ErrTooLarge, len(r.File))
	}
	r.RegisterDecompressor(zip.Deflate, flate.NewReader)
	var links []link
	for _, f := range r.File {
		name, isDir, err := cleanName(f.Name)
		if err != nil {
			return err
		}
		mode := f.Mode()
		if isDir || mode.IsDir() {
			if name != "." {
				if _, err := t.dir(name); err != nil {
					return err
				}
			}
			continue
		}
		t.stats.Files++
		if f.UncompressedSize64 > uint64(limits.unpacked()) {
			return fmt.Errorf("%w: %q declares %d bytes", ErrTooLarge, f.Name, f.UncompressedSize64)
		}
		if t.stats.Unpacked += int64(f.UncompressedSize64); t.stats.Unpacked > limits.unpacked() {
			return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limits.unpacked())
		}
		n, err := t.file(f, data, mode)
		if err != nil {
			return err
		}
		parent, err := t.dir(path.Dir(name))
		if err != nil {
			return err
		}
		if parent.children[path.Base(name)] != nil {
			return fmt.Errorf("%w: %q is there twice", ErrEntry, f.Name)
		}
		parent.children[path.Base(name)] = n
		if n.typ == TypeSymlink {
			links = append(links, link{name, n.target})
		}
	}
	for _, l := range links {
		if path.IsAbs(l.target) || strings.HasPrefix(path.Join(path.Dir(l.name), l.target)+"/", "../") {
			return fmt.Errorf("%w: link %q to %q", ErrTraversal, l.name, l.target)
		}
	}
	return nil
}

type link struct{ name, target string }

// cleanName turns an entry's name into a path within the tree, "." for the root.
func cleanName(raw string) (name string, isDir bool, err error) {
	name = strings.ReplaceAll(raw, `\`, "/")
	isDir = strings.HasSuffix(name, "/")
	if name == "" || strings.ContainsRune(name, 0) {
		return "", false, fmt.Errorf("%w: name %q", ErrEntry, raw)
	}
	if strings.HasPrefix(name, "/") || len(name) > 1 && name[1] == ':' {
		return "", false, fmt.Errorf("%w: absolute name %q", ErrTraversal, raw)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", false, fmt.Errorf("%w: %q", ErrTraversal, raw)
		}
		if len(part) > 255 {
			return "", false, fmt.Errorf("%w: name longer than 255 bytes", ErrEntry)
		}
	}
	name = path.Clean(name)
	if name == "." && !isDir {
		return "", false, fmt.Errorf("%w: name %q", ErrEntry, raw)
	}
	return name, isDir, nil
}

// dir returns a folder of the tree and makes it and its parents if need be.
func (t *Tree) dir(name string) (*node, error) {
	d := t.root
	if name == "." {
		return d, nil
	}
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		if depth++; depth > 128 {
			return nil, fmt.Errorf("%w: more than 128 folders deep", ErrEntry)
		}
		c := d.children[part]
		if c == nil {
			t.ino++
			c = newDir(t.ino, true)
			d.children[part] = c
		} else if c.typ != TypeDir {
			return nil, fmt.Errorf("%w: %q is a file and a folder", ErrEntry, name)
		}
		d = c
	}
	return d, nil
}

func (t *Tree) file(f *zip.File, data []byte, mode fs.FileMode) (*node, error) {
	if f.Flags&1 != 0 {
		return nil, fmt.Errorf("%w: %q is encrypted", ErrEntry, f.Name)
	}
	if f.Method != zip.Store && f.Method != zip.Deflate {
		return nil, fmt.Errorf("%w: %q is compressed by method %d", ErrEntry, f.Name, f.Method)
	}
	t.ino++
	n := &node{typ: TypeFile, readOnly: true, ino: t.ino, links: 1, mode: uint32(mode.Perm()), mtime: f.Modified.UnixNano(), size: int64(f.UncompressedSize64)}
	n.atime = n.mtime
	if n.mode == 0 {
		n.mode = 0o644
	}
	n.load = func() ([]byte, error) { return contents(f, data) }
	switch mode.Type() {
	case 0:
	case fs.ModeSymlink:
		if n.size > maxLink {
			return nil, fmt.Errorf("%w: link %q is %d bytes long", ErrEntry, f.Name, n.size)
		}
		target, err := contents(f, data)
		if err != nil {
			return nil, err
		}
		n.typ, n.target, n.load = TypeSymlink, string(target), nil
	default:
		return nil, fmt.Errorf("%w: %q is neither file, folder nor link", ErrEntry, f.Name)
	}
	return n, nil
}

// contents inflates an entry. A stored one is a part of the archive itself.
func contents(f *zip.File, data []byte) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrEntry, f.Name, err)
	}
	defer r.Close()
	if f.Method == zip.Store {
		if n, err := io.Copy(io.Discard, r); err != nil || n != int64(f.UncompressedSize64) { // compares the checksum
			return nil, fmt.Errorf("%w: %q: %d of %d bytes: %w", ErrEntry, f.Name, n, f.UncompressedSize64, err)
		}
		off, err := f.DataOffset()
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrEntry, f.Name, err)
		}
		end := off + int64(f.UncompressedSize64)
		return data[off:end:end], nil
	}
	// One byte more than declared is asked for: reaching the end checks size and checksum.
	b := make([]byte, 0, min(f.UncompressedSize64, 64<<10)+1)
	buf := bytes.NewBuffer(b)
	n, err := io.Copy(buf, io.LimitReader(r, int64(f.UncompressedSize64)+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrEntry, f.Name, err)
	}
	if n != int64(f.UncompressedSize64) {
		return nil, fmt.Errorf("%w: %q holds more than the %d bytes that it declares", ErrEntry, f.Name, f.UncompressedSize64)
	}
	return buf.Bytes(), nil
}
