package vfs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// list reads a folder from beginning to end, without "." and "..".
func list(t testing.TB, f *FS, p string) []string {
	t.Helper()
	fd, e := f.OpenAt(3, []byte(p), true, Directory, 0, true, false)
	if e != OK {
		t.Fatalf("open %s: errno %d", p, e)
	}
	defer f.Close(fd)
	var names []string
	for at := uint64(0); ; {
		d, more, e := f.ReadDir(fd, at)
		if e != OK {
			t.Fatalf("read %s: errno %d", p, e)
		}
		if !more {
			break
		}
		names = append(names, d.Name)
		at = d.Next
	}
	if len(names) < 2 || names[0] != "." || names[1] != ".." {
		t.Fatalf("%s begins with %q", p, names)
	}
	slices.Sort(names[2:])
	return names[2:]
}

func create(t testing.TB, f *FS, p, body string) {
	t.Helper()
	fd, e := f.OpenAt(3, []byte(p), true, Create|Truncate, 0, true, true)
	if e != OK {
		t.Fatalf("create %s: errno %d", p, e)
	}
	if n, e := f.Write(fd, []byte(body)); e != OK || n != len(body) {
		t.Fatalf("write %s: %d bytes, errno %d", p, n, e)
	}
	f.Close(fd)
}

