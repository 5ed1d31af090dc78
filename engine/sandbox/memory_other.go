//go:build !linux

package sandbox

import "bytes"

// image is the content of a snapshot, in the Go heap: the portable form.
type image struct {
	fd   int
	view []byte
	runs [][2]int
	used int
}

func newImage(mem []byte, _ bool) (*image, error) {
	im := &image{fd: -1, view: bytes.Clone(mem)}
	im.runs, im.used = nonZero(mem)
	return im, nil
}

func (im *image) close() { im.view = nil }

// memory is the portable linear memory: it grows in the Go heap and is reset by copying.
type memory struct {
	mem   []byte
	limit int
	img   *image
	delta *delta
	clean bool // equal to img, without delta: no guest ran

	tracked bool // of no use here
}

func (m *memory) reserve(n int, _ bool) error { m.limit = n; return nil }
func (m *memory) reserved() int               { return m.limit }
func (m *memory) ensure(n int) bool {
	if n > len(m.mem) {
		m.mem = append(m.mem, make([]byte, n-len(m.mem))...)
	}
	return true
}
func (m *memory) bytes(n int) []byte { return m.mem[:n:n] }

func (m *memory) bind(im *image, d *delta, _ int, _ *scanner) error {
	if m.clean && m.img == im && d == nil {
		return nil
	}
	m.img, m.delta, m.clean = im, d, d == nil
	m.ensure(len(im.view))
	clear(m.mem[copy(m.mem, im.view):])
	if d != nil {
		if n := len(d.pages); n > 0 {
			m.ensure((int(d.pages[n-1].page) + 1) * hostPage)
		}
		d.apply(m.mem)
	}
	return nil
}

func (m *memory) reset(_ int, scan *scanner) error { return m.bind(m.img, m.delta, 0, scan) }

func (m *memory) unbind(int) error {
	m.img, m.delta, m.clean = nil, nil, false
	clear(m.mem)
	return nil
}

func (m *memory) compact(int, *scanner) error { return nil }

func (m *memory) written(used int, _ *scanner) [][2]int { return [][2]int{{0, used}} }

func (m *memory) private(int, *scanner) int64 { return int64(len(m.mem)) }
func (m *memory) unmap()                      { m.mem = nil }

type scanner struct{}

func newScanner() *scanner { return &scanner{} }
func (*scanner) close()    {}

// threadFaults is not known.
func threadFaults() uint64 { return 0 }

func (*scanner) works() bool { return false }
func (*scanner) disable()    {}
