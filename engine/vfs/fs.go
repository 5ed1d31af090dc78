package vfs

import (
	"strings"

	"github.com/thawrun/thaw/abi"
)

const (
	maxName     = 255
	maxPath     = 4096
	maxLinks    = 40      // symbolic links followed in one look-up
	maxTmpNodes = 100_000 // files and folders in /tmp
	nodeCost    = 256     // bytes that a node of /tmp counts, besides its contents
)

// FS is the file system of one instance.
type FS struct {
	root *node
	tmp  *node

	tmpCap   int64
	tmpUsed  int64
	tmpNodes int
	ino      uint64

	files []*File // by descriptor; nil = closed
	open  int     // descriptors above the standard ones
}

// Mounts say what an instance sees. A nil tree is an empty folder.
type Mounts struct {
	Task    *Tree // /var/task
	Runtime *Tree // /var/runtime
	Layers  *Tree // /opt
	TmpCap  int64 // capacity of /tmp in bytes; 0 = 512 MB
}

// New makes a file system.
func New(m Mounts) *FS {
	f := &FS{}
	f.Mount(m)
	return f
}

// Mount replaces everything: trees, /tmp and descriptors. It is how an instance changes over to another function.
func (f *FS) Mount(m Mounts) {
	f.ino = 1 << 32 // trees number from 1
	f.root = f.readOnlyDir()
	variable := f.readOnlyDir()
	variable.children["task"] = f.mountPoint(m.Task)
	variable.children["runtime"] = f.mountPoint(m.Runtime)
	f.root.children["var"] = variable
	f.root.children["opt"] = f.mountPoint(m.Layers)
	dev := f.readOnlyDir()
	for name, d := range map[string]device{"null": devNull, "zero": devZero, "urandom": devRandom, "random": devRandom, "stdin": devStdin, "stdout": devStdout, "stderr": devStderr} {
		dev.children[name] = f.device(d)
	}
	f.root.children["dev"] = dev
	if f.tmpCap = m.TmpCap; f.tmpCap <= 0 {
		f.tmpCap = 512 << 20
	}
	f.clearTmp()
	f.files = f.files[:0]
	for _, d := range []device{devStdin, devStdout, devStderr} {
		f.files = append(f.files, &File{node: f.device(d), path: "/dev"})
	}
	f.files = append(f.files, &File{node: f.root, path: "/", preopen: true})
	f.open = 0
}

func (f *FS) readOnlyDir() *node { f.ino++; return newDir(f.ino, true) }

func (f *FS) device(d device) *node {
	f.ino++
	return &node{typ: TypeCharDevice, dev: d, mode: 0o666, ino: f.ino, links: 1}
}

func (f *FS) mountPoint(t *Tree) *node {
	if t == nil {
		return f.readOnlyDir()
	}
	return t.root
}

func (f *FS) clearTmp() {
	f.ino++
	f.tmp = newDir(f.ino, false)
	f.tmp.mode = 0o1777
	f.tmp.mtime = now()
	f.root.children["tmp"] = f.tmp
	f.tmpUsed, f.tmpNodes = 0, 0
}

// Reset closes every descriptor above the standard ones and empties /tmp. It costs nothing where neither was used.
func (f *FS) Reset() {
	if f.tmpNodes > 0 {
		f.clearTmp()
	}
	if f.open > 0 || len(f.files) > 4 {
		clear(f.files[4:])
		f.files = f.files[:4]
		f.open = 0
	}
}

// Open is the number of descriptors open besides 0 to 3.
func (f *FS) OpenFiles() int { return f.open }

// TmpBytes is the memory that /tmp takes.
func (f *FS) TmpBytes() int64 { return f.tmpUsed + int64(f.tmpNodes)*nodeCost }

// TmpEmpty says whether /tmp is empty.
func (f *FS) TmpEmpty() bool { return f.tmpNodes == 0 }

