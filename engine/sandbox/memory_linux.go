//go:build linux

package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// copyLimit is the number of dirty pages up to which a reset copies them back instead of dropping them: copying keeps them
// resident, so that the next call doesn't fault.
const copyLimit = 1000

// image is the content of a snapshot, in a sealed memory file that instances map copy-on-write, or (portable) in the Go
// heap.
type image struct {
	fd   int // -1 = portable
	view []byte
	runs [][2]int // of pages that aren't zero, byte offsets
	used int      // bytes in runs
}

var zeroPage [hostPage]byte

// newImage copies memory into an image. Zero pages stay holes.
func newImage(mem []byte, portable bool) (*image, error) {
	im := &image{fd: -1}
	for o := 0; o < len(mem); o += hostPage {
		if bytes.Equal(mem[o:o+hostPage], zeroPage[:]) {
			continue
		}
		im.used += hostPage
		if k := len(im.runs); k > 0 && im.runs[k-1][1] == o {
			im.runs[k-1][1] = o + hostPage
		} else {
			im.runs = append(im.runs, [2]int{o, o + hostPage})
		}
	}
	if portable || len(mem) == 0 {
		im.view = bytes.Clone(mem)
		return im, nil
	}
	fd, err := unix.MemfdCreate("thaw-snapshot", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		im.view = bytes.Clone(mem)
		return im, nil
	}
	if err != nil {
		return nil, fmt.Errorf("memory file: %w", err)
	}
	if err := im.fill(fd, mem); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("memory file: %w", err)
	}
	return im, nil
}

func (im *image) fill(fd int, mem []byte) error {
	if err := unix.Ftruncate(fd, int64(len(mem))); err != nil {
		return err
	}
	for _, r := range im.runs {
		for o := r[0]; o < r[1]; {
			n, err := unix.Pwrite(fd, mem[o:r[1]], int64(o))
			if err != nil {
				return err
			}
			o += n
		}
	}
	seals := unix.F_SEAL_WRITE | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return err
	}
	view, err := unix.Mmap(fd, 0, len(mem), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	im.fd, im.view = fd, view
	return nil
}

func (im *image) close() {
	if im.fd >= 0 {
		_ = unix.Munmap(im.view)
		_ = unix.Close(im.fd)
	}
	im.view, im.fd = nil, -1
}

// memory is a reserved range of addresses. What isn't bound is anonymous and zero.
type memory struct {
	mem      []byte
	img      *image
	mapped   int // bytes mapped from img
	portable bool
}

const mapFlags = unix.MAP_PRIVATE | unix.MAP_NORESERVE

func (m *memory) reserve(n int, portable bool) error {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, mapFlags|unix.MAP_ANON)
	if err != nil {
		return fmt.Errorf("reserve %d bytes: %w", n, err)
	}
	m.mem, m.portable = b, portable
	return nil
}

func (m *memory) reserved() int      { return len(m.mem) }
func (m *memory) ensure(int) bool    { return true }
func (m *memory) bytes(n int) []byte { return m.mem[:n:n] }

// remap maps a fixed part of the range anew, dropping its pages.
func (m *memory) remap(n, flags, fd int) error {
	_, _, e := unix.Syscall6(unix.SYS_MMAP, uintptr(unsafe.Pointer(&m.mem[0])), uintptr(n), unix.PROT_READ|unix.PROT_WRITE,
		uintptr(mapFlags|unix.MAP_FIXED|flags), uintptr(fd), 0)
	if e != 0 {
		return fmt.Errorf("map: %w", e)
	}
	return nil
}

// bind makes the range equal to an image, zero behind it. used is the part written since the last bind.
func (m *memory) bind(im *image, used int) error {
	if m.mapped > len(im.view) || im.fd < 0 && m.mapped > 0 {
		if err := m.remap(m.mapped, unix.MAP_ANON, -1); err != nil {
			return err
		}
		m.mapped = 0
	}
	if rest := m.mem[m.mapped:max(used, m.mapped)]; len(rest) > 0 {
		if err := unix.Madvise(rest, unix.MADV_DONTNEED); err != nil {
			return fmt.Errorf("drop pages: %w", err)
		}
	}
	m.img = im
	if im.fd < 0 {
		for _, r := range im.runs {
			copy(m.mem[r[0]:r[1]], im.view[r[0]:r[1]])
		}
		return nil
	}
	if err := m.remap(len(im.view), 0, im.fd); err != nil {
		return err
	}
	m.mapped = len(im.view)
	return nil
}

// reset takes the range back to the bound image. used is the part written since the last bind or reset.
func (m *memory) reset(used int, scan *scanner) error {
	size := len(m.img.view)
	if m.img.fd < 0 {
		if err := unix.Madvise(m.mem[:max(used, size)], unix.MADV_DONTNEED); err != nil {
			return fmt.Errorf("drop pages: %w", err)
		}
		for _, r := range m.img.runs {
			copy(m.mem[r[0]:r[1]], m.img.view[r[0]:r[1]])
		}
		return nil
	}
	if used > size {
		if err := unix.Madvise(m.mem[size:used], unix.MADV_DONTNEED); err != nil {
			return fmt.Errorf("drop pages: %w", err)
		}
	}
	if !m.portable {
		if m.copyBack(scan, size) {
			return nil
		}
	}
	if err := unix.Madvise(m.mem[:size], unix.MADV_DONTNEED); err != nil {
		return fmt.Errorf("drop pages: %w", err)
	}
	return nil
}

// copyBack copies the image over the written pages, if they can be found and are not too many.
func (m *memory) copyBack(scan *scanner, size int) bool {
	buf := scan.regions.Get().(*[maxRegions]region)
	defer scan.regions.Put(buf)
	n, ok := scan.scan(m.mem[:size], buf[:])
	if !ok {
		return false
	}
	pages := 0
	for _, r := range buf[:n] {
		pages += int(r.end-r.start) / hostPage
	}
	if pages > copyLimit {
		return false
	}
	base := uint64(uintptr(unsafe.Pointer(&m.mem[0])))
	for _, r := range buf[:n] {
		copy(m.mem[r.start-base:r.end-base], m.img.view[r.start-base:r.end-base])
	}
	return true
}

// drop gives all private pages back.
func (m *memory) drop(used int) error {
	if used == 0 {
		return nil
	}
	return unix.Madvise(m.mem[:used], unix.MADV_DONTNEED)
}

// private is how many bytes of the range are this instance's own.
func (m *memory) private(used int, scan *scanner) int64 {
	if used == 0 {
		return 0
	}
	if n, ok := scan.count(m.mem[:used]); ok {
		return n
	}
	return int64(used)
}

func (m *memory) unmap() {
	if m.mem != nil {
		_ = unix.Munmap(m.mem)
		m.mem = nil
	}
}

// scanner finds written pages through PAGEMAP_SCAN (Linux 6.7). One per host, used by many goroutines.
type scanner struct {
	file    *os.File // nil = not available
	fd      uintptr
	regions sync.Pool // of *[maxRegions]region
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
		probe[0] = 1
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
	if s.file == nil || len(mem) == 0 {
		return 0, s.file != nil
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
