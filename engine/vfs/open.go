package vfs

import "crypto/rand"

// Flags of OpenAt, in WASI's numbers.
const (
	Create    = 1 // oflags
	Directory = 2
	Exclusive = 4
	Truncate  = 8

	Append   = 1 // fdflags
	NonBlock = 4
)

// OpenAt opens a path relative to a folder's descriptor and returns the new descriptor, the lowest that is free. A failing
// call changes nothing.
func (f *FS) OpenAt(fd int32, p []byte, follow bool, oflags, fdflags uint16, read, write bool) (int32, Errno) {
	if oflags&(Create|Exclusive) == Create|Exclusive {
		follow = false // a link counts as existing, wherever it leads
	}
	at, e := f.at(fd, p, follow)
	n := at.node
	switch {
	case e == ENoent && at.dir != nil && oflags&Create != 0:
		if e := at.creatable(); e != OK {
			return 0, e
		}
		if at.slash {
			return 0, EIsdir
		}
		if oflags&Directory != 0 {
			return 0, EInval
		}
	case e != OK:
		return 0, e
	case oflags&(Create|Exclusive) == Create|Exclusive:
		return 0, EExist
	case n.typ == TypeSymlink:
		return 0, ELoop
	case n.typ == TypeDir && (oflags&(Create|Truncate) != 0 || write && oflags&Directory == 0):
		return 0, EIsdir
	case n.typ != TypeDir && oflags&Directory != 0:
		return 0, ENotdir
	case n.typ == TypeFile && n.readOnly && (write || oflags&Truncate != 0):
		return 0, ERofs
	}
	if f.full() {
		return 0, EMfile
	}
	if n == nil {
		n = &node{typ: TypeFile}
		if e := f.create(&at, n); e != OK {
			return 0, e
		}
	} else if oflags&Truncate != 0 && n.typ == TypeFile {
		n.data.resize(0, f)
		n.mtime = now()
	}
	return f.add(file{node: n, flags: fdflags, read: read, write: write && n.typ != TypeDir}), OK
}

// Close closes a descriptor. The standard ones and the preopened folder stay as they are: snapshots rely on them.
func (f *FS) Close(fd int32) Errno {
	d, e := f.file(fd)
	if e != OK {
		return e
	}
	if fd < firstFree {
		return OK
	}
	n := d.node
	if d.handle != nil {
		d.handle.Close()
		f.others--
	}
	*d = file{}
	f.open--
	f.lowest = min(f.lowest, int(fd))
	if !n.readOnly {
		n.opens--
		f.release(n)
	}
	return OK
}

// Renumber makes descriptor to name what from names, closing what to was. Both must be open, neither a standard one.
func (f *FS) Renumber(from, to int32) Errno {
	d, e := f.file(from)
	if e != OK {
		return e
	}
	if _, e := f.file(to); e != OK || from < firstFree || to < firstFree {
		return EBadf
	}
	if from == to {
		return OK
	}
	moved := *d
	f.Close(to)
	f.files[to], f.files[from] = moved, file{}
	f.lowest = min(f.lowest, int(from))
	return OK
}

// Stream says whether a descriptor is a stream of the host: 0, 1 or 2, else -1.
func (f *FS) Stream(fd int32) int {
	d, e := f.file(fd)
	if e != OK || d.node.typ != TypeCharDevice {
		return -1
	}
	switch d.node.dev {
	case devStdin:
		return 0
	case devStdout:
		return 1
	case devStderr:
		return 2
	}
	return -1
}

// Info describes a descriptor.
type Info struct {
	Type        Type
	Flags       uint16 // fdflags
	Read, Write bool
	Preopen     bool
	Left        int64 // bytes from the position to the end, of a file
}

// Info describes a descriptor.
func (f *FS) Info(fd int32) (Info, Errno) {
	d, e := f.file(fd)
	if e != OK {
		return Info{}, e
	}
	i := Info{Type: d.node.typ, Flags: d.flags, Read: d.read, Write: d.write, Preopen: fd == firstFree-1}
	if i.Type == TypeFile {
		i.Left = max(0, d.node.length()-d.pos)
	}
	return i, OK
}

// SetFlags sets a descriptor's fdflags.
func (f *FS) SetFlags(fd int32, flags uint16) Errno {
	d, e := f.file(fd)
	if e == OK {
		d.flags = flags
	}
	return e
}

// Read reads at the descriptor's position and advances it. n = 0 is the end.
func (f *FS) Read(fd int32, dst []byte) (int, Errno) {
	d, e := f.file(fd)
	if e != OK {
		return 0, e
	}
	n, e := readAt(d, dst, d.pos)
	d.pos += int64(n)
	return n, e
}

// ReadAt reads at an offset.
func (f *FS) ReadAt(fd int32, dst []byte, off int64) (int, Errno) {
	d, e := f.file(fd)
	switch {
	case e != OK:
		return 0, e
	case d.node.typ == TypeCharDevice:
		return 0, ESpipe
	case off < 0:
		return 0, EInval
	}
	return readAt(d, dst, off)
}

