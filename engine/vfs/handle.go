package vfs

// Handle is what a descriptor stands for that is no file: a socket, for example. The table of descriptors keeps it and closes
// it; everything else is the business of its owner, who finds it through Handle.
type Handle interface {
	// Close is called once, when the descriptor is closed or the file system is reset. It must not wait.
	Close()
}

// AddHandle gives a handle the lowest free descriptor. On an error the handle stays the caller's, not closed.
func (f *FS) AddHandle(h Handle, t Type) (int32, Errno) {
	if f.full() {
		return 0, EMfile
	}
	f.ino++
	return f.add(file{node: &node{typ: t, readOnly: true, ino: f.ino, links: 1}, handle: h, read: true, write: true}), OK
}

// Handle returns the handle behind a descriptor and the descriptor's fdflags; nil if there is none.
func (f *FS) Handle(fd int32) (Handle, uint16) {
	d, e := f.file(fd)
	if e != OK {
		return nil, 0
	}
	return d.handle, d.flags
}

func (f *FS) closeHandles() {
	for i := range f.files[firstFree:] {
		if d := &f.files[firstFree+i]; d.handle != nil {
			d.handle.Close()
			d.handle = nil
		}
	}
	f.others = 0
}
