package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/thawrun/thaw/abi"
	"github.com/thawrun/thaw/engine/internal/testguest"
	"github.com/thawrun/thaw/engine/meter"
	"github.com/thawrun/thaw/engine/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testCap is the memory cap of test instances: 5 MiB, more than the module's own maximum of 4.
const testCap = 5 << 20

// soon is a deadline that only a hanging test meets.
func soon() Limits { return Limits{Deadline: time.Now().Add(time.Minute)} }

func newHost(t testing.TB, cfg HostConfig) *Host {
	t.Helper()
	h, err := NewHost(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func load(t testing.TB, h *Host, m *testguest.Module) (*Program, *Snapshot) {
	t.Helper()
	p, err := h.Load(context.Background(), testguest.Guest(m), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.RuntimeSnapshot(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return p, s
}

// bound makes an instance that is bound to s and has run RESTORE.
func bound(t testing.TB, p *Program, s *Snapshot) *Instance {
	t.Helper()
	in, err := p.NewInstance(testCap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	bind(t, in, s)
	return in
}

func bind(t testing.TB, in *Instance, s *Snapshot) {
	t.Helper()
	if err := in.Bind(s, testCap, vfs.Mounts{TmpCap: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if err := in.Restore([]string{"A", "1"}, soon()); err != nil {
		t.Fatal(err)
	}
}

// everywhere runs a test on each engine and with each way to keep memory.
func everywhere(t *testing.T, f func(t *testing.T, h *Host)) {
	for _, mode := range []struct {
		name   string
		cfg    HostConfig
		noScan bool
	}{
		{"default", HostConfig{}, false},
		{"no page scan", HostConfig{}, true},
		{"portable", HostConfig{Portable: true}, false},
		{"interpreter", HostConfig{Interpreter: true}, false},
	} {
		t.Run(mode.name, func(t *testing.T) {
			h := newHost(t, mode.cfg)
			if mode.noScan {
				h.scan.disable()
			}
			f(t, h)
		})
	}
}

// contents is what a snapshot restores: memory without the zeros at its end, and globals.
func contents(s *Snapshot) []byte {
	b := make([]byte, s.length)
	copy(b, s.image.view)
	if s.delta != nil {
		s.delta.apply(b)
	}
	return b
}

func checkEqual(t testing.TB, in *Instance, s *Snapshot) {
	t.Helper()
	if !bytes.Equal(in.memory(), contents(s)) {
		t.Fatal("memory differs from the snapshot")
	}
	for i, g := range in.globals {
		if g.Get() != s.globals[i] {
			t.Fatalf("global %d is %d, in the snapshot %d", i, g.Get(), s.globals[i])
		}
	}
	// What lies behind the end must be zero, should the guest grow into it.
	in.slot.ensure(testCap)
	if len(bytes.TrimLeft(in.slot.bytes(testCap)[in.slot.length:], "\x00")) > 0 {
		t.Fatal("memory behind the end isn't zero")
	}
}

func TestOperations(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		in := bound(t, p, s)
		if v := invoke(t, in, soon(), testguest.Cmd('r', 200)); v != 42 {
			t.Errorf("_initialize wrote %d", v)
		}
		if v := invoke(t, in, soon(), testguest.Cmd('r', testguest.AddrEnv)); v == 0 {
			t.Error("RESTORE got no environment")
		}
		if _, st, err := in.Load(&abi.Load{Handler: "a.b"}, nil, soon()); err != nil || st != abi.StatusDone {
			t.Errorf("LOAD: %v, %v", st, err)
		}
		for i := range uint32(3) {
			if v := invoke(t, in, soon(), testguest.Cmd('c')); v != (i+1)*1001 {
				t.Errorf("call %d: %d", i, v)
			}
		}
		big := append([]byte("e   "), bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)...)
		payload, _, err := in.Invoke(&abi.Invoke{Event: big, RequestID: "id"}, []byte("kept"), soon())
		if err != nil || !bytes.Equal(payload, append([]byte("kept"), big...)) {
			t.Errorf("echo of 2 MiB: %d bytes, %v", len(payload), err)
		}
		limited := soon()
		limited.MaxPayload = 100
		payload, _, err = in.Invoke(&abi.Invoke{Event: big[:101], RequestID: "id"}, []byte("kept"), limited)
		if err != nil || string(payload) != "kept" || in.Usage().Payload != 101 {
			t.Errorf("too long: %q, %d, %v", payload, in.Usage().Payload, err)
		}
		if err := in.Trim(soon()); err != nil {
			t.Errorf("TRIM, which the guest doesn't know: %v", err)
		}
		if err := in.Reset(); err != nil {
			t.Fatal(err)
		}
		checkEqual(t, in, s)
		if v := invoke(t, in, soon(), testguest.Cmd('c')); v != 1001 {
			t.Errorf("after reset: %d", v)
		}
	})
}

// Invariant 4, first half: whatever an instance did, Reset and Bind make it byte-identical to the snapshot.
func TestResetIsExact(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		rapid.Check(t, func(r *rapid.T) {
			in, err := p.NewInstance(testCap)
			if err != nil {
				r.Fatal(err)
			}
			defer in.Close()
			snapshots := []*Snapshot{s}
			defer func() {
				for _, s := range snapshots[1:] {
					s.Close()
				}
			}()
			limits := func() Limits {
				l := soon()
				l.Track = rapid.IntRange(0, 4).Draw(r, "track") > 0
				return l
			}
			now := s
			if err := in.Bind(s, testCap, vfs.Mounts{}); err != nil {
				r.Fatal(err)
			}
			steps := rapid.SliceOfN(rapid.IntRange(0, 8), 1, 12).Draw(r, "steps")
			for _, step := range steps {
				size := uint32(len(in.memory()))
				switch step {
				case 0, 1:
					at := rapid.Uint32Range(256, size-4).Draw(r, "at")
					invoke(t, in, limits(), testguest.Cmd('w', at, rapid.Uint32().Draw(r, "value")))
				case 2:
					from := rapid.Uint32Range(16, size/4096-2).Draw(r, "page")
					invoke(t, in, limits(), testguest.Cmd('d', rapid.Uint32Range(1, size/4096-from).Draw(r, "pages"), from*4096))
				case 3:
					invoke(t, in, limits(), testguest.Cmd('g', rapid.Uint32Range(0, 40).Draw(r, "grow")))
				case 4:
					invoke(t, in, limits(), testguest.Cmd('c'))
				case 5:
					if err := in.Reset(); err != nil {
						r.Fatal(err)
					}
					checkEqual(t, in, now)
				case 6:
					made, err := in.Snapshot()
					if err != nil {
						r.Fatal(err)
					}
					snapshots = append(snapshots, made)
					checkEqual(t, in, made)
				case 8:
					if err := in.Compact(); err != nil {
						r.Fatal(err)
					}
				case 7:
					now = rapid.SampledFrom(snapshots).Draw(r, "snapshot")
					way := rapid.IntRange(0, 2).Draw(r, "way")
					if way == 1 {
						if err := in.Unbind(); err != nil {
							r.Fatal(err)
						}
					} else if way == 2 {
						if err := in.Park(s); err != nil {
							r.Fatal(err)
						}
						checkEqual(t, in, s)
					}
					if err := in.Bind(now, testCap, vfs.Mounts{}); err != nil {
						r.Fatal(err)
					}
					checkEqual(t, in, now)
				}
			}
			if err := in.Reset(); err != nil {
				r.Fatal(err)
			}
			checkEqual(t, in, now)
		})
	})
}

// Invariant 4, second half.
func TestClonesDoNotShareWrites(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		before := contents(s)
		a, b := bound(t, p, s), bound(t, p, s)
		if bytes.Equal(a.memory()[testguest.AddrRandom:testguest.AddrRandom+8], b.memory()[testguest.AddrRandom:testguest.AddrRandom+8]) {
			t.Error("two clones drew the same random bytes")
		}
		for page := range uint32(30) {
			invoke(t, a, soon(), testguest.Cmd('w', 1<<12+page*4096, 0xA0+page))
		}
		for page := range uint32(30) {
			if v := invoke(t, b, soon(), testguest.Cmd('r', 1<<12+page*4096)); v == 0xA0+page {
				t.Errorf("page %d: the other clone's write", page)
			}
		}
		if !bytes.Equal(before, contents(s)) {
			t.Error("the snapshot changed")
		}
	})
}

