package wasi

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64

	// maxVectors bounds the buffers of one fd_read or fd_write, as IOV_MAX does.
	maxVectors = 1024
	// maxSubscriptions bounds one poll_oneoff.
	maxSubscriptions = 2 * abi.MaxDescriptors
)

// call is one host call: its process, the guest's memory and the arguments.
type call struct {
	p    *Process
	mem  []byte
	args []uint64
}

func (c *call) u32(i int) uint32 { return uint32(c.args[i]) }
func (c *call) fd(i int) int32   { return int32(uint32(c.args[i])) }

// bytes is a part of guest memory.
func (c *call) bytes(ptr, n uint32) ([]byte, bool) {
	if uint64(ptr)+uint64(n) > uint64(len(c.mem)) {
		return nil, false
	}
	return c.mem[ptr : uint64(ptr)+uint64(n) : uint64(ptr)+uint64(n)], true
}

func (c *call) str(ptr, n uint32) (string, vfs.Errno) {
	if n > 4096 {
		return "", vfs.ENametoolong
	}
	b, ok := c.bytes(ptr, n)
	if !ok {
		return "", vfs.EFault
	}
	return string(b), vfs.OK
}

func (c *call) put32(ptr, v uint32) vfs.Errno {
	b, ok := c.bytes(ptr, 4)
	if !ok {
		return vfs.EFault
	}
	binary.LittleEndian.PutUint32(b, v)
	return vfs.OK
}

func (c *call) put64(ptr uint32, v uint64) vfs.Errno {
	b, ok := c.bytes(ptr, 8)
	if !ok {
		return vfs.EFault
	}
	binary.LittleEndian.PutUint64(b, v)
	return vfs.OK
}

type function struct {
	name   string
	params []api.ValueType
	run    func(c *call) vfs.Errno
}

func params(kinds string) []api.ValueType {
	types := make([]api.ValueType, len(kinds))
	for i, k := range kinds {
		types[i] = i32
		if k == 'l' {
			types[i] = i64
		}
	}
	return types
}

