package vfs

import (
	"crypto/rand"
	"strings"
)

// Flags of Open, in WASI's numbers.
const (
	Create    = 1 // oflags
	Directory = 2
	Exclusive = 4
	Truncate  = 8

	Append   = 1 // fdflags
	NonBlock = 4
)

// File is an open descriptor.
type File struct {
	node    *node
	path    string // of a folder: where relative names start
	pos     int64
	flags   uint16 // fdflags
	write   bool
	preopen bool
	names   []string // of a folder that is being read
}

// Stat describes a file.
type Stat struct {
	Ino                 uint64
	Type                Type
	Links               uint64
	Size                uint64
	Atime, Mtime, Ctime uint64 // ns since the Unix epoch
}

func (n *node) stat() Stat {
	return Stat{Ino: n.ino, Type: n.typ, Links: uint64(max(n.links, 1)), Size: uint64(n.length()), Atime: uint64(n.atime), Mtime: uint64(n.mtime), Ctime: uint64(n.mtime)}
}

// OpenAt opens a path relative to a folder's descriptor and returns the new descriptor.
func (f *FS) OpenAt(fd int32, p string, follow bool, oflags, fdflags uint16, write bool) (int32, Errno) {
	parent, n, name, e := f.at(fd, p, follow)
	if e == ENoent && n == nil && parent != nil && oflags&Create != 0 {
		if parent.readOnly {
			return 0, ERofs
		}
		if oflags&Directory != 0 || strings.HasSuffix(p, "/") {
			return 0, EInval
		}
		n = &node{typ: TypeFile, mode: 0o644}
		if e := f.newNode(parent, name, n); e != OK {
			return 0, e
		}
	} else if e != OK {
		return 0, e
	} else if oflags&(Create|Exclusive) == Create|Exclusive {
		return 0, EExist
	}
	switch {
	case n.typ == TypeSymlink:
		return 0, ELoop
	case n.typ == TypeDir && (oflags&(Create|Truncate) != 0 || write && oflags&Directory == 0):
		return 0, EIsdir
	case n.typ != TypeDir && oflags&Directory != 0:
		return 0, ENotdir
	case n.typ == TypeFile && n.readOnly && (write || oflags&Truncate != 0):
		return 0, ERofs
	}
	if oflags&Truncate != 0 && n.typ == TypeFile {
		f.tmpUsed -= int64(len(n.data))
		n.data = nil
		n.mtime = now()
	}
	file := &File{node: n, flags: fdflags, write: write}
	if n.typ == TypeDir {
		d, _ := f.file(fd)
		file.path, _ = absolute(d.path, p)
	}
	return f.add(file)
}

// Close closes a descriptor. The standard ones and the preopened folder can't be closed for good: they stay as they are.
func (f *FS) Close(fd int32) Errno {
	file, e := f.file(fd)
	if e != OK {
		return e
	}
	if fd < 4 {
		return OK
	}
	f.files[fd] = nil
	f.open--
	f.unlinked(file.node)
	return OK
}

// unlinked gives the memory of a deleted file back when its last descriptor is closed.
func (f *FS) unlinked(n *node) {
	if n.links > 0 || n.readOnly || len(n.data) == 0 {
		return
	}
	for _, other := range f.files[4:] {
		if other != nil && other.node == n {
			return
		}
	}
	f.tmpUsed -= int64(len(n.data))
	n.data = nil
}

// Renumber makes to name what from names, closing what to was.
func (f *FS) Renumber(from, to int32) Errno {
	file, e := f.file(from)
	if e != OK {
		return e
	}
	if _, e := f.file(to); e != OK || from < 4 || to < 4 {
		return EBadf
	}
	if from == to {
		return OK
	}
	if e := f.Close(to); e != OK {
		return e
	}
	f.files[to], f.files[from] = file, nil
	return OK
}

