package nodejs

import (
	"testing"

	"github.com/thawrun/thaw/runtimes/artefact/locktest"
)

func locked() locktest.Runtime {
	return locktest.Runtime{
		Lock:    lock,
		Outputs: map[string][]byte{"nodejs/nodejs20.wasm.zst": wasm, "nodejs/nodejs20.zip.zst": files},
		Inputs:  []string{"nodejs/build", "nodejs/guest", "toolchain"},
		Rebuild: "runtimes/nodejs/build/build.sh",
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
	if len(g.Runtimes) != 12 {
		t.Errorf("runtimes %v", g.Runtimes)
	}
	if g.Rehearsal == nil || len(g.Rehearsal.Code) == 0 {
		t.Error("no rehearsal")
	}
}