func functions(start time.Time) []function {
	return []function{
		{"args_get", params("ii"), func(c *call) vfs.Errno { return vfs.OK }},
		{"args_sizes_get", params("ii"), noStrings},
		{"environ_get", params("ii"), func(c *call) vfs.Errno { return vfs.OK }},
		{"environ_sizes_get", params("ii"), noStrings},
		{"clock_res_get", params("ii"), func(c *call) vfs.Errno {
			if c.u32(0) > 3 {
				return vfs.EInval
			}
			return c.put64(c.u32(1), 1)
		}},
		{"clock_time_get", params("ili"), func(c *call) vfs.Errno { return clockTime(c, start) }},
		{"random_get", params("ii"), func(c *call) vfs.Errno {
			b, ok := c.bytes(c.u32(0), c.u32(1))
			if !ok {
				return vfs.EFault
			}
			_, _ = rand.Read(b) // never fails (package crypto/rand)
			return vfs.OK
		}},
		{"sched_yield", nil, func(c *call) vfs.Errno { return vfs.OK }},
		{"proc_raise", params("i"), func(c *call) vfs.Errno { return vfs.ENosys }},
		{"poll_oneoff", params("iiii"), func(c *call) vfs.Errno { return poll(c, start) }},

		{"fd_advise", params("illi"), onFD},
		{"fd_allocate", params("ill"), func(c *call) vfs.Errno {
			st, e := c.p.FS.StatFD(c.fd(0))
			if e != vfs.OK {
				return e
			}
			size := c.args[1] + c.args[2]
			if size < c.args[1] {
				return vfs.EFbig
			}
			if size <= st.Size {
				return vfs.OK
			}
			return c.p.FS.SetSize(c.fd(0), size)
		}},
		{"fd_close", params("i"), func(c *call) vfs.Errno { return c.p.FS.Close(c.fd(0)) }},
		{"fd_datasync", params("i"), onFD},
		{"fd_sync", params("i"), onFD},
		{"fd_fdstat_get", params("ii"), fdstat},
		{"fd_fdstat_set_flags", params("ii"), func(c *call) vfs.Errno { return c.p.FS.SetFlags(c.fd(0), uint16(c.u32(1))) }},
		{"fd_fdstat_set_rights", params("ill"), onFD},
		{"fd_filestat_get", params("ii"), func(c *call) vfs.Errno {
			st, e := c.p.FS.StatFD(c.fd(0))
			return putStat(c, c.u32(1), st, e)
		}},
		{"fd_filestat_set_size", params("il"), func(c *call) vfs.Errno { return c.p.FS.SetSize(c.fd(0), c.args[1]) }},
		{"fd_filestat_set_times", params("illi"), func(c *call) vfs.Errno {
			return c.p.FS.SetTimesFD(c.fd(0), times(c.args[1], c.args[2], c.u32(3)))
		}},
		{"fd_pread", params("iiili"), func(c *call) vfs.Errno {
			off := int64(c.args[3])
			return vectors(c, c.u32(4), func(b []byte) (int, vfs.Errno) {
				n, e := c.p.FS.ReadAt(c.fd(0), b, off)
				off += int64(n)
				return n, e
			})
		}},
		{"fd_pwrite", params("iiili"), func(c *call) vfs.Errno {
			off := int64(c.args[3])
			return vectors(c, c.u32(4), func(b []byte) (int, vfs.Errno) {
				n, e := c.p.FS.WriteAt(c.fd(0), b, off)
				off += int64(n)
				return n, e
			})
		}},
		{"fd_prestat_get", params("ii"), func(c *call) vfs.Errno {
			if pre, e := c.p.FS.Preopened(c.fd(0)); e != vfs.OK || !pre {
				return vfs.EBadf
			}
			return c.put64(c.u32(1), 1<<32) // a folder whose name has one byte
		}},
		{"fd_prestat_dir_name", params("iii"), func(c *call) vfs.Errno {
			if pre, e := c.p.FS.Preopened(c.fd(0)); e != vfs.OK || !pre {
				return vfs.EBadf
			}
			b, ok := c.bytes(c.u32(1), c.u32(2))
			if !ok {
				return vfs.EFault
			}
			if len(b) < 1 {
				return vfs.ENametoolong
			}
			b[0] = '/'
			return vfs.OK
		}},
		{"fd_read", params("iiii"), func(c *call) vfs.Errno {
			return vectors(c, c.u32(3), func(b []byte) (int, vfs.Errno) { return c.p.FS.Read(c.fd(0), b) })
		}},
		{"fd_readdir", params("iiili"), readdir},
		{"fd_renumber", params("ii"), func(c *call) vfs.Errno { return c.p.FS.Renumber(c.fd(0), c.fd(1)) }},
		{"fd_seek", params("ilii"), func(c *call) vfs.Errno {
			pos, e := c.p.FS.Seek(c.fd(0), int64(c.args[1]), uint8(c.u32(2)))
			if e != vfs.OK {
				return e
			}
			return c.put64(c.u32(3), uint64(pos))
		}},
		{"fd_tell", params("ii"), func(c *call) vfs.Errno {
			pos, e := c.p.FS.Seek(c.fd(0), 0, 1)
			if e != vfs.OK {
				return e
			}
			return c.put64(c.u32(1), uint64(pos))
		}},
		{"fd_write", params("iiii"), write},

		{"path_create_directory", params("iii"), func(c *call) vfs.Errno {
			p, e := c.str(c.u32(1), c.u32(2))
			if e != vfs.OK {
				return e
			}
			return c.p.FS.Mkdir(c.fd(0), p)
		}},
		{"path_filestat_get", params("iiiii"), func(c *call) vfs.Errno {
			p, e := c.str(c.u32(2), c.u32(3))
			if e != vfs.OK {
				return e
			}
			st, e := c.p.FS.StatAt(c.fd(0), p, c.u32(1)&1 != 0)
			return putStat(c, c.u32(4), st, e)
		}},
		{"path_filestat_set_times", params("iiiilli"), func(c *call) vfs.Errno {
			p, e := c.str(c.u32(2), c.u32(3))
			if e != vfs.OK {
				return e
			}
			return c.p.FS.SetTimesAt(c.fd(0), p, c.u32(1)&1 != 0, times(c.args[4], c.args[5], c.u32(6)))
		}},
		{"path_link", params("iiiiiii"), func(c *call) vfs.Errno {
			old, e := c.str(c.u32(2), c.u32(3))
			if e != vfs.OK {
				return e
			}
			p, e := c.str(c.u32(5), c.u32(6))
			if e != vfs.OK {
				return e
			}
			return c.p.FS.Link(c.fd(0), old, c.u32(1)&1 != 0, c.fd(4), p)
		}},
		{"path_open", params("iiiiillii"), func(c *call) vfs.Errno {
			p, e := c.str(c.u32(2), c.u32(3))
			if e != vfs.OK {
				return e
			}
			const rightWrite, rightAllocate, rightSetSize = 1 << 6, 1 << 8, 1 << 22
			writes := c.args[5]&(rightWrite|rightAllocate|rightSetSize) != 0
			fd, e := c.p.FS.OpenAt(c.fd(0), p, c.u32(1)&1 != 0, uint16(c.u32(4)), uint16(c.u32(7)), writes)
			if e != vfs.OK {
				return e
			}
			if e := c.put32(c.u32(8), uint32(fd)); e != vfs.OK {
				c.p.FS.Close(fd)
				return e
			}
			return vfs.OK
		}},
		{"path_readlink", params("iiiiii"), func(c *call) vfs.Errno {
			p, e := c.str(c.u32(1), c.u32(2))
			if e != vfs.OK {
				return e
			}
			target, e := c.p.FS.Readlink(c.fd(0), p)
			if e != vfs.OK {
				return e
			}
			b, ok := c.bytes(c.u32(3), c.u32(4))
			if !ok {
				return vfs.EFault
			}
			return c.put32(c.u32(5), uint32(copy(b, target)))
		}},
		{"path_remove_directory", params("iii"), func(c *call) vfs.Errno { return remove(c, true) }},
		{"path_unlink_file", params("iii"), func(c *call) vfs.Errno { return remove(c, false) }},
		{"path_rename", params("iiiiii"), func(c *call) vfs.Errno {
			old, e := c.str(c.u32(1), c.u32(2))
			if e != vfs.OK {
				return e
			}
			p, e := c.str(c.u32(4), c.u32(5))
			if e != vfs.OK {
				return e
			}
			return c.p.FS.Rename(c.fd(0), old, c.fd(3), p)
		}},
		{"path_symlink", params("iiiii"), func(c *call) vfs.Errno {
			target, e := c.str(c.u32(0), c.u32(1))
			if e != vfs.OK {
				return e
			}
			p, e := c.str(c.u32(3), c.u32(4))
			if e != vfs.OK {
				return e
			}
			return c.p.FS.Symlink(target, c.fd(2), p)
		}},

		{"sock_accept", params("iii"), func(c *call) vfs.Errno { return vfs.ENotsock }},
		{"sock_recv", params("iiiiii"), func(c *call) vfs.Errno { return vfs.ENotsock }},
		{"sock_send", params("iiiii"), func(c *call) vfs.Errno { return vfs.ENotsock }},
		{"sock_shutdown", params("ii"), func(c *call) vfs.Errno { return vfs.ENotsock }},
	}
}

