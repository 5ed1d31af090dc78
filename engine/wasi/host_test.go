package wasi_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
	"github.com/thawrun/thaw/engine/wasi"
)

// Pointers come from the guest: what is outside its memory ends in EFAULT, and the host writes nothing.
func TestPointersOutOfRange(t *testing.T) {
	const end = memSize // the first address that is not there
	g := start(t)
	g.file("/tmp/f", "text")
	g.must("path_symlink", "f", 3, "/tmp/link")
	fd := g.mustOpen("/tmp/f", 0, rightRead|rightWrite)
	good := uint32(2048)
	iov := g.vectors(good, 4)
	past := g.vectors(end-2, 4)
	wraps := g.vectors(0xFFFFFFFF, 0xFFFFFFFF)
	calls := []struct {
		what string
		name string
		args []any
	}{
		{"sizes, first", "args_sizes_get", []any{end - 3, good}},
		{"sizes, second", "environ_sizes_get", []any{good, end}},
		{"clock", "clock_time_get", []any{0, 0, end - 7}},
		{"resolution", "clock_res_get", []any{0, uint32(0xFFFFFFFF)}},
		{"random bytes, start", "random_get", []any{end + 1, 0}},
		{"random bytes, length", "random_get", []any{good, end}},
		{"random bytes, wrapping", "random_get", []any{good, uint32(0xFFFFFFFF)}},
		{"vectors", "fd_read", []any{fd, end - 7, 1, scratch}},
		{"a vector's buffer", "fd_read", []any{fd, past, 1, scratch}},
		{"a vector that wraps", "fd_write", []any{fd, wraps, 1, scratch}},
		{"a stream's buffer", "fd_write", []any{1, past, 1, scratch}},
		{"the count of bytes", "fd_write", []any{1, iov, 1, end - 3}},
		{"the count of bytes read", "fd_pread", []any{fd, iov, 1, 0, end}},
		{"description", "fd_fdstat_get", []any{fd, end - 23}},
		{"file status", "fd_filestat_get", []any{fd, end - 63}},
		{"status by path, path", "path_filestat_get", []any{3, 0, end - 1, 2, good}},
		{"status by path, result", "path_filestat_get", []any{3, 0, "/tmp/f", end - 63}},
		{"preopened", "fd_prestat_get", []any{3, end - 7}},
		{"preopened name", "fd_prestat_dir_name", []any{3, end, 1}},
		{"folder", "fd_readdir", []any{3, end - 10, 11, 0, scratch}},
		{"folder, size", "fd_readdir", []any{3, good, 100, 0, end}},
		{"position", "fd_seek", []any{fd, 0, 0, end - 7}},
		{"position told", "fd_tell", []any{fd, end - 7}},
		{"new folder", "path_create_directory", []any{3, end, 1}},
		{"link target", "path_readlink", []any{3, "/tmp/link", end, 1, scratch}},
		{"link size", "path_readlink", []any{3, "/tmp/link", good, 9, end}},
		{"old name", "path_rename", []any{3, end, 1, 3, "/tmp/x"}},
		{"new name", "path_rename", []any{3, "/tmp/f", 3, end, 1}},
		{"name to delete", "path_unlink_file", []any{3, end, 1}},
		{"name to open", "path_open", []any{3, 0, end, 1, 0, 0, 0, 0, scratch}},
		{"opened descriptor", "path_open", []any{3, 0, "/tmp/f", 0, rightRead, 0, 0, end}},
		{"subscriptions", "poll_oneoff", []any{end - 47, good, 1, scratch}},
		{"events", "poll_oneoff", []any{good, end - 31, 1, scratch}},
	}
	for _, c := range calls {
		t.Run(c.what, func(t *testing.T) {
			open := g.p.FS.OpenFiles()
			if e := g.call(c.name, c.args...); e != vfs.EFault {
				t.Errorf("%s answers %d, want EFAULT", c.name, e)
			}
			if n := g.p.FS.OpenFiles(); n != open {
				t.Errorf("%d descriptors open, before there were %d", n, open)
			}
		})
	}
	if got := g.content("/tmp/f"); got != "text" {
		t.Errorf("the file holds %q now", got)
	}
}

