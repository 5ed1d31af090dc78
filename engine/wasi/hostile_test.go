package wasi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thawrun/thaw/engine/vfs"
)

// What a hostile guest tries: to make the host panic, or spend memory or time that nobody accounts for.

func TestOffsetsNearTheEndOfNumbers(t *testing.T) {
	g := mounted(t, 0)
	fd := g.mustOpen("/tmp/f", oCreate, rightRead|rightWrite)
	if e := g.write(fd, "text"); e != vfs.OK {
		t.Fatal(e)
	}
	one := g.vectors(2048, 1)
	for _, off := range []uint64{1 << 40, 1<<62 - 1, 1<<63 - 2, 1<<63 - 1, 1 << 63, ^uint64(0)} {
		if e := g.call("fd_pwrite", fd, one, 1, off, scratch); e == vfs.OK {
			t.Errorf("a byte was written at %d", off)
		}
		if e := g.call("fd_filestat_set_size", fd, off); e == vfs.OK {
			t.Errorf("the file was given %d bytes", off)
		}
		if e := g.call("fd_allocate", fd, off, 1); e == vfs.OK {
			t.Errorf("room was made at %d", off)
		}
		if off < 1<<63 {
			g.must("fd_pread", fd, one, 1, off, scratch)
			g.must("fd_seek", fd, off, 0, scratch)
			if e := g.call("fd_write", fd, one, 1, scratch); e == vfs.OK {
				t.Errorf("a byte was written at position %d", off)
			}
		}
	}
	if e := g.call("fd_seek", fd, uint64(1<<63-1), 1, scratch); e == vfs.OK {
		t.Error("a position beyond 2^63 was accepted")
	}
	if got := g.content("/tmp/f"); got != "text" {
		t.Errorf("the file holds %d bytes", len(got))
	}
}

// A file that was deleted while it was open is forgotten with its memory.
func TestResetWithADeletedOpenFile(t *testing.T) {
	g := mounted(t, 0)
	fd := g.mustOpen("/tmp/f", oCreate, rightRead|rightWrite)
	if e := g.write(fd, "text"); e != vfs.OK {
		t.Fatal(e)
	}
	g.must("path_unlink_file", 3, "/tmp/f")
	g.p.FS.Reset()
	if n := g.p.FS.TmpBytes(); n != 0 {
		t.Errorf("%d bytes are accounted for", n)
	}
}

// Names cost memory too, of links as well.
func TestNamesAreLimited(t *testing.T) {
	for what, make := range map[string]func(g *guest, name string) vfs.Errno{
		"folders": func(g *guest, name string) vfs.Errno { return g.call("path_create_directory", 3, name) },
		"files": func(g *guest, name string) vfs.Errno {
			fd, e := g.open(name, oCreate, rightWrite)
			if e == vfs.OK {
				g.must("fd_close", fd)
			}
			return e
		},
		"links":          func(g *guest, name string) vfs.Errno { return g.call("path_link", 3, 0, "/tmp/f", 3, name) },
		"symbolic links": func(g *guest, name string) vfs.Errno { return g.call("path_symlink", "f", 3, name) },
		"long symlinks": func(g *guest, name string) vfs.Errno {
			return g.call("path_symlink", strings.Repeat("t", 4000), 3, name)
		},
	} {
		t.Run(what, func(t *testing.T) {
			const limit = 1 << 20
			g := mounted(t, limit)
			g.file("/tmp/f", "")
			for i := 0; ; i++ {
				g.next = 4096
				e := make(g, fmt.Sprintf("/tmp/%d", i))
				if e == vfs.ENospc {
					break
				}
				if e != vfs.OK || i > limit/100 {
					t.Fatalf("after %d: error %d", i, e)
				}
			}
			if n := g.p.FS.TmpBytes(); n < limit/2 || n > limit+limit/8 {
				t.Errorf("%d bytes are accounted for, of %d", n, limit)
			}
		})
	}
}

// An exclusive creation doesn't go through a link.
func TestExclusiveCreationOfALink(t *testing.T) {
	g := mounted(t, 0)
	g.must("path_symlink", "elsewhere", 3, "/tmp/l")
	if _, e := g.open("/tmp/l", oCreate|oExclusive, rightWrite); e != vfs.EExist {
		t.Errorf("error %d, want EEXIST", e)
	}
	if _, e := g.open("/tmp/elsewhere", 0, rightRead); e != vfs.ENoent {
		t.Errorf("the link's target was made: error %d", e)
	}
}

// A creation that fails for want of a descriptor leaves nothing behind.
func TestNoDescriptorNoFile(t *testing.T) {
	g := mounted(t, 0)
	for e := vfs.OK; e == vfs.OK; {
		_, e = g.open("/var/task/app.py", 0, rightRead)
		g.next = 4096
	}
	if _, e := g.open("/tmp/f", oCreate, rightWrite); e != vfs.EMfile {
		t.Errorf("error %d, want EMFILE", e)
	}
	g.must("fd_close", 4)
	if _, e := g.open("/tmp/f", 0, rightRead); e != vfs.ENoent {
		t.Errorf("the file was made: error %d", e)
	}
}

// A thousand vectors over the same memory can't make one call run for ages.
func TestVectorsOverTheSameMemory(t *testing.T) {
	g := mounted(t, 0)
	fd := g.mustOpen("/dev/urandom", 0, rightRead)
	var pairs []uint32
	for range 1024 {
		pairs = append(pairs, 0, memSize)
	}
	at := g.vectors(pairs...)
	begin := time.Now()
	e := g.call("fd_read", fd, at, 1024, scratch)
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("the call took %v", d)
	}
	if e == vfs.OK && g.u32(scratch) > memSize {
		t.Errorf("%d bytes were read into a memory of %d", g.u32(scratch), memSize)
	}
}

// Files of different trees have different inode numbers, by which guests tell files apart.
func TestInodesAreUnique(t *testing.T) {
	g := mounted(t, 0)
	g.file("/tmp/f", "")
	seen := map[uint64]string{}
	for _, path := range []string{
		"/", "/var", "/opt", "/dev", "/dev/null", "/tmp", "/tmp/f", "/var/task", "/var/task/app.py", "/var/task/lib", "/var/task/lib/mod.py",
		"/var/task/lib/up", "/var/runtime", "/var/runtime/std.py",
	} {
		g.must("path_filestat_get", 3, 0, path, 2048)
		ino := g.u64(2048 + 8)
		if other, ok := seen[ino]; ok {
			t.Errorf("%s and %s are both number %d", path, other, ino)
		}
		seen[ino] = path
	}
}