func TestFunctionSnapshotIsADelta(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		a := bound(t, p, s)
		if _, _, err := a.Load(&abi.Load{}, nil, soon()); err != nil {
			t.Fatal(err)
		}
		invoke(t, a, soon(), testguest.Cmd('g', 3))
		invoke(t, a, soon(), testguest.Cmd('d', 20, 100_000))
		invoke(t, a, soon(), testguest.Cmd('c'))
		f, err := a.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if f.delta == nil || f.Size() > 30*hostPage {
			t.Errorf("snapshot of %d bytes, delta %v", f.Size(), f.delta != nil)
		}
		checkEqual(t, a, f)
		b := bound(t, p, s)
		invoke(t, b, soon(), testguest.Cmd('d', 20, 40_000))
		bind(t, b, f)
		f.Close() // b keeps it
		if v := invoke(t, b, soon(), testguest.Cmd('r', testguest.AddrLoads)); v != 1 {
			t.Errorf("loaded %d times", v)
		}
		if v := invoke(t, b, soon(), testguest.Cmd('c')); v != 2002 {
			t.Errorf("counter %d", v)
		}
		if err := b.Reset(); err != nil {
			t.Fatal(err)
		}
		checkEqual(t, b, f)
		if err := b.Bind(s, testCap, vfs.Mounts{}); err != nil {
			t.Fatal(err)
		}
		checkEqual(t, b, s)
		if n := f.refs.Load(); n != 0 {
			t.Errorf("%d references left", n)
		}
		if err := b.Bind(f, testCap, vfs.Mounts{}); !errors.Is(err, ErrState) {
			t.Errorf("bind of a closed snapshot: %v", err)
		}
	})
}