// Instantiate adds module wasi_snapshot_preview1 to a runtime. get finds the process of a call by its context.
func Instantiate(ctx context.Context, r wazero.Runtime, get func(context.Context) *Process) error {
	b := r.NewHostModuleBuilder(abi.WASIModule)
	for _, f := range functions(processStart) {
		run := f.run
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
			p := get(ctx)
			mem, _ := mod.Memory().Read(0, mod.Memory().Size())
			p.call = call{p: p, mem: mem, args: stack} // in the process, so that it isn't allocated
			stack[0] = uint64(run(&p.call))
		}), f.params, []api.ValueType{i32}).Export(f.name)
	}
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) {
		panic(&ExitError{Code: uint32(stack[0])})
	}), params("i"), nil).Export("proc_exit")
	_, err := b.Instantiate(ctx)
	return err
}

// ExportThaw adds log and remaining_time to the builder of module thaw.
func ExportThaw(b wazero.HostModuleBuilder, get func(context.Context) *Process) {
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
		p := get(ctx)
		text, ok := mod.Memory().Read(uint32(stack[1]), uint32(stack[2]))
		if ok && p.Log != nil {
			p.Log(abi.LogLevel(uint32(stack[0])), text)
		}
	}), params("iii"), nil).Export("log")
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
		p := get(ctx)
		stack[0] = 0
		if left := time.Until(p.Deadline); left > 0 {
			stack[0] = uint64(left.Milliseconds())
		}
	}), nil, []api.ValueType{i64}).Export("remaining_time")
}

