package wasi

import (
	"encoding/binary"
	"time"

	"github.com/thawrun/thaw/engine/vfs"
)

// The rights that mean something here (WASI, type rights).
const (
	rightRead     = 1 << 1
	rightSeek     = 1 << 2
	rightTell     = 1 << 5
	rightWrite    = 1 << 6
	rightAllocate = 1 << 8
	rightReaddir  = 1 << 14
	rightSetSize  = 1 << 22
	rightsAll     = 1<<30 - 1
	rightsWriting = rightWrite | rightAllocate | rightSetSize
)

// fdFlags are the fdflags that exist; dsync, rsync and sync have nothing to wait for in memory.
const fdFlags = 1<<5 - 1

func fdClose(c *call) vfs.Errno { return c.p.FS.Close(c.fd(0)) }

func fdRenumber(c *call) vfs.Errno { return c.p.FS.Renumber(c.fd(0), c.fd(1)) }

func fdAllocate(c *call) vfs.Errno {
	end := c.args[1] + c.args[2]
	switch {
	case c.args[2] == 0:
		return vfs.EInval
	case end < c.args[1]:
		return vfs.EFbig
	}
	return c.p.FS.Allocate(c.fd(0), end)
}

func fdFdstatGet(c *call) vfs.Errno {
	i, e := c.p.FS.Info(c.fd(0))
	if e != vfs.OK {
		return e
	}
	b, e := c.bytes(c.u32(1), 24)
	if e != vfs.OK {
		return e
	}
	rights := uint64(rightsAll)
	if i.Type != vfs.TypeDir { // a folder's say what may be done with what is in it
		rights &^= rightReaddir // libc takes it for the right to read (F_GETFL)
		if !i.Read {
			rights &^= rightRead
		}
		if !i.Write {
			rights &^= rightsWriting
		}
	}
	// A stream that can't seek would pass for a terminal (libc's isatty), and have programs colour their logs, so the rights
	// to seek and tell stay set. To use them fails all the same.
	clear(b)
	b[0] = byte(i.Type)
	binary.LittleEndian.PutUint16(b[2:], i.Flags)
	binary.LittleEndian.PutUint64(b[8:], rights)
	binary.LittleEndian.PutUint64(b[16:], rightsAll)
	return vfs.OK
}

func fdFdstatSetFlags(c *call) vfs.Errno {
	if c.u32(1) > fdFlags {
		return vfs.EInval
	}
	return c.p.FS.SetFlags(c.fd(0), uint16(c.u32(1)))
}

func fdFilestatGet(c *call) vfs.Errno {
	st, e := c.p.FS.StatFD(c.fd(0))
	return putStat(c, c.u32(1), st, e)
}

func putStat(c *call, ptr uint32, st vfs.Stat, e vfs.Errno) vfs.Errno {
	if e != vfs.OK {
		return e
	}
	b, e := c.bytes(ptr, 64)
	if e != vfs.OK {
		return e
	}
	binary.LittleEndian.PutUint64(b, 1) // device
	binary.LittleEndian.PutUint64(b[8:], st.Ino)
	binary.LittleEndian.PutUint64(b[16:], uint64(st.Type))
	binary.LittleEndian.PutUint64(b[24:], st.Links)
	binary.LittleEndian.PutUint64(b[32:], st.Size)
	binary.LittleEndian.PutUint64(b[40:], st.Atime)
	binary.LittleEndian.PutUint64(b[48:], st.Mtime)
	binary.LittleEndian.PutUint64(b[56:], st.Ctime)
	return vfs.OK
}

func fdFilestatSetSize(c *call) vfs.Errno { return c.p.FS.SetSize(c.fd(0), c.args[1]) }

func fdFilestatSetTimes(c *call) vfs.Errno {
	t, e := times(c.args[1], c.args[2], c.u32(3))
	if e != vfs.OK {
		return e
	}
	return c.p.FS.SetTimesFD(c.fd(0), t)
}

// times decodes WASI's fstflags: 1 atime given, 2 atime now, 4 mtime given, 8 mtime now.
func times(atime, mtime uint64, flags uint32) (vfs.Times, vfs.Errno) {
	t := vfs.Times{Atime: -1, Mtime: -1}
	if flags > 15 || flags&3 == 3 || flags&12 == 12 {
		return t, vfs.EInval
	}
	now := time.Now().UnixNano()
	switch {
	case flags&1 != 0:
		t.Atime = int64(atime &^ (1 << 63))
	case flags&2 != 0:
		t.Atime = now
	}
	switch {
	case flags&4 != 0:
		t.Mtime = int64(mtime &^ (1 << 63))
	case flags&8 != 0:
		t.Mtime = now
	}
	return t, vfs.OK
}

