//go:build linux

package cpu

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is the processor time of the current thread and the thread's id. On a machine that others use as well, wall
// time would count what they take.
func threadTime() (thread int, t time.Duration, ok bool) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		return 0, 0, false
	}
	return unix.Gettid(), time.Duration(ts.Nano()), true
}
