//go:build linux

package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// image is the content of a snapshot, in a sealed memory file that instances map copy-on-write, or (portable) in the Go
// heap.
type image struct {
	fd   int // -1 = portable
	view []byte
	runs [][2]int // of pages that aren't zero, byte offsets
	used int      // bytes in runs

	// hot is what the first instance had written that was taken back to the bare image: the pages that tenants write first.
	hot atomic.Pointer[[][2]int]
}

// newImage copies memory into an image. Zero pages stay holes.
func newImage(mem []byte, portable bool) (*image, error) {
	im := &image{fd: -1}
	im.runs, im.used = nonZero(mem)
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
	img      *image // what the range was made equal to, apart from delta and what was written since; nil = zero
	delta    *delta // on top of img; may be nil
	mapped   int    // bytes mapped from img
	clean    bool   // equal to img, without delta, and zero behind it: no guest ran
	portable bool

	// tracked: the written pages are those of own. A page becomes private by a fault of the thread that writes it first, or by
	// what this file does; nothing else adds one, for huge pages are off.
	tracked bool
	own     [][2]int
}

const mapFlags = unix.MAP_PRIVATE | unix.MAP_NORESERVE

func (m *memory) reserve(n int, portable bool) error {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, mapFlags|unix.MAP_ANON)
	if err != nil {
		return fmt.Errorf("reserve %d bytes: %w", n, err)
	}
	m.mem, m.portable = b, portable
	m.smallPages(b)
	return nil
}

// smallPages keeps huge pages off: the kernel would make pages private that nobody wrote. Kernels without huge pages refuse.
func (m *memory) smallPages(part []byte) { _ = unix.Madvise(part, unix.MADV_NOHUGEPAGE) }

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
	m.smallPages(m.mem[:n])
	return nil
}

// dropPages gives a part of the range back: it reads as it was mapped, the image or zero.
func (m *memory) dropPages(from, to int) error {
	if from >= to {
		return nil
	}
	m.tracked = false
	if err := unix.Madvise(m.mem[from:to], unix.MADV_DONTNEED); err != nil {
		return fmt.Errorf("drop pages: %w", err)
	}
	return nil
}

// bind makes the range equal to an image with a delta (may be nil) on top, zero behind it. used is the part written since
// the last bind.
func (m *memory) bind(im *image, d *delta, used int, scan *scanner) error {
	m.tracked = false
	if err := m.base(im, used, scan); err != nil {
		return err
	}
	if d != nil {
		m.clean, m.delta, m.tracked = false, d, false
		m.applyDelta()
	}
	return nil
}

// base makes the range equal to an image.
func (m *memory) base(im *image, used int, scan *scanner) error {
	if m.img == im {
		if m.clean {
			return nil
		}
		m.delta = nil
		return m.recycle(max(used, len(im.view)), scan)
	}
	m.clean, m.delta, m.img = false, nil, nil
	if m.mapped > len(im.view) || im.fd < 0 && m.mapped > 0 {
		if err := m.remap(m.mapped, unix.MAP_ANON, -1); err != nil {
			return err
		}
		m.mapped = 0
	}
	if err := m.dropPages(m.mapped, used); err != nil {
		return err
	}
	if im.fd >= 0 {
		if err := m.remap(len(im.view), 0, im.fd); err != nil {
			return err
		}
		m.mapped = len(im.view)
	} else {
		m.copyRuns(im)
	}
	m.img, m.clean = im, true
	return nil
}

// recycle takes the range back to the bare image for another tenant. At most copyLimit pages stay resident.
func (m *memory) recycle(used int, scan *scanner) error {
	im := m.img
	if im.fd < 0 || m.portable || !scan.works() {
		return m.reset(used, scan)
	}
	hot := im.hot.Load()
	if hot == nil {
		if now := m.written(used, scan); size(now) <= copyLimit*hostPage {
			im.hot.CompareAndSwap(nil, &now)
		}
	} else if m.copyBack(scan, used) {
		m.clean = true
		return nil
	} else { // too many
		from := 0
		for _, r := range *hot {
			if r[0] >= used {
				break
			}
			if err := m.dropPages(from, r[0]); err != nil {
				return err
			}
			from = r[1]
		}
		if err := m.dropPages(from, used); err != nil {
			return err
		}
	}
	return m.reset(used, scan)
}

