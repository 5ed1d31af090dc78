package python

import (
	"testing"

	"github.com/thawrun/thaw/runtimes/artefact/locktest"
)

func locked() locktest.Runtime {
	return locktest.Runtime{
		Lock:    lock,
		Outputs: map[string][]byte{"python/python313.wasm.zst": wasm, "python/python313.zip.zst": files, "python/python313-aws.zip.zst": aws},
		Inputs:  []string{"python/build", "python/guest", "toolchain"},
		Rebuild: "runtimes/python/build/build.sh",
	}
}

func TestLockedOutputs(t *testing.T) { locked().CheckOutputs(t) }

// Whoever changes a source or a script runs build/build.sh.
func TestLockedInputs(t *testing.T) { locked().CheckInputs(t) }

func TestNoPathOfTheBuildMachine(t *testing.T) { locked().CheckPaths(t) }

func TestGuestDescribesItself(t *testing.T) {
	g := Guest()
	if len(g.Digest) != 96 {
		t.Errorf("digest %q", g.Digest)
	}
	if len(g.Runtimes) != 9 {
		t.Errorf("runtimes %v", g.Runtimes)
	}
	if g.Rehearsal == nil || len(g.Rehearsal.Code) == 0 {
		t.Error("no rehearsal")
	}
}
