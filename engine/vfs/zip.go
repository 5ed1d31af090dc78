package vfs

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"sync/atomic"

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
	// maxNodes bounds what the index of an archive may cost: files, links and folders, about 500 bytes each. Folders count
	// because one entry can stand for many.
	maxNodes = 200_000
	// maxDepth bounds the folders in one name.
	maxDepth = 128
	// defaultUnpacked is Lambda's limit of 250 MB.
	defaultUnpacked = 262_144_000
	// maxRatio is the most that a byte of deflate data can stand for.
	maxRatio = 1032
)

// Limits bound an archive.
type Limits struct {
	Unpacked int64 // total size in bytes; 0 = 250 MB (262,144,000)
}

func (l Limits) unpacked() int64 {
	if l.Unpacked > 0 {
		return l.Unpacked
	}
	return defaultUnpacked
}

// Tree is a read-only file tree. The zero value is not usable.
type Tree struct {
	root  *node
	stats Stats
	ino   uint64 // the last one given out
	nodes int
	reads *atomic.Int64 // files whose contents were asked for
	held  *atomic.Int64 // bytes of inflated contents
	data  int64         // bytes of archives
}

// Stats describe a tree.
type Stats struct {
	Files    int   // and links
	Unpacked int64 // bytes
}

// Stats returns the tree's size.
func (t *Tree) Stats() Stats { return t.stats }

// nodeSize is about what a file or folder of a tree costs, bytes.
const nodeSize = 500

// Held is about the memory that the tree occupies, bytes: the archives, their index, and what of them was inflated.
func (t *Tree) Held() int64 { return t.data + t.held.Load() + int64(t.nodes)*nodeSize }

// Inflated is what of it DropContents gives up.
func (t *Tree) Inflated() int64 { return t.held.Load() }

// DropContents gives up what was inflated; it is inflated anew when it is read again. The tree may be in use.
func (t *Tree) DropContents() {
	t.root.files("", []string{""}, func(_ string, n *node) bool {
		n.entry.drop()
		return true
	})
}

// OpenZip indexes an archive. It refuses entries that lead out of it (absolute names, "..", links that leave), devices,
// encrypted entries, duplicates and more bytes than the limit allows by the sizes that the archive declares; contents are
// inflated when first read, and checked then. data must not change afterwards. Backslashes in names, which some Windows
// tools write, count as slashes, as in Lambda.
func OpenZip(data []byte, limits Limits) (*Tree, error) {
	a, err := openArchive(data, limits)
	if err != nil {
		return nil, err
	}
	t := newTree(data)
	if err := t.add(a, limits); err != nil {
		return nil, err
	}
	return t, nil
}

// Merge indexes several archives into one tree, entries of later ones replacing earlier ones.
func Merge(archives [][]byte, limits Limits) (*Tree, error) {
	all := newTree(nil)
	for i, data := range archives {
		if i == 0 {
			all = newTree(data)
		}
		a, err := openArchive(data, limits)
		if err != nil {
			return nil, fmt.Errorf("archive %d: %w", i, err)
		}
		one := &Tree{root: newDir(all.ino+1, true), ino: all.ino + 1, stats: all.stats, nodes: all.nodes, reads: all.reads, held: all.held, data: all.data}
		if err := one.add(a, limits); err != nil {
			return nil, fmt.Errorf("archive %d: %w", i, err)
		}
		overlay(all.root, one.root)
		all.ino, all.stats, all.nodes, all.data = one.ino, one.stats, one.nodes, one.data
	}
	return all, nil
}

// newTree makes an empty tree. Its inode numbers depend on its contents, so that files of two trees hardly ever pass for
// one, while all instances, before a snapshot and after, see the same ones. They stay below 1<<52.
func newTree(data []byte) *Tree {
	ino := uint64(crc32.ChecksumIEEE(data[max(0, len(data)-1024):]))<<20 + 1<<19
	return &Tree{root: newDir(ino, true), ino: ino, reads: new(atomic.Int64), held: new(atomic.Int64)}
}

func overlay(dst, src *node) {
	for _, l := range src.folder.order {
		old := dst.folder.byName[l.name].n
		if old != nil && old.typ == TypeDir && l.n.typ == TypeDir {
			overlay(old, l.n)
			continue
		}
		dst.folder.set(l.name, l.n)
		if l.n.folder != nil {
			l.n.folder.parent = dst
		}
	}
}

