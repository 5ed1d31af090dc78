package sandbox

import (
	"bytes"
	"math/bits"
	"slices"
)

var zeroPage [hostPage]byte

// nonZero lists the runs of pages that aren't zero, as byte offsets, and their size.
func nonZero(mem []byte) (runs [][2]int, used int) {
	for o := 0; o < len(mem); o += hostPage {
		if bytes.Equal(mem[o:o+hostPage], zeroPage[:]) {
			continue
		}
		used += hostPage
		runs = appendRun(runs, o, o+hostPage)
	}
	return runs, used
}

// appendRun adds a run behind the last, or makes the last longer.
func appendRun(runs [][2]int, from, to int) [][2]int {
	if k := len(runs); k > 0 && runs[k-1][1] == from {
		runs[k-1][1] = to
		return runs
	}
	return append(runs, [2]int{from, to})
}

// lineSize is the unit in which a delta keeps what differs, bytes: a page has 64 lines. Most of a page that a function wrote
// is as it was (a reference count here, a pointer there), so lines take a tenth of what pages would.
const lineSize = hostPage / 64

// delta is what a memory has that its image hasn't.
type delta struct {
	pages []deltaPage // in ascending order
	data  []byte      // the lines one after the other
}

type deltaPage struct {
	lines uint64 // bit k: line k differs
	page  int32
	at    int32 // index of the first line in data
}

// deltaLimit is the number of pages up to which a snapshot is kept as a delta. Binding one copies to its pages, binding an
// image of its own doesn't, but then every page has to be kept, and faulted in by every instance.
const deltaLimit = 1024

// diff compares memory with an image where it may differ. It is nil if there are more than deltaLimit differing pages.
func diff(mem, view []byte, where [][2]int) *delta {
	d := &delta{}
	for _, r := range where {
		for o := r[0]; o < min(r[1], len(mem)); o += hostPage {
			now, old := mem[o:o+hostPage], zeroPage[:]
			if o < len(view) {
				old = view[o : o+hostPage]
			}
			if bytes.Equal(now, old) {
				continue
			}
			if len(d.pages) == deltaLimit {
				return nil
			}
			p := deltaPage{page: int32(o / hostPage), at: int32(len(d.data) / lineSize)}
			for k := range hostPage / lineSize {
				if line := now[k*lineSize : (k+1)*lineSize]; !bytes.Equal(line, old[k*lineSize:(k+1)*lineSize]) {
					p.lines |= 1 << k
					d.data = append(d.data, line...)
				}
			}
			d.pages = append(d.pages, p)
		}
	}
	d.data, d.pages = bytes.Clone(d.data), slices.Clone(d.pages) // without the room that append left
	return d
}

// apply writes the lines of all pages into a memory that is equal to the image.
func (d *delta) apply(mem []byte) {
	for i := range d.pages {
		d.applyPage(i, mem[int(d.pages[i].page)*hostPage:])
	}
}

// applyPage writes the lines of the i-th page into a page that is equal to the image's.
func (d *delta) applyPage(i int, page []byte) {
	p := &d.pages[i]
	from := int(p.at) * lineSize
	for lines := p.lines; lines != 0; {
		k := bits.TrailingZeros64(lines)
		n := bits.TrailingZeros64(^(lines >> k)) // lines in a row
		copy(page[k*lineSize:(k+n)*lineSize], d.data[from:])
		from += n * lineSize
		if k+n == 64 {
			return
		}
		lines &^= 1<<(k+n) - 1
	}
}

// size is what the delta occupies, bytes.
func (d *delta) size() int { return len(d.data) + 16*len(d.pages) }
