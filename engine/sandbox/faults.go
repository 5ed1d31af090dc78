package sandbox

import "runtime"

// beginFaults notes where the thread's count of page faults stands.
func (in *Instance) beginFaults() {
	if in.limits.Track {
		runtime.LockOSThread()
		in.pinned = true
	} else if !in.limits.Faults {
		return
	}
	in.faults = threadFaults()
}

// countFaults accounts the page faults since in.faults was read. Where the call isn't pinned to its thread, the goroutine hardly
// ever changes it between two refuels; if it did, the figures of two threads have been compared and the part is left out if it
// shows.
func (in *Instance) countFaults() {
	switch {
	case in.pinned:
		n := threadFaults() - in.faults
		runtime.UnlockOSThread()
		in.pinned = false
		in.slot.tracked = in.slot.tracked && n == 0
		in.usage.Faults += n
	case in.limits.Faults && !in.limits.Track:
		now := threadFaults()
		if now > in.faults && now-in.faults < maxFaults {
			in.usage.Faults += now - in.faults
		}
		in.faults = now
	}
}

// maxFaults is more than a slice can bring about.
const maxFaults = 100_000
