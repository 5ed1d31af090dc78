package compress

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"hash/crc32"
	"io"
	"iter"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
)

// decoder runs a decompressor that pulls its input as a coroutine: where it needs more input or room, the step in progress ends.
type decoder struct {
	next func() (event, bool)
	stop func()

	in      []byte // what the step was given and the decompressor has not got yet
	out     []byte // where output goes
	filled  int    // of out
	finish  bool   // there will be no more input
	charge  Charge
	rest    func() int // bytes that were handed to the decompressor and not used
	forget  func()     // makes it drop those: the next step brings them again
	again   bool       // forget is due
	got     int        // bytes handed over in this step
	ended   bool
	failure error
	held    int
	perByte uint64
}

type event uint8

const (
	needInput event = iota
	needRoom
	ended
)

// errStopped ends a decompressor whose stream was closed.
var errStopped = errors.New("stream closed")

// source is the decompressor's reader.
type source struct {
	d     *decoder
	yield func(event) bool
}

func (s *source) Read(b []byte) (int, error) {
	d := s.d
	for len(d.in) == 0 {
		if d.finish {
			return 0, io.ErrUnexpectedEOF
		}
		if !s.yield(needInput) {
			return 0, errStopped
		}
	}
	n := copy(b[:min(len(b), piece)], d.in)
	d.charge(uint64(n) * d.perByte)
	d.in = d.in[n:]
	d.got += n
	return n, nil
}

// start makes the coroutine. open prepares the decompressor; body gives the next part of the output.
func (d *decoder) start(run func(src *source) error) {
	d.next, d.stop = iter.Pull(func(yield func(event) bool) {
		err := run(&source{d, yield})
		d.ended, d.failure = err == nil, err
		if err != errStopped {
			yield(ended)
		}
	})
}

