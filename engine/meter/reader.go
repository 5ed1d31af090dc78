package meter

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is wrapped by errors about bytes that are no valid module; ErrUnsupported by those about features that the
// contract excludes (abi/README.md section 1).
var (
	ErrMalformed   = errors.New("malformed module")
	ErrUnsupported = errors.New("unsupported feature")
)

// reader decodes a byte slice. The first error sticks: later reads return zeros, so that callers check once.
type reader struct {
	b   []byte
	pos int
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: offset %d: %s", ErrMalformed, r.pos, fmt.Sprintf(format, args...))
		r.pos = len(r.b)
	}
}

func (r *reader) unsupported(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
		r.pos = len(r.b)
	}
}

func (r *reader) more() bool { return r.err == nil && r.pos < len(r.b) }

func (r *reader) byte() byte {
	if r.pos >= len(r.b) {
		r.fail("unexpected end")
		return 0
	}
	c := r.b[r.pos]
	r.pos++
	return c
}

func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.b)-r.pos) {
		r.fail("%d bytes wanted, %d left", n, len(r.b)-r.pos)
		return nil
	}
	b := r.b[r.pos : r.pos+int(n)]
	r.pos += int(n)
	return b
}

func (r *reader) u32() uint32 {
	// The common case first: indices and lengths are short.
	if r.pos < len(r.b) && r.b[r.pos] < 0x80 {
		r.pos++
		return uint32(r.b[r.pos-1])
	}
	v, n := binary.Uvarint(r.b[r.pos:min(len(r.b), r.pos+5)])
	if n <= 0 || v > 0xFFFFFFFF {
		r.fail("bad u32")
		return 0
	}
	r.pos += n
	return uint32(v)
}

// count reads the length of a vector whose elements take at least one byte each, so that it can't promise more than
// there is.
func (r *reader) count() int {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)-r.pos) {
		r.fail("vector of %d elements in %d bytes", n, len(r.b)-r.pos)
		return 0
	}
	return int(n)
}

// signed reads a signed LEB128 of at most maxBytes bytes.
func (r *reader) signed(maxBytes int) int64 {
	var v int64
	var shift uint
	for i := range maxBytes {
		c := r.byte()
		v |= int64(c&0x7F) << shift
		shift += 7
		if c&0x80 == 0 {
			if shift < 64 && c&0x40 != 0 {
				v |= -1 << shift
			}
			return v
		}
		if i == maxBytes-1 {
			r.fail("integer too long")
		}
	}
	return 0
}

func (r *reader) i32() int64 { return r.signed(5) }
func (r *reader) i64() int64 { return r.signed(10) }
func (r *reader) s33() int64 { return r.signed(5) }

func (r *reader) name() string { return string(r.bytes(r.u32())) }

// Writing.

func appendU32(dst []byte, v uint32) []byte { return binary.AppendUvarint(dst, uint64(v)) }

func appendSigned(dst []byte, v int64) []byte {
	for {
		c := byte(v & 0x7F)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(dst, c)
		}
		dst = append(dst, c|0x80)
	}
}

func appendName(dst []byte, s string) []byte {
	dst = appendU32(dst, uint32(len(s)))
	return append(dst, s...)
}

func appendSection(dst []byte, id byte, body []byte) []byte {
	dst = append(dst, id)
	dst = appendU32(dst, uint32(len(body)))
	return append(dst, body...)
}
