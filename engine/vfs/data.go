package vfs

// chunkSize is the unit in which files of /tmp are stored.
const chunkSize = 64 << 10

// chunkHeader is what the list of chunks costs for each, in bytes.
const chunkHeader = 24

// data is the contents of a file of /tmp, in chunks, so that growing does not copy, shrinking gives memory back, and a hole
// costs nothing.
type data struct {
	size   int64
	chunks [][]byte // nil or short: zeros follow
}

// room accounts for memory: it grants or refuses delta bytes more (negative: less).
type room interface{ charge(delta int64) bool }

// held is the memory that the contents take, as charged.
func (d *data) held() int64 {
	n := int64(cap(d.chunks)) * chunkHeader
	for _, c := range d.chunks {
		n += int64(len(c))
	}
	return n
}

func (d *data) readAt(dst []byte, off int64) int {
	if off >= d.size {
		return 0
	}
	dst = dst[:min(int64(len(dst)), d.size-off)]
	for done := 0; done < len(dst); {
		i, at := int((off+int64(done))/chunkSize), int((off+int64(done))%chunkSize)
		part := dst[done:min(len(dst), done+chunkSize-at)]
		n := 0
		if i < len(d.chunks) && at < len(d.chunks[i]) {
			n = copy(part, d.chunks[i][at:])
		}
		clear(part[n:])
		done += len(part)
	}
	return len(dst)
}

// writeAt writes as much as there is room for.
func (d *data) writeAt(src []byte, off int64, r room) int {
	done := 0
	for done < len(src) {
		i, at := int((off+int64(done))/chunkSize), int((off+int64(done))%chunkSize)
		part := src[done:min(len(src), done+chunkSize-at)]
		if !d.reserve(i, at+len(part), r) {
			break
		}
		done += copy(d.chunks[i][at:], part)
	}
	if done > 0 {
		d.size = max(d.size, off+int64(done))
	}
	return done
}

// reserve makes chunk i hold n bytes.
func (d *data) reserve(i, n int, r room) bool {
	if i >= len(d.chunks) {
		if i >= cap(d.chunks) {
			c := max(i+1, min(2*cap(d.chunks), cap(d.chunks)+1024))
			if !r.charge(int64(c-cap(d.chunks)) * chunkHeader) {
				return false
			}
			grown := make([][]byte, len(d.chunks), c)
			copy(grown, d.chunks)
			d.chunks = grown
		}
		d.chunks = d.chunks[:i+1]
	}
	old := d.chunks[i]
	if n <= len(old) {
		return true
	}
	size := 256
	for size < n {
		size *= 2
	}
	if !r.charge(int64(size - len(old))) {
		return false
	}
	grown := make([]byte, size)
	copy(grown, old)
	d.chunks[i] = grown
	return true
}

// resize changes the length. Growing leaves a hole.
func (d *data) resize(size int64, r room) {
	if size < d.size {
		keep := int((size + chunkSize - 1) / chunkSize)
		if size == 0 {
			r.charge(-d.held())
			d.chunks = nil
		} else if keep <= len(d.chunks) {
			for i := keep; i < len(d.chunks); i++ {
				r.charge(-int64(len(d.chunks[i])))
				d.chunks[i] = nil
			}
			d.chunks = d.chunks[:keep]
			if at := int(size - int64(keep-1)*chunkSize); at < len(d.chunks[keep-1]) {
				clear(d.chunks[keep-1][at:])
			}
		}
	}
	d.size = size
}
