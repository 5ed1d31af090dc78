//go:build !unix

package egress

// descriptorLimit is the number of descriptors that the process may have; this system has no such limit.
func descriptorLimit() int { return 16384 }