func TestLayout(t *testing.T) {
	f := New(Mounts{})
	for p, want := range map[string]string{
		"/":            "[dev opt tmp var]",
		"/var":         "[cache runtime task]",
		"/var/cache":   "[task]",
		"/var/task":    "[]",
		"/var/runtime": "[]",
		"/opt":         "[]",
		"/tmp":         "[]",
		"/dev":         "[null random stderr stdin stdout urandom zero]",
	} {
		if got := fmt.Sprint(list(t, f, p)); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
	f.Mount(Mounts{Task: mustOpen(t, item{name: "app.js", body: "1"})})
	if got := list(t, f, "/var/task"); !slices.Equal(got, []string{"app.js"}) {
		t.Errorf("/var/task: %s", got)
	}
	f.Mount(Mounts{})
	if got := list(t, f, "/var/task"); len(got) != 0 {
		t.Errorf("/var/task after another mount: %s", got)
	}
}

// Parents of mounted roots: trees are shared and don't know where they are mounted.
func TestDotDot(t *testing.T) {
	tree := mustOpen(t, item{name: "a/b/c", body: "x"})
	f := New(Mounts{Task: tree, Runtime: mustOpen(t, item{name: "lib/r", body: "y"}), Layers: mustOpen(t, item{name: "o/p", body: "z"})})
	create(t, f, "tmp/x", "")
	ino := func(p string) uint64 {
		st, e := f.StatAt(3, []byte(p), true)
		if e != OK {
			t.Fatalf("%s: errno %d", p, e)
		}
		return st.Ino
	}
	for p, same := range map[string]string{
		"..": "/", "var/..": "/", "var/task/..": "/var", "var/runtime/lib/../..": "/var", "opt/..": "/", "opt/o/..": "/opt",
		"tmp/..": "/", "dev/..": "/", "var/task/a/b/../..": "/var/task", "../../../tmp/../var/task/a": "/var/task/a",
	} {
		if ino(p) != ino(same) {
			t.Errorf("%s is not %s", p, same)
		}
	}
}

func TestErrors(t *testing.T) {
	f := New(Mounts{Task: mustOpen(t, item{name: "app.py", body: "x"}, item{name: "d/f", body: "y"})})
	create(t, f, "tmp/file", "contents")
	f.Mkdir(3, []byte("tmp/dir"))
	create(t, f, "tmp/dir/inside", "")
	f.Mkdir(3, []byte("tmp/empty"))
	for i := range 45 {
		f.Symlink(fmt.Appendf(nil, "l%d", i+1), 3, fmt.Appendf(nil, "tmp/l%d", i))
	}
	f.Symlink([]byte("loop"), 3, []byte("tmp/loop"))
	f.Symlink([]byte("nowhere"), 3, []byte("tmp/dangling"))
	f.Symlink([]byte("file"), 3, []byte("tmp/link"))
	f.Symlink([]byte("dir"), 3, []byte("tmp/dirlink"))
	b := func(s string) []byte { return []byte(s) }
	open := func(p string, oflags uint16, write bool) Errno {
		fd, e := f.OpenAt(3, b(p), true, oflags, 0, true, write)
		if e == OK {
			f.Close(fd)
		}
		return e
	}
	stat := func(p string) Errno { _, e := f.StatAt(3, b(p), true); return e }
	rename := func(old, p string) Errno { return f.Rename(3, b(old), 3, b(p)) }
	used, names := f.TmpBytes(), f.tmpNames
	for _, test := range []struct {
		what      string
		got, want Errno
	}{
		{"stat nothing", stat(""), ENoent},
		{"stat missing", stat("var/task/none"), ENoent},
		{"stat below missing", stat("var/none/x"), ENoent},
		{"stat below a file", stat("var/task/app.py/x"), ENotdir},
		{"stat a file with a slash", stat("var/task/app.py/"), ENotdir},
		{"stat outside", stat("etc/passwd"), ENoent},
		{"stat with NUL", stat("tmp/fi\x00le"), EInval},
		{"stat a long name", stat(strings.Repeat("n", 256)), ENametoolong},
		{"stat a long path", stat(strings.Repeat("n/", 2100)), ENametoolong},
		{"stat a loop", stat("tmp/loop"), ELoop},
		{"stat many links", stat("tmp/l0"), ELoop},
		{"stat dangling", stat("tmp/dangling"), ENoent},
		{"stat a link with a slash", stat("tmp/link/"), ENotdir},
		{"stat a link to a folder with a slash", stat("tmp/dirlink/"), OK},
		{"open to write in task", open("var/task/app.py", 0, true), ERofs},
		{"truncate in task", open("var/task/app.py", Truncate, false), ERofs},
		{"create in task", open("var/task/new", Create, true), ERofs},
		{"create in root", open("new", Create, true), ERofs},
		{"create in dev", open("dev/new", Create, true), ERofs},
		{"create below missing", open("tmp/none/new", Create, true), ENoent},
		{"create with a slash", open("tmp/new/", Create, true), EIsdir},
		{"create exclusively", open("tmp/file", Create|Exclusive, true), EExist},
		{"create exclusively over a dangling link", open("tmp/dangling", Create|Exclusive, true), EExist},
		{"open a file as a folder", open("tmp/file", Directory, false), ENotdir},
		{"open a device as a folder", open("dev/null", Directory, false), ENotdir},
		{"open a folder to write", open("tmp/dir", 0, true), EIsdir},
		{"create a folder by open", open("tmp/dir", Create, false), EIsdir},
		{"mkdir existing", f.Mkdir(3, b("tmp/dir")), EExist},
		{"mkdir over a dangling link", f.Mkdir(3, b("tmp/dangling")), EExist},
		{"mkdir dot", f.Mkdir(3, b("tmp/.")), EExist},
		{"mkdir in task", f.Mkdir(3, b("var/task/x")), ERofs},
		{"mkdir root", f.Mkdir(3, b("/")), EExist},
		{"rmdir a file", f.Remove(3, b("tmp/file"), true), ENotdir},
		{"rmdir full", f.Remove(3, b("tmp/dir"), true), ENotempty},
		{"rmdir dot", f.Remove(3, b("tmp/empty/."), true), EInval},
		{"rmdir tmp", f.Remove(3, b("tmp"), true), ERofs},
		{"unlink a folder", f.Remove(3, b("tmp/dir"), false), EIsdir},
		{"unlink missing", f.Remove(3, b("tmp/none"), false), ENoent},
		{"unlink in task", f.Remove(3, b("var/task/app.py"), false), ERofs},
		{"unlink with a slash", f.Remove(3, b("tmp/file/"), false), ENotdir},
		{"rename missing", rename("tmp/none", "tmp/x"), ENoent},
		{"rename from task", rename("var/task/app.py", "tmp/x"), ERofs},
		{"rename to task", rename("tmp/file", "var/task/x"), ERofs},
		{"rename tmp", rename("tmp", "tmp2"), ERofs},
		{"rename below a missing folder", rename("tmp/file", "tmp/none/x"), ENoent},
		{"rename into itself", rename("tmp/dir", "tmp/dir/sub"), EInval},
		{"rename a file over a folder", rename("tmp/file", "tmp/empty"), EIsdir},
		{"rename a folder over a file", rename("tmp/empty", "tmp/file"), ENotdir},
		{"rename over a full folder", rename("tmp/empty", "tmp/dir"), ENotempty},
		{"rename a folder over its parent", rename("tmp/dir/inside", "tmp/dir"), EIsdir},
		{"rename a file to a name with a slash", rename("tmp/file", "tmp/new/"), ENotdir},
		{"rename to itself", rename("tmp/file", "tmp/file"), OK},
		{"rename dot", rename("tmp/dir/.", "tmp/x"), EInval},
		{"rename to dotdot", rename("tmp/file", "tmp/dir/.."), EInval},
		{"link a folder", f.Link(3, b("tmp/dir"), false, 3, b("tmp/x")), EPerm},
		{"link from task", f.Link(3, b("var/task/app.py"), false, 3, b("tmp/x")), EXdev},
		{"link over existing", f.Link(3, b("tmp/file"), false, 3, b("tmp/dir/inside")), EExist},
		{"empty symlink", f.Symlink(nil, 3, b("tmp/x")), ENoent},
		{"relative to a bad descriptor", f.Mkdir(77, b("x")), EBadf},
		{"relative to a negative descriptor", f.Mkdir(-1, b("x")), EBadf},
		{"relative to a stream", f.Mkdir(1, b("x")), ENotdir},
	} {
		if test.got != test.want {
			t.Errorf("%s: errno %d, want %d", test.what, test.got, test.want)
		}
	}
	if f.TmpBytes() != used || f.tmpNames != names || f.OpenFiles() != 0 {
		t.Errorf("failing calls left something: %d bytes, %d names, %d descriptors", f.TmpBytes()-used, f.tmpNames-names, f.OpenFiles())
	}
}

func TestDescriptors(t *testing.T) {
	f := New(Mounts{})
	var fds []int32
	for {
		fd, e := f.OpenAt(3, []byte("dev/null"), true, 0, 0, true, true)
		if e != OK {
			if e != EMfile {
				t.Fatalf("errno %d", e)
			}
			break
		}
		fds = append(fds, fd)
	}
	if len(fds) != 1020 || fds[0] != 4 || fds[1019] != 1023 {
		t.Fatalf("%d descriptors, %d to %d", len(fds), fds[0], fds[len(fds)-1])
	}
	if _, e := f.OpenAt(3, []byte("tmp/new"), true, Create, 0, true, true); e != EMfile || !f.TmpEmpty() {
		t.Errorf("create without a free descriptor: errno %d, empty %t", e, f.TmpEmpty())
	}
	f.Close(700)
	f.Close(300)
	for _, want := range []int32{300, 700} {
		if fd, _ := f.OpenAt(3, []byte("dev/zero"), true, 0, 0, true, true); fd != want {
			t.Errorf("descriptor %d, want the lowest free one, %d", fd, want)
		}
	}
	if e := f.Renumber(700, 5); e != OK {
		t.Errorf("renumber: errno %d", e)
	}
	buf := []byte{1}
	if n, e := f.Read(5, buf); n != 1 || e != OK || buf[0] != 0 {
		t.Errorf("renumbered: %d, errno %d", n, e)
	}
	for _, test := range []struct {
		got, want Errno
	}{
		{f.Renumber(700, 6), EBadf}, {f.Renumber(6, 700), EBadf}, {f.Renumber(6, 1), EBadf}, {f.Renumber(2, 6), EBadf},
		{f.Renumber(6, 6), OK}, {f.Close(700), EBadf}, {f.Close(-1), EBadf}, {f.Close(5000), EBadf}, {f.Close(1), OK}, {f.Close(3), OK},
	} {
		if test.got != test.want {
			t.Errorf("errno %d, want %d", test.got, test.want)
		}
	}
	if f.OpenFiles() != 1019 || f.Stream(1) != 1 {
		t.Errorf("%d open, stream %d", f.OpenFiles(), f.Stream(1))
	}
	f.Reset()
	if fd, _ := f.OpenAt(3, []byte("dev/null"), true, 0, 0, true, false); fd != 4 {
		t.Errorf("descriptor %d after a reset", fd)
	}
}

func TestDevices(t *testing.T) {
	f := New(Mounts{})
	open := func(p string) int32 {
		fd, e := f.OpenAt(3, []byte(p), true, 0, 0, true, true)
		if e != OK {
			t.Fatalf("%s: errno %d", p, e)
		}
		return fd
	}
	buf := bytes.Repeat([]byte{7}, 64)
	if n, e := f.Read(open("dev/zero"), buf); n != 64 || e != OK || !bytes.Equal(buf, make([]byte, 64)) {
		t.Errorf("zero: %d, errno %d", n, e)
	}
	if n, e := f.Read(open("dev/urandom"), buf); n != 64 || e != OK || bytes.Equal(buf, make([]byte, 64)) {
		t.Errorf("urandom: %d, errno %d", n, e)
	}
	null := open("dev/null")
	if n, e := f.Read(null, buf); n != 0 || e != OK {
		t.Errorf("null: %d, errno %d", n, e)
	}
	if n, e := f.Write(null, buf); n != 64 || e != OK {
		t.Errorf("null: %d, errno %d", n, e)
	}
	if pos, e := f.Seek(null, 10, 0); pos != 0 || e != OK {
		t.Errorf("seek on null: %d, errno %d", pos, e)
	}
	if n, e := f.Read(0, buf); n != 0 || e != OK {
		t.Errorf("stdin: %d, errno %d", n, e)
	}
	if _, e := f.Read(1, buf); e != EBadf {
		t.Errorf("read of stdout: errno %d", e)
	}
	if _, e := f.Write(0, buf); e != EBadf {
		t.Errorf("write to stdin: errno %d", e)
	}
	if _, e := f.Seek(1, 0, 1); e != ESpipe {
		t.Errorf("seek on stdout: errno %d", e)
	}
	if f.Stream(open("dev/stdout")) != 1 || f.Stream(open("dev/stderr")) != 2 || f.Stream(open("dev/stdin")) != 0 || f.Stream(null) != -1 || f.Stream(99) != -1 {
		t.Error("streams")
	}
}

func TestAccessModes(t *testing.T) {
	f := New(Mounts{})
	create(t, f, "tmp/f", "12345")
	r, _ := f.OpenAt(3, []byte("tmp/f"), true, 0, 0, true, false)
	w, _ := f.OpenAt(3, []byte("tmp/f"), true, 0, Append, false, true)
	buf := make([]byte, 10)
	if _, e := f.Write(r, buf); e != EBadf {
		t.Errorf("write to a file opened for reading: errno %d", e)
	}
	if e := f.SetSize(r, 0); e != EBadf {
		t.Errorf("truncate a file opened for reading: errno %d", e)
	}
	if _, e := f.Read(w, buf); e != EBadf {
		t.Errorf("read of a file opened for writing: errno %d", e)
	}
	f.Seek(w, 0, 0)
	f.Write(w, []byte("678"))
	if n, _ := f.Read(r, buf); string(buf[:n]) != "12345678" {
		t.Errorf("after appending: %q", buf[:n])
	}
	if _, e := f.Seek(r, -100, 1); e != EInval {
		t.Errorf("seek before the start: errno %d", e)
	}
	if pos, e := f.Seek(r, 1<<62, 0); e != OK || pos != 1<<62 {
		t.Errorf("seek far: %d, errno %d", pos, e)
	}
	if _, e := f.Seek(r, 1<<62, 1); e != EInval {
		t.Errorf("seek too far: errno %d", e)
	}
	if n, e := f.Read(r, buf); n != 0 || e != OK {
		t.Errorf("read behind the end: %d, errno %d", n, e)
	}
	f.SetFlags(w, 0)
	f.Seek(w, 1<<62, 0)
	if _, e := f.Write(w, buf); e != EFbig {
		t.Errorf("write far behind the end: errno %d", e)
	}
	if e := f.SetSize(w, 1<<63); e != EFbig {
		t.Errorf("set a huge size: errno %d", e)
	}
}

func TestCapacity(t *testing.T) {
	const size = 4 << 20
	f := New(Mounts{TmpCap: size})
	fd, _ := f.OpenAt(3, []byte("tmp/big"), true, Create, 0, true, true)
	block := bytes.Repeat([]byte{1}, 100_000)
	written := 0
	for {
		n, e := f.Write(fd, block)
		if written += n; e != OK {
			if e != ENospc || n != 0 {
				t.Fatalf("%d, errno %d", n, e)
			}
			break
		}
	}
	if written < size || written > size+size/32 {
		t.Errorf("%d bytes fit into %d", written, size)
	}
	if e := f.Mkdir(3, []byte("tmp/more")); e != OK && e != ENospc {
		t.Errorf("errno %d", e)
	}
	// A deleted file takes room until it is closed.
	f.Remove(3, []byte("tmp/big"), false)
	f.Remove(3, []byte("tmp/more"), true)
	if f.TmpBytes() < size || !f.TmpEmpty() {
		t.Errorf("%d bytes while open", f.TmpBytes())
	}
	f.Close(fd)
	if f.TmpBytes() != 0 {
		t.Errorf("%d bytes after all is gone", f.TmpBytes())
	}
	// Shrinking gives memory back; growing alone takes none.
	fd, _ = f.OpenAt(3, []byte("tmp/f"), true, Create, 0, true, true)
	for range 100 {
		if n, e := f.WriteAt(fd, block, 3<<20); n != len(block) || e != OK {
			t.Fatalf("%d, errno %d", n, e)
		}
		if e := f.SetSize(fd, 0); e != OK {
			t.Fatalf("errno %d", e)
		}
	}
	before := f.TmpBytes()
	if e := f.SetSize(fd, size); e != OK || f.TmpBytes() != before {
		t.Errorf("a hole takes %d bytes, errno %d", f.TmpBytes()-before, e)
	}
	if e := f.Allocate(fd, size+size/64+1); e != EFbig {
		t.Errorf("allocate more than there is: errno %d", e)
	}
	f.Reset()
	if f.TmpBytes() != 0 || !f.TmpEmpty() || f.OpenFiles() != 0 {
		t.Errorf("after a reset: %d bytes, %d open", f.TmpBytes(), f.OpenFiles())
	}
}

// Names, link targets and hard links are charged too: they are the host's memory.
func TestNamesAreLimited(t *testing.T) {
	f := New(Mounts{TmpCap: 10 << 30})
	create(t, f, "tmp/f", "")
	e, n := OK, 1
	for ; e == OK; n++ {
		e = f.Link(3, []byte("tmp/f"), false, 3, fmt.Appendf(nil, "tmp/%d", n))
	}
	if e != ENospc || n-1 != maxTmpNames {
		t.Errorf("errno %d after %d names", e, n-1)
	}
	if st, _ := f.StatAt(3, []byte("tmp/f"), true); st.Links != maxTmpNames {
		t.Errorf("%d links", st.Links)
	}
	f = New(Mounts{TmpCap: 1 << 20})
	target := bytes.Repeat([]byte("t"), maxPath)
	for e, n = OK, 0; e == OK; n++ {
		e = f.Symlink(target, 3, fmt.Appendf(nil, "tmp/%d", n))
	}
	if e != ENospc || n > (1<<20)/maxPath {
		t.Errorf("errno %d after %d links", e, n)
	}
	for i := range n - 1 {
		if e := f.Remove(3, fmt.Appendf(nil, "tmp/%d", i), false); e != OK {
			t.Fatalf("errno %d", e)
		}
	}
	if f.TmpBytes() != 0 {
		t.Errorf("%d bytes are left", f.TmpBytes())
	}
}

// A folder that loses its names gives the memory of its map and list back.
func TestEmptiedFolderShrinks(t *testing.T) {
	f := New(Mounts{})
	f.Mkdir(3, []byte("tmp/d"))
	for i := range 10_000 {
		create(t, f, fmt.Sprintf("tmp/d/%d", i), "")
	}
	for i := range 9_990 {
		f.Remove(3, fmt.Appendf(nil, "tmp/d/%d", i), false)
	}
	d := f.tmp.folder.get([]byte("d")).folder
	if cap(d.order) > 100 || d.peak > 200 {
		t.Errorf("list of %d, map of up to %d, for 10 names", cap(d.order), d.peak)
	}
	if got := list(t, f, "tmp/d"); len(got) != 10 || got[0] != "9990" {
		t.Errorf("left: %s", got)
	}
}

func TestReadDirWhileItChanges(t *testing.T) {
	f := New(Mounts{})
	for i := range 100 {
		create(t, f, fmt.Sprintf("tmp/%02d", i), "")
	}
	fd, _ := f.OpenAt(3, []byte("tmp"), true, Directory, 0, true, false)
	seen := map[string]int{}
	for at, i := uint64(0), 0; ; i++ {
		d, more, _ := f.ReadDir(fd, at)
		if !more {
			break
		}
		at = d.Next
		seen[d.Name]++
		if i%2 == 0 && i > 2 {
			f.Remove(3, []byte("tmp/"+d.Name), false) // what was just read
			f.Remove(3, fmt.Appendf(nil, "tmp/%02d", 99-i/4), false)
		}
		if i < 20 {
			create(t, f, fmt.Sprintf("tmp/new%02d", i), "")
		}
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s was listed %d times", name, n)
		}
	}
	for _, name := range append(list(t, f, "tmp"), ".", "..") {
		if seen[name] == 0 {
			t.Errorf("%s exists and was not listed", name)
		}
	}
	if _, more, e := f.ReadDir(fd, 1<<63); more || e != OK {
		t.Errorf("far behind the end: %t, errno %d", more, e)
	}
}