// Check reads a whole archive, so that every size and checksum in it is known to be right, and keeps nothing.
func Check(data []byte, limits Limits) (Stats, error) {
	a, err := openArchive(data, limits)
	if err != nil {
		return Stats{}, err
	}
	t := newTree(data)
	if err := t.add(a, limits); err != nil {
		return Stats{}, err
	}
	for _, f := range a.files {
		if f.Mode().IsDir() || strings.HasSuffix(f.Name, `\`) {
			continue
		}
		e := entry{archive: a, f: f, size: int64(f.UncompressedSize64)}
		if err := e.read(io.Discard); err != nil {
			return Stats{}, err
		}
	}
	return t.stats, nil
}

// archive is what the entries of one archive share.
type archive struct {
	data      []byte
	files     []*zip.File
	reads     *atomic.Int64 // of the tree
	held      *atomic.Int64 // likewise
	inflaters sync.Pool     // of io.ReadCloser from package flate
}

func openArchive(data []byte, limits Limits) (*archive, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%w: %w", ErrNotZip, err)
	}
	if len(r.File) > maxNodes {
		return nil, fmt.Errorf("%w: %d entries", ErrTooLarge, len(r.File))
	}
	a := &archive{data: data, files: r.File}
	r.RegisterDecompressor(zip.Deflate, a.inflate)
	return a, nil
}

// inflate is a zip.Decompressor that uses decompressors again: one takes 40 KB.
func (a *archive) inflate(r io.Reader) io.ReadCloser {
	f, ok := a.inflaters.Get().(io.ReadCloser)
	if !ok {
		return &inflater{flate.NewReader(r), a}
	}
	_ = f.(flate.Resetter).Reset(r, nil) // never fails (package flate)
	return &inflater{f, a}
}

type inflater struct {
	io.ReadCloser
	a *archive
}

func (i *inflater) Close() error {
	err := i.ReadCloser.Close()
	i.a.inflaters.Put(i.ReadCloser)
	return err
}

func (t *Tree) add(a *archive, limits Limits) error {
	a.reads, a.held = t.reads, t.held
	t.data += int64(len(a.data))
	for _, f := range a.files {
		name, isDir, err := cleanName(f.Name)
		if err != nil {
			return err
		}
		if isDir || f.Mode().IsDir() {
			if _, err := t.dir(name); err != nil {
				return err
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
		parent, err := t.dir(path.Dir(name))
		if err != nil {
			return err
		}
		base := path.Base(name)
		if _, there := parent.folder.byName[base]; there {
			return fmt.Errorf("%w: %q is there twice", ErrEntry, f.Name)
		}
		n, err := a.node(f)
		if err != nil {
			return err
		}
		if n.typ == TypeSymlink {
			if target := string(n.target); path.IsAbs(target) || strings.HasPrefix(path.Join(path.Dir(name), target)+"/", "../") {
				return fmt.Errorf("%w: link %q to %q", ErrTraversal, f.Name, target)
			}
		}
		if n.ino, err = t.number(); err != nil {
			return err
		}
		parent.folder.put(base, n)
	}
	return nil
}

// number counts a node and returns its inode number.
func (t *Tree) number() (uint64, error) {
	if t.nodes++; t.nodes > maxNodes {
		return 0, fmt.Errorf("%w: more than %d files and folders", ErrTooLarge, maxNodes)
	}
	t.ino++
	return t.ino, nil
}

// cleanName turns an entry's name into a path within the tree, "." for the root.
func cleanName(raw string) (name string, isDir bool, err error) {
	name = strings.ReplaceAll(raw, `\`, "/")
	isDir = strings.HasSuffix(name, "/")
	if name == "" || strings.IndexByte(name, 0) >= 0 {
		return "", false, fmt.Errorf("%w: name %q", ErrEntry, raw)
	}
	if name[0] == '/' || len(name) > 2 && name[1] == ':' && name[2] == '/' {
		return "", false, fmt.Errorf("%w: absolute name %q", ErrTraversal, raw)
	}
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", false, fmt.Errorf("%w: %q", ErrTraversal, raw)
		}
		if len(part) > maxName {
			return "", false, fmt.Errorf("%w: %q has a name longer than %d bytes", ErrEntry, raw, maxName)
		}
		if depth++; depth > maxDepth {
			return "", false, fmt.Errorf("%w: %q is more than %d folders deep", ErrEntry, raw, maxDepth)
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
	for part := range strings.SplitSeq(name, "/") {
		c := d.folder.byName[part].n
		if c == nil {
			ino, err := t.number()
			if err != nil {
				return nil, err
			}
			c = newDir(ino, true)
			c.folder.parent = d
			d.folder.put(part, c)
		} else if c.typ != TypeDir {
			return nil, fmt.Errorf("%w: %q is a file and a folder", ErrEntry, name)
		}
		d = c
	}
	return d, nil
}

func (a *archive) node(f *zip.File) (*node, error) {
	if f.Flags&1 != 0 {
		return nil, fmt.Errorf("%w: %q is encrypted", ErrEntry, f.Name)
	}
	if f.Method != zip.Store && f.Method != zip.Deflate {
		return nil, fmt.Errorf("%w: %q is compressed by method %d", ErrEntry, f.Name, f.Method)
	}
	e := &entry{archive: a, f: f, size: int64(f.UncompressedSize64)}
	n := &node{typ: TypeFile, readOnly: true, links: 1, mtime: max(0, f.Modified.UnixNano()), entry: e}
	n.atime = n.mtime
	switch f.Mode().Type() {
	case 0:
	case fs.ModeSymlink:
		if e.size == 0 || e.size > maxPath {
			return nil, fmt.Errorf("%w: link %q is %d bytes long", ErrEntry, f.Name, e.size)
		}
		target, err := e.load()
		if err != nil {
			return nil, err
		}
		if bytes.IndexByte(target, 0) >= 0 {
			return nil, fmt.Errorf("%w: link %q to %q", ErrEntry, f.Name, target)
		}
		n.typ, n.target, n.entry = TypeSymlink, target, nil
	default:
		return nil, fmt.Errorf("%w: %q is neither file, folder nor link", ErrEntry, f.Name)
	}
	return n, nil
}

// entry is the contents of a file in an archive.
type entry struct {
	archive *archive
	f       *zip.File
	size    int64

	used    atomic.Bool            // the contents were asked for
	content atomic.Pointer[[]byte] // once read
	mu      sync.Mutex             // held while it is read, so that many instances starting at once read it once
}

// bytes returns the contents, which must not be changed. A stored entry's are a part of the archive itself.
func (e *entry) bytes() ([]byte, error) {
	if !e.used.Load() && e.used.CompareAndSwap(false, true) {
		e.archive.reads.Add(1)
	}
	if p := e.content.Load(); p != nil {
		return *p, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.content.Load(); p != nil {
		return *p, nil
	}
	b, err := e.load()
	if err != nil {
		return nil, err
	}
	e.content.Store(&b)
	if e.inflated() {
		e.archive.held.Add(e.size)
	}
	return b, nil
}

// inflated says whether the contents, once read, are memory of their own and not a part of the archive.
func (e *entry) inflated() bool { return e.f.Method != zip.Store }

// drop forgets the contents. Who reads them again has them inflated again.
func (e *entry) drop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.content.Swap(nil) != nil && e.inflated() {
		e.archive.held.Add(-e.size)
	}
}

func (e *entry) load() ([]byte, error) {
	if e.f.Method == zip.Store {
		if err := e.read(io.Discard); err != nil {
			return nil, err
		}
		off, err := e.f.DataOffset()
		if err != nil || off < 0 || off+e.size > int64(len(e.archive.data)) {
			return nil, fmt.Errorf("%w: %q: %w", ErrEntry, e.f.Name, errors.Join(err, io.ErrUnexpectedEOF))
		}
		return e.archive.data[off : off+e.size : off+e.size], nil
	}
	// What an archive declares is not believed further than deflate can compress.
	if e.f.CompressedSize64 < uint64(e.size)/maxRatio {
		return nil, fmt.Errorf("%w: %q can't hold the %d bytes that it declares", ErrEntry, e.f.Name, e.size)
	}
	w := filler{make([]byte, e.size)}
	b := w.rest
	if err := e.read(&w); err != nil {
		return nil, err
	}
	return b, nil
}

// filler is a buffer that is read into without a detour.
type filler struct{ rest []byte }

func (w *filler) ReadFrom(r io.Reader) (n int64, err error) {
	k, err := io.ReadFull(r, w.rest)
	w.rest = w.rest[k:]
	if err == nil {
		var more [1]byte // the end, which has the sum checked, or a byte too many
		if m, e := io.ReadFull(r, more[:]); e != io.EOF {
			return int64(k + m), e
		}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return int64(k), err
}

func (w *filler) Write(p []byte) (int, error) {
	return 0, io.ErrShortWrite // io.Copy uses ReadFrom
}

// read inflates the entry and compares size and checksum.
func (e *entry) read(w io.Writer) error {
	r, err := e.f.Open()
	if err != nil {
		return fmt.Errorf("%w: %q: %w", ErrEntry, e.f.Name, err)
	}
	defer r.Close()
	// One byte more than declared is asked for: reaching the end has package zip check the sum.
	n, err := io.Copy(w, io.LimitReader(r, e.size+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %q: %w", ErrEntry, e.f.Name, err)
	case n != e.size:
		return fmt.Errorf("%w: %q holds more than the %d bytes that it declares", ErrEntry, e.f.Name, e.size)
	}
	return nil
}