// Device says whether a descriptor is a stream of the host: 0, 1 or 2, else -1.
func (f *FS) Stream(fd int32) int {
	file, e := f.file(fd)
	if e != OK || file.node.typ != TypeCharDevice {
		return -1
	}
	switch file.node.dev {
	case devStdin:
		return 0
	case devStdout:
		return 1
	case devStderr:
		return 2
	}
	return -1
}

// Preopened says whether a descriptor is the preopened root.
func (f *FS) Preopened(fd int32) (bool, Errno) {
	file, e := f.file(fd)
	if e != OK {
		return false, e
	}
	return file.preopen, OK
}

// FileType returns a descriptor's type and fdflags.
func (f *FS) FileType(fd int32) (Type, uint16, Errno) {
	file, e := f.file(fd)
	if e != OK {
		return 0, 0, e
	}
	return file.node.typ, file.flags, OK
}

// SetFlags sets a descriptor's fdflags.
func (f *FS) SetFlags(fd int32, flags uint16) Errno {
	file, e := f.file(fd)
	if e == OK {
		file.flags = flags
	}
	return e
}

// Read reads at the descriptor's position and advances it. n = 0 is the end.
func (f *FS) Read(fd int32, dst []byte) (int, Errno) {
	file, e := f.file(fd)
	if e != OK {
		return 0, e
	}
	n, e := f.readAt(file, dst, file.pos)
	file.pos += int64(n)
	return n, e
}

// ReadAt reads at an offset.
func (f *FS) ReadAt(fd int32, dst []byte, off int64) (int, Errno) {
	file, e := f.file(fd)
	if e != OK {
		return 0, e
	}
	if file.node.typ == TypeCharDevice {
		return 0, ESpipe
	}
	if off < 0 {
		return 0, EInval
	}
	return f.readAt(file, dst, off)
}

func (f *FS) readAt(file *File, dst []byte, off int64) (int, Errno) {
	switch file.node.typ {
	case TypeDir:
		return 0, EIsdir
	case TypeCharDevice:
		switch file.node.dev {
		case devZero:
			clear(dst)
			return len(dst), OK
		case devRandom:
			_, _ = rand.Read(dst) // never fails (package crypto/rand)
			return len(dst), OK
		}
		return 0, OK
	}
	b, e := file.node.bytes()
	if e != OK || off >= int64(len(b)) {
		return 0, e
	}
	return copy(dst, b[off:]), OK
}

// Write writes at the descriptor's position, or at the end with Append, and advances it.
func (f *FS) Write(fd int32, src []byte) (int, Errno) {
	file, e := f.file(fd)
	if e != OK {
		return 0, e
	}
	if file.flags&Append != 0 {
		file.pos = int64(len(file.node.data))
	}
	n, e := f.writeAt(file, src, file.pos)
	file.pos += int64(n)
	return n, e
}

// WriteAt writes at an offset.
func (f *FS) WriteAt(fd int32, src []byte, off int64) (int, Errno) {
	file, e := f.file(fd)
	if e != OK {
		return 0, e
	}
	if file.node.typ == TypeCharDevice {
		return 0, ESpipe
	}
	if off < 0 {
		return 0, EInval
	}
	return f.writeAt(file, src, off)
}

func (f *FS) writeAt(file *File, src []byte, off int64) (int, Errno) {
	n := file.node
	switch {
	case n.typ == TypeCharDevice:
		return len(src), OK // null and its like; the standard streams are the caller's
	case n.typ != TypeFile || !file.write:
		return 0, EBadf
	case n.readOnly:
		return 0, ERofs
	}
	end := off + int64(len(src))
	if end < off {
		return 0, EFbig
	}
	if end > int64(len(n.data)) {
		if e := f.resize(n, end); e != OK {
			return 0, e
		}
	}
	n.mtime = now()
	return copy(n.data[off:], src), OK
}