// Past deltaLimit a snapshot gets its own image.
func TestLargeFunctionSnapshot(t *testing.T) {
	p, s := load(t, newHost(t, HostConfig{}), testguest.New())
	a := bound(t, p, s)
	invoke(t, a, soon(), testguest.Cmd('g', 70))
	invoke(t, a, soon(), testguest.Cmd('d', deltaLimit+20, 1<<17))
	f, err := a.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.delta != nil {
		t.Errorf("delta of %d pages", len(f.delta.pages))
	}
	b := bound(t, p, s)
	invoke(t, b, soon(), testguest.Cmd('g', 78))
	invoke(t, b, soon(), testguest.Cmd('w', testCap-8, 1)) // behind the end of either image
	if err := b.Bind(f, testCap, vfs.Mounts{}); err != nil {
		t.Fatal(err)
	}
	checkEqual(t, b, f)
	invoke(t, b, soon(), testguest.Cmd('w', 100_000, 1))
	if err := b.Reset(); err != nil {
		t.Fatal(err)
	}
	checkEqual(t, b, f)
	if err := b.Park(s); err != nil {
		t.Fatal(err)
	}
	checkEqual(t, b, s)
}

func TestSnapshotRefused(t *testing.T) {
	p, s := load(t, newHost(t, HostConfig{}), testguest.New())
	in := bound(t, p, s)
	if v := invoke(t, in, soon(), testguest.Cmd('n')); v != 0 {
		t.Fatalf("path_open: errno %d", v)
	}
	if _, err := in.Snapshot(); !errors.Is(err, ErrNotSnapshotable) || !strings.Contains(err.Error(), "descriptors") {
		t.Errorf("with an open file: %v", err)
	}
	if err := in.Reset(); err != nil {
		t.Fatal(err)
	}
	if made, err := in.Snapshot(); err != nil {
		t.Errorf("after reset: %v", err)
	} else {
		made.Close()
	}
}

