package api

import (
	"bytes"
	"encoding/base64"
)

// blobLength is the length from which a package is taken out of a body before encoding/json sees it: that reads every byte
// three times, 7 ms for a package of 1 MB.
const blobLength = 4 << 10

// decodeWithBlob is decode for bodies with a package in base64 at a path of keys; target returns where it is to be put, nil if
// what is decoded has no place for it. The outcome is that of decode.
func decodeWithBlob(body []byte, into any, target func() **[]byte, path ...string) *Error {
	if len(body) > blobLength {
		if from, to, ok := findString(body, path, blobLength); ok && bytes.IndexByte(body[from:to], '\\') < 0 && bytes.IndexByte(body[from:to], '\n') < 0 && bytes.IndexByte(body[from:to], '\r') < 0 {
			small := make([]byte, 0, len(body)-(to-from))
			small = append(append(small, body[:from]...), body[to:]...)
			if err := decode(small, into); err != nil {
				return err
			}
			// Empty, as it was made: else another key of the same name came later and counts.
			if at := target(); at != nil && *at != nil && len(**at) == 0 {
				blob := make([]byte, base64.StdEncoding.DecodedLen(to-from))
				n, err := base64.StdEncoding.Decode(blob, body[from:to])
				if err != nil {
					return fail("InvalidRequestContentException", "Could not parse request body into json: a binary field is not base64")
				}
				blob = blob[:n]
				*at = &blob
			}
			return nil
		}
	}
	return decode(body, into)
}

// findString returns where the contents of the string lie that stands at a path of object keys, if there is exactly one such of
// at least some length. The text need not be valid JSON: what is found in one that isn't makes it no more valid.
func findString(b []byte, path []string, least int) (from, to int, ok bool) {
	depth, matched := 0, 0 // matched = how many keys of the path lead here
	var last []byte        // the string just read, which is a key if a colon follows
	key := false           // a key of the path was just read: its value follows
	for i := 0; i < len(b); {
		switch c := b[i]; c {
		case '"':
			end, _, closed := skipString(b, i+1, 0)
			if !closed {
				return 0, 0, false
			}
			s := b[i+1 : end-1]
			if key && matched == len(path)-1 && depth == len(path) && len(s) >= least {
				if ok {
					return 0, 0, false // a second
				}
				from, to, ok = i+1, end-1, true
			}
			last, key, i = s, false, end
			continue
		case ':':
			key = depth == matched+1 && depth <= len(path) && string(last) == path[matched]
		case '{':
			if key && matched < len(path)-1 {
				matched++
			}
			key = false
			depth++
		case '[':
			key = false
			depth++
		case '}', ']':
			depth--
			matched = max(0, min(matched, depth-1))
			key = false
		case ',':
			key = false
		}
		i++
	}
	return from, to, ok
}
