package vfs

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// item is an entry of an archive made for a test.
type item struct {
	name, body string
	mode       fs.FileMode // 0 = 0644
	store      bool
	flags      uint16
}

func archiveOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Deflate, Flags: i.flags, Modified: time.Unix(1_700_000_000, 0)}
		if i.store {
			h.Method = zip.Store
		}
		if i.mode == 0 {
			i.mode = 0o644
		}
		h.SetMode(i.mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(i.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func mustOpen(t testing.TB, items ...item) *Tree {
	t.Helper()
	tree, err := OpenZip(archiveOf(t, items...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// readAll reads a file through an FS.
func readAll(f *FS, p string) (string, Errno) {
	fd, e := f.OpenAt(3, []byte(p), true, 0, 0, true, false)
	if e != OK {
		return "", e
	}
	defer f.Close(fd)
	var all []byte
	buf := make([]byte, 1000)
	for {
		n, e := f.Read(fd, buf)
		if e != OK {
			return "", e
		}
		if n == 0 {
			return string(all), OK
		}
		all = append(all, buf[:n]...)
	}
}

func TestTreeContents(t *testing.T) {
	long := strings.Repeat("thaw ", 50_000)
	tree := mustOpen(t,
		item{name: "app.py", body: "def handler(): pass"},
		item{name: "lib/", mode: fs.ModeDir | 0o755},
		item{name: "lib/long.txt", body: long},
		item{name: "lib/stored.bin", body: long, store: true},
		item{name: "empty", body: ""},
		item{name: "./dotted//name.txt", body: "dotted"},
		item{name: `win\sub\file.txt`, body: "backslash"},
		item{name: "link", body: "lib/long.txt", mode: fs.ModeSymlink | 0o777},
		item{name: "lib/up", body: "../app.py", mode: fs.ModeSymlink | 0o777},
		item{name: "dirlink", body: "lib", mode: fs.ModeSymlink | 0o777},
		item{name: "a:b", body: "colon"},
	)
	f := New(Mounts{Task: tree})
	for p, want := range map[string]string{
		"var/task/app.py":              "def handler(): pass",
		"/var/task/lib/long.txt":       long,
		"var/task/lib/stored.bin":      long,
		"var/task/empty":               "",
		"var/task/dotted/name.txt":     "dotted",
		"var/task/win/sub/file.txt":    "backslash",
		"var/task/link":                long,
		"var/task/lib/up":              "def handler(): pass",
		"var/task/dirlink/long.txt":    long,
		"var/task/dirlink/../app.py":   "def handler(): pass",
		"var/task/lib/./../a:b":        "colon",
		"var/../../var//task/app.py":   "def handler(): pass",
		"var/task/dirlink/up":          "def handler(): pass",
		"var/task/dirlink//./up":       "def handler(): pass",
		"/var/task/../task/lib/../a:b": "colon",
	} {
		if got, e := readAll(f, p); e != OK || got != want {
			t.Errorf("%s: %d bytes, errno %d, want %d bytes", p, len(got), e, len(want))
		}
	}
	if s := tree.Stats(); s.Files != 10 || s.Unpacked < int64(2*len(long)) {
		t.Errorf("stats %+v", s)
	}
	st, e := f.StatAt(3, []byte("var/task/app.py"), true)
	if e != OK || st.Mtime != 1_700_000_000e9 || st.Size != 19 || st.Type != TypeFile || st.Links != 1 {
		t.Errorf("stat: %+v, errno %d", st, e)
	}
}

func TestStoredEntriesAliasTheArchive(t *testing.T) {
	data := archiveOf(t, item{name: "f", body: "unique-contents", store: true})
	tree, err := OpenZip(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := tree.root.folder.byName["f"].n.entry.bytes()
	if err != nil || &b[0] != &data[bytes.Index(data, []byte("unique-contents"))] || cap(b) != len(b) {
		t.Fatalf("not a part of the archive: %q, %v", b, err)
	}
}

func TestHostileArchives(t *testing.T) {
	deep := strings.Repeat("d/", 200) + "f"
	tests := []struct {
		name  string
		want  error
		names string // what the error must name
		items []item
	}{
		{"parent", ErrTraversal, "../x", []item{{name: "../x"}}},
		{"parent inside", ErrTraversal, "a/../../x", []item{{name: "a/../../x"}}},
		{"parent by backslash", ErrTraversal, `a\\..\\..\\x`, []item{{name: `a\..\..\x`}}},
		{"absolute", ErrTraversal, "/etc/passwd", []item{{name: "/etc/passwd"}}},
		{"drive", ErrTraversal, "C:", []item{{name: `C:\x`}}},
		{"absolute link", ErrTraversal, "link", []item{{name: "link", body: "/etc/passwd", mode: fs.ModeSymlink}}},
		{"leaving link", ErrTraversal, "a/link", []item{{name: "a/link", body: "../../x", mode: fs.ModeSymlink}}},
		{"leaving link in the middle", ErrTraversal, "link", []item{{name: "link", body: "a/../..", mode: fs.ModeSymlink}}},
		{"empty link", ErrEntry, "link", []item{{name: "link", mode: fs.ModeSymlink}}},
		{"long link", ErrEntry, "link", []item{{name: "link", body: strings.Repeat("a", 5000), mode: fs.ModeSymlink}}},
		{"duplicate", ErrEntry, "f", []item{{name: "f", body: "1"}, {name: "f", body: "2"}}},
		{"duplicate by cleaning", ErrEntry, "./f", []item{{name: "f", body: "1"}, {name: "./f", body: "2"}}},
		{"file as folder", ErrEntry, "f", []item{{name: "f", body: "1"}, {name: "f/g", body: "2"}}},
		{"folder as file", ErrEntry, "f", []item{{name: "f/g", body: "1"}, {name: "f", body: "2"}}},
		{"through a link", ErrEntry, "l", []item{{name: "d/", mode: fs.ModeDir}, {name: "l", body: "d", mode: fs.ModeSymlink}, {name: "l/x", body: "2"}}},
		{"device", ErrEntry, "dev", []item{{name: "dev", mode: fs.ModeDevice | 0o666}}},
		{"pipe", ErrEntry, "pipe", []item{{name: "pipe", mode: fs.ModeNamedPipe | 0o666}}},
		{"NUL", ErrEntry, `a\x00b`, []item{{name: "a\x00b"}}},
		{"no name", ErrEntry, "", []item{{name: ""}}},
		{"dot", ErrEntry, ".", []item{{name: "."}}},
		{"long name", ErrEntry, "nnn", []item{{name: strings.Repeat("n", 256)}}},
		{"deep", ErrEntry, "d/d", []item{{name: deep}}},
		{"encrypted", ErrEntry, "f", []item{{name: "f", body: "x", flags: 1}}},
		{"too large", ErrTooLarge, "big", []item{{name: "big", body: strings.Repeat("x", 1001)}}},
		{"too large in all", ErrTooLarge, "", []item{{name: "a", body: strings.Repeat("x", 600)}, {name: "b", body: strings.Repeat("x", 600)}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tree, err := OpenZip(archiveOf(t, test.items...), Limits{Unpacked: 1000})
			// The long link is larger than the limit as well.
			if test.name == "long link" {
				tree, err = OpenZip(archiveOf(t, test.items...), Limits{})
			}
			if !errors.Is(err, test.want) || tree != nil {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if !strings.Contains(err.Error(), test.names) {
				t.Errorf("error %q does not name %q", err, test.names)
			}
		})
	}
}

func TestNotZip(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte{0}, 1000), []byte("PK\x03\x04 nothing more")} {
		if _, err := OpenZip(data, Limits{}); !errors.Is(err, ErrNotZip) {
			t.Errorf("%q: %v", data[:min(10, len(data))], err)
		}
		if _, err := Check(data, Limits{}); !errors.Is(err, ErrNotZip) {
			t.Errorf("%q: %v", data[:min(10, len(data))], err)
		}
	}
}

// lieAboutSize changes the uncompressed size that an archive of one entry declares, everywhere.
func lieAboutSize(data []byte, from, to uint32) []byte {
	old, lie := binary.LittleEndian.AppendUint32(nil, from), binary.LittleEndian.AppendUint32(nil, to)
	return bytes.ReplaceAll(data, old, lie)
}

func TestBombsAndDamage(t *testing.T) {
	const size = 0x123456
	honest := archiveOf(t, item{name: "zeros", body: strings.Repeat("\x00", size)})
	damaged := bytes.Clone(archiveOf(t, item{name: "s", body: "contents-here", store: true}))
	damaged[bytes.Index(damaged, []byte("contents-here"))] ^= 1
	for name, data := range map[string][]byte{
		"holds more than it declares": lieAboutSize(honest, size, 100),
		"declares more than it holds": lieAboutSize(honest, size, size+1),
		"declares the impossible":     lieAboutSize(honest, size, 200_000_000),
		"wrong checksum":              damaged,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Check(data, Limits{}); !errors.Is(err, ErrEntry) {
				t.Errorf("Check: %v", err)
			}
			tree, err := OpenZip(data, Limits{})
			if err != nil {
				t.Fatal(err) // contents are looked at when read
			}
			f := New(Mounts{Task: tree})
			for _, p := range []string{"var/task/zeros", "var/task/s"} {
				if _, e := readAll(f, p); e != EIO && e != ENoent {
					t.Errorf("%s: errno %d", p, e)
				}
			}
		})
	}
	if s, err := Check(honest, Limits{}); err != nil || s != (Stats{Files: 1, Unpacked: size}) {
		t.Errorf("honest archive: %+v, %v", s, err)
	}
}

func TestFoldersCountAgainstTheIndex(t *testing.T) {
	var items []item
	for i := range maxNodes/100 + 10 {
		items = append(items, item{name: fmt.Sprintf("%x/", i) + strings.Repeat("d/", 100) + "f", store: true})
	}
	if _, err := OpenZip(archiveOf(t, items...), Limits{}); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
}

func TestMergedLayers(t *testing.T) {
	one := archiveOf(t, item{name: "python/a", body: "1a"}, item{name: "python/b", body: "1b"}, item{name: "swap", body: "file"})
	two := archiveOf(t, item{name: "python/b", body: "2b"}, item{name: "python/sub/c", body: "2c"}, item{name: "swap/x", body: "in a folder"})
	tree, err := Merge([][]byte{one, two}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f := New(Mounts{Layers: tree})
	inodes := map[uint64]string{}
	for p, want := range map[string]string{"opt/python/a": "1a", "opt/python/b": "2b", "opt/python/sub/c": "2c", "opt/swap/x": "in a folder", "opt/python/sub/../a": "1a"} {
		if got, e := readAll(f, p); e != OK || got != want {
			t.Errorf("%s: %q, errno %d", p, got, e)
		}
		if strings.Contains(p, "..") {
			continue
		}
		st, _ := f.StatAt(3, []byte(p), true)
		if inodes[st.Ino] != "" {
			t.Errorf("%s and %s are inode %d", p, inodes[st.Ino], st.Ino)
		}
		inodes[st.Ino] = p
	}
	if _, err := Merge([][]byte{one, two}, Limits{Unpacked: 15}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("limit of all: %v", err)
	}
	if empty, err := Merge(nil, Limits{}); err != nil || empty.Stats().Files != 0 {
		t.Errorf("nothing merged: %v", err)
	}
}

func TestTreeIsSharedByInstances(t *testing.T) {
	body := strings.Repeat("shared ", 100_000)
	tree := mustOpen(t, item{name: "f", body: body}, item{name: "g", body: body, store: true})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f := New(Mounts{Task: tree, Layers: tree})
			for _, p := range []string{"var/task/f", "opt/f", "var/task/g"} {
				if got, e := readAll(f, p); e != OK || got != body {
					t.Errorf("%s: %d bytes, errno %d", p, len(got), e)
				}
			}
			if e := f.SetTimesAt(3, []byte("var/task/f"), true, Times{1, 1}); e != ERofs {
				t.Errorf("set times: errno %d", e)
			}
		})
	}
	wg.Wait()
}

func FuzzTree(f *testing.F) {
	f.Add(archiveOf(f, item{name: "a/b", body: "x"}, item{name: "l", body: "a/b", mode: fs.ModeSymlink}))
	f.Add(archiveOf(f, item{name: "s", body: "stored", store: true}, item{name: "d/", mode: fs.ModeDir}))
	f.Add(lieAboutSize(archiveOf(f, item{name: "z", body: strings.Repeat("\x00", 0x1234)}), 0x1234, 9))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := Limits{Unpacked: 1 << 20}
		tree, err := OpenZip(data, limits)
		stats, checkErr := Check(data, limits)
		if err != nil {
			if checkErr == nil {
				t.Fatalf("Check accepts what OpenZip refuses: %v", err)
			}
			return
		}
		if s := tree.Stats(); s.Unpacked > limits.Unpacked || checkErr == nil && stats != s {
			t.Fatalf("stats %+v and %+v", s, stats)
		}
		// What is in the tree can be read through its path, if the archive is sound, and says so otherwise.
		fsys := New(Mounts{Task: tree})
		var visit func(p string)
		visit = func(p string) {
			st, e := fsys.StatAt(3, []byte(p), false)
			if e == ENametoolong {
				return
			}
			if e != OK {
				t.Fatalf("%q: errno %d", p, e)
			}
			switch st.Type {
			case TypeFile:
				got, e := readAll(fsys, p)
				if e != OK && (e != EIO || checkErr == nil) || e == OK && uint64(len(got)) != st.Size {
					t.Fatalf("%q: %d of %d bytes, errno %d", p, len(got), st.Size, e)
				}
			case TypeDir:
				for _, name := range list(t, fsys, p) {
					visit(p + "/" + name)
				}
			}
		}
		visit("var/task")
	})
}

