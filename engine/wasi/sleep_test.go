package wasi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/thawrun/thaw/engine/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long is a sleep that no test waits out.
const long = 24 * time.Hour

func TestWhatEndsASleep(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	for name, p := range map[string]*Process{
		"deadline":       {Deadline: time.Now().Add(time.Millisecond)},
		"soft interrupt": {Wake: time.Now().Add(time.Millisecond), Deadline: time.Now().Add(long)},
		"past deadline":  {Deadline: time.Now().Add(-time.Hour)},
		"done":           {Done: closed},
		"stop":           {Stop: closed},
	} {
		t.Run(name, func(t *testing.T) {
			checked := 0
			p.Check = func() { checked++ }
			p.Sleep(long)
			if checked != 1 {
				t.Errorf("Check was called %d times", checked)
			}
		})
	}
}

// Another goroutine ends a sleeper at once, and the panic of Check is what the sandbox gets.
func TestSleeperIsKilled(t *testing.T) {
	killed := errors.New("killed")
	stop, asleep := make(chan struct{}), make(chan struct{})
	resumed := false
	p := &Process{
		Stop:     stop,
		Check:    func() { panic(killed) },
		Blocking: func() func() { close(asleep); return func() { resumed = true } },
	}
	go func() { <-asleep; close(stop) }()
	defer func() {
		if r := recover(); r != killed || !resumed {
			t.Errorf("recovered %v, resumed %t", r, resumed)
		}
	}()
	p.Sleep(long)
}

// callOf makes a host call by hand: memory of n bytes, and arguments.
func callOf(p *Process, n int, args ...uint64) *call {
	return &call{p: p, mem: make([]byte, n), args: args}
}

func (c *call) iovec(at, ptr, n uint32) {
	binary.LittleEndian.PutUint32(c.mem[at:], ptr)
	binary.LittleEndian.PutUint32(c.mem[at+4:], n)
}

// Calls that move much look at the deadline on the way, and can be ended there.
func TestLongCallsCanBeEnded(t *testing.T) {
	expired := errors.New("expired")
	fs := vfs.New(vfs.Mounts{})
	random, _ := fs.OpenAt(3, []byte("dev/urandom"), true, 0, 0, true, false)
	file, _ := fs.OpenAt(3, []byte("tmp/f"), true, vfs.Create, 0, true, true)
	const size = 3 * piece
	for name, test := range map[string]struct {
		run  func(*call) vfs.Errno
		args []uint64
	}{
		"random_get":      {randomGet, []uint64{0, size}},
		"fd_read, random": {fdRead, []uint64{uint64(random), 0, 1, 8}},
		"fd_write":        {fdWrite, []uint64{uint64(file), 0, 1, 8}},
		"fd_write, log":   {fdWrite, []uint64{1, 0, 1, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			c := callOf(&Process{FS: fs, Check: func() { panic(expired) }}, size, test.args...)
			c.iovec(0, 16, size-16)
			defer func() {
				if r := recover(); r != expired {
					t.Errorf("recovered %v", r)
				}
			}()
			test.run(c)
			t.Error("the call was not ended")
		})
	}
}

// What libc writes in two buffers is one write to the log; only large ones are passed on in parts, in order.
func TestStreamsAreGathered(t *testing.T) {
	var parts [][]byte
	p := &Process{FS: vfs.New(vfs.Mounts{}), Stdio: func(_ int, b []byte) { parts = append(parts, bytes.Clone(b)) }}
	for _, test := range []struct{ first, second, parts int }{{3, 4, 1}, {maxGather, 1, 2}, {1, maxGather + 1, 2}, {0, 5, 1}, {0, 0, 0}} {
		parts = nil
		c := callOf(p, 4*maxGather, 1, 0, 2, 24)
		c.iovec(0, 32, uint32(test.first))
		c.iovec(8, uint32(32+test.first), uint32(test.second))
		for i := range test.first + test.second {
			c.mem[32+i] = byte(i)
		}
		want := bytes.Clone(c.mem[32:][:test.first+test.second])
		if e := fdWrite(c); e != vfs.OK || binary.LittleEndian.Uint32(c.mem[24:]) != uint32(len(want)) {
			t.Fatalf("%+v: errno %d", test, e)
		}
		if len(parts) != test.parts || !bytes.Equal(bytes.Join(parts, nil), want) {
			t.Errorf("%+v: %d parts", test, len(parts))
		}
	}
}

func TestHotCallsDoNotAllocate(t *testing.T) {
	fs := vfs.New(vfs.Mounts{})
	file, _ := fs.OpenAt(3, []byte("tmp/f"), true, vfs.Create, 0, true, true)
	c := callOf(&Process{FS: fs, Stdio: func(int, []byte) {}}, 4096)
	c.iovec(0, 64, 100)
	copy(c.mem[512:], "var/task/none.py")
	write, stat, now := []uint64{1, 0, 1, 8}, []uint64{3, 1, 512, 16, 1024}, []uint64{1, 0, 8}
	store, load := []uint64{uint64(file), 0, 1, 0, 8}, []uint64{uint64(file), 0, 1, 0, 8}
	if n := testing.AllocsPerRun(100, func() {
		c.args = write
		fdWrite(c)
		c.args = stat
		pathFilestatGet(c)
		c.args = now
		clockTimeGet(c)
		store[3], load[3] = 0, 0
		c.args = store
		fdPwrite(c)
		c.args = load
		fdPread(c)
	}); n != 0 {
		t.Errorf("%f allocations", n)
	}
}

// Clock 1 must be later in a later process, whose snapshots it may outlive, as far as the wall clock is.
func TestMonotonicClockFollowsTheWallClock(t *testing.T) {
	a := Now()
	wall := time.Now().UnixNano() - time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	b := Now()
	if a <= 0 || b < a {
		t.Errorf("%d, then %d", a, b)
	}
	if d := time.Duration(wall - a); d.Abs() > time.Hour {
		t.Errorf("off the wall clock by %v", d)
	}
}

// libc derives a descriptor's access mode (F_GETFL) from its rights, and isatty from those to seek.
func TestRightsTellTheAccessMode(t *testing.T) {
	fs := vfs.New(vfs.Mounts{})
	for _, mode := range []struct{ read, write bool }{{true, false}, {false, true}, {true, true}} {
		fd, e := fs.OpenAt(3, []byte("tmp/f"), true, vfs.Create, vfs.Append, mode.read, mode.write)
		if e != vfs.OK {
			t.Fatalf("errno %d", e)
		}
		c := callOf(&Process{FS: fs}, 64, uint64(fd), 0)
		if e := fdFdstatGet(c); e != vfs.OK {
			t.Fatalf("errno %d", e)
		}
		rights := binary.LittleEndian.Uint64(c.mem[8:])
		if rights&(rightRead|rightReaddir) != 0 != mode.read || rights&rightWrite != 0 != mode.write || c.mem[2] != vfs.Append {
			t.Errorf("%+v: rights %b, flags %d", mode, rights, c.mem[2])
		}
	}
	c := callOf(&Process{FS: fs}, 64, 1, 0)
	if fdFdstatGet(c); binary.LittleEndian.Uint64(c.mem[8:])&(rightSeek|rightTell) == 0 {
		t.Error("stdout passes for a terminal")
	}
}
