package artefact

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestDecompress(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	text := []byte(strings.Repeat("artefact ", 1000))
	if got, err := Decompress(enc.EncodeAll(text, nil)); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := Decompress([]byte("no zstd")); err == nil {
		t.Error("what is no zstd is accepted")
	}
}

func TestDigest(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	lock := []byte(`{"outputs": {"x": {"sha256": "` + a + `"}, "y": {"sha256": "` + b + `"}}}`)
	if got := Digest(lock, "y", "x"); got != b[:32]+a[:32] {
		t.Errorf("got %q", got)
	}
	for name, got := range map[string]string{"an output that is missing": Digest(lock, "x", "z"), "no lock": Digest([]byte("?"), "x")} {
		if got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestZip(t *testing.T) {
	b := Zip("app.py", "text")
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(r.File) != 1 || r.File[0].Name != "app.py" {
		t.Fatalf("%v %v", r, err)
	}
	f, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestJoin(t *testing.T) {
	joined, err := Join(Zip("a.py", "one"), Zip("b/c.py", "two"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(joined), int64(len(joined)))
	if err != nil || len(r.File) != 2 || r.File[0].Name != "a.py" || r.File[1].Name != "b/c.py" {
		t.Fatalf("%v %v", r, err)
	}
	f, err := r.File[1].Open()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); err != nil || string(text) != "two" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := Join(joined, []byte("no archive")); err == nil {
		t.Error("what is no archive is accepted")
	}
}