func TestDeletedFolder(t *testing.T) {
	f := New(Mounts{})
	f.Mkdir(3, []byte("tmp/d"))
	fd, _ := f.OpenAt(3, []byte("tmp/d"), true, Directory, 0, true, false)
	if e := f.Mkdir(fd, []byte("sub")); e != OK {
		t.Errorf("mkdir relative to a folder: errno %d", e)
	}
	f.Rename(3, []byte("tmp/d"), 3, []byte("tmp/moved"))
	if _, e := f.StatAt(fd, []byte("sub/../../moved/sub"), true); e != OK {
		t.Errorf("a descriptor lost its folder by a rename: errno %d", e)
	}
	f.Remove(fd, []byte("sub"), true)
	f.Remove(3, []byte("tmp/moved"), true)
	if e := f.Mkdir(fd, []byte("ghost")); e != ENoent {
		t.Errorf("mkdir in a deleted folder: errno %d", e)
	}
	if _, e := f.OpenAt(fd, []byte("ghost"), true, Create, 0, true, true); e != ENoent {
		t.Errorf("create in a deleted folder: errno %d", e)
	}
	create(t, f, "tmp/f", "")
	if e := f.Rename(3, []byte("tmp/f"), fd, []byte("ghost")); e != ENoent {
		t.Errorf("rename into a deleted folder: errno %d", e)
	}
	if _, e := f.StatAt(fd, []byte(".."), true); e != OK {
		t.Errorf("dotdot of a deleted folder: errno %d", e)
	}
}