// resize changes the length of a file of /tmp. Growth is amortised, so that many small writes stay linear.
func (f *FS) resize(n *node, size int64) Errno {
	old := int64(len(n.data))
	if e := f.grow(size - old); e != OK {
		return e
	}
	switch {
	case size <= old:
		clear(n.data[size:])
		n.data = n.data[:size]
	case size <= int64(cap(n.data)):
		n.data = n.data[:size]
	default:
		b := make([]byte, size, min(max(size, 2*old, 4096), max(size, f.tmpCap)))
		copy(b, n.data)
		n.data = b
	}
	return OK
}

// Seek moves the descriptor's position; whence is WASI's: 0 from the start, 1 from the position, 2 from the end.
func (f *FS) Seek(fd int32, off int64, whence uint8) (int64, Errno) {
	file, e := f.file(fd)
	if e != OK {
		return 0, e
	}
	if file.node.typ == TypeCharDevice {
		return 0, ESpipe
	}
	if file.node.typ == TypeDir {
		return 0, EIsdir
	}
	switch whence {
	case 0:
	case 1:
		off += file.pos
	case 2:
		off += file.node.length()
	default:
		return 0, EInval
	}
	if off < 0 {
		return 0, EInval
	}
	file.pos = off
	return off, OK
}

// SetSize changes the length of an open file.
func (f *FS) SetSize(fd int32, size uint64) Errno {
	file, e := f.file(fd)
	switch {
	case e != OK:
		return e
	case file.node.typ != TypeFile || !file.write:
		return EBadf
	case file.node.readOnly:
		return ERofs
	case size > 1<<40:
		return EFbig
	}
	file.node.mtime = now()
	return f.resize(file.node, int64(size))
}

// StatFD describes an open file.
func (f *FS) StatFD(fd int32) (Stat, Errno) {
	file, e := f.file(fd)
	if e != OK {
		return Stat{}, e
	}
	return file.node.stat(), OK
}

// StatAt describes a path.
func (f *FS) StatAt(fd int32, p string, follow bool) (Stat, Errno) {
	n, e := f.lookup(fd, p, follow)
	if e != OK {
		return Stat{}, e
	}
	return n.stat(), OK
}

// Times are the new times of a file, ns since the Unix epoch; negative = unchanged.
type Times struct{ Atime, Mtime int64 }

func (n *node) setTimes(t Times) Errno {
	if n.readOnly {
		return ERofs
	}
	if t.Atime >= 0 {
		n.atime = t.Atime
	}
	if t.Mtime >= 0 {
		n.mtime = t.Mtime
	}
	return OK
}

// SetTimesFD sets an open file's times.
func (f *FS) SetTimesFD(fd int32, t Times) Errno {
	file, e := f.file(fd)
	if e != OK {
		return e
	}
	return file.node.setTimes(t)
}

// SetTimesAt sets a path's times.
func (f *FS) SetTimesAt(fd int32, p string, follow bool, t Times) Errno {
	n, e := f.lookup(fd, p, follow)
	if e != OK {
		return e
	}
	return n.setTimes(t)
}

// Mkdir makes a folder.
func (f *FS) Mkdir(fd int32, p string) Errno {
	parent, _, name, e := f.at(fd, p, false)
	switch {
	case e == OK:
		return EExist
	case e != ENoent || parent == nil:
		return e
	case parent.readOnly:
		return ERofs
	}
	return f.newNode(parent, name, newDir(0, false))
}

// Symlink makes a symbolic link to target.
func (f *FS) Symlink(target string, fd int32, p string) Errno {
	parent, _, name, e := f.at(fd, p, false)
	switch {
	case e == OK:
		return EExist
	case e != ENoent || parent == nil:
		return e
	case parent.readOnly:
		return ERofs
	case target == "" || len(target) > maxPath:
		return EInval
	}
	return f.newNode(parent, name, &node{typ: TypeSymlink, target: target, mode: 0o777})
}

// Link makes another name for a file.
func (f *FS) Link(oldFD int32, old string, follow bool, fd int32, p string) Errno {
	n, e := f.lookup(oldFD, old, follow)
	if e != OK {
		return e
	}
	parent, _, name, e := f.at(fd, p, false)
	switch {
	case e == OK:
		return EExist
	case e != ENoent || parent == nil:
		return e
	case parent.readOnly:
		return ERofs
	case n.typ == TypeDir:
		return EPerm
	case n.readOnly || n.typ == TypeCharDevice:
		return EXdev
	}
	n.links++
	parent.children[name] = n
	return OK
}

