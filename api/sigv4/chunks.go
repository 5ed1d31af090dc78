package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// emptyHash is the SHA-256 of nothing.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// unchunk verifies a body of signed chunks and puts what they hold in its place:
//
//	SIZE;chunk-signature=SIGNATURE\r\n DATA \r\n … 0;chunk-signature=SIGNATURE\r\n\r\n
//
// SIZE is hexadecimal. Each signature covers the one before it.
func (c *credentials) unchunk(req *fasthttp.Request, at time.Time, key []byte) *Error {
	malformed := func() *Error { return refuse(Incomplete, "The body is not in signed chunks (aws-chunked).") }
	want, err := strconv.Atoi(string(req.Header.Peek("X-Amz-Decoded-Content-Length")))
	rest := req.Body()
	if err != nil || want < 0 || want > len(rest) {
		return malformed()
	}
	body := make([]byte, 0, want)
	previous := c.signature
	prefix := "AWS4-HMAC-SHA256-PAYLOAD\n" + at.Format(dateForm) + "\n" + c.text() + "\n"
	for {
		line, tail, ok := bytes.Cut(rest, []byte("\r\n"))
		size, signature, signed := bytes.Cut(line, []byte(";chunk-signature="))
		n, err := strconv.ParseUint(string(size), 16, 31)
		if !ok || !signed || err != nil || int(n) > len(tail)-2 || string(tail[n:n+2]) != "\r\n" {
			return malformed()
		}
		data := tail[:n]
		hash := sha256.Sum256(data)
		m := hmac.New(sha256.New, key)
		m.Write([]byte(prefix + previous + "\n" + emptyHash + "\n" + hex.EncodeToString(hash[:])))
		given, err := hex.DecodeString(string(signature))
		if err != nil || !hmac.Equal(given, m.Sum(nil)) {
			return mismatch()
		}
		previous, rest = string(signature), tail[n+2:]
		if n == 0 {
			break
		}
		body = append(body, data...)
	}
	if len(rest) > 0 || len(body) != want {
		return malformed()
	}
	req.SetBody(body)
	return nil
}
