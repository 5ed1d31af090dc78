package wasi_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/vfs"
)

// tree makes a read-only tree; a name with " -> " is a link, one that ends in a slash a folder.
func tree(t *testing.T, files map[string]string) *vfs.Tree {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if from, to, ok := strings.Cut(name, " -> "); ok {
			h.Name, text = from, to
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := vfs.OpenZip(buf.Bytes(), vfs.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mounted is a guest with a package that is used by the tests below.
func mounted(t *testing.T, tmpCap int64) *guest {
	g := start(t)
	g.p.FS.Mount(vfs.Mounts{
		Task: tree(t, map[string]string{
			"app.py": "print()", "lib/mod.py": "x = 1", "lib/up -> ../app.py": "", "here -> lib": "", "loop -> loop": "", "lost -> nowhere": "",
		}),
		Runtime: tree(t, map[string]string{"std.py": "std"}),
		TmpCap:  tmpCap,
	})
	return g
}

func TestReadOnlyTrees(t *testing.T) {
	g := mounted(t, 0)
	for path, want := range map[string]string{
		"/var/task/app.py": "print()", "var/task/lib/mod.py": "x = 1", "/var/task/lib/up": "print()", "/var/task/here/mod.py": "x = 1",
		"/var/task/here/up": "print()", "/var/task/./lib/../app.py": "print()", "//var//task//app.py": "print()",
		"/../../var/task/app.py": "print()", "/var/runtime/std.py": "std",
	} {
		if got := g.content(path); got != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
	}
	buf := uint32(2048)
	g.must("path_readlink", 3, "/var/task/lib/up", buf, 100, scratch)
	if got := string(g.bytes(buf, int(g.u32(scratch)))); got != "../app.py" {
		t.Errorf("the link leads to %q", got)
	}
	g.must("path_readlink", 3, "/var/task/lib/up", buf, 4, scratch)
	if n := g.u32(scratch); n != 4 {
		t.Errorf("%d bytes in a buffer of 4", n)
	}
	g.must("path_filestat_get", 3, 1, "/var/task/lib/up", buf)
	if g.bytes(buf+16, 1)[0] != byte(vfs.TypeFile) || g.u64(buf+32) != 7 {
		t.Error("the status with following isn't that of the file")
	}
	g.must("path_filestat_get", 3, 0, "/var/task/lib/up", buf)
	if g.bytes(buf+16, 1)[0] != byte(vfs.TypeSymlink) {
		t.Error("the status without following isn't that of the link")
	}
}

// What an operation on a path answers, as Linux does.
func TestErrorNumbers(t *testing.T) {
	g := mounted(t, 0)
	g.file("/tmp/f", "text")
	g.must("path_create_directory", 3, "/tmp/d")
	g.must("path_create_directory", 3, "/tmp/full")
	g.file("/tmp/full/f", "")
	g.must("path_symlink", "d", 3, "/tmp/ld")
	file := g.mustOpen("/tmp/f", 0, rightRead)
	folder := g.mustOpen("/tmp/d", oDirectory, rightRead)
	one := g.vectors(2048, 1)
	long := strings.Repeat("n", 256)
	open := func(path string, oflags, rights int) []any {
		return []any{3, 1, path, oflags, rights, rights, 0, scratch}
	}
	for _, c := range []struct {
		what string
		name string
		args []any
		want vfs.Errno
	}{
		{"open what isn't there", "path_open", open("/tmp/none", 0, rightRead), vfs.ENoent},
		{"open in a folder that isn't there", "path_open", open("/tmp/none/f", oCreate, rightRead), vfs.ENoent},
		{"open under a file", "path_open", open("/tmp/f/x", oCreate, rightRead), vfs.ENotdir},
		{"open a file with a slash", "path_open", open("/tmp/f/", 0, rightRead), vfs.ENotdir},
		{"open a file as a folder", "path_open", open("/tmp/f", oDirectory, rightRead), vfs.ENotdir},
		{"open a folder to write", "path_open", open("/tmp/d", 0, rightWrite), vfs.EIsdir},
		{"create what is there", "path_open", open("/tmp/f", oCreate|oExclusive, rightWrite), vfs.EExist},
		{"create outside /tmp", "path_open", open("/var/task/new", oCreate, rightWrite), vfs.ERofs},
		{"create in /", "path_open", open("/new", oCreate, rightWrite), vfs.ERofs},
		{"write to the package", "path_open", open("/var/task/app.py", 0, rightWrite), vfs.ERofs},
		{"truncate the package", "path_open", open("/var/task/app.py", oTruncate, rightRead), vfs.ERofs},
		{"open a link that loops", "path_open", open("/var/task/loop", 0, rightRead), vfs.ELoop},
		{"open a link to nothing", "path_open", open("/var/task/lost", 0, rightRead), vfs.ENoent},
		{"open a link itself", "path_open", []any{3, 0, "/tmp/ld", 0, rightRead, rightRead, 0, scratch}, vfs.ELoop},
		{"an empty path", "path_open", open("", 0, rightRead), vfs.ENoent},
		{"a path with a zero", "path_open", open("/tmp/a\x00b", 0, rightRead), vfs.EInval},
		{"a name of 256 bytes", "path_open", open("/tmp/"+long, oCreate, rightWrite), vfs.ENametoolong},
		{"a path of 5000 bytes", "path_open", open("/tmp"+strings.Repeat("/x", 2500), 0, rightRead), vfs.ENametoolong},
		{"relative to a file", "path_open", []any{file, 1, "x", 0, rightRead, rightRead, 0, scratch}, vfs.ENotdir},
		{"relative to nothing", "path_open", []any{77, 1, "x", 0, rightRead, rightRead, 0, scratch}, vfs.EBadf},
		{"a folder that is there", "path_create_directory", []any{3, "/tmp/d"}, vfs.EExist},
		{"a folder in the package", "path_create_directory", []any{3, "/var/task/d"}, vfs.ERofs},
		{"a folder for its link", "path_create_directory", []any{3, "/tmp/ld"}, vfs.EExist},
		{"delete what isn't there", "path_unlink_file", []any{3, "/tmp/none"}, vfs.ENoent},
		{"delete a folder as a file", "path_unlink_file", []any{3, "/tmp/d"}, vfs.EIsdir},
		{"delete a file as a folder", "path_remove_directory", []any{3, "/tmp/f"}, vfs.ENotdir},
		{"delete a full folder", "path_remove_directory", []any{3, "/tmp/full"}, vfs.ENotempty},
		{"delete /tmp", "path_remove_directory", []any{3, "/tmp"}, vfs.ERofs},
		{"delete from the package", "path_unlink_file", []any{3, "/var/task/app.py"}, vfs.ERofs},
		{"rename a folder into itself", "path_rename", []any{3, "/tmp/full", 3, "/tmp/full/x"}, vfs.EInval},
		{"rename over a full folder", "path_rename", []any{3, "/tmp/d", 3, "/tmp/full"}, vfs.ENotempty},
		{"rename a file over a folder", "path_rename", []any{3, "/tmp/f", 3, "/tmp/d"}, vfs.EIsdir},
		{"rename a folder over a file", "path_rename", []any{3, "/tmp/d", 3, "/tmp/f"}, vfs.ENotdir},
		{"rename what isn't there", "path_rename", []any{3, "/tmp/none", 3, "/tmp/x"}, vfs.ENoent},
		{"rename into the package", "path_rename", []any{3, "/tmp/f", 3, "/var/task/f"}, vfs.ERofs},
		{"rename out of the package", "path_rename", []any{3, "/var/task/app.py", 3, "/tmp/x"}, vfs.ERofs},
		{"rename onto itself", "path_rename", []any{3, "/tmp/f", 3, "/tmp/f"}, vfs.OK},
		{"link to a folder", "path_link", []any{3, 0, "/tmp/d", 3, "/tmp/x"}, vfs.EPerm},
		{"link over something", "path_link", []any{3, 0, "/tmp/f", 3, "/tmp/d"}, vfs.EExist},
		{"link to the package", "path_link", []any{3, 0, "/var/task/app.py", 3, "/tmp/x"}, vfs.EXdev},
		{"symlink over something", "path_symlink", []any{"x", 3, "/tmp/f"}, vfs.EExist},
		{"readlink of a file", "path_readlink", []any{3, "/tmp/f", 2048, 10, scratch}, vfs.EInval},
		{"read a folder", "fd_read", []any{folder, one, 1, scratch}, vfs.EIsdir},
		{"write to a folder", "fd_write", []any{folder, one, 1, scratch}, vfs.EBadf},
		{"write to what is open to read", "fd_write", []any{file, one, 1, scratch}, vfs.EBadf},
		{"size of what is open to read", "fd_filestat_set_size", []any{file, 1}, vfs.EBadf},
		{"seek before the start", "fd_seek", []any{file, -1, 0, scratch}, vfs.EInval},
		{"seek from nowhere", "fd_seek", []any{file, 0, 3, scratch}, vfs.EInval},
		{"seek a stream", "fd_seek", []any{1, 0, 1, scratch}, vfs.ESpipe},
		{"pread a stream", "fd_pread", []any{0, one, 1, 0, scratch}, vfs.ESpipe},
		{"pread before the start", "fd_pread", []any{file, one, 1, -1, scratch}, vfs.EInval},
		{"close what isn't open", "fd_close", []any{77}, vfs.EBadf},
		{"close a negative number", "fd_close", []any{-1}, vfs.EBadf},
		{"renumber to what isn't open", "fd_renumber", []any{file, 77}, vfs.EBadf},
		{"renumber a stream", "fd_renumber", []any{file, 1}, vfs.EBadf},
	} {
		t.Run(c.what, func(t *testing.T) {
			if e := g.call(c.name, c.args...); e != c.want {
				t.Errorf("%s: error %d, want %d", c.name, e, c.want)
			}
		})
	}
	if got := g.content("/tmp/f"); got != "text" {
		t.Errorf("the file holds %q now", got)
	}
}

func TestTmpIsLimited(t *testing.T) {
	const limit = 1 << 20
	g := mounted(t, limit)
	chunk := strings.Repeat("x", 8192)
	// fill returns the bytes that a new file took.
	fill := func(path string) (n int) {
		t.Helper()
		fd := g.mustOpen(path, oCreate, rightRead|rightWrite)
		defer g.must("fd_close", fd)
		g.mod.Memory().Write(65536, []byte(chunk))
		iov := g.vectors(65536, uint32(len(chunk)))
		for {
			e := g.call("fd_write", fd, iov, 1, scratch)
			if e == vfs.ENospc {
				return n
			}
			if e != vfs.OK || g.u32(scratch) == 0 || n > 2*limit {
				t.Fatalf("after %d bytes: error %d", n, e)
			}
			n += int(g.u32(scratch))
		}
	}
	first := fill("/tmp/big")
	if first < limit || first > limit+limit/16 {
		t.Errorf("%d bytes fit into %d", first, limit)
	}
	g.must("path_unlink_file", 3, "/tmp/big")
	if n := fill("/tmp/again"); n < limit {
		t.Errorf("after deleting the file only %d bytes fit", n)
	}
	g.must("path_unlink_file", 3, "/tmp/again")

	// A deleted file counts until it is closed, and not after Reset.
	fd := g.mustOpen("/tmp/open", oCreate, rightRead|rightWrite)
	if e := g.write(fd, chunk); e != vfs.OK {
		t.Fatal(e)
	}
	g.must("path_unlink_file", 3, "/tmp/open")
	if n := g.p.FS.TmpBytes(); n < int64(len(chunk)) {
		t.Errorf("%d bytes are accounted for while the file is open", n)
	}
	g.must("fd_close", fd)
	if n := g.p.FS.TmpBytes(); n != 0 || !g.p.FS.TmpEmpty() {
		t.Errorf("%d bytes are accounted for in an empty /tmp", n)
	}
}

func TestDescriptorsAreLimited(t *testing.T) {
	g := mounted(t, 0)
	opened := 0
	for {
		fd, e := g.open("/var/task/app.py", 0, rightRead)
		g.next = 4096
		if e == vfs.EMfile {
			break
		}
		if e != vfs.OK || opened > abi.MaxDescriptors {
			t.Fatalf("after %d: error %d", opened, e)
		}
		if fd != uint32(4+opened) {
			t.Fatalf("descriptor %d, want the lowest that is free, %d", fd, 4+opened)
		}
		opened++
	}
	if opened != abi.MaxDescriptors-4 || g.p.FS.OpenFiles() != opened {
		t.Errorf("%d opened, %d counted", opened, g.p.FS.OpenFiles())
	}
	g.must("fd_close", 500)
	if fd := g.mustOpen("/var/task/app.py", 0, rightRead); fd != 500 {
		t.Errorf("descriptor %d, want the one that was closed", fd)
	}
	g.p.FS.Reset()
	if n := g.p.FS.OpenFiles(); n != 0 {
		t.Errorf("%d descriptors open after Reset", n)
	}
	for fd := range 4 {
		g.must("fd_close", fd) // has no effect
		g.must("fd_fdstat_get", fd, scratch)
	}
}

func TestDescriptorsOutliveNames(t *testing.T) {
	g := mounted(t, 0)
	read := func(fd uint32) string {
		t.Helper()
		g.must("fd_pread", fd, g.vectors(2048, 100), 1, 0, scratch)
		return string(g.bytes(2048, int(g.u32(scratch))))
	}
	g.file("/tmp/a", "one")
	a := g.mustOpen("/tmp/a", 0, rightRead|rightWrite)
	g.must("path_rename", 3, "/tmp/a", 3, "/tmp/b")
	if read(a) != "one" || g.content("/tmp/b") != "one" {
		t.Error("renaming an open file lost it")
	}
	g.file("/tmp/c", "two")
	c := g.mustOpen("/tmp/c", 0, rightRead)
	g.must("path_rename", 3, "/tmp/b", 3, "/tmp/c")
	if read(c) != "two" || g.content("/tmp/c") != "one" {
		t.Errorf("after replacing: descriptor %q, name %q", read(c), g.content("/tmp/c"))
	}
	g.must("path_unlink_file", 3, "/tmp/c")
	if e := g.write(a, "ONE and more"); e != vfs.OK || read(a) != "ONE and more" {
		t.Errorf("a deleted file can't be used: %q", read(a))
	}
	if _, e := g.open("/tmp/c", 0, rightRead); e != vfs.ENoent {
		t.Errorf("the name is still there: error %d", e)
	}
	g.file("/tmp/c", "new")
	if read(a) != "ONE and more" {
		t.Error("a new file with the old name is the old file")
	}
	g.must("path_link", 3, 0, "/tmp/c", 3, "/tmp/d")
	g.must("path_unlink_file", 3, "/tmp/c")
	if g.content("/tmp/d") != "new" {
		t.Error("the second name lost the contents")
	}
	g.must("fd_renumber", c, a)
	if read(a) != "two" {
		t.Errorf("after renumbering: %q", read(a))
	}
	if e := g.call("fd_close", c); e != vfs.EBadf {
		t.Errorf("the old number is still open: error %d", e)
	}
}

func TestResetForgets(t *testing.T) {
	g := mounted(t, 0)
	g.file("/tmp/f", "secret")
	g.mustOpen("/tmp/f", 0, rightRead)
	g.p.FS.Reset()
	if _, e := g.open("/tmp/f", 0, rightRead); e != vfs.ENoent {
		t.Errorf("the file is still there: error %d", e)
	}
	if !g.p.FS.TmpEmpty() || g.p.FS.TmpBytes() != 0 || g.p.FS.OpenFiles() != 0 {
		t.Errorf("%d bytes, %d descriptors", g.p.FS.TmpBytes(), g.p.FS.OpenFiles())
	}
	if g.content("/var/task/app.py") != "print()" {
		t.Error("the package is gone")
	}
	g.p.FS.Mount(vfs.Mounts{})
	if _, e := g.open("/var/task/app.py", 0, rightRead); e != vfs.ENoent {
		t.Errorf("the other function's package is still there: error %d", e)
	}
}

func TestDevices(t *testing.T) {
	g := mounted(t, 0)
	for path, check := range map[string]func(b []byte) bool{
		"/dev/null":    func(b []byte) bool { return len(b) == 0 },
		"/dev/stdin":   func(b []byte) bool { return len(b) == 0 },
		"/dev/zero":    func(b []byte) bool { return bytes.Equal(b, make([]byte, 32)) },
		"/dev/urandom": func(b []byte) bool { return len(b) == 32 && !bytes.Equal(b, make([]byte, 32)) },
	} {
		fd := g.mustOpen(path, 0, rightRead|rightWrite)
		copy(g.bytes(2048, 32), strings.Repeat("?", 32))
		g.must("fd_read", fd, g.vectors(2048, 32), 1, scratch)
		if b := g.bytes(2048, int(g.u32(scratch))); !check(b) {
			t.Errorf("%s reads %q", path, b)
		}
		if e := g.write(fd, "x"); e != vfs.OK {
			t.Errorf("%s: write: error %d", path, e)
		}
	}
}

// object is a file or folder of the model.
type object struct {
	children map[string]*object // nil = a file
	text     []byte
}

// find resolves a path in the model.
func (o *object) find(path string) (parent, found *object, name string, e vfs.Errno) {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if o.children == nil {
			return nil, nil, "", vfs.ENotdir
		}
		next := o.children[part]
		if i == len(parts)-1 {
			if next == nil {
				return o, nil, part, vfs.ENoent
			}
			return o, next, part, vfs.OK
		}
		if next == nil {
			return nil, nil, "", vfs.ENoent
		}
		o = next
	}
	panic("no path")
}

func (o *object) has(other *object) bool {
	if o == other {
		return true
	}
	for _, c := range o.children {
		if c.has(other) {
			return true
		}
	}
	return false
}

// /tmp does what a simple tree of maps does, whatever the order of operations, with files open meanwhile.
func TestTmpBehavesLikeItsModel(t *testing.T) {
	g := start(t)
	rapid.Check(t, func(t *rapid.T) {
		g.p.FS.Reset()
		root := &object{children: map[string]*object{}}
		type handle struct {
			fd   uint32
			file *object
			pos  int
		}
		var handles []*handle
		pathGen := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3)
		path := func(label string) string { return strings.Join(pathGen.Draw(t, label), "/") }
		same := func(what string, got, want vfs.Errno) {
			if got != want {
				t.Fatalf("%s: error %d, the model says %d", what, got, want)
			}
		}
		pick := func() *handle {
			if len(handles) == 0 {
				t.Skip("nothing is open")
			}
			return handles[rapid.IntRange(0, len(handles)-1).Draw(t, "handle")]
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { g.next = 4096 },
			"open": func(t *rapid.T) {
				if len(handles) == 8 {
					t.Skip("enough")
				}
				p, flags := path("path"), rapid.SampledFrom([]int{0, oCreate, oCreate | oExclusive, oTruncate, oCreate | oTruncate}).Draw(t, "flags")
				parent, o, name, want := root.find(p)
				switch {
				case want == vfs.ENoent && parent != nil && flags&oCreate != 0:
					want = vfs.OK
				case want != vfs.OK:
				case flags&oExclusive != 0:
					want = vfs.EExist
				case o.children != nil:
					want = vfs.EIsdir
				}
				fd, e := g.open("/tmp/"+p, flags, rightRead|rightWrite)
				same("open "+p, e, want)
				if e != vfs.OK {
					return
				}
				if o == nil {
					o = &object{}
					parent.children[name] = o
				}
				if flags&oTruncate != 0 {
					o.text = nil
				}
				handles = append(handles, &handle{fd, o, 0})
			},
			"close": func(t *rapid.T) {
				h := pick()
				same("close", g.call("fd_close", h.fd), vfs.OK)
				handles = slices.DeleteFunc(handles, func(x *handle) bool { return x == h })
			},
			"write": func(t *rapid.T) {
				h, text := pick(), rapid.StringN(1, 20, 40).Draw(t, "text")
				same("write", g.write(h.fd, text), vfs.OK)
				if grow := h.pos + len(text) - len(h.file.text); grow > 0 {
					h.file.text = append(h.file.text, make([]byte, grow)...)
				}
				h.pos += copy(h.file.text[h.pos:], text)
			},
			"read": func(t *rapid.T) {
				h, n := pick(), rapid.Uint32Range(1, 100).Draw(t, "bytes")
				same("read", g.call("fd_read", h.fd, g.vectors(2048, n), 1, scratch), vfs.OK)
				var want []byte
				if h.pos < len(h.file.text) {
					want = h.file.text[h.pos:min(len(h.file.text), h.pos+int(n))]
				}
				if got := g.bytes(2048, int(g.u32(scratch))); !bytes.Equal(got, want) {
					t.Fatalf("read %q, the model says %q", got, want)
				}
				h.pos += len(want)
			},
			"seek": func(t *rapid.T) {
				h := pick()
				h.pos = rapid.IntRange(0, 200_000).Draw(t, "position")
				same("seek", g.call("fd_seek", h.fd, h.pos, 0, scratch), vfs.OK)
			},
			"size": func(t *rapid.T) {
				h, n := pick(), rapid.IntRange(0, 200_000).Draw(t, "bytes")
				same("size", g.call("fd_filestat_set_size", h.fd, n), vfs.OK)
				h.file.text = append(h.file.text[:min(n, len(h.file.text)):min(n, len(h.file.text))], make([]byte, max(0, n-len(h.file.text)))...)
			},
			"mkdir": func(t *rapid.T) {
				p := path("path")
				parent, _, name, want := root.find(p)
				if want == vfs.OK {
					want = vfs.EExist
				} else if parent != nil {
					want = vfs.OK
					parent.children[name] = &object{children: map[string]*object{}}
				}
				same("mkdir "+p, g.call("path_create_directory", 3, "/tmp/"+p), want)
			},
			"unlink": func(t *rapid.T) {
				p := path("path")
				parent, o, name, want := root.find(p)
				if want == vfs.OK {
					if o.children != nil {
						want = vfs.EIsdir
					} else {
						delete(parent.children, name)
					}
				}
				same("unlink "+p, g.call("path_unlink_file", 3, "/tmp/"+p), want)
			},
			"rmdir": func(t *rapid.T) {
				p := path("path")
				parent, o, name, want := root.find(p)
				switch {
				case want != vfs.OK:
				case o.children == nil:
					want = vfs.ENotdir
				case len(o.children) > 0:
					want = vfs.ENotempty
				default:
					delete(parent.children, name)
				}
				same("rmdir "+p, g.call("path_remove_directory", 3, "/tmp/"+p), want)
			},
			"rename": func(t *rapid.T) {
				from, to := path("from"), path("to")
				fromDir, o, fromName, want := root.find(from)
				if want == vfs.OK {
					toDir, over, toName, e := root.find(to)
					switch {
					case toDir == nil:
						want = e
					case o.children != nil && o.has(toDir):
						want = vfs.EInval
					case over == o:
					case over != nil && over.children != nil && o.children == nil:
						want = vfs.EIsdir
					case over != nil && over.children == nil && o.children != nil:
						want = vfs.ENotdir
					case over != nil && len(over.children) > 0:
						want = vfs.ENotempty
					default:
						delete(fromDir.children, fromName)
						toDir.children[toName] = o
					}
				}
				same("rename "+from+" to "+to, g.call("path_rename", 3, "/tmp/"+from, 3, "/tmp/"+to), want)
			},
			"link": func(t *rapid.T) {
				from, to := path("from"), path("to")
				_, o, _, want := root.find(from)
				if want == vfs.OK {
					toDir, _, toName, e := root.find(to)
					switch {
					case e == vfs.OK:
						want = vfs.EExist
					case toDir == nil:
						want = e
					case o.children != nil:
						want = vfs.EPerm
					default:
						toDir.children[toName] = o
					}
				}
				same("link "+from+" to "+to, g.call("path_link", 3, 0, "/tmp/"+from, 3, "/tmp/"+to), want)
			},
		})
		// At the end everything is there, and nothing else; without it no memory is.
		g.next = 4096
		var compare func(at string, o *object)
		compare = func(at string, o *object) {
			if o.children == nil {
				fd, e := g.open(at, 0, rightRead)
				same("open "+at, e, vfs.OK)
				same("status", g.call("fd_filestat_get", fd, 2048), vfs.OK)
				if n := g.u64(2048 + 32); n != uint64(len(o.text)) {
					t.Fatalf("%s has %d bytes, the model %d", at, n, len(o.text))
				}
				if len(o.text) > 0 {
					tail := max(0, len(o.text)-100)
					same("read", g.call("fd_pread", fd, g.vectors(2048, 100), 1, tail, scratch), vfs.OK)
					if got := g.bytes(2048, int(g.u32(scratch))); !bytes.Equal(got, o.text[tail:]) {
						t.Fatalf("%s ends in %q, the model in %q", at, got, o.text[tail:])
					}
				}
				same("close", g.call("fd_close", fd), vfs.OK)
				return
			}
			fd, e := g.open(at, oDirectory, rightRead)
			same("open "+at, e, vfs.OK)
			same("list", g.call("fd_readdir", fd, 2048, 1000, 0, scratch), vfs.OK)
			var names []string
			for b := g.bytes(2048, int(g.u32(scratch))); len(b) > 0; {
				n := 24 + int(b[16])
				names = append(names, string(b[24:n]))
				b = b[n:]
			}
			slices.Sort(names)
			want := append(slices.Sorted(maps.Keys(o.children)), ".", "..")
			slices.Sort(want)
			if fmt.Sprint(names) != fmt.Sprint(want) {
				t.Fatalf("%s holds %q, the model %q", at, names, want)
			}
			same("close", g.call("fd_close", fd), vfs.OK)
			for name, c := range o.children {
				compare(at+"/"+name, c)
			}
		}
		compare("/tmp", root)
		for _, h := range handles {
			same("close", g.call("fd_close", h.fd), vfs.OK)
		}
		g.p.FS.Reset()
		if n := g.p.FS.TmpBytes(); n != 0 {
			t.Fatalf("%d bytes are accounted for after Reset", n)
		}
	})
}
