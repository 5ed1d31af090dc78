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
	return &image{fd: -1, view: bytes.Clone(mem), runs: [][2]int{{0, len(mem)}}, used: len(mem)}, nil
}

func (im *image) close() { im.view = nil }

// memory is the portable linear memory: it grows in the Go heap and is reset by copying.
type memory struct {
	mem   []byte
	limit int
	img   *image
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

func (m *memory) bind(im *image, used int) error {
	m.img = im
	m.ensure(len(im.view))
	clear(m.mem[copy(m.mem, im.view):])
	return nil
}

func (m *memory) reset(used int, _ *scanner) error { return m.bind(m.img, used) }
func (m *memory) drop(used int) error              { clear(m.mem[:min(used, len(m.mem))]); return nil }
func (m *memory) private(used int, _ *scanner) int64 {
	return int64(len(m.mem))
}
func (m *memory) unmap() { m.mem = nil }

type scanner struct{}

func newScanner() *scanner { return &scanner{} }
func (*scanner) close()    {}