func fdPrestatGet(c *call) vfs.Errno {
	if i, e := c.p.FS.Info(c.fd(0)); e != vfs.OK || !i.Preopen {
		return vfs.EBadf
	}
	return c.put64(c.u32(1), 1<<32) // a folder whose name has one byte
}

func fdPrestatDirName(c *call) vfs.Errno {
	if i, e := c.p.FS.Info(c.fd(0)); e != vfs.OK || !i.Preopen {
		return vfs.EBadf
	}
	b, e := c.bytes(c.u32(1), uint64(c.u32(2)))
	if e != vfs.OK {
		return e
	}
	if len(b) < 1 {
		return vfs.ENametoolong
	}
	b[0] = '/'
	return vfs.OK
}

func fdRead(c *call) vfs.Errno {
	if d, nonBlocking := c.descriptor(); d != nil {
		return receive(c, d, c.u32(3), 0, nonBlocking)
	}
	return vectors(c, c.u32(3), randomSized(c), func(c *call, b []byte) (int, vfs.Errno) { return c.p.FS.Read(c.fd(0), b) })
}

// randomSized is the size of a piece of what is read: devices may be the random one.
func randomSized(c *call) int {
	if i, _ := c.p.FS.Info(c.fd(0)); i.Type == vfs.TypeCharDevice {
		return randomPiece
	}
	return piece
}

// fdPread and fdPwrite advance the offset in the argument itself, which nobody reads afterwards.
func fdPread(c *call) vfs.Errno {
	return vectors(c, c.u32(4), piece, func(c *call, b []byte) (int, vfs.Errno) {
		n, e := c.p.FS.ReadAt(c.fd(0), b, int64(c.args[3]))
		c.args[3] += uint64(n)
		return n, e
	})
}

func fdPwrite(c *call) vfs.Errno {
	return vectors(c, c.u32(4), piece, func(c *call, b []byte) (int, vfs.Errno) {
		n, e := c.p.FS.WriteAt(c.fd(0), b, int64(c.args[3]))
		c.args[3] += uint64(n)
		return n, e
	})
}

func fdWrite(c *call) vfs.Errno {
	if d, nonBlocking := c.descriptor(); d != nil {
		return send(c, d, c.u32(3), nonBlocking)
	}
	switch c.p.FS.Stream(c.fd(0)) {
	case 1, 2:
		return writeStream(c)
	}
	return vectors(c, c.u32(3), piece, func(c *call, b []byte) (int, vfs.Errno) { return c.p.FS.Write(c.fd(0), b) })
}

// writeStream hands the buffers of a write over as one, so that a line that libc splits stays whole; only what is larger
// than maxGather comes in several.
func writeStream(c *call) vfs.Errno {
	stream := c.p.FS.Stream(c.fd(0))
	if c.u32(2) == 1 {
		return vectors(c, c.u32(3), piece, func(c *call, b []byte) (int, vfs.Errno) {
			c.p.stdio(stream, b)
			return len(b), vfs.OK
		})
	}
	c.p.gather = c.p.gather[:0]
	e := vectors(c, c.u32(3), piece, func(c *call, b []byte) (int, vfs.Errno) {
		if len(c.p.gather)+len(b) > maxGather {
			c.p.stdio(stream, c.p.gather)
			c.p.gather = c.p.gather[:0]
			if len(b) > maxGather {
				c.p.stdio(stream, b)
				return len(b), vfs.OK
			}
		}
		c.p.gather = append(c.p.gather, b...)
		return len(b), vfs.OK
	})
	c.p.stdio(stream, c.p.gather)
	return e
}

// fdReaddir fills the buffer with entries. One that does not fit is cut: a full buffer tells the caller that there is more.
func fdReaddir(c *call) vfs.Errno {
	buf, e := c.bytes(c.u32(1), uint64(c.u32(2)))
	if e != vfs.OK {
		return e
	}
	result, e := c.bytes(c.u32(4), 4)
	if e != vfs.OK {
		return e
	}
	used := 0
	var head [24]byte
	for at := c.args[3]; ; {
		d, more, e := c.p.FS.ReadDir(c.fd(0), at)
		if e != vfs.OK {
			return e
		}
		if !more || used == len(buf) {
			break
		}
		binary.LittleEndian.PutUint64(head[:], d.Next)
		binary.LittleEndian.PutUint64(head[8:], d.Ino)
		binary.LittleEndian.PutUint32(head[16:], uint32(len(d.Name)))
		binary.LittleEndian.PutUint32(head[20:], uint32(d.Type))
		used += copy(buf[used:], head[:])
		used += copy(buf[used:], d.Name)
		at = d.Next
	}
	binary.LittleEndian.PutUint32(result, uint32(used))
	return vfs.OK
}

