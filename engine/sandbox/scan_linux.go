//go:build linux

package sandbox

import (
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// scanner finds written pages through PAGEMAP_SCAN (Linux 6.7). One per host, used by many goroutines.
type scanner struct {
	file    *os.File // nil = not available
	fd      uintptr
	regions sync.Pool // of *[maxRegions]region
	counts  bool      // the system counts page faults by thread
}

const maxRegions = 1024

type region struct{ start, end, categories uint64 }

// pmScanArg is struct pm_scan_arg of linux/fs.h.
type pmScanArg struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages   uint64
	categoryInverted, categoryMask, categoryAnyOf, returnMask uint64
}

const (
	pagemapScan   = 0xc0606610 // _IOWR('f', 16, struct pm_scan_arg)
	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
	pageIsPfnZero = 1 << 5
)

func newScanner() *scanner {
	s := &scanner{}
	s.regions.New = func() any { return new([maxRegions]region) }
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return s
	}
	s.file, s.fd = f, f.Fd()
	probe, err := unix.Mmap(-1, 0, 2*hostPage, unix.PROT_READ|unix.PROT_WRITE, mapFlags|unix.MAP_ANON)
	if err == nil {
		runtime.LockOSThread()
		before := threadFaults()
		probe[0] = 1
		s.counts = threadFaults() > before
		runtime.UnlockOSThread()
		if n, ok := s.count(probe); !ok || n != hostPage {
			f.Close()
			s.file = nil
		}
		_ = unix.Munmap(probe)
	}
	return s
}

func (s *scanner) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// scan lists the private pages of a range, at most len(found) regions. Swapped pages count: they were written.
func (s *scanner) scan(mem []byte, found []region) (n int, ok bool) {
	if !s.works() || len(mem) == 0 {
		return 0, s.works()
	}
	start := uint64(uintptr(unsafe.Pointer(&mem[0])))
	end := start + uint64(len(mem))
	for start < end {
		if n == len(found) {
			return n, false
		}
		a := pmScanArg{
			size: 96, start: start, end: end, vec: uint64(uintptr(unsafe.Pointer(&found[n]))), vecLen: uint64(len(found) - n),
			categoryInverted: pageIsFile | pageIsPfnZero, categoryMask: pageIsFile | pageIsPfnZero,
			categoryAnyOf: pageIsPresent | pageIsSwapped, returnMask: pageIsPresent,
		}
		r, _, e := unix.Syscall(unix.SYS_IOCTL, s.fd, pagemapScan, uintptr(unsafe.Pointer(&a)))
		if e != 0 {
			return n, false
		}
		n += int(r)
		if a.walkEnd <= start {
			return n, false
		}
		start = a.walkEnd // the kernel stops early when its own buffer is full
	}
	return n, true
}

// count is the number of private bytes of a range.
func (s *scanner) count(mem []byte) (int64, bool) {
	buf := s.regions.Get().(*[maxRegions]region)
	defer s.regions.Put(buf)
	total := int64(0)
	for len(mem) > 0 {
		// In parts, so that the regions of one part always fit.
		part := mem[:min(len(mem), maxRegions*hostPage)]
		n, ok := s.scan(part, buf[:])
		if !ok {
			return 0, false
		}
		for _, r := range buf[:n] {
			total += int64(r.end - r.start)
		}
		mem = mem[len(part):]
	}
	return total, true
}

// threadFaults is the number of page faults of the calling thread so far.
func threadFaults() uint64 {
	var u unix.Rusage
	if _, _, e := unix.RawSyscall(unix.SYS_GETRUSAGE, unix.RUSAGE_THREAD, uintptr(unsafe.Pointer(&u)), 0); e != 0 {
		return 0
	}
	return uint64(u.Minflt) + uint64(u.Majflt)
}

func (s *scanner) works() bool { return s.file != nil }

// disable makes scans fail, as on kernels without them.
func (s *scanner) disable() {
	s.close()
	s.file = nil
}
