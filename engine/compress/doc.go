// Package compress is the compression that guests ask of the host (abi/README.md, section 5.5): DEFLATE in its three wrappings and
// Brotli, as streams that are fed and emptied a step at a time, over github.com/klauspost/compress and
// github.com/andybalholm/brotli.
//
// Inputs come from hostile functions: a step does a bounded amount of work between two calls of its Charge, and what a stream
// keeps is bounded, however much it expands.
package compress

// Charge accounts work, in units of about half a nanosecond, and panics where the caller must stop. It is never nil.
type Charge func(units uint64)

// Flush says how far a step takes its input.
type Flush int

// The kinds of flush.
const (
	NoFlush Flush = iota
	Sync          // everything so far can be decompressed from what was given out
	Finish        // the input ends here
)

// Error is the failure of a stream.
type Error struct {
	Code    string // zlib's or Brotli's name
	Message string // zlib's words where it has some
}

func (e *Error) Error() string { return e.Message }

// Stream is a compressor or a decompressor. It belongs to one goroutine at a time.
type Stream interface {
	// Step takes input and fills out. It returns how much of both it used and whether the stream has ended. A step that filled
	// out may have more: call again, with the rest of the input, until out is not filled. Sync and Finish are to be repeated
	// until then.
	Step(flush Flush, in, out []byte, charge Charge) (consumed, produced int, end bool, err error)
	// Held is about how many bytes the stream keeps.
	Held() int
	// Close gives the stream up.
	Close()
}

// piece is how many bytes of input are worked on between two charges.
const piece = 16 << 10