func BenchmarkOpenZip(b *testing.B) {
	var items []item
	for i := range 1000 {
		items = append(items, item{name: fmt.Sprintf("package%d/module%d.py", i%50, i), body: fmt.Sprint(rand.Uint64())})
	}
	data := archiveOf(b, items...)
	for b.Loop() {
		if _, err := OpenZip(data, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What a tree holds is known, and what was inflated can be given up while files are open.
func TestDropContents(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	data := archiveOf(t, item{name: "d/deflated", body: long}, item{name: "stored", body: long, store: true})
	tree, err := OpenZip(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	empty := tree.Held()
	if n := empty - int64(len(data)); n <= 0 || n > 10*nodeSize {
		t.Errorf("an unread tree holds %d bytes, its archive has %d", empty, len(data))
	}
	f := New(Mounts{Task: tree})
	for range 3 {
		for _, p := range []string{"/var/task/d/deflated", "/var/task/stored"} {
			if got, e := readAll(f, p); e != OK || got != long {
				t.Fatalf("%s: %d bytes, errno %d", p, len(got), e)
			}
		}
		if n := tree.Held() - empty; n != int64(len(long)) {
			t.Errorf("%d bytes more than before, inflated %d", n, len(long))
		}
		tree.DropContents()
		if n := tree.Held() - empty; n != 0 {
			t.Errorf("%d bytes left", n)
		}
	}
	if tree.Reads() != 2 {
		t.Errorf("%d files read", tree.Reads())
	}
}
