package vfs

import "bytes"

// StatAt describes a path. Like all paths here it is relative to the folder of descriptor fd.
func (f *FS) StatAt(fd int32, p []byte, follow bool) (Stat, Errno) {
	at, e := f.at(fd, p, follow)
	if e != OK {
		return Stat{}, e
	}
	return at.node.stat(), OK
}

// SetTimesAt sets a path's times.
func (f *FS) SetTimesAt(fd int32, p []byte, follow bool, t Times) Errno {
	at, e := f.at(fd, p, follow)
	if e != OK {
		return e
	}
	return at.node.setTimes(t)
}

// Mkdir makes a folder.
func (f *FS) Mkdir(fd int32, p []byte) Errno {
	at, e := f.vacant(fd, p)
	if e != OK {
		return e
	}
	return f.create(&at, newDir(0, false))
}

// Symlink makes a symbolic link to target, which need not exist.
func (f *FS) Symlink(target []byte, fd int32, p []byte) Errno {
	switch {
	case len(target) == 0:
		return ENoent
	case len(target) > maxPath:
		return ENametoolong
	case bytes.IndexByte(target, 0) >= 0:
		return EInval
	}
	at, e := f.vacant(fd, p)
	if e != OK {
		return e
	}
	if at.slash {
		return ENoent
	}
	return f.create(&at, &node{typ: TypeSymlink, target: bytes.Clone(target)})
}

// Link makes another name for a file.
func (f *FS) Link(oldFD int32, old []byte, follow bool, fd int32, p []byte) Errno {
	from, e := f.at(oldFD, old, follow)
	if e != OK {
		return e
	}
	to, e := f.vacant(fd, p)
	switch {
	case e != OK:
		return e
	case from.node.typ == TypeDir:
		return EPerm
	case from.node.readOnly || from.node.typ == TypeCharDevice:
		return EXdev
	case to.slash:
		return ENoent
	}
	return f.link(to.dir, to.name, from.node)
}

// Readlink returns a link's target. It must not be changed.
func (f *FS) Readlink(fd int32, p []byte) ([]byte, Errno) {
	at, e := f.at(fd, p, false)
	if e != OK {
		return nil, e
	}
	if at.node.typ != TypeSymlink {
		return nil, EInval
	}
	return at.node.target, OK
}

// Remove deletes a name of a file or link (dir = false) or an empty folder (dir = true). A file that is open keeps its
// contents until it is closed.
func (f *FS) Remove(fd int32, p []byte, dir bool) Errno {
	at, e := f.occupied(fd, p)
	switch {
	case e != OK:
		return e
	case dir && at.node.typ != TypeDir:
		return ENotdir
	case !dir && at.node.typ == TypeDir:
		return EIsdir
	case dir && len(at.node.folder.byName) > 0:
		return ENotempty
	}
	f.unlink(at.dir, at.name, at.node)
	return OK
}

// Rename moves a file or folder, replacing what is at the new name as rename(2) does.
func (f *FS) Rename(oldFD int32, old []byte, fd int32, p []byte) Errno {
	from, e := f.occupied(oldFD, old)
	if e != OK {
		return e
	}
	to, e := f.at(fd, p, false)
	switch {
	case e != OK && e != ENoent || e == ENoent && to.dir == nil:
		return e
	case to.dir == nil:
		return EInval
	}
	if e := to.creatable(); e != OK {
		return e
	}
	n, target := from.node, to.node
	if n.typ == TypeDir {
		for d := to.dir; d != f.root; d = f.parent(d) {
			if d == n {
				return EInval // a folder into itself
			}
		}
	}
	switch {
	case target == n:
		return OK
	case target == nil && to.slash && n.typ != TypeDir:
		return ENotdir
	case target == nil:
	case target.typ == TypeDir && n.typ != TypeDir:
		return EIsdir
	case target.typ != TypeDir && n.typ == TypeDir:
		return ENotdir
	case target.typ == TypeDir && len(target.folder.byName) > 0:
		return ENotempty
	}
	// Room for the new name is made by what goes; only a longer name without a replaced one may want more.
	if target == nil && !f.charge(int64(len(to.name)-len(from.name))) {
		return ENospc
	}
	if target != nil {
		f.unlink(to.dir, to.name, target)
		f.charge(int64(len(to.name) - len(from.name)))
	}
	from.dir.folder.remove(from.name)
	to.dir.folder.put(string(to.name), n)
	if n.folder != nil {
		n.folder.parent = to.dir
	}
	from.dir.mtime = now()
	to.dir.mtime = from.dir.mtime
	return OK
}
