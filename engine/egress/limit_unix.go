//go:build unix

package egress

import (
	"math"
	"syscall"
)

// descriptorLimit is the number of descriptors that the process may have.
func descriptorLimit() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return int(min(uint64(l.Cur), math.MaxInt32))
}
