package compress

import "github.com/andybalholm/brotli"

// MaxQuality is the highest quality that is really used: beyond it the library works for longer than can be waited for without
// looking at the deadline.
const MaxQuality = 9

// Brotli compresses.
type Brotli struct {
	encoder
	w       *brotli.Writer
	window  int
	quality int
}

// NewBrotli begins a stream with a quality from 0 to 11, of which those above MaxQuality act like it, and a window of 2^window
// bytes, 10 to 24.
func NewBrotli(quality, window int) (*Brotli, error) {
	if quality < 0 || quality > 11 || window != 0 && (window < 10 || window > 24) {
		return nil, &Error{"ERR_BROTLI_PARAM_SET_FAILED", "Setting parameter failed"}
	}
	b := &Brotli{quality: min(quality, MaxQuality), window: window}
	if b.window == 0 {
		b.window = 22
	}
	b.w = brotli.NewWriterOptions(&b.queue, brotli.WriterOptions{Quality: b.quality, LGWin: b.window})
	perByte := uint64(40)
	if b.quality >= 5 {
		perByte = 150
	}
	b.write = func(p []byte, charge Charge) error {
		charge(uint64(len(p)) * perByte)
		_, err := b.w.Write(p)
		return err
	}
	b.flush = func(charge Charge) error { charge(100_000); return b.w.Flush() }
	b.finish = func(charge Charge) error { charge(100_000); return b.w.Close() }
	return b, nil
}

// Step implements Stream.
func (b *Brotli) Step(f Flush, in, out []byte, charge Charge) (consumed, produced int, end bool, err error) {
	return b.step(f, in, out, charge)
}

// Held implements Stream: the library's ring buffer and tables.
func (b *Brotli) Held() int { return 2<<20 + 2<<b.window + cap(b.b) }

// Close implements Stream.
func (b *Brotli) Close() {}