func noStrings(c *call) vfs.Errno {
	if e := c.put32(c.u32(0), 0); e != vfs.OK {
		return e
	}
	return c.put32(c.u32(1), 0)
}

// onFD succeeds for a descriptor that is open: for calls that have no effect here.
func onFD(c *call) vfs.Errno {
	_, _, e := c.p.FS.FileType(c.fd(0))
	return e
}

func clockTime(c *call, start time.Time) vfs.Errno {
	var t int64
	switch c.u32(0) {
	case 0:
		t = time.Now().UnixNano()
	case 1:
		t = monotonic(start)
	case 2, 3:
		if c.p.CPUTime != nil {
			t = int64(c.p.CPUTime())
		} else {
			t = monotonic(start)
		}
	default:
		return vfs.EInval
	}
	return c.put64(c.u32(2), uint64(t))
}

func fdstat(c *call) vfs.Errno {
	typ, flags, e := c.p.FS.FileType(c.fd(0))
	if e != vfs.OK {
		return e
	}
	b, ok := c.bytes(c.u32(1), 24)
	if !ok {
		return vfs.EFault
	}
	clear(b)
	b[0] = byte(typ)
	binary.LittleEndian.PutUint16(b[2:], flags)
	rights := uint64(1)<<30 - 1
	if typ == vfs.TypeCharDevice {
		rights &^= 1<<2 | 1<<5 // seek, tell: libc takes a stream with neither for a terminal's like
	}
	binary.LittleEndian.PutUint64(b[8:], rights)
	binary.LittleEndian.PutUint64(b[16:], rights)
	return vfs.OK
}

func putStat(c *call, ptr uint32, st vfs.Stat, e vfs.Errno) vfs.Errno {
	if e != vfs.OK {
		return e
	}
	b, ok := c.bytes(ptr, 64)
	if !ok {
		return vfs.EFault
	}
	clear(b)
	binary.LittleEndian.PutUint64(b, 1) // device
	binary.LittleEndian.PutUint64(b[8:], st.Ino)
	b[16] = byte(st.Type)
	binary.LittleEndian.PutUint64(b[24:], st.Links)
	binary.LittleEndian.PutUint64(b[32:], st.Size)
	binary.LittleEndian.PutUint64(b[40:], st.Atime)
	binary.LittleEndian.PutUint64(b[48:], st.Mtime)
	binary.LittleEndian.PutUint64(b[56:], st.Ctime)
	return vfs.OK
}

// times decodes WASI's fstflags: 1 atime given, 2 atime now, 4 mtime given, 8 mtime now.
func times(atime, mtime uint64, flags uint32) vfs.Times {
	t := vfs.Times{Atime: -1, Mtime: -1}
	now := time.Now().UnixNano()
	if flags&1 != 0 {
		t.Atime = int64(atime &^ (1 << 63))
	}
	if flags&2 != 0 {
		t.Atime = now
	}
	if flags&4 != 0 {
		t.Mtime = int64(mtime &^ (1 << 63))
	}
	if flags&8 != 0 {
		t.Mtime = now
	}
	return t
}

// vectors runs one step for each buffer of an iovec array at args 1 and 2 and writes the sum to ptr. A step that does less
// than its buffer ends it; an error counts only if nothing was done before.
func vectors(c *call, ptr uint32, step func([]byte) (int, vfs.Errno)) vfs.Errno {
	count := c.u32(2)
	if count > maxVectors {
		return vfs.EInval
	}
	iov, ok := c.bytes(c.u32(1), count*8)
	if !ok {
		return vfs.EFault
	}
	total := uint32(0)
	for i := range count {
		b, ok := c.bytes(binary.LittleEndian.Uint32(iov[8*i:]), binary.LittleEndian.Uint32(iov[8*i+4:]))
		if !ok {
			return vfs.EFault
		}
		if len(b) == 0 && i+1 < count {
			continue
		}
		n, e := step(b)
		if e != vfs.OK && (total == 0 || n > 0) {
			return e
		}
		total += uint32(n)
		if n < len(b) || e != vfs.OK {
			break
		}
	}
	return c.put32(ptr, total)
}