// absolute joins a path to the folder that it is relative to and removes ".", ".." and double slashes, never leaving "/".
func absolute(dir, p string) (string, Errno) {
	if len(p) > maxPath {
		return "", ENametoolong
	}
	if p == "" {
		return "", ENoent
	}
	if strings.IndexByte(p, 0) >= 0 {
		return "", EInval
	}
	if p[0] != '/' {
		p = dir + "/" + p
	}
	if !needsCleaning(p) {
		return p, OK
	}
	var parts []string
	for part := range strings.SplitSeq(p, "/") {
		switch part {
		case "", ".":
		case "..":
			if len(parts) > 0 {
				parts = parts[:len(parts)-1]
			}
		default:
			parts = append(parts, part)
		}
	}
	return "/" + strings.Join(parts, "/"), OK
}

func needsCleaning(p string) bool {
	return strings.Contains(p, "//") || strings.Contains(p, "/.") || len(p) > 1 && p[len(p)-1] == '/'
}

// walk finds the node at an absolute path. Where the last part does not exist it returns its folder, with ENoent.
func (f *FS) walk(p string, follow bool) (parent, n *node, name string, e Errno) {
	links := 0
restart:
	parent, n, name = nil, f.root, ""
	rest := p[1:]
	done := 1 // bytes of p before rest
	for rest != "" {
		part := rest
		i := strings.IndexByte(rest, '/')
		if i >= 0 {
			part, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if n.typ != TypeDir {
			return nil, nil, "", ENotdir
		}
		if len(part) > maxName {
			return nil, nil, "", ENametoolong
		}
		parent, name = n, part
		n = parent.children[part]
		if n == nil {
			if rest != "" {
				return nil, nil, "", ENoent
			}
			return parent, nil, name, ENoent
		}
		if n.typ == TypeSymlink && (rest != "" || follow) {
			if links++; links > maxLinks {
				return nil, nil, "", ELoop
			}
			target, e := absolute(p[:done-1], n.target)
			if e != OK {
				return nil, nil, "", e
			}
			if rest != "" {
				if target == "/" {
					target = ""
				}
				target += "/" + rest
			}
			if p = target; len(p) > maxPath {
				return nil, nil, "", ENametoolong
			}
			goto restart
		}
		done += len(part) + 1
	}
	return parent, n, name, OK
}

// lookup finds what exists at a path relative to the folder of descriptor fd.
func (f *FS) lookup(fd int32, p string, follow bool) (*node, Errno) {
	_, n, _, e := f.at(fd, p, follow)
	return n, e
}

func (f *FS) at(fd int32, p string, follow bool) (parent, n *node, name string, e Errno) {
	d, e := f.file(fd)
	if e != OK {
		return nil, nil, "", e
	}
	if d.node.typ != TypeDir {
		return nil, nil, "", ENotdir
	}
	full, e := absolute(d.path, p)
	if e != OK {
		return nil, nil, "", e
	}
	parent, n, name, e = f.walk(full, follow)
	if e == OK && n.typ != TypeDir && p[len(p)-1] == '/' {
		return nil, nil, "", ENotdir
	}
	return parent, n, name, e
}

func (f *FS) file(fd int32) (*File, Errno) {
	if fd < 0 || int(fd) >= len(f.files) || f.files[fd] == nil {
		return nil, EBadf
	}
	return f.files[fd], OK
}

func (f *FS) add(file *File) (int32, Errno) {
	for i := 4; i < len(f.files); i++ {
		if f.files[i] == nil {
			f.files[i] = file
			f.open++
			return int32(i), OK
		}
	}
	if len(f.files) >= abi.MaxDescriptors {
		return 0, EMfile
	}
	f.files = append(f.files, file)
	f.open++
	return int32(len(f.files) - 1), OK
}

// grow accounts for a file of /tmp changing its size.
func (f *FS) grow(by int64) Errno {
	if f.tmpUsed+by > f.tmpCap {
		return ENospc
	}
	f.tmpUsed += by
	return OK
}

func (f *FS) newNode(parent *node, name string, n *node) Errno {
	if f.tmpNodes >= maxTmpNodes {
		return ENospc
	}
	f.tmpNodes++
	f.ino++
	n.ino, n.links = f.ino, 1
	n.mtime = now()
	n.atime = n.mtime
	n.parent = parent
	parent.children[name] = n
	parent.mtime = n.mtime
	return OK
}

func (f *FS) dropNode(n *node) {
	if n.links--; n.links > 0 {
		return
	}
	f.tmpNodes--
	f.tmpUsed -= int64(len(n.data))
	n.data = nil
}
