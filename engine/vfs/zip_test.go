package vfs_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strings"
	"testing"

	"github.com/thawrun/thaw/engine/vfs"
)

// item is an entry of an archive under test. What is zero is written as it should be.
type item struct {
	name     string
	text     string
	mode     fs.FileMode
	stored   bool
	flags    uint16
	method   uint16
	declared uint64 // size
	crc      uint32
}

// archive writes entries raw, so that they can lie.
func archive(t testing.TB, items ...item) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, it := range items {
		body := []byte(it.text)
		h := &zip.FileHeader{Name: it.name, Method: zip.Store, Flags: it.flags, NonUTF8: true}
		if !it.stored {
			h.Method = zip.Deflate
			body = deflated(t, it.text)
		}
		if it.method != 0 {
			h.Method = it.method
		}
		if it.mode != 0 {
			h.SetMode(it.mode)
		}
		h.CRC32 = crc32.ChecksumIEEE([]byte(it.text))
		if it.crc != 0 {
			h.CRC32 = it.crc
		}
		h.CompressedSize64, h.UncompressedSize64 = uint64(len(body)), uint64(len(it.text))
		if it.declared != 0 {
			h.UncompressedSize64 = it.declared
		}
		if strings.HasSuffix(it.name, "/") { // a folder has no contents
			h.Method, h.CompressedSize64, body = zip.Store, 0, nil
		}
		f, err := w.CreateRaw(h)
		if err == nil && len(body) > 0 {
			_, err = f.Write(body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// deflated compresses a text.
func deflated(t testing.TB, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create("x")
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	off, err := r.File[0].DataOffset()
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()[off:][:r.File[0].CompressedSize64]
}

const link = fs.ModeSymlink | 0o777

// Archives are hostile. What is refused by the index alone never gets as far as being inflated.
func TestArchivesThatAreRefused(t *testing.T) {
	deep := strings.Repeat("d/", 200) + "f"
	for name, c := range map[string]struct {
		items []item
		want  error
	}{
		"a way up":                         {[]item{{name: "../f"}}, vfs.ErrTraversal},
		"a way up in the middle":           {[]item{{name: "a/../../f"}}, vfs.ErrTraversal},
		"a way up and down, that stays in": {[]item{{name: "a/../f"}}, vfs.ErrTraversal},
		"a way up at the end":              {[]item{{name: "a/.."}}, vfs.ErrTraversal},
		"a way up by backslash":            {[]item{{name: `..\f`}}, vfs.ErrTraversal},
		"a folder upwards":                 {[]item{{name: "../d/"}}, vfs.ErrTraversal},
		"an absolute name":                 {[]item{{name: "/etc/passwd"}}, vfs.ErrTraversal},
		"an absolute name by backslash":    {[]item{{name: `\etc`}}, vfs.ErrTraversal},
		"a drive":                          {[]item{{name: `C:\f`}}, vfs.ErrTraversal},
		"an empty name":                    {[]item{{name: ""}}, vfs.ErrEntry},
		"a name with a zero":               {[]item{{name: "a\x00b"}}, vfs.ErrEntry},
		"a file called .":                  {[]item{{name: "."}}, vfs.ErrEntry},
		"a part of 256 bytes":              {[]item{{name: strings.Repeat("n", 256)}}, vfs.ErrEntry},
		"200 folders deep":                 {[]item{{name: deep}}, vfs.ErrEntry},
		"an absolute link":                 {[]item{{name: "l", text: "/etc", mode: link}}, vfs.ErrTraversal},
		"a link out":                       {[]item{{name: "l", text: "../x", mode: link}}, vfs.ErrTraversal},
		"a link out of a folder":           {[]item{{name: "a/b/l", text: "../../../x", mode: link}}, vfs.ErrTraversal},
		"a link to the folder above":       {[]item{{name: "l", text: "..", mode: link}}, vfs.ErrTraversal},
		"a link of 5000 bytes":             {[]item{{name: "l", text: strings.Repeat("t", 5000), mode: link}}, vfs.ErrEntry},
		"a link with the wrong checksum":   {[]item{{name: "l", text: "x", mode: link, crc: 1}}, vfs.ErrEntry},
		"a file twice":                     {[]item{{name: "f"}, {name: "f"}}, vfs.ErrEntry},
		"a file twice, spelled apart":      {[]item{{name: "a/f"}, {name: "a//f"}}, vfs.ErrEntry},
		"a file under a file":              {[]item{{name: "f"}, {name: "f/g"}}, vfs.ErrEntry},
		"a file over a folder":             {[]item{{name: "f/g"}, {name: "f"}}, vfs.ErrEntry},
		"a file under a link":              {[]item{{name: "d/"}, {name: "l", text: "d", mode: link}, {name: "l/f"}}, vfs.ErrEntry},
		"an encrypted file":                {[]item{{name: "f", text: "x", flags: 1}}, vfs.ErrEntry},
		"another compression":              {[]item{{name: "f", text: "x", method: 12}}, vfs.ErrEntry},
		"a device":                         {[]item{{name: "f", mode: fs.ModeDevice | fs.ModeCharDevice | 0o666}}, vfs.ErrEntry},
		"a pipe":                           {[]item{{name: "f", mode: fs.ModeNamedPipe | 0o666}}, vfs.ErrEntry},
		"a file that declares too much":    {[]item{{name: "f", declared: 10_001}}, vfs.ErrTooLarge},
		"a file that declares 2^63":        {[]item{{name: "f", declared: 1 << 63}}, vfs.ErrTooLarge},
		"files that declare too much":      {[]item{{name: "f", declared: 6000}, {name: "g", declared: 6000}}, vfs.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := vfs.OpenZip(archive(t, c.items...), vfs.Limits{Unpacked: 10_000}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("no archive", func(t *testing.T) {
		for _, data := range [][]byte{nil, []byte("PK"), make([]byte, 1000), archive(t, item{name: "f"})[:20]} {
			if _, err := vfs.OpenZip(data, vfs.Limits{}); !errors.Is(err, vfs.ErrNotZip) {
				t.Errorf("%d bytes: %v, want ErrNotZip", len(data), err)
			}
		}
	})
}

// What only reading shows is accepted by OpenZip and found by Check.
func TestContentsThatLie(t *testing.T) {
	text := strings.Repeat("contents ", 100)
	for name, it := range map[string]item{
		"more than declared":           {declared: 10},
		"less than declared":           {declared: 2000},
		"another checksum":             {crc: 1},
		"more than declared, stored":   {stored: true, declared: 10},
		"less than declared, stored":   {stored: true, declared: 2000},
		"another checksum, stored":     {stored: true, crc: 1},
		"no compressed data after all": {method: zip.Deflate, stored: true},
	} {
		t.Run(name, func(t *testing.T) {
			it.name, it.text = "f", text
			data := archive(t, item{name: "good", text: "good"}, it)
			if _, err := vfs.OpenZip(data, vfs.Limits{}); err != nil {
				t.Errorf("OpenZip: %v", err)
			}
			if _, err := vfs.Check(data, vfs.Limits{}); !errors.Is(err, vfs.ErrEntry) || !strings.Contains(fmt.Sprint(err), `"f"`) {
				t.Errorf("Check: %v, want ErrEntry for \"f\"", err)
			}
		})
	}
}

func TestArchivesThatAreAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		data  []byte
		files int
		bytes int64
	}{
		"nothing":                    {archive(t), 0, 0},
		"a file, deflated":           {archive(t, item{name: "f", text: "12345"}), 1, 5},
		"a file, stored":             {archive(t, item{name: "f", text: "12345", stored: true}), 1, 5},
		"folders do not count":       {archive(t, item{name: "d/"}, item{name: "d/e/"}, item{name: "d/e/f", text: "1"}), 1, 1},
		"a folder twice":             {archive(t, item{name: "d/"}, item{name: "d/"}), 0, 0},
		"./ before names":            {archive(t, item{name: "./"}, item{name: "./f", text: "1"}), 1, 1},
		"names with dots":            {archive(t, item{name: "..f"}, item{name: "a..b/...", text: "1"}), 2, 1},
		"backslashes":                {archive(t, item{name: `d\e\f`, text: "1"}, item{name: "d/e/g", text: "1"}), 2, 2},
		"links inside":               {archive(t, item{name: "a/l", text: "../b/f", mode: link}, item{name: "b/f", text: "1"}), 2, 7},
		"a link to nothing":          {archive(t, item{name: "l", text: "nothing", mode: link}), 1, 7},
		"as much as allowed":         {archive(t, item{name: "f", text: strings.Repeat("x", 1000)}), 1, 1000},
		"something in front":         {append([]byte("#!/bin/sh\nexit\n"), archive(t, item{name: "f", text: "12345", stored: true})...), 1, 5},
		"something before, deflated": {append([]byte("#!/bin/sh\nexit\n"), archive(t, item{name: "f", text: "12345"})...), 1, 5},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := vfs.Check(c.data, vfs.Limits{Unpacked: 1000})
			if err != nil || got.Files != c.files || got.Unpacked != c.bytes {
				t.Errorf("%+v, %v, want %d files, %d bytes", got, err, c.files, c.bytes)
			}
			tree, err := vfs.OpenZip(c.data, vfs.Limits{Unpacked: 1000})
			if err != nil || tree.Stats() != got {
				t.Errorf("OpenZip: %v", err)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	first := archive(t, item{name: "both", text: "first"}, item{name: "d/f", text: "12"})
	second := archive(t, item{name: "both", text: "second"}, item{name: "d/g", text: "34"})
	if _, err := vfs.Merge([][]byte{first, second}, vfs.Limits{Unpacked: 20}); err != nil {
		t.Error(err)
	}
	if _, err := vfs.Merge([][]byte{first, second}, vfs.Limits{Unpacked: 10}); !errors.Is(err, vfs.ErrTooLarge) {
		t.Errorf("together too large: %v", err)
	}
	if _, err := vfs.Merge([][]byte{first, []byte("x")}, vfs.Limits{}); !errors.Is(err, vfs.ErrNotZip) || !strings.Contains(fmt.Sprint(err), "archive 1") {
		t.Errorf("one that is none: %v, want its number", err)
	}
	if tree, err := vfs.Merge(nil, vfs.Limits{}); err != nil || tree.Stats().Files != 0 {
		t.Errorf("none: %v", err)
	}
}

// FuzzOpenZip: no archive makes it panic, use memory beyond its limits, or give an error that isn't one of the four.
func FuzzOpenZip(f *testing.F) {
	good := archive(f, item{name: "d/"}, item{name: "d/f", text: "some text, some text"}, item{name: "g", text: "stored", stored: true}, item{name: "l", text: "d/f", mode: link})
	f.Add(good)
	f.Add(archive(f))
	f.Add(archive(f, item{name: "../f", text: "x"}))
	f.Add(archive(f, item{name: "f", text: "x", declared: 1 << 40}))
	f.Add(archive(f, item{name: "f", text: "x", crc: 7}, item{name: "l", text: "../..", mode: link}))
	f.Add(good[:len(good)-5])
	bad := bytes.Clone(good)
	binary.LittleEndian.PutUint32(bad[len(bad)-6:], 3) // where the directory is
	f.Add(bad)
	const limit = 1 << 16
	known := func(t *testing.T, err error) {
		for _, k := range []error{vfs.ErrNotZip, vfs.ErrTooLarge, vfs.ErrTraversal, vfs.ErrEntry} {
			if errors.Is(err, k) {
				return
			}
		}
		t.Fatalf("an error of no kind: %v", err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		tree, err := vfs.OpenZip(data, vfs.Limits{Unpacked: limit})
		if err != nil {
			known(t, err)
			return
		}
		if n := tree.Stats().Unpacked; n > limit {
			t.Fatalf("%d bytes accepted", n)
		}
		if _, err := vfs.Check(data, vfs.Limits{Unpacked: limit}); err != nil {
			known(t, err)
		}
		if _, err := vfs.Merge([][]byte{data, data}, vfs.Limits{Unpacked: limit}); err != nil {
			known(t, err)
		}
		if !bytes.Equal(before, data) {
			t.Fatal("the archive was changed")
		}
	})
}
