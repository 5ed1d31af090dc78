package wasi

import (
	"crypto/rand"
	"encoding/binary"
	"runtime"
	"time"

	"github.com/thawrun/thaw/engine/socket"
	"github.com/thawrun/thaw/engine/vfs"
)

// WASI's clocks.
const (
	clockRealtime  = 0
	clockMonotonic = 1
	clockProcess   = 2 // CPU time
	clockThread    = 3
)

// processStart is the origin of clock 1. A constant of the process: all engines in it may share it.
var processStart = time.Now()

// Now is clock 1, in ns: the time since 2025 as the wall clock had it when the process started, from then on counted
// monotonically. So it goes on in snapshots of this process, and also in those that an earlier process left on disk, unless
// the wall clock was set back between the two; and it is small enough that a double keeps its nanoseconds, nearly.
func Now() int64 {
	const epoch = 1_735_689_600 * int64(time.Second) // 2025-01-01
	return max(int64(time.Hour), processStart.UnixNano()-epoch) + int64(time.Since(processStart))
}

func clockResGet(c *call) vfs.Errno {
	if c.u32(0) > clockThread {
		return vfs.EInval
	}
	return c.put64(c.u32(1), 1)
}

func clockTimeGet(c *call) vfs.Errno {
	var t int64
	switch c.u32(0) {
	case clockRealtime:
		t = time.Now().UnixNano()
	case clockMonotonic:
		t = Now()
	case clockProcess, clockThread:
		if c.p.CPUTime != nil {
			t = int64(c.p.CPUTime())
		} else {
			t = int64(time.Since(processStart))
		}
	default:
		return vfs.EInval
	}
	return c.put64(c.u32(2), uint64(t))
}

func randomGet(c *call) vfs.Errno {
	b, e := c.bytes(c.u32(0), uint64(c.u32(1)))
	if e != vfs.OK {
		return e
	}
	for first := true; len(b) > 0; first = false {
		if !first {
			c.check()
		}
		n := min(len(b), randomPiece)
		_, _ = rand.Read(b[:n]) // never fails (package crypto/rand)
		b = b[n:]
	}
	return vfs.OK
}

func schedYield(*call) vfs.Errno {
	runtime.Gosched()
	return vfs.OK
}

// pollOneoff waits for clocks and descriptors. Files and the standard streams are always ready.
func pollOneoff(c *call) vfs.Errno {
	const subSize, eventSize = 48, 32
	n := uint64(c.u32(2))
	if n == 0 || n > maxSubscriptions {
		return vfs.EInval
	}
	subs, e := c.bytes(c.u32(0), n*subSize)
	if e != vfs.OK {
		return e
	}
	events, e := c.bytes(c.u32(1), n*eventSize)
	if e != vfs.OK {
		return e
	}
	// Subscriptions are copied: the events may be written over them, and while a wait lasts nothing of them changes.
	c.p.subs = append(c.p.subs[:0], subs...)
	subs = c.p.subs
	count := uint32(0)
	event := func(sub []byte, e vfs.Errno, left int64, hangup bool) {
		ev := events[count*eventSize:][:eventSize]
		clear(ev)
		copy(ev, sub[:8]) // userdata
		binary.LittleEndian.PutUint16(ev[8:], uint16(e))
		ev[10] = sub[8]
		binary.LittleEndian.PutUint64(ev[16:], uint64(left))
		if hangup {
			ev[24] = 1
		}
		count++
	}
	begin, clock := time.Now(), Now()
	wait, sockets := time.Duration(-1), false
	for i := range n {
		sub := subs[i*subSize:][:subSize]
		switch sub[8] {
		case 0:
			if d := clockWait(sub, begin, clock); d < 0 {
				event(sub, vfs.EInval, 0, false)
			} else if wait < 0 || d < wait {
				wait = d
			}
		case 1, 2:
			fd := int32(binary.LittleEndian.Uint32(sub[16:]))
			if h, _ := c.p.FS.Handle(fd); h != nil {
				sockets = true
				continue
			}
			info, e := c.p.FS.Info(fd)
			event(sub, e, info.Left, false)
		default:
			return vfs.EInval
		}
	}
	ready := func() bool { return count == 0 && pollSockets(c.p, subs, nil) }
	if !sockets {
		ready = nil
	}
	interrupted := false
	if count == 0 && (wait >= 0 || sockets) {
		interrupted = c.p.Wait(wait, ready)
	}
	if sockets {
		pollSockets(c.p, subs, func(sub []byte, r socket.Ready) { event(sub, vfs.OK, int64(r.Bytes), r.Hangup) })
		if count == 0 && wait < 0 && interrupted {
			return vfs.EIntr
		}
	}
	// Woken early by the soft interrupt, the nearest clock is reported all the same. EINTR would be an error of nanosleep in
	// wasi-libc; so the guest goes on at once and finds out why.
	if over := time.Since(begin); wait >= 0 {
		if count == 0 {
			over = max(over, wait)
		}
		for i := range n {
			sub := subs[i*subSize:][:subSize]
			if d := clockWait(sub, begin, clock); sub[8] == 0 && d >= 0 && d <= over {
				event(sub, vfs.OK, 0, false)
			}
		}
	}
	return c.put32(c.u32(3), count)
}

// clockWait is how long a clock subscription waited when poll_oneoff began, negative if it is malformed. Its fields: id u32 at
// 16, timeout u64 at 24, precision u64 at 32, flags u16 at 40 of which 1 = the timeout is a time of the clock.
func clockWait(sub []byte, wall time.Time, clock int64) time.Duration {
	timeout := int64(min(binary.LittleEndian.Uint64(sub[24:]), 1<<62))
	absolute := binary.LittleEndian.Uint16(sub[40:])&1 != 0
	switch id := binary.LittleEndian.Uint32(sub[16:]); {
	case id == clockRealtime && absolute:
		timeout -= wall.UnixNano()
	case id == clockMonotonic && absolute:
		timeout -= clock
	case id > clockThread || absolute: // CPU time does not pass while one waits for it
		return -1
	}
	return time.Duration(max(0, timeout))
}