// Every end of a call has its own error, and leaves an instance that refuses calls until it is reset. Invariant 3.
func TestEndings(t *testing.T) {
	within := func(d time.Duration) Limits { return Limits{Deadline: time.Now().Add(d)} }
	for _, c := range []struct {
		name  string
		event []byte
		limit time.Duration
		want  error
		text  string
	}{
		{"loop", testguest.Cmd('l'), 20 * time.Millisecond, ErrDeadline, ""},
		{"sleep", testguest.Cmd('s', 100_000), 20 * time.Millisecond, ErrDeadline, ""},
		{"sleeps", testguest.Cmd('S', 1), 20 * time.Millisecond, ErrDeadline, ""},
		{"pending", testguest.Cmd('P', 100_000, 1), 20 * time.Millisecond, ErrDeadline, ""},
		{"pending forever", testguest.Cmd('P', 0, 1<<31), 20 * time.Millisecond, ErrDeadline, ""},
		{"pending for nothing", testguest.Cmd('P', 1<<32-1, 1), time.Minute, ErrContract, "waits for nothing"},
		{"recursion", testguest.Cmd('R'), time.Minute, ErrStackOverflow, ""},
		{"grow until refused", testguest.Cmd('o'), time.Minute, ErrOutOfMemory, ""},
		{"trap after a granted growth", testguest.Cmd('O'), time.Minute, nil, "trap: wasm error: unreachable"},
		{"trap", testguest.Cmd('t'), time.Minute, nil, "trap: wasm error: unreachable"},
		{"out of bounds", testguest.Cmd('w', 1<<31), time.Minute, nil, "out of bounds"},
		{"exit", testguest.Cmd('x', 7), time.Minute, nil, "status 7"},
		{"fault", testguest.Cmd('f'), time.Minute, nil, "invoke: guest fault"},
		{"unknown status", testguest.Cmd('k', 0, 99), time.Minute, nil, "invoke: guest fault"},
		{"result behind the end", testguest.Cmd('k', 1<<32-1, 0), time.Minute, ErrContract, "result"},
		{"result at the end", testguest.Cmd('k', 2*wasmPage-2, 0), time.Minute, ErrContract, "result"},
		{"result too long", testguest.Cmd('k', 70_000, 0), time.Minute, ErrContract, "2880154539 bytes"},
		{"wait frame too short", testguest.Cmd('k', 768, 1), time.Minute, ErrContract, "wait"},
		{"wait frame outside", testguest.Cmd('k', 1<<31, 1), time.Minute, ErrContract, "result"},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, h *Host) {
				p, s := load(t, h, testguest.New())
				in := bound(t, p, s)
				invoke(t, in, soon(), testguest.Cmd('c'))
				err := fails(t, in, within(c.limit), c.event)
				if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("got %v, want %v %q", err, c.want, c.text)
				}
				if _, _, err := in.Invoke(&abi.Invoke{Event: testguest.Cmd('c')}, nil, soon()); !errors.Is(err, ErrState) {
					t.Errorf("a call after it: %v", err)
				}
				if _, err := in.Snapshot(); !errors.Is(err, ErrState) {
					t.Errorf("a snapshot after it: %v", err)
				}
				if err := in.Reset(); err != nil {
					t.Fatal(err)
				}
				checkEqual(t, in, s)
				if v := invoke(t, in, soon(), testguest.Cmd('c')); v != 1001 {
					t.Errorf("after reset: %d", v)
				}
			})
		})
	}
}

func TestExitError(t *testing.T) {
	p, s := load(t, newHost(t, HostConfig{}), testguest.New())
	var exit *ExitError
	if err := fails(t, bound(t, p, s), soon(), testguest.Cmd('x', 3)); !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("got %v", err)
	}
	var fault *FaultError
	if err := fails(t, bound(t, p, s), soon(), testguest.Cmd('f')); !errors.As(err, &fault) || fault.Op != "invoke" {
		t.Errorf("got %v", err)
	}
	var trap *TrapError
	if err := fails(t, bound(t, p, s), soon(), testguest.Cmd('t')); !errors.As(err, &trap) {
		t.Errorf("got %v", err)
	}
}

func TestCancelFromAnotherGoroutine(t *testing.T) {
	for _, event := range [][]byte{testguest.Cmd('l'), testguest.Cmd('s', 1<<20), testguest.Cmd('S', 1), testguest.Cmd('P', 1<<20, 1)} {
		for _, stop := range []bool{false, true} {
			everywhere(t, func(t *testing.T, h *Host) {
				p, s := load(t, h, testguest.New())
				in := bound(t, p, s)
				ctx, cancel := context.WithCancel(context.Background())
				l := soon()
				l.Context = ctx
				if stop {
					l.Context, l.Stopped = nil, ctx
				}
				time.AfterFunc(10*time.Millisecond, cancel)
				if err := fails(t, in, l, event); !errors.Is(err, ErrCanceled) {
					t.Errorf("got %v", err)
				}
				if err := in.Reset(); err != nil {
					t.Fatal(err)
				}
				// With a context that has ended the guest doesn't run at all.
				if err := fails(t, in, l, testguest.Cmd('c')); !errors.Is(err, ErrCanceled) {
					t.Errorf("got %v", err)
				}
				checkEqual(t, in, s)
			})
		}
	}
}

