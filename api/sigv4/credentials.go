package sigv4

import (
	"bytes"
	"strings"

	"github.com/valyala/fasthttp"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	terminal  = "aws4_request"
	dateForm  = "20060102T150405Z"
)

// Scope is what a signature is for.
type Scope struct {
	AccessKeyID, Date, Region, Service string
}

func (s *Scope) text() string { return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminal }

// credentials are what a request says about its signature.
type credentials struct {
	Scope
	presigned     bool
	signedHeaders string // as given, separated by semicolons
	signature     string // hexadecimal
	date          string // ISO 8601, as given
	expires       string // of a presigned request, seconds
	token         string // session token, or empty
}

// ScopeOf returns the scope that a request claims, for those who choose by it which service the request is for. Nothing of it
// is verified.
func ScopeOf(req *fasthttp.Request) (Scope, bool) {
	c, err := read(req)
	if err != nil {
		return Scope{}, false
	}
	return c.Scope, true
}

// read reads the credentials of a request.
func read(req *fasthttp.Request) (*credentials, *Error) {
	headers := req.Header.PeekAll("Authorization")
	raw := req.URI().QueryString()
	presigned := bytes.Contains(raw, []byte("X-Amz-"))
	if presigned {
		presigned = req.URI().QueryArgs().Has("X-Amz-Algorithm") || req.URI().QueryArgs().Has("X-Amz-Signature")
	}
	switch {
	case len(headers) > 1 || len(headers) == 1 && presigned:
		return nil, refuse(Incomplete, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header should be specified")
	case presigned:
		return fromQuery(req)
	case len(headers) == 0 || len(headers[0]) == 0:
		return nil, missing()
	}
	return fromHeader(req, string(headers[0]))
}

func fromHeader(req *fasthttp.Request, header string) (*credentials, *Error) {
	name, rest, _ := strings.Cut(header, " ")
	if name != algorithm {
		return nil, refuse(Incomplete, "Unsupported AWS 'algorithm': '%s'", shorten(name))
	}
	c := &credentials{}
	var credential string
	for part := range strings.SplitSeq(rest, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, refuse(Incomplete, "'%s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'.", shorten(part), shorten(header))
		}
		var field *string
		switch key {
		case "Credential":
			field = &credential
		case "SignedHeaders":
			field = &c.signedHeaders
		case "Signature":
			field = &c.signature
		default:
			continue
		}
		if *field != "" {
			return nil, refuse(Incomplete, "Authorization header has more than one '%s' parameter.", key)
		}
		*field = value
	}
	c.date = string(req.Header.Peek("X-Amz-Date"))
	if c.date == "" {
		c.date = string(req.Header.Peek("Date"))
	}
	if len(req.Header.PeekAll("X-Amz-Date")) > 1 || len(req.Header.PeekAll("X-Amz-Security-Token")) > 1 {
		return nil, refuse(Incomplete, "X-Amz-Date and X-Amz-Security-Token must not stand in a request twice.")
	}
	c.token = string(req.Header.Peek("X-Amz-Security-Token"))
	var lacks strings.Builder
	for _, f := range []struct{ name, value string }{{"Credential", credential}, {"Signature", c.signature}, {"SignedHeaders", c.signedHeaders}} {
		if f.value == "" {
			lacks.WriteString("Authorization header requires '" + f.name + "' parameter. ")
		}
	}
	if c.date == "" {
		lacks.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if lacks.Len() > 0 {
		return nil, refuse(Incomplete, "%sAuthorization=%s", &lacks, algorithm)
	}
	return c, c.split(credential)
}

func fromQuery(req *fasthttp.Request) (*credentials, *Error) {
	c := &credentials{presigned: true}
	var credential, name string
	for field, to := range map[string]*string{
		"X-Amz-Algorithm": &name, "X-Amz-Credential": &credential, "X-Amz-SignedHeaders": &c.signedHeaders, "X-Amz-Signature": &c.signature,
		"X-Amz-Date": &c.date, "X-Amz-Expires": &c.expires, "X-Amz-Security-Token": &c.token,
	} {
		switch values := req.URI().QueryArgs().PeekMulti(field); {
		case len(values) > 1:
			return nil, refuse(Incomplete, "The query parameter %s must not stand in a request twice.", field)
		case len(values) == 1:
			*to = string(values[0])
		case field != "X-Amz-Security-Token":
			return nil, refuse(Incomplete, "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-SignedHeaders', 'X-Amz-Date' and 'X-Amz-Expires'. Re-examine the query-string parameters.")
		}
	}
	if name != algorithm {
		return nil, refuse(Incomplete, "Unsupported AWS 'algorithm': '%s'", shorten(name))
	}
	return c, c.split(credential)
}

// split takes a credential apart: key/date/region/service/aws4_request.
func (c *credentials) split(credential string) *Error {
	parts := strings.Split(credential, "/")
	if len(parts) < 5 {
		return refuse(Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", shorten(credential))
	}
	tail := parts[len(parts)-4:]
	if tail[3] != terminal {
		return refuse(Invalid, "Credential should be scoped with a valid terminator: '%s', not '%s'.", terminal, shorten(tail[3]))
	}
	c.Scope = Scope{strings.Join(parts[:len(parts)-4], "/"), tail[0], tail[1], tail[2]}
	return nil
}

// shorten keeps what a client sent from filling the answer.
func shorten(s string) string {
	if len(s) > 256 {
		return s[:256] + "…"
	}
	return s
}

// KeyID returns the access key id that a request's header claims, empty if there is none. Nothing is verified: it is for those
// who decide how much of a request to read.
func KeyID(h *fasthttp.RequestHeader) string {
	text := string(h.Peek("Authorization"))
	_, rest, ok := strings.Cut(text, "Credential=")
	if !ok {
		_, query, _ := strings.Cut(string(h.RequestURI()), "?")
		if _, rest, ok = strings.Cut(query, "X-Amz-Credential="); !ok {
			return ""
		}
	}
	id, _, _ := strings.Cut(rest, "/")
	id, _, _ = strings.Cut(id, "%") // an encoded slash
	return id
}
