package compress

import (
	"encoding/binary"
	"hash"
	"hash/adler32"
	"hash/crc32"

	"github.com/klauspost/compress/flate"
)

// Format is a wrapping of DEFLATE.
type Format string

// The formats. Auto decompresses gzip and zlib.
const (
	Zlib Format = "zlib"
	Gzip Format = "gzip"
	Raw  Format = "raw"
	Auto Format = "auto"
)

// queue is output that waits to be taken. It is an io.Writer.
type queue struct {
	b  []byte
	at int
}

func (q *queue) Write(b []byte) (int, error) {
	q.b = append(q.b, b...)
	return len(b), nil
}

func (q *queue) take(out []byte) int {
	n := copy(out, q.b[q.at:])
	if q.at += n; q.at == len(q.b) {
		q.b, q.at = q.b[:0], 0
		if cap(q.b) > 256<<10 {
			q.b = nil
		}
	}
	return n
}

func (q *queue) empty() bool { return q.at == len(q.b) }

// encoder is what Deflater and Brotli have in common.
type encoder struct {
	queue
	write  func([]byte, Charge) error
	flush  func(Charge) error
	finish func(Charge) error
	dirty  bool // input since the last flush
	done   bool // finished
}

func (e *encoder) step(f Flush, in, out []byte, charge Charge) (consumed, produced int, end bool, err error) {
	for !e.done && produced < len(out) {
		if !e.empty() {
			produced += e.take(out[produced:])
			continue
		}
		if consumed < len(in) {
			part := in[consumed:min(len(in), consumed+piece)]
			if err := e.write(part, charge); err != nil {
				return consumed, produced, false, &Error{"Z_STREAM_ERROR", err.Error()}
			}
			consumed += len(part)
			e.dirty = true
			continue
		}
		switch {
		case f == Finish:
			e.done = true
			err = e.finish(charge)
		case f == Sync && e.dirty:
			e.dirty = false
			err = e.flush(charge)
		default:
			return consumed, produced, false, nil
		}
		if err != nil {
			return consumed, produced, false, &Error{"Z_STREAM_ERROR", err.Error()}
		}
	}
	produced += e.take(out[produced:])
	return consumed, produced, e.done && e.empty(), nil
}

// Deflater compresses.
type Deflater struct {
	encoder
	format Format
	level  int
	w      *flate.Writer
	sum    hash.Hash32
	size   uint32
}

// NewDeflater begins a stream at a level from -1 (usual) to 9, or -2 for Huffman codes alone.
func NewDeflater(format Format, level int, dictionary []byte) (*Deflater, error) {
	if level < -2 || level > 9 || format != Zlib && format != Gzip && format != Raw {
		return nil, &Error{"Z_STREAM_ERROR", "stream error"}
	}
	if level == -1 {
		level = 6
	}
	d := &Deflater{format: format, level: level}
	var err error
	if len(dictionary) > 0 {
		d.w, err = flate.NewWriterDict(&d.queue, level, dictionary)
	} else {
		d.w, err = flate.NewWriter(&d.queue, level)
	}
	if err != nil {
		return nil, &Error{"Z_STREAM_ERROR", err.Error()}
	}
	switch format {
	case Zlib:
		d.sum = adler32.New()
		d.header(dictionary)
	case Gzip:
		d.sum = crc32.NewIEEE()
		extra := byte(0)
		if level == 9 {
			extra = 2
		} else if level == 1 {
			extra = 4
		}
		d.b = append(d.b, 0x1F, 0x8B, 8, 0, 0, 0, 0, 0, extra, 3) // 3 = Unix
	}
	d.write, d.flush, d.finish = d.doWrite, d.doFlush, d.doFinish
	return d, nil
}

// header is that of RFC 1950.
func (d *Deflater) header(dictionary []byte) {
	h := uint16(0x7800)
	switch {
	case d.level == 6:
		h |= 2 << 6
	case d.level > 6:
		h |= 3 << 6
	case d.level >= 2:
		h |= 1 << 6
	}
	if len(dictionary) > 0 {
		h |= 1 << 5
	}
	h += 31 - h%31
	d.b = binary.BigEndian.AppendUint16(d.b, h)
	if len(dictionary) > 0 {
		d.b = binary.BigEndian.AppendUint32(d.b, adler32.Checksum(dictionary))
	}
}

// units is the work of compressing a byte.
func (d *Deflater) units() uint64 {
	if d.level >= 7 {
		return 120
	}
	return 40
}

func (d *Deflater) doWrite(b []byte, charge Charge) error {
	charge(uint64(len(b)) * d.units())
	if d.sum != nil {
		_, _ = d.sum.Write(b)
	}
	d.size += uint32(len(b))
	_, err := d.w.Write(b)
	return err
}

func (d *Deflater) doFlush(charge Charge) error {
	charge(20_000)
	return d.w.Flush()
}

func (d *Deflater) doFinish(charge Charge) error {
	charge(20_000)
	if err := d.w.Close(); err != nil {
		return err
	}
	switch d.format {
	case Zlib:
		d.b = binary.BigEndian.AppendUint32(d.b, d.sum.Sum32())
	case Gzip:
		d.b = binary.LittleEndian.AppendUint32(d.b, d.sum.Sum32())
		d.b = binary.LittleEndian.AppendUint32(d.b, d.size)
	}
	return nil
}

// SetLevel changes the level for what follows.
func (d *Deflater) SetLevel(level int, charge Charge) error {
	if level == -1 {
		level = 6
	}
	if d.done || level < -2 || level > 9 {
		return &Error{"Z_STREAM_ERROR", "stream error"}
	}
	if err := d.doFlush(charge); err != nil {
		return &Error{"Z_STREAM_ERROR", err.Error()}
	}
	w, err := flate.NewWriter(&d.queue, level)
	if err != nil {
		return &Error{"Z_STREAM_ERROR", err.Error()}
	}
	d.w, d.level, d.dirty = w, level, false
	return nil
}

// Step implements Stream.
func (d *Deflater) Step(f Flush, in, out []byte, charge Charge) (consumed, produced int, end bool, err error) {
	return d.step(f, in, out, charge)
}

// Held implements Stream: the library's tables are about a megabyte at most.
func (d *Deflater) Held() int {
	if d.level == 0 || d.level == -2 {
		return 160<<10 + cap(d.b)
	}
	if d.level >= 7 {
		return 1100<<10 + cap(d.b)
	}
	return 600<<10 + cap(d.b)
}

// Close implements Stream.
func (d *Deflater) Close() {}
