package vfs

import "time"

// Type is the kind of a file, in WASI's numbers (filetype).
type Type uint8

// The kinds of files there are.
const (
	TypeCharDevice Type = 2
	TypeDir        Type = 3
	TypeFile       Type = 4
	TypeDatagram   Type = 5 // sockets, and what else a Handle is
	TypeStream     Type = 6
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

// node is a file, folder, link or device. A node of a Tree is shared by instances and never changes, but for the contents
// of an entry, which are filled in once. All other nodes belong to one FS.
type node struct {
	typ      Type
	dev      device
	readOnly bool
	ino      uint64
	mtime    int64 // ns since the Unix epoch
	atime    int64

	folder *folder // of a folder
	target []byte  // of a symlink
	entry  *entry  // of a file of a tree
	data   data    // of a file of /tmp

	links int // names; 0 = deleted. Only kept up to date in /tmp.
	opens int // descriptors; likewise
}

func newDir(ino uint64, readOnly bool) *node {
	return &node{typ: TypeDir, ino: ino, links: 1, readOnly: readOnly, folder: &folder{}}
}

func (n *node) length() int64 {
	switch {
	case n.typ == TypeSymlink:
		return int64(len(n.target))
	case n.entry != nil:
		return n.entry.size
	}
	return n.data.size
}

// Stat describes a file.
type Stat struct {
	Ino                 uint64 // unique in an FS
	Type                Type
	Links               uint64
	Size                uint64
	Atime, Mtime, Ctime uint64 // ns since the Unix epoch
}

func (n *node) stat() Stat {
	return Stat{
		Ino: n.ino, Type: n.typ, Links: uint64(n.links), Size: uint64(n.length()),
		Atime: uint64(n.atime), Mtime: uint64(n.mtime), Ctime: uint64(n.mtime),
	}
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

func now() int64 { return time.Now().UnixNano() }
