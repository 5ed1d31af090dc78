package vfs

import "github.com/thawrun/thaw/abi"

const (
	// maxTmpNames bounds the files, folders and links in /tmp.
	maxTmpNames = 100_000
	// nameCost is what a name in /tmp and what it stands for count, in bytes, besides name and contents: more than the Go
	// values that they are take.
	nameCost = 512
	// defaultTmp is Lambda's default size of /tmp.
	defaultTmp = 512 << 20
	// firstFree is the first descriptor that is not a standard one.
	firstFree = 4
)

// FS is the file system of one instance. The zero value is not usable.
type FS struct {
	root, variable, cache  *node // "/", "/var" and "/var/cache"
	task, runtime, layers  *node // mounted
	compiled               *node // likewise
	tmp                    *node
	noTask, noRun, noLayer *node // empty folders, where nothing is mounted
	noCompiled             *node

	tmpCap   int64 // bytes, as charged
	tmpUsed  int64
	tmpNames int
	tmpDirty bool
	ino      uint64

	files  []file // by descriptor; node nil = closed
	open   int    // descriptors above the standard ones
	others int    // of those, handles
	lowest int    // no descriptor below is free
}

// file is an open descriptor.
type file struct {
	node        *node
	handle      Handle // of a descriptor that is no file
	pos         int64
	flags       uint16 // fdflags
	read, write bool
}

// Mounts say what an instance sees. A nil tree is an empty folder.
type Mounts struct {
	Task    *Tree // /var/task
	Runtime *Tree // /var/runtime
	Layers  *Tree // /opt
	// Compiled is what the guest compiled of Task, at /var/cache/task.
	Compiled *Tree
	// TmpCap is the capacity of /tmp in bytes; 0 = 512 MB. What files cost besides their contents is charged too, for which
	// a 64th is added.
	TmpCap int64
}

// New makes a file system.
func New(m Mounts) *FS {
	f := &FS{}
	f.root = f.fixedDir(nil, "")
	f.variable = f.fixedDir(f.root, "var")
	f.noTask = f.fixedDir(f.variable, "task")
	f.noRun = f.fixedDir(f.variable, "runtime")
	f.noLayer = f.fixedDir(f.root, "opt")
	f.cache = f.fixedDir(f.variable, "cache")
	f.noCompiled = f.fixedDir(f.cache, "task")
	f.task, f.runtime, f.layers, f.compiled = f.noTask, f.noRun, f.noLayer, f.noCompiled
	dev := f.fixedDir(f.root, "dev")
	f.device(dev, "null", devNull)
	f.device(dev, "zero", devZero)
	f.device(dev, "urandom", devRandom)
	f.device(dev, "random", devRandom)
	f.files = append(make([]file, 0, 16),
		file{node: f.device(dev, "stdin", devStdin), read: true},
		file{node: f.device(dev, "stdout", devStdout), write: true},
		file{node: f.device(dev, "stderr", devStderr), write: true},
		file{node: f.root, read: true})
	f.lowest = firstFree
	f.newTmp()
	f.Mount(m)
	return f
}

// fixedDir makes a folder that stays as it is.
func (f *FS) fixedDir(parent *node, name string) *node {
	f.ino++
	d := newDir(f.ino, true)
	if parent != nil {
		parent.folder.put(name, d)
		d.folder.parent = parent
	}
	return d
}

func (f *FS) device(dir *node, name string, d device) *node {
	f.ino++
	n := &node{typ: TypeCharDevice, dev: d, ino: f.ino, links: 1}
	dir.folder.put(name, n)
	return n
}

// Mount replaces everything: trees, /tmp and descriptors above the standard ones. It is how an instance changes over to
// another function, and cheap where nothing was used.
func (f *FS) Mount(m Mounts) {
	f.Reset()
	mount(f.variable, "task", &f.task, f.noTask, m.Task)
	mount(f.variable, "runtime", &f.runtime, f.noRun, m.Runtime)
	mount(f.root, "opt", &f.layers, f.noLayer, m.Layers)
	mount(f.cache, "task", &f.compiled, f.noCompiled, m.Compiled)
	f.tmpCap = m.TmpCap
	if f.tmpCap <= 0 {
		f.tmpCap = defaultTmp
	}
	f.tmpCap += f.tmpCap / 64
}

