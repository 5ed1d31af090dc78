package python27

import (
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
