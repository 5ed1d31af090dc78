package sigv4

import (
	"bytes"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

const upperHex = "0123456789ABCDEF"

// unreserved are the characters that URI encoding leaves alone.
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func appendEscaped(out []byte, c byte) []byte {
	if unreserved(c) {
		return append(out, c)
	}
	return append(out, '%', upperHex[c>>4], upperHex[c&15])
}

// appendPath appends the canonical URI: the path as sent, encoded once more.
func appendPath(out, path []byte) []byte {
	if len(path) == 0 {
		return append(out, '/')
	}
	for _, c := range path {
		if c == '/' {
			out = append(out, c)
		} else {
			out = appendEscaped(out, c)
		}
	}
	return out
}

// pair is a query parameter, encoded.
type pair struct{ key, value []byte }

// appendQuery appends the canonical query string: parameters decoded, encoded anew and sorted, without the signature.
func appendQuery(out, raw []byte, presigned bool) []byte {
	if len(raw) == 0 {
		return out
	}
	var some [12]pair
	all := some[:0]
	for part := range bytes.SplitSeq(raw, []byte("&")) {
		if len(part) == 0 {
			continue
		}
		key, value, _ := bytes.Cut(part, []byte("="))
		p := pair{recode(key), recode(value)}
		if presigned && string(p.key) == "X-Amz-Signature" {
			continue
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b pair) int {
		if c := bytes.Compare(a.key, b.key); c != 0 {
			return c
		}
		return bytes.Compare(a.value, b.value)
	})
	for i, p := range all {
		if i > 0 {
			out = append(out, '&')
		}
		out = append(append(append(out, p.key...), '='), p.value...)
	}
	return out
}

// recode undoes a parameter's encoding, whatever it was, and encodes it canonically. What isn't encoded properly stands for
// itself, as for the router.
func recode(s []byte) []byte {
	out := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && unhex(s[i+1]) < 16 && unhex(s[i+2]) < 16:
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		out = appendEscaped(out, c)
	}
	return out
}

// unhex is the value of a hexadecimal digit, 16 if it is none.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// appendHeaders appends the canonical headers, which are those listed.
func appendHeaders(out []byte, h *fasthttp.RequestHeader, signed string) []byte {
	for name := range strings.SplitSeq(signed, ";") {
		out = append(append(out, name...), ':')
		if name == "host" {
			out = appendValue(out, h.Host())
		} else {
			for i, v := range h.PeekAll(name) {
				if i > 0 {
					out = append(out, ',')
				}
				out = appendValue(out, v)
			}
		}
		out = append(out, '\n')
	}
	return out
}

// appendValue appends a header's value without blanks around it and with single ones within (folded lines are one line by
// then).
func appendValue(out, v []byte) []byte {
	begin := len(out)
	blank := false
	for _, c := range v {
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			blank = true
			continue
		}
		if blank && len(out) > begin {
			out = append(out, ' ')
		}
		blank = false
		out = append(out, c)
	}
	return out
}

// checkSigned checks the list of signed headers: the host and all that changes a request's meaning must be among them.
func checkSigned(h *fasthttp.RequestHeader, c *credentials) *Error {
	host := false
	previous := ""
	for name := range strings.SplitSeq(c.signedHeaders, ";") {
		if name <= previous || name != strings.ToLower(name) {
			return refuse(Incomplete, "SignedHeaders must be lower-case header names in order, each once: '%s'", shorten(c.signedHeaders))
		}
		host = host || name == "host"
		previous = name
	}
	if !host {
		return refuse(Invalid, "'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for k := range h.All() {
		if len(k) < 6 || k[0]|0x20 != 'x' || !strings.EqualFold(string(k[:6]), "x-amz-") {
			continue
		}
		name := strings.ToLower(string(k))
		switch name {
		case "x-amz-security-token", "x-amz-content-sha256", "x-amz-user-agent":
			// The first is bound to its key, the second stands in the canonical request anyway, the third means nothing.
			continue
		}
		if !listed(c.signedHeaders, name) {
			return refuse(Invalid, "'%s' must be a 'SignedHeader' in the AWS Authorization.", shorten(name))
		}
	}
	return nil
}

// listed says whether a name stands in a list separated by semicolons.
func listed(list, name string) bool {
	for len(list) > 0 {
		var first string
		first, list, _ = strings.Cut(list, ";")
		if first == name {
			return true
		}
	}
	return false
}
