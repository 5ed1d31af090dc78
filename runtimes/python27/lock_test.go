package python27

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/thawrun/thaw/runtimes/artefact/locktest"
)

func locked() locktest.Runtime {
	return locktest.Runtime{
		Lock:    lock,
		Outputs: map[string][]byte{"python27/python27.wasm.zst": wasm, "python27/python27.zip.zst": files},
		Inputs:  []string{"python27/build", "python27/guest", "toolchain"},
		Rebuild: "runtimes/python27/build/build.sh",
	}
}

func TestLockedOutputs(t *testing.T) { locked().CheckOutputs(t) }

// Whoever changes a source or a script runs build/build.sh.
func TestLockedInputs(t *testing.T) { locked().CheckInputs(t) }

// The functions of sockets are the other Python guest's; which of its files, in which state, stands in a list of its own.
func TestLockedSharedInputs(t *testing.T) {
	list, err := os.ReadFile("build/net.sha256")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(list)), "\n")
	if len(lines) < 8 {
		t.Fatalf("%d files", len(lines))
	}
	for _, line := range lines {
		sum, name, _ := strings.Cut(line, "  ")
		b, err := os.ReadFile("../python/guest/net/" + name)
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); err != nil || got != sum {
			t.Errorf("%s has changed (%v): run build/build.sh, which says what to do", name, err)
		}
	}
}

func TestNoPathOfTheBuildMachine(t *testing.T) { locked().CheckPaths(t) }

func TestGuestDescribesItself(t *testing.T) {
	g := Guest()
	if len(g.Digest) != 64 {
		t.Errorf("digest %q", g.Digest)
	}
	if len(g.Runtimes) != 1 {
		t.Errorf("runtimes %v", g.Runtimes)
	}
	if g.Rehearsal == nil || len(g.Rehearsal.Code) == 0 {
		t.Error("no rehearsal")
	}
}
