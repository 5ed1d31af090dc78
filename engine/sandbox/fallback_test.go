package sandbox

import (
	"context"
	"errors"
	"testing"

	"github.com/thawrun/thaw/engine/internal/testguest"
	"github.com/thawrun/thaw/engine/vfs"
)

// Programs that can't be snapshotted boot each instance, and never pretend to bind or reset one.
func TestBoot(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, err := h.Load(context.Background(), testguest.Guest(testguest.WithPassiveData()), nil)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := p.RuntimeSnapshot(context.Background(), nil); s != nil || err != nil || p.Snapshotable() {
			t.Errorf("runtime snapshot %v, %v", s, err)
		}
		for range 2 {
			in, err := p.NewInstance(testCap)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if err := in.Boot(vfs.Mounts{}, soon()); err != nil {
				t.Fatal(err)
			}
			if err := in.Restore([]string{"A", "1"}, soon()); err != nil {
				t.Fatal(err)
			}
			if v := invoke(t, in, soon(), testguest.Cmd('r', 200)); v != 42 {
				t.Errorf("_initialize wrote %d", v)
			}
			if v := invoke(t, in, soon(), testguest.Cmd('r', 70000)); v != 0xABABABAB {
				t.Errorf("active data: %x", v)
			}
			if v := invoke(t, in, soon(), testguest.Cmd('p', 5000)); v != 0x01020304 {
				t.Errorf("passive data: %x", v)
			}
			invoke(t, in, soon(), testguest.Cmd('q'))
			_ = fails(t, in, soon(), testguest.Cmd('p', 5000))
			if err := in.Reset(); !errors.Is(err, ErrState) {
				t.Errorf("Reset: %v", err)
			}
			if err := in.Boot(vfs.Mounts{}, soon()); !errors.Is(err, ErrState) {
				t.Errorf("second Boot: %v", err)
			}
		}
	})
}

func TestAModuleWithoutMemoryIsRefused(t *testing.T) {
	m := testguest.New()
	m.NoMemory, m.Data, m.Globals = true, nil, 0
	m.Funcs = []testguest.Func{m.Funcs[0], m.Funcs[1]}
	m.Funcs[0].Body, m.Funcs[1].Body = testguest.Assemble(0, ""), testguest.Assemble(0, "i64.const 0")
	if _, err := newHost(t, HostConfig{}).Load(context.Background(), testguest.Guest(m), nil); !errors.Is(err, ErrContract) {
		t.Errorf("got %v", err)
	}
}