func readAt(d *file, dst []byte, off int64) (int, Errno) {
	n := d.node
	switch {
	case d.handle != nil:
		return 0, ESpipe
	case n.typ == TypeDir:
		return 0, EIsdir
	case !d.read:
		return 0, EBadf
	case n.typ == TypeCharDevice:
		switch n.dev {
		case devZero:
			clear(dst)
			return len(dst), OK
		case devRandom:
			_, _ = rand.Read(dst) // never fails (package crypto/rand)
			return len(dst), OK
		}
		return 0, OK
	case n.entry != nil:
		if off >= n.entry.size {
			return 0, OK
		}
		b, err := n.entry.bytes()
		if err != nil {
			return 0, EIO
		}
		return copy(dst, b[off:]), OK
	}
	return n.data.readAt(dst, off), OK
}

// Write writes at the descriptor's position, or at the end with Append, and advances it. It writes less than all of src only
// where /tmp is full.
func (f *FS) Write(fd int32, src []byte) (int, Errno) {
	d, e := f.file(fd)
	if e != OK {
		return 0, e
	}
	if d.flags&Append != 0 && d.node.typ == TypeFile {
		d.pos = d.node.length()
	}
	n, e := f.writeAt(d, src, d.pos)
	if d.node.typ == TypeFile {
		d.pos += int64(n)
	}
	return n, e
}

// WriteAt writes at an offset.
func (f *FS) WriteAt(fd int32, src []byte, off int64) (int, Errno) {
	d, e := f.file(fd)
	switch {
	case e != OK:
		return 0, e
	case d.node.typ == TypeCharDevice:
		return 0, ESpipe
	case off < 0:
		return 0, EInval
	}
	return f.writeAt(d, src, off)
}

func (f *FS) writeAt(d *file, src []byte, off int64) (int, Errno) {
	n := d.node
	switch {
	case d.handle != nil:
		return 0, ESpipe
	case !d.write:
		return 0, EBadf
	case n.typ == TypeCharDevice:
		return len(src), OK // null and its like; the standard streams are the caller's
	case n.typ != TypeFile || n.readOnly:
		return 0, EBadf
	case off > f.tmpCap:
		return 0, EFbig
	case len(src) == 0:
		return 0, OK
	}
	done := n.data.writeAt(src, off, f)
	if done == 0 {
		return 0, ENospc
	}
	n.mtime = now()
	return done, OK
}

// Seek moves the descriptor's position; whence is WASI's: 0 from the start, 1 from the position, 2 from the end. Streams
// can't be moved; the other devices stay at 0.
func (f *FS) Seek(fd int32, off int64, whence uint8) (int64, Errno) {
	d, e := f.file(fd)
	switch {
	case e != OK:
		return 0, e
	case d.node.typ == TypeDir:
		return 0, EIsdir
	case f.Stream(fd) >= 0 || d.handle != nil:
		return 0, ESpipe
	case whence > 2:
		return 0, EInval
	case d.node.typ == TypeCharDevice:
		return 0, OK
	}
	base := int64(0)
	switch whence {
	case 1:
		base = d.pos
	case 2:
		base = d.node.length()
	}
	if off += base; off < 0 { // base is not negative: an overflow ends here too
		return 0, EInval
	}
	d.pos = off
	return off, OK
}

// SetSize changes the length of an open file. What is added reads as zeros and takes no memory until it is written.
func (f *FS) SetSize(fd int32, size uint64) Errno {
	d, e := f.file(fd)
	switch {
	case e != OK:
		return e
	case d.node.typ != TypeFile:
		return EInval
	case !d.write:
		return EBadf
	case size > uint64(f.tmpCap):
		return EFbig
	}
	d.node.data.resize(int64(size), f)
	d.node.mtime = now()
	return OK
}

// Allocate makes a file at least size bytes long if there is room for that many more.
func (f *FS) Allocate(fd int32, size uint64) Errno {
	d, e := f.file(fd)
	switch {
	case e != OK:
		return e
	case d.node.typ != TypeFile:
		return ENotsup
	case !d.write:
		return EBadf
	case size <= uint64(d.node.length()):
		return OK
	case size > uint64(f.tmpCap):
		return EFbig
	case f.tmpUsed+int64(size)-d.node.length() > f.tmpCap:
		return ENospc
	}
	return f.SetSize(fd, size)
}

// StatFD describes an open file.
func (f *FS) StatFD(fd int32) (Stat, Errno) {
	d, e := f.file(fd)
	if e != OK {
		return Stat{}, e
	}
	return d.node.stat(), OK
}

// SetTimesFD sets an open file's times.
func (f *FS) SetTimesFD(fd int32, t Times) Errno {
	d, e := f.file(fd)
	if e != OK {
		return e
	}
	return d.node.setTimes(t)
}

// Dirent is an entry of a folder.
type Dirent struct {
	Name string
	Ino  uint64
	Type Type
	Next uint64 // position of the entry after it
}

// ReadDir returns the entry at a position of an open folder, or the first one after it; ok is false at the end. Position 0
// is the first. Names made or deleted while a folder is being read neither repeat nor hide others.
func (f *FS) ReadDir(fd int32, at uint64) (d Dirent, ok bool, e Errno) {
	o, e := f.file(fd)
	if e != OK {
		return Dirent{}, false, e
	}
	if o.node.typ != TypeDir {
		return Dirent{}, false, ENotdir
	}
	switch at {
	case 0:
		return Dirent{".", o.node.ino, TypeDir, 1}, true, OK
	case 1:
		return Dirent{"..", f.parent(o.node).ino, TypeDir, 2}, true, OK
	}
	l, ok := o.node.folder.from(at - 2)
	if !ok {
		return Dirent{}, false, OK
	}
	return Dirent{l.name, l.n.ino, l.n.typ, l.number + 3}, true, OK
}