func TestVectors(t *testing.T) {
	g := start(t)
	t.Run("writes gather and reads scatter", func(t *testing.T) {
		fd := g.mustOpen("/tmp/v", oCreate, rightRead|rightWrite)
		g.mod.Memory().Write(1000, []byte("abcdef"))
		g.must("fd_write", fd, g.vectors(1003, 3, 9, 0, 1000, 3), 3, scratch)
		if g.u32(scratch) != 6 || g.content("/tmp/v") != "defabc" {
			t.Fatalf("%d bytes written, file %q", g.u32(scratch), g.content("/tmp/v"))
		}
		g.must("fd_seek", fd, 0, 0, scratch)
		g.must("fd_read", fd, g.vectors(1100, 2, 1200, 100, 1300, 5), 3, scratch)
		if g.u32(scratch) != 6 || string(g.bytes(1100, 2)) != "de" || string(g.bytes(1200, 5)) != "fabc\x00" {
			t.Errorf("%d bytes read: %q %q", g.u32(scratch), g.bytes(1100, 2), g.bytes(1200, 5))
		}
		g.must("fd_read", fd, g.vectors(1100, 2), 1, scratch)
		if g.u32(scratch) != 0 {
			t.Errorf("%d bytes read at the end", g.u32(scratch))
		}
	})
	t.Run("positions are left alone by pread and pwrite", func(t *testing.T) {
		fd := g.mustOpen("/tmp/p", oCreate, rightRead|rightWrite)
		g.mod.Memory().Write(1000, []byte("0123"))
		g.must("fd_pwrite", fd, g.vectors(1000, 2, 1002, 2), 2, 3, scratch)
		g.must("fd_pread", fd, g.vectors(1100, 3, 1103, 1), 2, 4, scratch)
		if g.u32(scratch) != 3 || string(g.bytes(1100, 3)) != "123" || g.content("/tmp/p") != "\x00\x00\x000123" {
			t.Errorf("%d read, %q", g.u32(scratch), g.bytes(1100, 3))
		}
		g.must("fd_tell", fd, scratch)
		if g.u64(scratch) != 0 {
			t.Errorf("position %d", g.u64(scratch))
		}
	})
	t.Run("too many are refused", func(t *testing.T) {
		if e := g.call("fd_write", 1, 0, 1025, scratch); e != vfs.EInval {
			t.Errorf("error %d, want EINVAL", e)
		}
	})
	t.Run("a descriptor that isn't open", func(t *testing.T) {
		if e := g.call("fd_write", 99, g.vectors(1000, 1), 1, scratch); e != vfs.EBadf {
			t.Errorf("error %d, want EBADF", e)
		}
	})
	t.Run("streams go to Stdio", func(t *testing.T) {
		got := map[int]string{}
		g.p.Stdio = func(fd int, p []byte) { got[fd] += string(p) }
		g.mod.Memory().Write(1000, []byte("outerr"))
		g.must("fd_write", 1, g.vectors(1000, 3), 1, scratch)
		g.must("fd_write", 2, g.vectors(1003, 1, 1004, 2), 2, scratch)
		fd := g.mustOpen("/dev/stdout", 0, rightWrite)
		g.must("fd_write", fd, g.vectors(1000, 1), 1, scratch)
		if got[1] != "outo" || got[2] != "err" {
			t.Errorf("Stdio got %v", got)
		}
		g.must("fd_read", 0, g.vectors(1000, 3), 1, scratch)
		if g.u32(scratch) != 0 {
			t.Error("standard input isn't at its end")
		}
	})
}

// entry is a decoded dirent.
type entry struct {
	next uint64
	name string
	typ  byte
}

func decodeEntries(t *testing.T, b []byte) (entries []entry, cut bool) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 24 {
			return entries, true
		}
		n := int(binary.LittleEndian.Uint32(b[16:]))
		if len(b) < 24+n {
			return entries, true
		}
		entries = append(entries, entry{binary.LittleEndian.Uint64(b), string(b[24 : 24+n]), b[20]})
		b = b[24+n:]
	}
	return entries, false
}

