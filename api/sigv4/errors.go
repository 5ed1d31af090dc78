package sigv4

import "fmt"

// Code says why a request is refused.
type Code uint8

const (
	MissingToken Code = iota // no credentials at all
	Incomplete               // credentials that are malformed
	UnknownToken             // an access key or session token that isn't known
	ExpiredToken             // temporary credentials that have expired
	Invalid                  // the signature is wrong, too old, or for something else
)

// Error is a refusal. Message is what AWS tells a client.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return e.Message }

func refuse(c Code, format string, args ...any) *Error {
	return &Error{c, fmt.Sprintf(format, args...)}
}

// Refusals that AWS sends word for word.
func missing() *Error { return refuse(MissingToken, "Missing Authentication Token") }
func mismatch() *Error {
	return refuse(Invalid, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// ErrorUnknown is the refusal of access keys that don't exist or are inactive, and of wrong session tokens.
func ErrorUnknown() *Error {
	return refuse(UnknownToken, "The security token included in the request is invalid.")
}

// ErrorExpired is the refusal of temporary credentials that have expired.
func ErrorExpired() *Error {
	return refuse(ExpiredToken, "The security token included in the request is expired")
}
