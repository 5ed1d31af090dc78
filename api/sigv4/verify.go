package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// maxSkew is how far a client's clock may be off.
const maxSkew = 15 * time.Minute

// maxExpires is the longest life of a presigned request: a week.
const maxExpires = 7 * 24 * 60 * 60 // s

// Payload hashes that are none.
const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	signedChunks    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
)

// Key is a secret access key with the signing keys derived from it.
type Key struct {
	Secret string
	Owner  any // whose it is, for the caller

	derived atomic.Pointer[[]derived] // the newest first
}

// derived is a signing key.
type derived struct {
	date, region, service string
	key                   []byte
}

// maxDerived is how many signing keys a Key remembers: those of some services and of yesterday.
const maxDerived = 6

// signing returns the signing key for a scope.
func (k *Key) signing(s *Scope) []byte {
	known := k.derived.Load()
	if known != nil {
		for i := range *known {
			if d := &(*known)[i]; d.date == s.Date && d.region == s.Region && d.service == s.Service {
				return d.key
			}
		}
	}
	key := sum([]byte("AWS4"+k.Secret), s.Date)
	for _, part := range []string{s.Region, s.Service, terminal} {
		key = sum(key, part)
	}
	next := []derived{{s.Date, s.Region, s.Service, key}}
	if known != nil {
		next = append(next, (*known)[:min(len(*known), maxDerived-1)]...)
	}
	k.derived.Store(&next) // another's may be lost: it is derived again
	return key
}

func sum(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// Verifier verifies signatures. Its fields must not be changed once it is in use.
type Verifier struct {
	// Lookup returns the key of an access key id; token is the session token that came with it, or empty. The refusal is
	// ErrorUnknown or ErrorExpired.
	Lookup func(accessKeyID, token string) (*Key, *Error)
	// Now is the clock; nil = the system's.
	Now func() time.Time
}

// Signed is a verified request's signature.
type Signed struct {
	Scope
	Key       *Key
	Presigned bool
	Time      time.Time
}

// Verify says who signed a request for a service, or returns an *Error. The scope's region must be one of those given. secure
// says that the request came through TLS: only then may its body be unsigned. A body of signed chunks is replaced by what the
// chunks hold.
func (v *Verifier) Verify(req *fasthttp.Request, secure bool, service string, regions ...string) (*Signed, *Error) {
	c, err := read(req)
	if err != nil {
		return nil, err
	}
	if err := checkSigned(&req.Header, c); err != nil {
		return nil, err
	}
	at, err := c.time()
	if err != nil {
		return nil, err
	}
	if day := at.UTC().Format("20060102"); day != c.Date {
		return nil, refuse(Invalid, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", shorten(c.Date), day, at.UTC().Format(dateForm))
	}
	if !slices.Contains(regions, c.Region) {
		return nil, refuse(Invalid, "Credential should be scoped to a valid region, not '%s'. ", shorten(c.Region))
	}
	if c.Service != service {
		return nil, refuse(Invalid, "Credential should be scoped to correct service: '%s'. ", service)
	}
	key, err := v.Lookup(c.AccessKeyID, c.token)
	if err != nil {
		return nil, err
	}
	if err := c.checkTime(at, v.now()); err != nil {
		return nil, err
	}
	payload, err := declaredPayload(req, c)
	if err != nil {
		return nil, err
	}
	switch payload {
	case "", signedChunks:
	case unsignedPayload:
		if !secure {
			return nil, refuse(Invalid, "%s is only possible over TLS.", unsignedPayload)
		}
	default:
		if len(payload) != 64 {
			return nil, refuse(Invalid, "x-amz-content-sha256 must be %s, %s or a valid sha256 value.", unsignedPayload, signedChunks)
		}
	}
	signing := key.signing(&c.Scope)
	given, herr := hex.DecodeString(c.signature)
	want := c.sign(req, payload, at, signing)
	if herr != nil || !hmac.Equal(given, want) {
		return nil, mismatch()
	}
	if payload == signedChunks {
		if err := c.unchunk(req, at, signing); err != nil {
			return nil, err
		}
	}
	return &Signed{Scope: c.Scope, Key: key, Presigned: c.presigned, Time: at}, nil
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// time reads a request's date.
func (c *credentials) time() (time.Time, *Error) {
	at, err := time.Parse(dateForm, c.date)
	if err != nil && !c.presigned {
		at, err = time.Parse(time.RFC1123, c.date) // of the header Date
	}
	if err != nil {
		return at, refuse(Incomplete, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", shorten(c.date))
	}
	return at.UTC(), nil
}

func (c *credentials) checkTime(at, now time.Time) *Error {
	now = now.UTC()
	if at.After(now.Add(maxSkew)) {
		return refuse(Invalid, "Signature not yet current: %s is still later than %s (%s + 15 min.)", at.Format(dateForm), now.Add(maxSkew).Format(dateForm), now.Format(dateForm))
	}
	life, note := maxSkew, " - 15 min."
	if c.presigned {
		seconds, err := strconv.Atoi(c.expires)
		if err != nil || seconds < 1 || seconds > maxExpires {
			return refuse(Incomplete, "X-Amz-Expires must be between 1 and %d seconds, not '%s'", maxExpires, shorten(c.expires))
		}
		life, note = time.Duration(seconds)*time.Second, " - "+c.expires+" s"
	}
	if earliest := now.Add(-life); at.Before(earliest) {
		return refuse(Invalid, "Signature expired: %s is now earlier than %s (%s%s)", at.Format(dateForm), earliest.Format(dateForm), now.Format(dateForm), note)
	}
	return nil
}

// declaredPayload is what a request says of its body's hash; empty = nothing.
func declaredPayload(req *fasthttp.Request, c *credentials) (string, *Error) {
	values := req.Header.PeekAll("X-Amz-Content-Sha256")
	if c.presigned {
		values = append(values, req.URI().QueryArgs().PeekMulti("X-Amz-Content-Sha256")...)
	}
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return string(values[0]), nil
	}
	return "", refuse(Incomplete, "X-Amz-Content-Sha256 must not stand in a request twice.")
}

// sign computes the signature that a request should have.
func (c *credentials) sign(req *fasthttp.Request, payload string, at time.Time, key []byte) []byte {
	var some [1024]byte
	b := append(some[:0], req.Header.Method()...)
	b = append(b, '\n')
	b = appendPath(b, req.URI().PathOriginal())
	b = append(b, '\n')
	b = appendQuery(b, req.URI().QueryString(), c.presigned)
	b = append(b, '\n')
	b = appendHeaders(b, &req.Header, c.signedHeaders)
	b = append(b, '\n')
	b = append(b, c.signedHeaders...)
	b = append(b, '\n')
	switch payload {
	case unsignedPayload, signedChunks:
		b = append(b, payload...)
	default: // computed, whatever is declared
		h := sha256.Sum256(req.Body())
		b = hex.AppendEncode(b, h[:])
		if payload != "" && payload != string(b[len(b)-64:]) {
			return nil // matches no signature
		}
	}
	request := sha256.Sum256(b)

	b = append(b[:0], algorithm+"\n"...)
	b = at.AppendFormat(b, dateForm)
	b = append(b, '\n')
	b = append(b, c.text()...)
	b = append(b, '\n')
	b = hex.AppendEncode(b, request[:])
	m := hmac.New(sha256.New, key)
	m.Write(b)
	return m.Sum(b[:0])
}
