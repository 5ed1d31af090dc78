package engine

import (
	"bytes"
	"math"
	"os"
	"strconv"
)

// availableMemory is the memory that this process may use: the machine's, or less where a cgroup (v2 or v1) says so. Where
// neither can be read it is 2 GiB.
func availableMemory() int64 {
	memory := int64(math.MaxInt64)
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		memory = min(memory, meminfoTotal(b))
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(file); err == nil {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 0 {
				memory = min(memory, n)
			}
		}
	}
	if memory == math.MaxInt64 {
		return 2 << 30
	}
	return memory
}

// meminfoTotal reads MemTotal, which the kernel gives in kB.
func meminfoTotal(b []byte) int64 {
	for line := range bytes.Lines(b) {
		if f := bytes.Fields(line); len(f) >= 2 && string(f[0]) == "MemTotal:" {
			if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
				return n << 10
			}
		}
	}
	return math.MaxInt64
}
