package wasi

import (
	"encoding/binary"

	"github.com/thawrun/thaw/engine/vfs"
)

// call is one host call: its process, the guest's memory and the arguments, of which the first is also the result.
type call struct {
	p    *Process
	mem  []byte
	args []uint64
}

func (c *call) u32(i int) uint32 { return uint32(c.args[i]) }
func (c *call) fd(i int) int32   { return int32(uint32(c.args[i])) }

// bytes is a part of guest memory.
func (c *call) bytes(ptr uint32, n uint64) ([]byte, vfs.Errno) {
	end := uint64(ptr) + n
	if n > uint64(len(c.mem)) || end > uint64(len(c.mem)) {
		return nil, vfs.EFault
	}
	return c.mem[ptr:end:end], vfs.OK
}

// path is the string that two arguments, the first of them i, point at. It is valid during the call.
func (c *call) path(i int) ([]byte, vfs.Errno) {
	n := c.u32(i + 1)
	if n > maxPath {
		return nil, vfs.ENametoolong
	}
	return c.bytes(c.u32(i), uint64(n))
}

func (c *call) put32(ptr, v uint32) vfs.Errno {
	b, e := c.bytes(ptr, 4)
	if e == vfs.OK {
		binary.LittleEndian.PutUint32(b, v)
	}
	return e
}

func (c *call) put64(ptr uint32, v uint64) vfs.Errno {
	b, e := c.bytes(ptr, 8)
	if e == vfs.OK {
		binary.LittleEndian.PutUint64(b, v)
	}
	return e
}

// check lets the sandbox end the call in the middle of work that is too long to be waited for.
func (c *call) check() {
	if c.p.Check != nil {
		c.p.Check()
	}
}

// vectors runs step over the buffers of the iovec array that arguments 1 and 2 describe, piece by piece, and writes the sum
// to ptr. A step that does less than it could ends it; an error counts only if nothing was done before. Between pieces of
// size bytes it looks whether the call may go on: one call can move terabytes, for buffers may overlap.
func vectors(c *call, ptr uint32, size int, step func(*call, []byte) (int, vfs.Errno)) vfs.Errno {
	count := c.u32(2)
	if count > maxVectors {
		return vfs.EInval
	}
	iov, e := c.bytes(c.u32(1), uint64(count)*8)
	if e != vfs.OK {
		return e
	}
	result, e := c.bytes(ptr, 4)
	if e != vfs.OK {
		return e
	}
	if count == 0 {
		if _, e := step(c, nil); e != vfs.OK {
			return e
		}
	}
	total, since := 0, 0
vectors:
	for i := range count {
		// Read anew each time: a buffer may overlap the array, and what lies outside of memory must never be believed.
		b, e := c.bytes(binary.LittleEndian.Uint32(iov[8*i:]), uint64(binary.LittleEndian.Uint32(iov[8*i+4:])))
		if e != vfs.OK {
			if total == 0 {
				return e
			}
			break
		}
		for first := true; first || len(b) > 0; first = false {
			if len(b) == 0 && (total > 0 || i+1 < count) {
				break
			}
			part := b[:min(len(b), size)]
			if since += len(part); since > size {
				c.check()
				since = len(part)
			}
			n, e := step(c, part)
			if e != vfs.OK && total == 0 {
				return e
			}
			total += n
			if e != vfs.OK || n < len(part) || total >= maxTransfer {
				break vectors
			}
			b = b[n:]
		}
	}
	binary.LittleEndian.PutUint32(result, uint32(total))
	return vfs.OK
}
