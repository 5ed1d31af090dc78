package sandbox

import (
	"testing"
	"time"

	"github.com/thawrun/thaw/engine/internal/testguest"
)

// Calls that take no page fault let a reset go without a page scan; what writes new pages, or may have, doesn't.
func TestTrackedReset(t *testing.T) {
	h := newHost(t, HostConfig{})
	if !h.scan.works() || !h.scan.counts {
		t.Skip("needs page scans and fault counts by thread")
	}
	p, s := load(t, h, testguest.New())
	in := bound(t, p, s)
	track := soon()
	track.Track = true
	reset := func(tracked bool) {
		t.Helper()
		if in.slot.tracked != tracked {
			t.Errorf("tracked: %v", in.slot.tracked)
		}
		if err := in.Reset(); err != nil {
			t.Fatal(err)
		}
		checkEqual(t, in, s)
	}
	write := func(l Limits, from, pages uint32) {
		t.Helper()
		invoke(t, in, l, testguest.Cmd('d', pages, from*hostPage))
	}
	write(track, 4, 10)
	reset(false)
	// Other faults of the thread may be counted in, which only costs a scan.
	tracked := false
	for range 100 {
		write(track, 4, 10)
		tracked = tracked || in.slot.tracked
		if err := in.Reset(); err != nil {
			t.Fatal(err)
		}
		checkEqual(t, in, s)
	}
	if !tracked {
		t.Error("every reset scanned")
	}
	write(track, 4, 11)
	reset(false)
	write(soon(), 4, 2)
	reset(false)
	invoke(t, in, track, testguest.Cmd('s', 1)) // waits
	write(track, 4, 2)
	write(track, 20, 2)
	reset(false)
	write(track, 4, 2)
	if err := in.Compact(); err != nil {
		t.Fatal(err)
	}
	write(track, 20, 1)
	reset(false)
	_ = fails(t, in, Limits{Track: true, Deadline: time.Now().Add(5 * time.Millisecond)}, testguest.Cmd('l'))
	reset(in.slot.tracked)
	_ = fails(t, in, Limits{Track: true, Deadline: time.Now().Add(5 * time.Millisecond)}, testguest.Cmd('s', 1000))
	reset(in.slot.tracked)
}