func TestReaddir(t *testing.T) {
	g := start(t)
	g.must("path_create_directory", 3, "/tmp/d")
	var want []string
	for i := range 20 {
		name := fmt.Sprintf("file-%s-%02d", strings.Repeat("x", i), i)
		g.file("/tmp/d/"+name, "")
		want = append(want, name)
	}
	g.must("path_create_directory", 3, "/tmp/d/sub")
	want = append(want, "sub", ".", "..")
	slices.Sort(want)
	buf := g.alloc(4096)
	read := func(fd uint32, size int, cookie uint64) ([]entry, bool, int) {
		t.Helper()
		g.must("fd_readdir", fd, buf, size, cookie, scratch)
		used := int(g.u32(scratch))
		entries, cut := decodeEntries(t, g.bytes(buf, used))
		return entries, cut, used
	}
	// The guest reads on behind the last whole entry, as libc does, and sees each name once whatever its buffer's size.
	for _, size := range []int{64, 65, 100, 200, 4096} {
		t.Run(fmt.Sprintf("a buffer of %d bytes", size), func(t *testing.T) {
			fd := g.mustOpen("/tmp/d", oDirectory, rightRead)
			defer g.must("fd_close", fd)
			var got []string
			for cookie := uint64(0); ; {
				entries, cut, used := read(fd, size, cookie)
				if cut && used != size {
					t.Fatalf("an entry is cut though %d of %d bytes are used", used, size)
				}
				for _, e := range entries {
					got = append(got, e.name)
					cookie = e.next
				}
				if used < size {
					break
				}
				if len(entries) == 0 {
					t.Fatal("no whole entry in the buffer")
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("names %q, want %q", got, want)
			}
		})
	}
	t.Run("types", func(t *testing.T) {
		fd := g.mustOpen("/tmp/d", oDirectory, rightRead)
		defer g.must("fd_close", fd)
		entries, _, _ := read(fd, 4096, 0)
		for _, e := range entries {
			if folder := e.name == "." || e.name == ".." || e.name == "sub"; folder != (e.typ == byte(vfs.TypeDir)) {
				t.Errorf("%q has type %d", e.name, e.typ)
			}
		}
	})
	t.Run("deleting while reading", func(t *testing.T) {
		fd := g.mustOpen("/tmp/d", oDirectory, rightRead)
		seen := map[string]int{}
		for cookie := uint64(0); ; {
			entries, _, used := read(fd, 100, cookie)
			for _, e := range entries {
				seen[e.name]++
				cookie = e.next
				if strings.HasPrefix(e.name, "file") {
					if e := g.call("path_unlink_file", 3, "/tmp/d/"+e.name); e != vfs.OK {
						t.Fatalf("unlink: error %d", e)
					}
				}
			}
			if used < 100 {
				break
			}
		}
		for _, name := range want {
			if seen[name] != 1 {
				t.Errorf("%q was seen %d times", name, seen[name])
			}
		}
	})
	t.Run("a file is no folder", func(t *testing.T) {
		g.file("/tmp/f", "")
		if e := g.call("fd_readdir", g.mustOpen("/tmp/f", 0, rightRead), buf, 100, 0, scratch); e != vfs.ENotdir {
			t.Errorf("error %d, want ENOTDIR", e)
		}
	})
	t.Run("a position beyond the end", func(t *testing.T) {
		fd := g.mustOpen("/tmp", oDirectory, rightRead)
		g.must("fd_readdir", fd, buf, 100, ^uint64(0), scratch)
		if g.u32(scratch) != 0 {
			t.Errorf("%d bytes", g.u32(scratch))
		}
	})
}

// subscription is one of poll_oneoff.
func (g *guest) subscription(user uint64, typ byte, what uint32, timeout time.Duration, absolute bool) []byte {
	b := make([]byte, 48)
	binary.LittleEndian.PutUint64(b, user)
	b[8] = typ
	binary.LittleEndian.PutUint32(b[16:], what)
	binary.LittleEndian.PutUint64(b[24:], uint64(timeout))
	if absolute {
		b[40] = 1
	}
	return b
}

// poll returns the user data of the events that came.
func (g *guest) poll(subs ...[]byte) ([]uint64, vfs.Errno) {
	g.t.Helper()
	in, out := g.alloc(48*len(subs)), g.alloc(32*len(subs))
	g.mod.Memory().Write(in, bytes.Join(subs, nil))
	if e := g.call("poll_oneoff", in, out, len(subs), scratch); e != vfs.OK {
		return nil, e
	}
	var users []uint64
	for i := range g.u32(scratch) {
		users = append(users, g.u64(out+32*i))
	}
	return users, vfs.OK
}

func TestPoll(t *testing.T) {
	const hour = time.Hour
	g := start(t)
	checks := 0
	g.p.Check = func() { checks++ }
	within := func(t *testing.T, limit time.Duration, run func()) {
		t.Helper()
		begin := time.Now()
		run()
		if d := time.Since(begin); d > limit {
			t.Errorf("took %v", d)
		}
	}
	t.Run("the nearest clock wakes", func(t *testing.T) {
		begin := time.Now()
		users, e := g.poll(g.subscription(1, 0, 1, hour, false), g.subscription(2, 0, 0, 5*time.Millisecond, false))
		if e != vfs.OK || !slices.Equal(users, []uint64{2}) {
			t.Errorf("events %v, error %d", users, e)
		}
		if d := time.Since(begin); d < 5*time.Millisecond {
			t.Errorf("slept %v", d)
		}
		if checks == 0 {
			t.Error("nobody asked whether the guest may go on")
		}
	})
	t.Run("an absolute time", func(t *testing.T) {
		until := time.Duration(wasi.Now()) + 5*time.Millisecond
		users, e := g.poll(g.subscription(7, 0, 1, until, true))
		if e != vfs.OK || !slices.Equal(users, []uint64{7}) || time.Duration(wasi.Now()) < until {
			t.Errorf("events %v, error %d", users, e)
		}
	})
	t.Run("an absolute time that is over", func(t *testing.T) {
		within(t, time.Minute, func() {
			if users, e := g.poll(g.subscription(7, 0, 0, 1, true)); e != vfs.OK || len(users) != 1 {
				t.Errorf("events %v, error %d", users, e)
			}
		})
	})
	t.Run("descriptors are ready at once", func(t *testing.T) {
		within(t, time.Minute, func() {
			users, e := g.poll(g.subscription(1, 0, 1, hour, false), g.subscription(2, 1, 0, 0, false), g.subscription(3, 2, 1, 0, false))
			if e != vfs.OK || !slices.Equal(users, []uint64{2, 3}) {
				t.Errorf("events %v, error %d", users, e)
			}
		})
	})
	t.Run("no subscription", func(t *testing.T) {
		if e := g.call("poll_oneoff", 0, 0, 0, scratch); e != vfs.EInval {
			t.Errorf("error %d, want EINVAL", e)
		}
	})
	t.Run("too many subscriptions", func(t *testing.T) {
		if e := g.call("poll_oneoff", 0, 0, uint32(1<<31), scratch); e != vfs.EInval {
			t.Errorf("error %d, want EINVAL", e)
		}
	})

	// What ends a sleep of an hour early. The guest learns of it in Check.
	for name, set := range map[string]func(p *wasi.Process){
		"the deadline":       func(p *wasi.Process) { p.Deadline = time.Now().Add(5 * time.Millisecond) },
		"a deadline gone by": func(p *wasi.Process) { p.Deadline = time.Now().Add(-time.Second) },
		"the soft interrupt": func(p *wasi.Process) { p.Wake = time.Now().Add(5 * time.Millisecond) },
		"cancellation": func(p *wasi.Process) {
			done := make(chan struct{})
			p.Done = done
			time.AfterFunc(5*time.Millisecond, func() { close(done) })
		},
		"shutdown": func(p *wasi.Process) {
			stop := make(chan struct{})
			p.Stop = stop
			time.AfterFunc(5*time.Millisecond, func() { close(stop) })
		},
	} {
		t.Run(name+" ends a sleep", func(t *testing.T) {
			g := start(t)
			set(g.p)
			checked, blocked := 0, 0
			g.p.Check = func() { checked++ }
			g.p.Blocking = func() func() { blocked++; return func() { blocked-- } }
			within(t, time.Minute, func() { _, _ = g.poll(g.subscription(1, 0, 1, hour, false)) })
			if checked == 0 {
				t.Error("Check wasn't called")
			}
			if blocked != 0 {
				t.Error("the guest still counts as blocked")
			}
		})
	}
	t.Run("Check ends the call", func(t *testing.T) {
		over := errors.New("over")
		g := start(t)
		resumed := false
		g.p.Blocking = func() func() { return func() { resumed = true } }
		g.p.Check = func() { panic(over) }
		in := g.alloc(48)
		g.mod.Memory().Write(in, g.subscription(1, 0, 1, 0, false))
		if _, err := g.try("poll_oneoff", in, g.alloc(32), 1, scratch); !errors.Is(err, over) {
			t.Errorf("ended with %v", err)
		}
		if !resumed {
			t.Error("the guest still counts as blocked")
		}
	})
}

func TestClocks(t *testing.T) {
	g := start(t)
	clock := func(id int) time.Duration {
		t.Helper()
		g.must("clock_time_get", id, 0, scratch)
		return time.Duration(g.u64(scratch))
	}
	if d := time.Since(time.Unix(0, int64(clock(0)))); d < 0 || d > time.Minute {
		t.Errorf("the wall clock is %v behind", d)
	}
	for last, i := clock(1), 0; i < 100; i++ {
		next := clock(1)
		if next < last {
			t.Fatalf("the monotonic clock went from %v to %v", last, next)
		}
		last = next
	}
	g.p.CPUTime = func() time.Duration { return 42 * time.Millisecond }
	if clock(2) != 42*time.Millisecond || clock(3) != 42*time.Millisecond {
		t.Errorf("processor time %v, %v", clock(2), clock(3))
	}
	for id := range 4 {
		g.must("clock_res_get", id, scratch)
		if g.u64(scratch) == 0 {
			t.Errorf("clock %d has no resolution", id)
		}
	}
	for _, name := range []string{"clock_time_get", "clock_res_get"} {
		args := []any{4, scratch}
		if name == "clock_time_get" {
			args = []any{4, 0, scratch}
		}
		if e := g.call(name, args...); e != vfs.EInval {
			t.Errorf("%s of clock 4: error %d, want EINVAL", name, e)
		}
	}
}

func TestRandom(t *testing.T) {
	g := start(t)
	g.must("random_get", 1000, 32)
	first := bytes.Clone(g.bytes(1000, 32))
	g.must("random_get", 1000, 32)
	if bytes.Equal(first, g.bytes(1000, 32)) || bytes.Equal(first, make([]byte, 32)) {
		t.Error("the bytes don't look random")
	}
	if !bytes.Equal(g.bytes(1032, 32), make([]byte, 32)) {
		t.Error("more bytes were written than asked for")
	}
}

func TestExitSurfaces(t *testing.T) {
	for _, code := range []uint32{0, 1, 255, 0xFFFFFFFF} {
		_, err := start(t).try("proc_exit", code)
		var exit *wasi.ExitError
		if !errors.As(err, &exit) || exit.Code != code {
			t.Errorf("proc_exit(%d) ends with %v", code, err)
		}
	}
}

func TestWhatGuestsDoNotHave(t *testing.T) {
	g := start(t)
	for name, want := range map[string]vfs.Errno{
		"sock_accept": vfs.ENotsock, "sock_recv": vfs.ENotsock, "sock_send": vfs.ENotsock, "sock_shutdown": vfs.ENotsock,
		"proc_raise": vfs.ENosys, "sched_yield": vfs.OK,
	} {
		args := make([]any, len(signatures[name]))
		for i := range args {
			args[i] = 0
		}
		if e := g.call(name, args...); e != want {
			t.Errorf("%s: error %d, want %d", name, e, want)
		}
	}
	for _, name := range []string{"args_sizes_get", "environ_sizes_get"} {
		g.must(name, scratch, scratch+4)
		if g.u64(scratch) != 0 {
			t.Errorf("%s says that there are some", name)
		}
	}
}

func TestPreopenedFolder(t *testing.T) {
	g := start(t)
	g.must("fd_prestat_get", 3, scratch)
	if g.u32(scratch) != 0 || g.u32(scratch+4) != 1 {
		t.Errorf("tag %d, name of %d bytes", g.u32(scratch), g.u32(scratch+4))
	}
	g.must("fd_prestat_dir_name", 3, scratch, 1)
	if s := g.bytes(scratch, 1); s[0] != '/' {
		t.Errorf("name %q", s)
	}
	for _, fd := range []int{0, 1, 2, 4, 1 << 30} {
		if e := g.call("fd_prestat_get", fd, scratch); e != vfs.EBadf {
			t.Errorf("descriptor %d: error %d, want EBADF", fd, e)
		}
	}
	if e := g.call("fd_prestat_dir_name", 3, scratch, 0); e != vfs.ENametoolong {
		t.Errorf("a buffer of no bytes: error %d, want ENAMETOOLONG", e)
	}
}

func TestThawFunctions(t *testing.T) {
	g := start(t)
	var got []string
	g.p.Log = func(level abi.LogLevel, p []byte) { got = append(got, fmt.Sprint(uint32(level), string(p))) }
	if _, err := g.try("log", 3, "two\nlines"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.try("log", 3, memSize-1, 2); err != nil {
		t.Fatal(err)
	}
	if want := []string{"3two\nlines"}; !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q: a record outside memory is dropped", got, want)
	}
	for name, c := range map[string]struct {
		deadline time.Duration
		min, max uint64
	}{"ahead": {time.Hour, 3_500_000, 3_600_000}, "past": {-time.Hour, 0, 0}} {
		g.p.Deadline = time.Now().Add(c.deadline)
		if ms, err := g.try("remaining_time"); err != nil || ms < c.min || ms > c.max {
			t.Errorf("with the deadline %s: %d ms, %v", name, ms, err)
		}
	}
}