func TestSoftInterrupt(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		in := bound(t, p, s)
		l := soon()
		l.Soft = time.Now().Add(10 * time.Millisecond)
		_, status, err := in.Invoke(&abi.Invoke{Event: testguest.Cmd('i'), RequestID: "id"}, nil, l)
		if err != nil || status != abi.StatusError || !in.Usage().Interrupted {
			t.Errorf("status %d, %v, interrupted %v", status, err, in.Usage().Interrupted)
		}
		// A sleep ends early with EINTR.
		l.Soft = time.Now().Add(10 * time.Millisecond)
		begin := time.Now()
		invoke(t, in, l, testguest.Cmd('s', 50_000))
		if d := time.Since(begin); d > 30*time.Second {
			t.Errorf("slept %v", d)
		}
	})
}

func TestMemoryCap(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		in := bound(t, p, s)
		const free = testCap/wasmPage - 2
		if v := invoke(t, in, soon(), testguest.Cmd('g', free+1)); v != 1<<32-1 {
			t.Errorf("growth beyond the cap: %d", v)
		}
		if v := invoke(t, in, soon(), testguest.Cmd('g', free)); v != 2 {
			t.Errorf("growth up to the cap: %d", v)
		}
		if u := in.Usage(); u.PeakMemory != testCap {
			t.Errorf("peak %d, want %d", u.PeakMemory, testCap)
		}
		if v := invoke(t, in, soon(), testguest.Cmd('w', testCap-4, 9)); v != 0 {
			t.Error(v)
		}
		if err := fails(t, in, soon(), make([]byte, 1<<20)); !errors.Is(err, ErrOutOfMemory) {
			t.Errorf("no room for the event: %v", err)
		}
		if err := in.Reset(); err != nil {
			t.Fatal(err)
		}
		checkEqual(t, in, s)
		if v := invoke(t, in, soon(), testguest.Cmd('g', free)); v != 2 {
			t.Errorf("growth after reset: %d", v)
		}
		if v := invoke(t, in, soon(), testguest.Cmd('r', testCap-4)); v != 0 {
			t.Errorf("the last tenant's memory: %d", v)
		}
		if err := in.Bind(s, in.Reservation()+1, vfs.Mounts{}); !errors.Is(err, ErrState) {
			t.Errorf("a cap beyond the reservation: %v", err)
		}
	})
}

// A hostile ALLOC can't have the host write outside memory.
func TestHostileAlloc(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		for _, ptr := range []uint32{1<<32 - 1, 1 << 31, 2*wasmPage - 10, 2 * wasmPage} {
			in := bound(t, p, s)
			invoke(t, in, soon(), testguest.Cmd('w', testguest.AddrAlloc, ptr))
			if err := fails(t, in, soon(), testguest.Cmd('c')); !errors.Is(err, ErrContract) {
				t.Errorf("buffer at %d: %v", ptr, err)
			}
		}
	})
}

func TestPending(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		in := bound(t, p, s)
		if v := invoke(t, in, soon(), testguest.Cmd('P', 1, 3)); v != 7 {
			t.Errorf("answer %d", v)
		}
	})
}

