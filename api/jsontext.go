package api

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxJSONDepth is how deep arrays and objects may be nested, as in encoding/json.
const maxJSONDepth = 10000

// validJSON says whether b is one JSON text in UTF-8 (RFC 8259). It agrees with encoding/json's Valid but for ill-formed
// UTF-8, which that lets pass and the service refuses; it takes less than half the time on ordinary events and a tenth on
// long strings, which is why it exists (BenchmarkValidJSON).
func validJSON(b []byte) bool {
	var inline [4]uint64 // a bit per level: 1 = object
	open := inline[:]
	depth, high := 0, byte(0)
	i := 0

value:
	i = skipSpace(b, i)
	if i == len(b) {
		return false
	}
	switch c := b[i]; c {
	case '{', '[':
		if depth == maxJSONDepth {
			return false
		}
		if depth>>6 == len(open) {
			open = append(open, 0)
		}
		bit := uint64(1) << (depth & 63)
		open[depth>>6] &^= bit
		if c == '{' {
			open[depth>>6] |= bit
		}
		depth++
		i = skipSpace(b, i+1)
		if i < len(b) && b[i] == c+2 { // ] and } stand two behind [ and {
			i++
			depth--
			goto after
		}
		if c == '{' {
			goto key
		}
		goto value
	case '"':
		var ok bool
		if i, high, ok = skipString(b, i+1, high); !ok {
			return false
		}
	case 't':
		if len(b)-i < 4 || string(b[i:i+4]) != "true" {
			return false
		}
		i += 4
	case 'f':
		if len(b)-i < 5 || string(b[i:i+5]) != "false" {
			return false
		}
		i += 5
	case 'n':
		if len(b)-i < 4 || string(b[i:i+4]) != "null" {
			return false
		}
		i += 4
	default:
		if i = skipNumber(b, i); i < 0 {
			return false
		}
	}

after:
	i = skipSpace(b, i)
	if depth == 0 {
		return i == len(b) && (high < utf8.RuneSelf || utf8.Valid(b))
	}
	if i == len(b) {
		return false
	}
	if open[(depth-1)>>6]>>((depth-1)&63)&1 == 0 { // in an array
		switch b[i] {
		case ',':
			i++
			goto value
		case ']':
			i++
			depth--
			goto after
		}
		return false
	}
	switch b[i] {
	case ',':
		i = skipSpace(b, i+1)
		goto key
	case '}':
		i++
		depth--
		goto after
	}
	return false

key:
	if i == len(b) || b[i] != '"' {
		return false
	}
	var ok bool
	if i, high, ok = skipString(b, i+1, high); !ok {
		return false
	}
	i = skipSpace(b, i)
	if i == len(b) || b[i] != ':' {
		return false
	}
	i++
	goto value
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string's closing quote. high gathers the bits of its bytes.
func skipString(b []byte, i int, high byte) (int, byte, bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for {
		for len(b)-i >= 8 { // eight bytes at once, as long as none of them is special
			w := binary.LittleEndian.Uint64(b[i:])
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			// The lowest bit set is exact: bytes below the first hit borrow nothing.
			hit := ((w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & tops
			if hit != 0 {
				n := bits.TrailingZeros64(hit) >> 3
				if w&tops&(1<<(n*8)-1) != 0 {
					high = utf8.RuneSelf
				}
				i += n
				break
			}
			if w&tops != 0 {
				high = utf8.RuneSelf
			}
			i += 8
		}
		if i == len(b) {
			return i, high, false
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, high, true
		case c == '\\':
			i++
			if i == len(b) {
				return i, high, false
			}
			switch b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				i++
			case 'u':
				if len(b)-i < 5 || !hexDigit(b[i+1]) || !hexDigit(b[i+2]) || !hexDigit(b[i+3]) || !hexDigit(b[i+4]) {
					return i, high, false
				}
				i += 5
			default:
				return i, high, false
			}
		case c < 0x20:
			return i, high, false
		default:
			high |= c
			i++
		}
	}
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// skipNumber returns the index behind a number, -1 if there is none.
func skipNumber(b []byte, i int) int {
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}
