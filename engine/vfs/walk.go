package vfs

import "bytes"

const (
	maxName  = 255
	maxPath  = 4096
	maxLinks = 40 // symbolic links followed in one look-up
)

// place is where a path leads. With ENoent and dir set, only the last part does not exist.
type place struct {
	dir   *node  // the folder that holds the last part; nil where the path ends in "/", "." or ".." and so names no entry
	name  []byte // the last part; it aliases the path
	node  *node  // nil = does not exist
	slash bool   // the path ends in a slash: it means a folder
}

// walk resolves a path as path_resolution(7) does; at is the folder that a relative path starts from. It allocates only where
// it follows a link.
func (f *FS) walk(at *node, p []byte, follow bool) (place, Errno) {
	switch {
	case len(p) == 0:
		return place{}, ENoent
	case len(p) > maxPath:
		return place{}, ENametoolong
	case bytes.IndexByte(p, 0) >= 0:
		return place{}, EInval
	case p[0] == '/':
		at = f.root
		p = skipSlashes(p)
	}
	for links := 0; len(p) > 0; {
		part, rest, slash := p, []byte(nil), false
		if i := bytes.IndexByte(p, '/'); i >= 0 {
			part, rest, slash = p[:i], skipSlashes(p[i:]), true
		}
		last := len(rest) == 0
		if len(part) > maxName {
			return place{}, ENametoolong
		}
		if part[0] == '.' && (len(part) == 1 || len(part) == 2 && part[1] == '.') {
			if len(part) == 2 {
				at = f.parent(at)
			}
			p = rest
			continue
		}
		n := at.folder.get(part)
		switch {
		case n == nil && last:
			return place{dir: at, name: part, slash: slash}, ENoent
		case n == nil:
			return place{}, ENoent
		case n.typ == TypeSymlink && (follow || slash):
			if links++; links > maxLinks {
				return place{}, ELoop
			}
			target := n.target
			if slash {
				if len(target)+1+len(rest) > maxPath {
					return place{}, ENametoolong
				}
				target = append(append(append(make([]byte, 0, len(target)+1+len(rest)), target...), '/'), rest...)
			}
			if target[0] == '/' {
				at = f.root
			}
			p = skipSlashes(target)
			continue
		case slash && n.typ != TypeDir:
			return place{}, ENotdir
		case last:
			return place{dir: at, name: part, node: n, slash: slash}, OK
		}
		at, p = n, rest
	}
	return place{node: at, slash: true}, OK
}

func skipSlashes(p []byte) []byte {
	for len(p) > 0 && p[0] == '/' {
		p = p[1:]
	}
	return p
}

// parent is the folder above a folder. Trees don't know where they are mounted.
func (f *FS) parent(d *node) *node {
	if d.folder.parent != nil {
		return d.folder.parent
	}
	switch d {
	case f.task, f.runtime:
		return f.variable
	case f.compiled:
		return f.cache
	}
	return f.root
}

// at resolves a path relative to the folder of a descriptor.
func (f *FS) at(fd int32, p []byte, follow bool) (place, Errno) {
	d, e := f.file(fd)
	if e != OK {
		return place{}, e
	}
	if d.node.typ != TypeDir {
		return place{}, ENotdir
	}
	return f.walk(d.node, p, follow)
}

// vacant resolves a path at which something is to be made.
func (f *FS) vacant(fd int32, p []byte) (place, Errno) {
	at, e := f.at(fd, p, false)
	switch {
	case e == OK:
		return place{}, EExist
	case e != ENoent || at.dir == nil:
		return place{}, e
	}
	return at, at.creatable()
}

func (p *place) creatable() Errno {
	switch {
	case p.dir.readOnly:
		return ERofs
	case p.dir.links == 0: // deleted, but still open
		return ENoent
	}
	return OK
}

// occupied resolves a path whose entry is to be removed or renamed.
func (f *FS) occupied(fd int32, p []byte) (place, Errno) {
	at, e := f.at(fd, p, false)
	switch {
	case e != OK:
		return place{}, e
	case at.dir == nil:
		return place{}, EInval
	case at.dir.readOnly:
		return place{}, ERofs
	}
	return at, OK
}
