package sandbox

import "bytes"

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

// delta is what a memory has that its image hasn't: whole pages, in ascending order.
type delta struct {
	pages []int32
	data  []byte // the pages' contents
}

// deltaLimit is the number of pages up to which a snapshot is kept as a delta. Binding one copies its pages, binding an image
// of its own doesn't, but then every page has to be kept, and faulted in by every instance.
const deltaLimit = 1024

// diff compares memory with an image where it may differ. It is nil if there are more than deltaLimit differing pages.
func diff(mem, view []byte, where [][2]int) *delta {
	d := &delta{}
	for _, r := range where {
		for o := r[0]; o < min(r[1], len(mem)); o += hostPage {
			old := zeroPage[:]
			if o < len(view) {
				old = view[o : o+hostPage]
			}
			if bytes.Equal(mem[o:o+hostPage], old) {
				continue
			}
			if len(d.pages) == deltaLimit {
				return nil
			}
			d.pages = append(d.pages, int32(o/hostPage))
			d.data = append(d.data, mem[o:o+hostPage]...)
		}
	}
	d.data = bytes.Clone(d.data) // without the room that append left
	return d
}