func fdSeek(c *call) vfs.Errno {
	if c.u32(2) > 2 {
		return vfs.EInval
	}
	return seek(c, int64(c.args[1]), uint8(c.u32(2)), c.u32(3))
}

func fdTell(c *call) vfs.Errno { return seek(c, 0, 1, c.u32(1)) }

func seek(c *call, off int64, whence uint8, ptr uint32) vfs.Errno {
	result, e := c.bytes(ptr, 8)
	if e != vfs.OK {
		return e
	}
	pos, e := c.p.FS.Seek(c.fd(0), off, whence)
	if e == vfs.OK {
		binary.LittleEndian.PutUint64(result, uint64(pos))
	}
	return e
}

func pathCreateDirectory(c *call) vfs.Errno {
	p, e := c.path(1)
	if e != vfs.OK {
		return e
	}
	return c.p.FS.Mkdir(c.fd(0), p)
}

// follows decodes lookupflags.
func (c *call) follows(i int) bool { return c.u32(i)&1 != 0 }

func pathFilestatGet(c *call) vfs.Errno {
	p, e := c.path(2)
	if e != vfs.OK {
		return e
	}
	st, e := c.p.FS.StatAt(c.fd(0), p, c.follows(1))
	return putStat(c, c.u32(4), st, e)
}

func pathFilestatSetTimes(c *call) vfs.Errno {
	p, e := c.path(2)
	if e != vfs.OK {
		return e
	}
	t, e := times(c.args[4], c.args[5], c.u32(6))
	if e != vfs.OK {
		return e
	}
	return c.p.FS.SetTimesAt(c.fd(0), p, c.follows(1), t)
}

func pathLink(c *call) vfs.Errno {
	old, e := c.path(2)
	if e != vfs.OK {
		return e
	}
	p, e := c.path(5)
	if e != vfs.OK {
		return e
	}
	return c.p.FS.Link(c.fd(0), old, c.follows(1), c.fd(4), p)
}

func pathOpen(c *call) vfs.Errno {
	p, e := c.path(2)
	if e != vfs.OK {
		return e
	}
	result, e := c.bytes(c.u32(8), 4)
	if e != vfs.OK {
		return e
	}
	if c.u32(4) > 15 || c.u32(7) > fdFlags {
		return vfs.EInval
	}
	read, write := c.args[5]&rightRead != 0, c.args[5]&rightsWriting != 0
	fd, e := c.p.FS.OpenAt(c.fd(0), p, c.follows(1), uint16(c.u32(4)), uint16(c.u32(7)), read, write)
	if e == vfs.OK {
		binary.LittleEndian.PutUint32(result, uint32(fd))
	}
	return e
}

func pathReadlink(c *call) vfs.Errno {
	p, e := c.path(1)
	if e != vfs.OK {
		return e
	}
	target, e := c.p.FS.Readlink(c.fd(0), p)
	if e != vfs.OK {
		return e
	}
	b, e := c.bytes(c.u32(3), uint64(c.u32(4)))
	if e != vfs.OK {
		return e
	}
	return c.put32(c.u32(5), uint32(copy(b, target)))
}

func pathRemoveDirectory(c *call) vfs.Errno { return remove(c, true) }
func pathUnlinkFile(c *call) vfs.Errno      { return remove(c, false) }

func remove(c *call, dir bool) vfs.Errno {
	p, e := c.path(1)
	if e != vfs.OK {
		return e
	}
	return c.p.FS.Remove(c.fd(0), p, dir)
}

func pathRename(c *call) vfs.Errno {
	old, e := c.path(1)
	if e != vfs.OK {
		return e
	}
	p, e := c.path(4)
	if e != vfs.OK {
		return e
	}
	return c.p.FS.Rename(c.fd(0), old, c.fd(3), p)
}

func pathSymlink(c *call) vfs.Errno {
	target, e := c.path(0)
	if e != vfs.OK {
		return e
	}
	p, e := c.path(3)
	if e != vfs.OK {
		return e
	}
	return c.p.FS.Symlink(target, c.fd(2), p)
}
