package sandbox

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// numbers lists the pages.
func (d *delta) numbers() string {
	var pages []int32
	for _, p := range d.pages {
		pages = append(pages, p.page)
	}
	return fmt.Sprint(pages)
}

// A page is found to be written by value only where it was written: the delta of an instance that did nothing is empty.
func TestDiff(t *testing.T) {
	view := make([]byte, 4*hostPage)
	binary.LittleEndian.PutUint32(view[hostPage:], 7)
	mem := append(bytes.Clone(view), make([]byte, 2*hostPage)...)
	all := [][2]int{{0, len(mem)}}
	if d := diff(mem, view, all); len(d.pages) != 0 {
		t.Errorf("equal memory: %v", d.pages)
	}
	mem[2*hostPage+5], mem[5*hostPage] = 1, 2
	mem[hostPage] = 0
	if d := diff(mem, view, all); d.numbers() != "[1 2 5]" || len(d.data) != 3*lineSize {
		t.Errorf("got %s, %d bytes", d.numbers(), len(d.data))
	}
	if d := diff(mem, view, [][2]int{{2 * hostPage, 3 * hostPage}}); d.numbers() != "[2]" {
		t.Errorf("of a part: %v", d.numbers())
	}
}

// Whatever differs, image and delta together are the memory, page by page as well as in one go.
func TestDeltaIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const pages = 6
		view := make([]byte, rapid.IntRange(0, pages).Draw(t, "image")*hostPage)
		for i := range view {
			view[i] = byte(i)
		}
		mem := make([]byte, pages*hostPage)
		copy(mem, view)
		for range rapid.IntRange(0, 30).Draw(t, "writes") {
			from := rapid.IntRange(0, len(mem)-1).Draw(t, "from")
			for i := range rapid.SampledFrom([]int{1, 3, 64, 200, 4096, 9000}).Draw(t, "length") {
				if from+i < len(mem) {
					mem[from+i] ^= 0xFF
				}
			}
		}
		d := diff(mem, view, [][2]int{{0, len(mem)}})
		image := func() []byte {
			b := make([]byte, len(mem))
			copy(b, view)
			return b
		}
		whole := image()
		d.apply(whole)
		single := image()
		for i, p := range d.pages {
			d.applyPage(i, single[int(p.page)*hostPage:(int(p.page)+1)*hostPage])
		}
		if !bytes.Equal(whole, mem) || !bytes.Equal(single, mem) {
			t.Error("not the memory that it was made of")
		}
		if d.size() > len(mem)+16*pages {
			t.Errorf("%d bytes for %d pages", d.size(), len(d.pages))
		}
	})
}
