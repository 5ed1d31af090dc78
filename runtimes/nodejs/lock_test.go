package nodejs

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
)

type lockFile struct {
	Packages []struct{ Package, SHA256, Licence string }
	Inputs   map[string]string
	Outputs  map[string]struct {
		SHA256             string
		Size               int
		UncompressedSHA256 string `json:"uncompressed_sha256"`
	}
}

func readLock(t *testing.T) lockFile {
	t.Helper()
	var l lockFile
	if err := json.Unmarshal(lock, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// The artefacts are those that the lock file describes.
func TestLockedOutputs(t *testing.T) {
	l := readLock(t)
	for name, b := range map[string][]byte{"nodejs/nodejs20.wasm.zst": wasm, "nodejs/nodejs20.zip.zst": files} {
		out, ok := l.Outputs[name]
		if !ok || out.SHA256 != sum(b) || out.Size != len(b) {
			t.Errorf("%s: %d bytes with hash %s, the lock says %+v", name, len(b), sum(b), out)
		}
		plain, err := decompress(b)
		if err != nil || sum(plain) != out.UncompressedSHA256 {
			t.Errorf("%s unpacked: hash %s, the lock says %s (%v)", name, sum(plain), out.UncompressedSHA256, err)
		}
	}
	for _, p := range l.Packages {
		if len(p.SHA256) != 64 || p.Licence == "" {
			t.Errorf("package %+v is not pinned or has no licence", p)
		}
	}
}

// The sources and scripts are those that the artefacts were built from: whoever changes one runs build/build.sh.
func TestLockedInputs(t *testing.T) {
	l := readLock(t)
	if len(l.Inputs) < 8 {
		t.Fatalf("only %d inputs are locked", len(l.Inputs))
	}
	seen := map[string]bool{}
	for _, folder := range []string{"nodejs/build", "nodejs/guest", "toolchain"} {
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
				t.Errorf("%s differs from what the guest was built from: run runtimes/nodejs/build/build.sh", name)
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

func TestNoPathOfTheBuildMachine(t *testing.T) {
	for name, b := range map[string][]byte{"wasm": wasm, "files": files} {
		plain, err := decompress(b)
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

func TestGuestDescribesItself(t *testing.T) {
	g := Guest()
	if len(g.Digest) != 64 {
		t.Errorf("digest %q", g.Digest)
	}
	if len(g.Runtimes) != 12 {
		t.Errorf("runtimes %v", g.Runtimes)
	}
}