func write(c *call) vfs.Errno {
	stream := c.p.FS.Stream(c.fd(0))
	return vectors(c, c.u32(3), func(b []byte) (int, vfs.Errno) {
		if stream == 1 || stream == 2 {
			if c.p.Stdio != nil {
				c.p.Stdio(stream, b)
			}
			return len(b), vfs.OK
		}
		return c.p.FS.Write(c.fd(0), b)
	})
}

func readdir(c *call) vfs.Errno {
	buf, ok := c.bytes(c.u32(1), c.u32(2))
	if !ok {
		return vfs.EFault
	}
	used := 0
	var head [24]byte
	for at := c.args[3]; used < len(buf); at++ {
		d, more, e := c.p.FS.ReadDir(c.fd(0), at)
		if e != vfs.OK {
			return e
		}
		if !more {
			break
		}
		if d.Name == "" { // deleted meanwhile
			continue
		}
		binary.LittleEndian.PutUint64(head[:], at+1)
		binary.LittleEndian.PutUint64(head[8:], d.Ino)
		binary.LittleEndian.PutUint32(head[16:], uint32(len(d.Name)))
		binary.LittleEndian.PutUint32(head[20:], uint32(d.Type))
		used += copy(buf[used:], head[:]) // an entry that doesn't fit is cut: a full buffer tells that there is more
		used += copy(buf[used:], d.Name)
	}
	return c.put32(c.u32(4), uint32(used))
}

func remove(c *call, dir bool) vfs.Errno {
	p, e := c.str(c.u32(1), c.u32(2))
	if e != vfs.OK {
		return e
	}
	return c.p.FS.Remove(c.fd(0), p, dir)
}

// poll waits for clocks. Descriptors are files or streams and always ready.
func poll(c *call, start time.Time) vfs.Errno {
	const subSize, eventSize = 48, 32
	n := c.u32(2)
	if n == 0 || n > maxSubscriptions {
		return vfs.EInval
	}
	subs, ok1 := c.bytes(c.u32(0), n*subSize)
	events, ok2 := c.bytes(c.u32(1), n*eventSize)
	if !ok1 || !ok2 {
		return vfs.EFault
	}
	count := uint32(0)
	event := func(sub []byte, typ byte, e vfs.Errno) {
		ev := events[count*eventSize:][:eventSize]
		clear(ev)
		copy(ev, sub[:8]) // userdata
		binary.LittleEndian.PutUint16(ev[8:], uint16(e))
		ev[10] = typ
		count++
	}
	var wait time.Duration = -1
	for i := range n {
		sub := subs[i*subSize:][:subSize]
		switch typ := sub[8]; typ {
		case 0: // clock: id u32 at 16, timeout u64 at 24, precision u64 at 32, flags u16 at 40
			d := clockWait(sub, start)
			if d < 0 {
				event(sub, typ, vfs.EInval)
			} else if wait < 0 || d < wait {
				wait = d
			}
		case 1, 2:
			_, _, e := c.p.FS.FileType(int32(binary.LittleEndian.Uint32(sub[16:])))
			event(sub, typ, e)
		default:
			return vfs.EInval
		}
	}
	if count == 0 && wait >= 0 {
		begin := time.Now()
		waits := make([]time.Duration, n)
		for i := range n {
			waits[i] = clockWait(subs[i*subSize:][:subSize], start)
		}
		c.p.Sleep(wait)
		// Woken early (soft interrupt) the nearest clock is reported all the same: the guest goes on and finds out why.
		over := max(time.Since(begin), wait)
		for i := range n {
			if waits[i] <= over {
				event(subs[i*subSize:][:subSize], 0, vfs.OK)
			}
		}
	}
	return c.put32(c.u32(3), count)
}

func clockDuration(sub []byte) time.Duration {
	timeout := binary.LittleEndian.Uint64(sub[24:])
	return time.Duration(min(timeout, 1<<62))
}

// clockWait is how long a clock subscription still waits, negative if it is malformed.
func clockWait(sub []byte, start time.Time) time.Duration {
	timeout := clockDuration(sub)
	if binary.LittleEndian.Uint16(sub[40:])&1 == 0 {
		return timeout
	}
	switch binary.LittleEndian.Uint32(sub[16:]) {
	case 0:
		return max(0, timeout-time.Duration(time.Now().UnixNano()))
	case 1:
		return max(0, timeout-time.Duration(monotonic(start)))
	}
	return -1
}