func mount(dir *node, name string, at **node, empty *node, t *Tree) {
	n := empty
	if t != nil {
		n = t.root
	}
	if *at != n {
		dir.folder.set(name, n)
		*at = n
	}
}

// newTmp makes an empty /tmp.
func (f *FS) newTmp() {
	f.ino = 1 << 52 // above the trees' numbers, and exact in a double
	f.tmp = newDir(f.ino, false)
	f.tmp.mtime = now()
	f.tmp.atime = f.tmp.mtime
	f.root.folder.set("tmp", f.tmp)
	f.tmp.folder.parent = f.root
	f.tmpUsed, f.tmpNames, f.tmpDirty = 0, 0, false
}

// Reset closes every descriptor above the standard ones and empties /tmp. Where neither was used it costs a few loads.
func (f *FS) Reset() {
	if len(f.files) > firstFree {
		if f.others > 0 {
			f.closeHandles()
		}
		clear(f.files[firstFree:])
		if f.files = f.files[:firstFree]; cap(f.files) > 64 {
			f.files = append(make([]file, 0, 16), f.files...)
		}
		f.open, f.lowest = 0, firstFree
	}
	for fd := range f.files {
		f.files[fd].flags, f.files[fd].pos = 0, 0
	}
	if f.tmpDirty {
		f.newTmp()
	}
}

// OpenFiles is the number of descriptors open besides 0 to 3.
func (f *FS) OpenFiles() int { return f.open }

// TmpBytes is the host memory that /tmp takes, about; files that are deleted but still open count.
func (f *FS) TmpBytes() int64 { return f.tmpUsed }

// TmpEmpty says whether there is nothing in /tmp.
func (f *FS) TmpEmpty() bool { return f.tmpNames == 0 }

func (f *FS) file(fd int32) (*file, Errno) {
	if fd < 0 || int(fd) >= len(f.files) || f.files[fd].node == nil {
		return nil, EBadf
	}
	return &f.files[fd], OK
}

// full says whether no descriptor is free.
func (f *FS) full() bool { return f.open >= abi.MaxDescriptors-firstFree }

// add opens the lowest free descriptor. full has been asked.
func (f *FS) add(n file) int32 {
	for f.lowest < len(f.files) && f.files[f.lowest].node != nil {
		f.lowest++
	}
	if f.lowest == len(f.files) {
		f.files = append(f.files, file{})
	}
	f.files[f.lowest] = n
	f.open++
	if n.handle != nil {
		f.others++
	}
	if !n.node.readOnly {
		n.node.opens++
	}
	f.lowest++
	return int32(f.lowest - 1)
}

// charge implements room.
func (f *FS) charge(delta int64) bool {
	if delta > 0 && f.tmpUsed+delta > f.tmpCap {
		return false
	}
	f.tmpUsed += delta
	return true
}

// link gives n a name in a folder of /tmp.
func (f *FS) link(dir *node, name []byte, n *node) Errno {
	if f.tmpNames >= maxTmpNames || !f.charge(nameCost+int64(len(name))) {
		return ENospc
	}
	f.tmpDirty = true
	f.tmpNames++
	n.links++
	dir.folder.put(string(name), n) // a copy: name is a part of the guest's memory
	if n.folder != nil {
		n.folder.parent = dir
	}
	dir.mtime = now()
	return OK
}

// unlink takes a name away.
func (f *FS) unlink(dir *node, name []byte, n *node) {
	f.charge(-nameCost - int64(len(name)))
	f.tmpNames--
	n.links--
	dir.folder.remove(name)
	dir.mtime = now()
	if n.folder != nil && n.links == 0 {
		n.folder.parent = f.tmp // a deleted folder that is open does not hold deleted ones above it
	}
	f.release(n)
}

// release gives the memory of a file back that has neither name nor descriptor.
func (f *FS) release(n *node) {
	if n.links > 0 || n.opens > 0 || n.readOnly {
		return
	}
	f.charge(-n.data.held() - int64(len(n.target)))
	n.data, n.target = data{}, nil
}

// create makes something new in /tmp.
func (f *FS) create(at *place, n *node) Errno {
	if !f.charge(int64(len(n.target))) {
		return ENospc
	}
	f.ino++
	n.ino, n.links = f.ino, 0
	n.mtime = now()
	n.atime = n.mtime
	if e := f.link(at.dir, at.name, n); e != OK {
		f.charge(-int64(len(n.target)))
		return e
	}
	return OK
}