// drain copies a decompressor's output to the steps' takers until it ends. It goes through a buffer of its own: a decompressor
// that waits for input in the middle of a read would otherwise write where a step before this one wanted it.
func (d *decoder) drain(r io.Reader, src *source, sum io.Writer) error {
	buf := make([]byte, piece)
	for {
		n, err := r.Read(buf)
		if sum != nil && n > 0 {
			_, _ = sum.Write(buf[:n])
		}
		for rest := buf[:n]; len(rest) > 0; {
			for d.filled == len(d.out) {
				if !src.yield(needRoom) {
					return errStopped
				}
			}
			k := copy(d.out[d.filled:], rest)
			d.charge(uint64(k) * 2)
			d.filled, rest = d.filled+k, rest[k:]
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// Step implements Stream.
func (d *decoder) Step(f Flush, in, out []byte, charge Charge) (consumed, produced int, end bool, err error) {
	if d.failure != nil {
		return 0, 0, false, decodeError(d.failure)
	}
	if d.ended {
		return 0, 0, true, nil
	}
	d.in, d.out, d.filled, d.charge, d.got = in, out, 0, charge, 0
	d.finish = f == Finish
	if d.again {
		d.forget()
	}
	e, ok := d.next()
	// Where the decompressor waits for input it has used all. Otherwise what it has not used may come after the stream's end.
	consumed, d.again = d.got, ok && e == needRoom
	if e != needInput {
		consumed = max(0, d.got-d.rest())
	}
	produced = d.filled
	d.in, d.out = nil, nil
	if d.failure != nil {
		if errors.Is(d.failure, io.ErrUnexpectedEOF) {
			// zlib asks for more and leaves it to its caller to know that there is none.
			return consumed, produced, false, &Error{"Z_BUF_ERROR", "unexpected end of file"}
		}
		return consumed, produced, false, decodeError(d.failure)
	}
	return consumed, produced, d.ended, nil
}

// Held implements Stream.
func (d *decoder) Held() int { return d.held }

// Close implements Stream.
func (d *decoder) Close() { d.stop() }

func decodeError(err error) error {
	var known *Error
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &corrupt):
		return &Error{"Z_DATA_ERROR", "invalid block type"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{"Z_BUF_ERROR", "unexpected end of file"}
	}
	return &Error{"Z_DATA_ERROR", err.Error()}
}

func dataError(message string) error { return &Error{"Z_DATA_ERROR", message} }

// NewInflater begins to decompress.
func NewInflater(format Format, dictionary []byte) (Stream, error) {
	if format != Zlib && format != Gzip && format != Raw && format != Auto {
		return nil, &Error{"Z_STREAM_ERROR", "stream error"}
	}
	d := &decoder{held: 80<<10 + piece, perByte: 20}
	i := &inflater{decoder: d, format: format, dictionary: bytes.Clone(dictionary)}
	d.rest = func() int {
		if i.r == nil {
			return 0
		}
		return i.r.Buffered()
	}
	d.forget = func() { i.r.Reset(i.src) }
	d.start(i.run)
	return d, nil
}

type inflater struct {
	*decoder
	format     Format
	dictionary []byte
	r          *bufio.Reader
	src        *source
}

func (i *inflater) run(src *source) error {
	i.src, i.r = src, bufio.NewReaderSize(src, 4096)
	format := i.format
	if format == Auto {
		b, err := i.r.Peek(2)
		if err != nil && !(err == io.ErrUnexpectedEOF && len(b) == 1) {
			return err
		}
		format = Zlib
		if len(b) == 2 && b[0] == 0x1F && b[1] == 0x8B {
			format = Gzip
		}
	}
	switch format {
	case Raw:
		return i.body(i.dictionary, nil)
	case Gzip:
		return i.gzip()
	}
	return i.zlib()
}

func (i *inflater) body(dictionary []byte, sum io.Writer) error {
	var r io.ReadCloser
	if len(dictionary) > 0 {
		r = flate.NewReaderDict(i.r, dictionary)
	} else {
		r = flate.NewReader(i.r)
	}
	return i.drain(r, i.src, sum)
}

func (i *inflater) zlib() error {
	var b [4]byte
	if _, err := io.ReadFull(i.r, b[:2]); err != nil {
		return unexpected(err)
	}
	h := binary.BigEndian.Uint16(b[:2])
	switch {
	case h%31 != 0:
		return dataError("incorrect header check")
	case b[0]&15 != 8:
		return dataError("unknown compression method")
	case b[0]>>4 > 7:
		return dataError("invalid window size")
	}
	var dictionary []byte
	if b[1]&0x20 != 0 {
		if _, err := io.ReadFull(i.r, b[:]); err != nil {
			return unexpected(err)
		}
		if len(i.dictionary) == 0 {
			return &Error{"Z_NEED_DICT", "Missing dictionary"}
		}
		if adler32.Checksum(i.dictionary) != binary.BigEndian.Uint32(b[:]) {
			return &Error{"Z_NEED_DICT", "Bad dictionary"}
		}
		dictionary = i.dictionary
	}
	sum := adler32.New()
	if err := i.body(dictionary, sum); err != nil {
		return err
	}
	if _, err := io.ReadFull(i.r, b[:]); err != nil {
		return unexpected(err)
	}
	if binary.BigEndian.Uint32(b[:]) != sum.Sum32() {
		return dataError("incorrect data check")
	}
	return nil
}

// gzip reads one member, and those that follow at once. Zeros after a member are left alone.
func (i *inflater) gzip() error {
	for member := 0; ; member++ {
		if member > 0 {
			if b, err := i.r.Peek(1); err != nil || b[0] == 0 { // padding
				if err == errStopped {
					return err
				}
				return nil
			}
		}
		if err := i.gzipHeader(); err != nil {
			return unexpected(err)
		}
		sum := crc32.NewIEEE()
		size := &counter{}
		if err := i.body(nil, io.MultiWriter(sum, size)); err != nil {
			return err
		}
		var b [8]byte
		if _, err := io.ReadFull(i.r, b[:]); err != nil {
			return unexpected(err)
		}
		if binary.LittleEndian.Uint32(b[:]) != sum.Sum32() {
			return dataError("incorrect data check")
		}
		if binary.LittleEndian.Uint32(b[4:]) != size.n {
			return dataError("incorrect length check")
		}
		if i.r.Buffered() == 0 && len(i.in) == 0 { // whether another member follows isn't known yet, and nothing waits for it
			return nil
		}
	}
}

type counter struct{ n uint32 }

func (c *counter) Write(b []byte) (int, error) { c.n += uint32(len(b)); return len(b), nil }

func (i *inflater) gzipHeader() error {
	var b [10]byte
	for _, part := range [...]struct {
		from, to int
		wrong    func() bool
		message  string
	}{
		{0, 2, func() bool { return b[0] != 0x1F || b[1] != 0x8B }, "incorrect header check"},
		{2, 3, func() bool { return b[2] != 8 }, "unknown compression method"},
		{3, 10, func() bool { return b[3]&0xE0 != 0 }, "unknown header flags set"},
	} {
		if _, err := io.ReadFull(i.r, b[part.from:part.to]); err != nil {
			return err
		}
		if part.wrong() {
			return dataError(part.message)
		}
	}
	if b[3]&4 != 0 { // extra field
		if _, err := io.ReadFull(i.r, b[:2]); err != nil {
			return err
		}
		if _, err := i.r.Discard(int(binary.LittleEndian.Uint16(b[:]))); err != nil {
			return err
		}
	}
	for _, flag := range [...]byte{8, 16} { // name, comment
		if b[3]&flag == 0 {
			continue
		}
		for {
			c, err := i.r.ReadByte()
			if err != nil {
				return err
			}
			if c == 0 {
				break
			}
		}
	}
	if b[3]&2 != 0 { // checksum of the header
		_, err := i.r.Discard(2)
		return err
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// NewUnbrotli begins to decompress Brotli.
func NewUnbrotli() Stream {
	d := &decoder{held: 1 << 20, perByte: 40, rest: func() int { return 0 }, forget: func() {}}
	d.start(func(src *source) error {
		err := d.drain(brotli.NewReader(plainEOF{src}), src, nil)
		if err != nil && err.Error() == "brotli: excessive input" { // what follows the stream is ignored
			return nil
		}
		if err != nil && err != errStopped && !errors.Is(err, io.ErrUnexpectedEOF) {
			name, _ := strings.CutPrefix(err.Error(), "brotli: ")
			return &Error{"ERR__ERROR_FORMAT_" + name, "Decompression failed"} // as Node.js names them
		}
		return err
	})
	return d
}

// plainEOF is a source that ends with io.EOF, for the library knows by itself whether its stream may end there.
type plainEOF struct{ s *source }

func (p plainEOF) Read(b []byte) (int, error) {
	n, err := p.s.Read(b)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}
