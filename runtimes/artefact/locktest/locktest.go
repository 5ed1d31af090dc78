// Package locktest checks a runtime's artefacts and sources against its lock file. It is for the tests of the runtimes.
package locktest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/thawrun/thaw/runtimes/artefact"
)

// Runtime is what is checked. Paths are relative to the folder runtimes, as in lock files.
type Runtime struct {
	Lock    []byte
	Outputs map[string][]byte // embedded artefacts
	Inputs  []string          // folders of sources and scripts
	Rebuild string            // the script to run after a change
}

type lockFile struct {
	Packages []struct{ Package, SHA256, Licence string }
	Inputs   map[string]string
	Outputs  map[string]struct {
		SHA256             string
		Size               int
		UncompressedSHA256 string `json:"uncompressed_sha256"`
	}
}

func (r Runtime) lock(t *testing.T) lockFile {
	t.Helper()
	var l lockFile
	if err := json.Unmarshal(r.Lock, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// CheckOutputs fails if the artefacts are not those that the lock file describes, or if a package in it is not pinned.
func (r Runtime) CheckOutputs(t *testing.T) {
	t.Helper()
	l := r.lock(t)
	for name, b := range r.Outputs {
		out, ok := l.Outputs[name]
		if !ok || out.SHA256 != sum(b) || out.Size != len(b) {
			t.Errorf("%s: %d bytes with hash %s, the lock says %+v", name, len(b), sum(b), out)
		}
		plain, err := artefact.Decompress(b)
		if err != nil || sum(plain) != out.UncompressedSHA256 {
			t.Errorf("%s unpacked: hash %s, the lock says %s (%v)", name, sum(plain), out.UncompressedSHA256, err)
		}
	}
	if len(l.Packages) == 0 {
		t.Error("no package is locked")
	}
	for _, p := range l.Packages {
		if len(p.SHA256) != 64 || p.Licence == "" {
			t.Errorf("package %+v is not pinned or has no licence", p)
		}
	}
}

// CheckInputs fails if the sources and scripts are not those that the artefacts were built from. The test runs in the
// runtime's own folder.
func (r Runtime) CheckInputs(t *testing.T) {
	t.Helper()
	l := r.lock(t)
	if len(l.Inputs) < 8 {
		t.Fatalf("only %d inputs are locked", len(l.Inputs))
	}
	seen := map[string]bool{}
	for _, folder := range r.Inputs {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.Contains(path, "__pycache__") {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
			seen[name] = true
			if l.Inputs[name] != sum(b) {
				t.Errorf("%s differs from what the guest was built from: run %s", name, r.Rebuild)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range l.Inputs {
		if !seen[name] {
			t.Errorf("%s is locked but not there", name)
		}
	}
}

// CheckPaths fails if an artefact holds a path of the machine that it was built on.
func (r Runtime) CheckPaths(t *testing.T) {
	t.Helper()
	for name, b := range r.Outputs {
		plain, err := artefact.Decompress(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/root/", "thaw-build"} {
			if i := bytes.Index(plain, []byte(path)); i >= 0 {
				t.Errorf("%s holds %q", name, plain[max(0, i-40):min(len(plain), i+80)])
			}
		}
	}
}