// Python probes many paths for each import: what does not exist must be cheap.
func TestLookupDoesNotAllocate(t *testing.T) {
	f := New(Mounts{Task: mustOpen(t, item{name: "pkg/mod.py", body: "x"})})
	missing, there := []byte("var/task/pkg/missing.cpython-313.so"), []byte("/var/task/./pkg/../pkg/mod.py")
	fd, _ := f.OpenAt(3, []byte("tmp/f"), true, Create, 0, true, true)
	if n := testing.AllocsPerRun(100, func() {
		f.StatAt(3, missing, true)
		f.StatAt(3, there, true)
		fd, _ := f.OpenAt(3, there, true, 0, 0, true, false)
		f.Close(fd)
		f.WriteAt(fd, missing, 0)
	}); n != 0 {
		t.Errorf("%f allocations", n)
	}
	f.Close(fd)
	f.Reset()
	if n := testing.AllocsPerRun(100, f.Reset); n != 0 {
		t.Errorf("%f allocations in a reset", n)
	}
}

func BenchmarkStatMissing(b *testing.B) {
	f := New(Mounts{Task: mustOpen(b, item{name: "pkg/mod.py", body: "x"})})
	p := []byte("var/task/pkg/missing.cpython-313.so")
	for b.Loop() {
		f.StatAt(3, p, true)
	}
}

func BenchmarkMount(b *testing.B) {
	m := [2]Mounts{{Task: mustOpen(b, item{name: "a", body: "x"})}, {Task: mustOpen(b, item{name: "a", body: "x"})}}
	f := New(m[0])
	for i := 0; b.Loop(); i++ {
		f.Mount(m[i&1])
	}
}

func BenchmarkWrite64K(b *testing.B) {
	f := New(Mounts{})
	fd, _ := f.OpenAt(3, []byte("tmp/f"), true, Create, 0, true, true)
	block := make([]byte, 64<<10)
	b.SetBytes(64 << 10)
	for i := 0; b.Loop(); i++ {
		if i%1024 == 0 {
			f.SetSize(fd, 0)
			f.Seek(fd, 0, 0)
		}
		f.Write(fd, block)
	}
}