// Invariant 1: initialisation runs under the same limits.
func TestInitialisationIsMetered(t *testing.T) {
	spin := testguest.Assemble(0, "loop br 0 end")
	for name, change := range map[string]func(m *testguest.Module){
		"_initialize": func(m *testguest.Module) { m.Funcs[0].Body = spin },
		"thaw_call":   func(m *testguest.Module) { m.Funcs[1].Body = testguest.Assemble(0, "loop br 0 end i64.const 0") },
	} {
		t.Run(name, func(t *testing.T) {
			m := testguest.New()
			change(m)
			p, err := newHost(t, HostConfig{}).Load(context.Background(), testguest.Guest(m), nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			if _, err := p.RuntimeSnapshot(ctx, nil); !errors.Is(err, ErrCanceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRefusedModules(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m *testguest.Module)
		want   error
	}{
		"start function": {func(m *testguest.Module) { m.Start = 5 }, ErrContract},
		"no entry point": {func(m *testguest.Module) { m.Funcs[1].Export = "other" }, ErrContract},
		"no _initialize": {func(m *testguest.Module) { m.Funcs[0].Export = "_start" }, ErrContract},
		"unknown import": {func(m *testguest.Module) { m.Imports[0].Name = "proc_fork" }, ErrContract},
		"unknown module": {func(m *testguest.Module) { m.Imports[0].Module = "env" }, ErrContract},
		"own refuel": {func(m *testguest.Module) {
			m.Imports[0] = testguest.Import{Module: abi.HostModule, Name: "refuel", Params: "I", Results: "I"}
		}, nil},
		"wrong signature": {func(m *testguest.Module) { m.Imports[0].Params = "ii" }, ErrContract},
		"data behind end": {func(m *testguest.Module) { m.Data[0].At = 2*wasmPage - 4 }, meter.ErrMalformed},
		"entry point type": {func(m *testguest.Module) {
			m.Funcs[1].Params = "ii"
			m.Funcs[1].Body = testguest.Assemble(0, "i64.const 0")
		}, ErrContract},
	} {
		t.Run(name, func(t *testing.T) {
			m := testguest.New()
			c.change(m)
			_, err := newHost(t, HostConfig{}).Load(context.Background(), testguest.Guest(m), nil)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestAccounting(t *testing.T) {
	p, s := load(t, newHost(t, HostConfig{}), testguest.New())
	in := bound(t, p, s)
	fuel := func(event []byte) uint64 { invoke(t, in, soon(), event); return in.Usage().Fuel }
	fuel(testguest.Cmd('c'))
	small, again := fuel(testguest.Cmd('d', 2, 8192)), fuel(testguest.Cmd('d', 2, 8192))
	large := fuel(testguest.Cmd('d', 16, 8192))
	if small == 0 || small != again || large <= small {
		t.Errorf("fuel %d, again %d, more work %d", small, again, large)
	}
	_ = fails(t, in, Limits{Deadline: time.Now().Add(20 * time.Millisecond)}, testguest.Cmd('l'))
	if f := in.Usage().Fuel; f < slice || f%slice > slice/2 && f > 1<<40 {
		t.Errorf("a loop's fuel: %d", f)
	}
	if runtime.GOOS == "linux" {
		in := bound(t, p, s)
		invoke(t, in, soon(), testguest.Cmd('g', 40))
		l := soon()
		l.Faults = true
		invoke(t, in, l, testguest.Cmd('d', 500, 1<<18))
		if n := in.Usage().Faults; n < 400 {
			t.Errorf("%d page faults for 500 new pages", n)
		}
	}
}

func TestWarmInvokeDoesNotAllocate(t *testing.T) {
	p, s := load(t, newHost(t, HostConfig{}), testguest.New())
	in := bound(t, p, s)
	call := &abi.Invoke{Event: testguest.Cmd('c'), RequestID: "id"}
	dst := make([]byte, 0, 64)
	l := soon()
	n := testing.AllocsPerRun(200, func() {
		if _, _, err := in.Invoke(call, dst, l); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Nothing may be left of closed instances and snapshots.
func TestNoMappingsOrDescriptorsLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	count := func() (maps, files int) {
		b, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(b, []byte("thaw-snapshot")), len(fds)
	}
	maps, files := count()
	for _, cfg := range []HostConfig{{}, {Portable: true}} {
		h, err := NewHost(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		p, err := h.Load(context.Background(), testguest.Guest(testguest.New()), nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.RuntimeSnapshot(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		address := addressSpace(t)
		for range 20 {
			in, err := p.NewInstance(testCap)
			if err != nil {
				t.Fatal(err)
			}
			if err := in.Bind(s, testCap, vfs.Mounts{}); err != nil {
				t.Fatal(err)
			}
			invoke(t, in, soon(), testguest.Cmd('g', 70))
			invoke(t, in, soon(), testguest.Cmd('d', 1100, 1<<17))
			f, err := in.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			if err := in.Bind(f, testCap, vfs.Mounts{}); err != nil {
				t.Fatal(err)
			}
			f.Close()
			_ = fails(t, in, soon(), testguest.Cmd('t'))
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if grown := addressSpace(t) - address; grown > 20*reservationUnit/2 {
			t.Errorf("%d MB of address space left behind", grown>>20)
		}
		s.Close()
		if err := h.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if m, f := count(); m != maps || f != files {
		t.Errorf("%d mappings and %d descriptors before, %d and %d after", maps, files, m, f)
	}
}

// addressSpace is the process's size in bytes.
func addressSpace(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages int64
	if _, err := fmt.Sscan(string(b), &pages); err != nil {
		t.Fatal(err)
	}
	return pages * hostPage
}

func TestClosedInstance(t *testing.T) {
	p, s := load(t, newHost(t, HostConfig{}), testguest.New())
	in := bound(t, p, s)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Bind": in.Bind(s, testCap, vfs.Mounts{}), "Reset": in.Reset(), "Unbind": in.Unbind(), "Park": in.Park(s), "Restore": in.Restore(nil, soon()),
	} {
		if !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := in.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	other, _ := load(t, newHost(t, HostConfig{}), testguest.New())
	foreign, err := other.NewInstance(testCap)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	if err := foreign.Bind(s, testCap, vfs.Mounts{}); !errors.Is(err, ErrState) {
		t.Errorf("bind to another program's snapshot: %v", err)
	}
}

// A guest from elsewhere is metered more closely, and behaves the same but for the depth of its calls.
func TestUntrustedGuest(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		m := testguest.New()
		m.Untrusted = true
		p, s := load(t, h, m)
		in := bound(t, p, s)
		const depth = 1000
		if v := invoke(t, in, soon(), testguest.Cmd('a', depth)); v != depth {
			t.Errorf("%d calls deep: %d", depth, v)
		}
		for range 2 {
			if err := fails(t, in, soon(), testguest.Cmd('R')); !errors.Is(err, ErrStackOverflow) {
				t.Errorf("endless recursion: %v", err)
			}
			if err := in.Reset(); err != nil {
				t.Fatal(err)
			}
			checkEqual(t, in, s)
			if v := invoke(t, in, soon(), testguest.Cmd('a', depth)); v != depth {
				t.Errorf("%d calls deep, after an overflow: %d", depth, v)
			}
			if err := fails(t, in, Limits{Deadline: time.Now().Add(10 * time.Millisecond)}, testguest.Cmd('l')); !errors.Is(err, ErrDeadline) {
				t.Errorf("loop: %v", err)
			}
			if err := in.Reset(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A guest may answer before its event loop is empty: the answer is there at once, and what is left runs afterwards.
func TestAnswerBeforeTheLoopIsEmpty(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		in := bound(t, p, s)
		if err := in.Finish(soon()); !errors.Is(err, ErrState) {
			t.Errorf("Finish of nothing: %v", err)
		}
		for _, turns := range []uint32{0, 3} {
			if v := invoke(t, in, soon(), testguest.Cmd('Q', 1, turns)); v != 9 || !in.Usage().Unfinished {
				t.Errorf("answer %d, unfinished %v", v, in.Usage().Unfinished)
			}
			if _, _, err := in.Invoke(&abi.Invoke{Event: testguest.Cmd('c')}, nil, soon()); !errors.Is(err, ErrState) {
				t.Errorf("a call to an unfinished instance: %v", err)
			}
			if err := in.Finish(soon()); err != nil {
				t.Fatal(err)
			}
			if v := invoke(t, in, soon(), testguest.Cmd('r', testguest.AddrTurns)); v != 0 || in.Usage().Unfinished {
				t.Errorf("%d turns left, unfinished %v", v, in.Usage().Unfinished)
			}
			if v := invoke(t, in, soon(), testguest.Cmd('r', testguest.AddrFlags)); v != abi.TurnResponded {
				t.Errorf("flags of the last turn: %d", v)
			}
		}
		invoke(t, in, soon(), testguest.Cmd('Q', 100_000, 1))
		if err := in.Finish(Limits{Deadline: time.Now().Add(10 * time.Millisecond)}); !errors.Is(err, ErrDeadline) {
			t.Errorf("a loop that doesn't end: %v", err)
		}
		if err := in.Reset(); err != nil {
			t.Fatal(err)
		}
		invoke(t, in, soon(), testguest.Cmd('Q', 100_000, 1))
		if err := in.Reset(); err != nil { // instead of Finish
			t.Fatal(err)
		}
		checkEqual(t, in, s)
		if v := invoke(t, in, soon(), testguest.Cmd('c')); v != 1001 {
			t.Errorf("after a reset: %d", v)
		}
	})
}

// A tenant that wrote much doesn't cost the next one the pages that every tenant writes.
func TestParkKeepsHotPages(t *testing.T) {
	h := newHost(t, HostConfig{})
	if !h.scan.works() {
		t.Skip("needs page scans")
	}
	p, s := load(t, h, testguest.New())
	in, err := p.NewInstance(testCap + 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	private := func() int64 { return in.slot.private(testCap+1<<20, h.scan) / hostPage }
	for round, pages := range []uint32{10, copyLimit + 100, 5} {
		if err := in.Bind(s, testCap+1<<20, vfs.Mounts{}); err != nil {
			t.Fatal(err)
		}
		invoke(t, in, soon(), testguest.Cmd('d', 10, 1<<14))
		if pages > 10 {
			invoke(t, in, soon(), testguest.Cmd('g', 76))
			invoke(t, in, soon(), testguest.Cmd('d', pages, 1<<17))
		}
		if err := in.Park(s); err != nil {
			t.Fatal(err)
		}
		if n := private(); n < 10 || n > 20 {
			t.Errorf("round %d: %d private pages", round, n)
		}
		checkEqual(t, in, s)
	}
}

// A program that recursed deeply and went on doesn't keep the machine stack that it needed while it is idle, nor hands it to
// the next one.
func TestDeepStacksAreGivenUp(t *testing.T) {
	const depth, least = 300_000, 4 << 20 // calls; bytes of stack that they take
	p, s := load(t, newHost(t, HostConfig{}), testguest.New())
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for name, giveUp := range map[string]func(*Instance) error{"idle": (*Instance).Compact, "reset": (*Instance).Reset} {
		t.Run(name, func(t *testing.T) {
			in := bound(t, p, s)
			invoke(t, in, soon(), testguest.Cmd('c'))
			before := heap()
			if v := invoke(t, in, soon(), testguest.Cmd('a', depth)); v != depth {
				t.Fatalf("%d calls deep: %d", depth, v)
			}
			if deep := heap(); deep < before+least {
				t.Fatalf("the heap had %d bytes, and has %d after deep recursion", before, deep)
			}
			if err := giveUp(in); err != nil {
				t.Fatal(err)
			}
			if after := heap(); after > before+least/2 {
				t.Errorf("the heap had %d bytes, and has %d after the stack was given up", before, after)
			}
			invoke(t, in, soon(), testguest.Cmd('c'))
		})
	}
}

func TestCompact(t *testing.T) {
	everywhere(t, func(t *testing.T, h *Host) {
		p, s := load(t, h, testguest.New())
		in := bound(t, p, s)
		invoke(t, in, soon(), testguest.Cmd('g', 20))
		for _, at := range []uint32{70_000, 75_000, 100_000, 300_000, 304_096} { // data, zeros and what grew
			was := invoke(t, in, soon(), testguest.Cmd('r', at))
			invoke(t, in, soon(), testguest.Cmd('w', at, was+1))
			invoke(t, in, soon(), testguest.Cmd('w', at, was))
		}
		invoke(t, in, soon(), testguest.Cmd('w', 110_000, 9))
		invoke(t, in, soon(), testguest.Cmd('w', 400_000, 9))
		before, private := bytes.Clone(in.memory()), in.Footprint()
		if err := in.Compact(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(in.memory(), before) {
			t.Error("memory changed")
		}
		if in.slot.img.fd >= 0 && h.scan.works() && private-in.Footprint() < 5*hostPage {
			t.Errorf("%d bytes before, %d after", private, in.Footprint())
		}
		if err := in.Reset(); err != nil {
			t.Fatal(err)
		}
		checkEqual(t, in, s)
	})
}