// Readlink returns a link's target.
func (f *FS) Readlink(fd int32, p string) (string, Errno) {
	n, e := f.lookup(fd, p, false)
	if e != OK {
		return "", e
	}
	if n.typ != TypeSymlink {
		return "", EInval
	}
	return n.target, OK
}

// Remove deletes a file or link (dir = false) or an empty folder (dir = true).
func (f *FS) Remove(fd int32, p string, dir bool) Errno {
	parent, n, name, e := f.at(fd, p, false)
	switch {
	case e != OK:
		return e
	case parent == nil || parent.readOnly:
		return ERofs
	case dir && n.typ != TypeDir:
		return ENotdir
	case !dir && n.typ == TypeDir:
		return EIsdir
	case dir && len(n.children) > 0:
		return ENotempty
	}
	delete(parent.children, name)
	parent.mtime = now()
	f.release(n)
	return OK
}

// release drops a name of n; an open file keeps its contents until it is closed.
func (f *FS) release(n *node) {
	if n.links == 1 && len(n.data) > 0 {
		for _, other := range f.files[4:] {
			if other != nil && other.node == n {
				n.links = 0
				f.tmpNodes--
				return
			}
		}
	}
	f.dropNode(n)
}

// Rename moves a file or folder, replacing what is at the new name as rename(2) does.
func (f *FS) Rename(oldFD int32, old string, fd int32, p string) Errno {
	from, n, oldName, e := f.at(oldFD, old, false)
	if e != OK {
		return e
	}
	if from == nil || from.readOnly {
		return ERofs
	}
	to, target, name, e := f.at(fd, p, false)
	if e != OK && (e != ENoent || to == nil) {
		return e
	}
	if to == nil || to.readOnly {
		return ERofs
	}
	for d := to; d != nil; d = d.parent {
		if d == n {
			return EInval // a folder into itself
		}
	}
	if target == n {
		return OK
	}
	if target != nil {
		switch {
		case target.typ == TypeDir && n.typ != TypeDir:
			return EIsdir
		case target.typ != TypeDir && n.typ == TypeDir:
			return ENotdir
		case len(target.children) > 0:
			return ENotempty
		}
		f.release(target)
	}
	delete(from.children, oldName)
	to.children[name] = n
	n.parent = to
	from.mtime = now()
	to.mtime = from.mtime
	return OK
}

// Dirent is an entry of a folder.
type Dirent struct {
	Name string
	Ino  uint64
	Type Type
}

// ReadDir returns the entry at a position of an open folder; ok is false at the end. Reading position 0 takes a new
// listing; later positions continue it, so that files made or deleted meanwhile neither repeat nor hide others.
func (f *FS) ReadDir(fd int32, at uint64) (d Dirent, ok bool, e Errno) {
	file, e := f.file(fd)
	if e != OK {
		return Dirent{}, false, e
	}
	if file.node.typ != TypeDir {
		return Dirent{}, false, ENotdir
	}
	switch at {
	case 0:
		file.names = file.node.names()
		return Dirent{".", file.node.ino, TypeDir}, true, OK
	case 1:
		ino := file.node.ino
		if file.node.parent != nil {
			ino = file.node.parent.ino
		}
		return Dirent{"..", ino, TypeDir}, true, OK
	}
	if file.names == nil {
		file.names = file.node.names()
	}
	for i := at - 2; i < uint64(len(file.names)); i++ {
		if n := file.node.children[file.names[i]]; n != nil {
			return Dirent{file.names[i], n.ino, n.typ}, true, OK
		}
		// Deleted since: its position still counts, so answer with a name that the next call skips.
		return Dirent{}, true, OK
	}
	return Dirent{}, false, OK
}