// size is the number of bytes in runs.
func size(runs [][2]int) (n int) {
	for _, r := range runs {
		n += r[1] - r[0]
	}
	return n
}

func (m *memory) copyRuns(im *image) {
	for _, r := range im.runs {
		copy(m.mem[r[0]:r[1]], im.view[r[0]:r[1]])
	}
}

func (m *memory) applyDelta() {
	if m.delta != nil {
		m.delta.apply(m.mem)
	}
}

// reset takes the range back to the bound image and delta. used is the part written since the last bind or reset.
func (m *memory) reset(used int, scan *scanner) error {
	if m.clean {
		return nil
	}
	used = max(used, len(m.img.view))
	if m.img.fd >= 0 && !m.portable && m.copyBack(scan, used) {
		m.clean = m.delta == nil
		return nil
	}
	if err := m.dropPages(0, used); err != nil {
		return err
	}
	if m.img.fd < 0 {
		m.copyRuns(m.img)
	}
	m.applyDelta()
	m.clean = m.delta == nil
	return nil
}

// copyBack copies image and delta over the written pages, if they can be found and are not too many.
func (m *memory) copyBack(scan *scanner, used int) bool {
	if !m.tracked {
		own, ok := m.find(scan, used, m.own[:0])
		if !ok || size(own) > copyLimit*hostPage {
			return false
		}
		m.own, m.tracked = own, scan.counts
	}
	var over []deltaPage // pages of the delta that are still to come
	if m.delta != nil {
		over = m.delta.pages
	}
	at := 0 // index of over[0] in the delta
	for _, r := range m.own {
		from, to := r[0], r[1]
		for from < to {
			for len(over) > 0 && int(over[0].page)*hostPage < from {
				over, at = over[1:], at+1
			}
			part, differs := to, false
			if len(over) > 0 {
				if next := int(over[0].page) * hostPage; next == from {
					part, differs = from+hostPage, true
				} else {
					part = min(part, next)
				}
			}
			copied := 0
			if from < len(m.img.view) {
				copied = copy(m.mem[from:part], m.img.view[from:])
			}
			clear(m.mem[from+copied : part])
			if differs {
				m.delta.applyPage(at, m.mem[from:part])
			}
			from = part
		}
	}
	return true
}

// unbind gives all private pages back.
func (m *memory) unbind(used int) error {
	if m.img == nil {
		return nil
	}
	if err := m.dropPages(0, used); err != nil {
		return err
	}
	m.delta = nil
	if m.clean = m.img.fd >= 0; !m.clean {
		m.img = nil // zero again
	}
	return nil
}

// compact gives back pages that were written and are what they were before, the image's or zero.
func (m *memory) compact(used int, scan *scanner) error {
	if m.img == nil || m.img.fd < 0 {
		return nil
	}
	var same [][2]int
	for _, r := range m.written(used, scan) {
		for o := r[0]; o < r[1]; o += hostPage {
			old := zeroPage[:]
			if o < len(m.img.view) {
				old = m.img.view[o : o+hostPage]
			}
			if bytes.Equal(m.mem[o:o+hostPage], old) {
				same = appendRun(same, o, o+hostPage)
			}
		}
	}
	for _, r := range same {
		if err := m.dropPages(r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

// written lists the parts of the range that may differ from the image.
func (m *memory) written(used int, scan *scanner) [][2]int {
	if m.img == nil || m.img.fd < 0 || m.portable || used == 0 {
		return [][2]int{{0, used}}
	}
	runs, ok := m.find(scan, used, nil)
	if !ok {
		return [][2]int{{0, used}}
	}
	return runs
}

// find appends the private parts of the range to runs.
func (m *memory) find(scan *scanner, used int, runs [][2]int) ([][2]int, bool) {
	buf := scan.regions.Get().(*[maxRegions]region)
	defer scan.regions.Put(buf)
	n, ok := scan.scan(m.mem[:used], buf[:])
	if !ok {
		return runs, false
	}
	base := uint64(uintptr(unsafe.Pointer(&m.mem[0])))
	for _, r := range buf[:n] {
		runs = append(runs, [2]int{int(r.start - base), int(r.end - base)})
	}
	return runs, true
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
