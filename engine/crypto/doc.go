// Package crypto is the cryptography that guests ask of the host (abi/README.md, section 5.5): digests, key derivation, ciphers
// and asymmetric keys, over the Go standard library and golang.org/x/crypto.
//
// Inputs come from hostile functions. Whatever can take long takes a Charge, which is called every few ten microseconds of work
// and ends the operation with a panic where its invocation must end; whatever can take much memory is refused beyond a limit.
// Names of algorithms are OpenSSL's, in any case; errors carry the codes of Node.js and, where it has any, OpenSSL's words.
package crypto

import "fmt"

// Charge accounts work, in units of about half a nanosecond, and panics where the caller must stop. It is never nil.
type Charge func(units uint64)

// Error is the failure of an operation.
type Error struct {
	Code    string // for programs, as Node.js names it
	Message string // for people
}

func (e *Error) Error() string { return e.Message }

func failf(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Codes of errors.
const (
	codeInvalidDigest = "ERR_CRYPTO_INVALID_DIGEST"
	codeUnsupported   = "ERR_CRYPTO_UNSUPPORTED_OPERATION"
	codeInvalidState  = "ERR_CRYPTO_INVALID_STATE"
	codeFailed        = "ERR_CRYPTO_OPERATION_FAILED"
	codeTooMuch       = "ERR_SERVICE_LIMIT"
)

// piece is how many bytes are worked on between two charges.
const piece = 64 << 10
