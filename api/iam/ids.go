package iam

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
)

// Prefixes of identifiers (IAM User Guide, "IAM identifiers").
const (
	prefixUser      = "AIDA"
	prefixGroup     = "AGPA"
	prefixRole      = "AROA"
	prefixPolicy    = "ANPA"
	prefixKey       = "AKIA"
	prefixTemporary = "ASIA"
)

// newID makes an identifier of n random characters behind its prefix: 17 for identities, 16 for access keys.
func newID(prefix string, n int) string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails (package crypto/rand)
	return prefix + base32.StdEncoding.EncodeToString(b[:])[:n]
}

// NewAccessKey makes a key pair: an id of 20 characters and a secret of 40.
func NewAccessKey() (id, secret string) {
	var b [30]byte
	_, _ = rand.Read(b[:])
	return newID(prefixKey, 16), base64.StdEncoding.EncodeToString(b[:])
}

// stableID is the identifier of a policy that AWS manages: the same on every server.
func stableID(name string) string {
	h := sha256.Sum256([]byte(name))
	return prefixPolicy + base32.StdEncoding.EncodeToString(h[:])[:17]
}
