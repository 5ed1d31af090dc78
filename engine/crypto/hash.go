package crypto

import (
	stdcrypto "crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding"
	"hash"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // programs of users need it
)

// maxDigest bounds the output of an extendable function, bytes.
const maxDigest = 16 << 20

// hashUnits is the work of hashing a byte.
const hashUnits = 4

// algorithm is a hash function by a canonical name.
type algorithm struct {
	name string
	id   stdcrypto.Hash // 0 = has no place in signatures
	make func() hash.Hash
	xof  int // usual length of an extendable function's output; 0 = it's none
}

// canonical brings a hash's name into the form that the tables use.
func canonical(name string) string {
	name = strings.ToLower(name)
	name = strings.TrimPrefix(name, "rsa-")
	switch name {
	case "sha-1":
		return "sha1"
	case "sha-224", "sha-256", "sha-384", "sha-512":
		return "sha" + name[4:]
	case "sha512/224", "sha-512/224":
		return "sha512-224"
	case "sha512/256", "sha-512/256":
		return "sha512-256"
	case "rmd160", "ripemd":
		return "ripemd160"
	case "blake2b":
		return "blake2b512"
	case "blake2s":
		return "blake2s256"
	}
	return name
}

func lookup(name string) (algorithm, bool) {
	a := algorithm{name: canonical(name)}
	switch a.name {
	case "md5":
		a.id, a.make = stdcrypto.MD5, md5.New
	case "sha1":
		a.id, a.make = stdcrypto.SHA1, sha1.New
	case "sha224":
		a.id, a.make = stdcrypto.SHA224, sha256.New224
	case "sha256":
		a.id, a.make = stdcrypto.SHA256, sha256.New
	case "sha384":
		a.id, a.make = stdcrypto.SHA384, sha512.New384
	case "sha512":
		a.id, a.make = stdcrypto.SHA512, sha512.New
	case "sha512-224":
		a.id, a.make = stdcrypto.SHA512_224, sha512.New512_224
	case "sha512-256":
		a.id, a.make = stdcrypto.SHA512_256, sha512.New512_256
	case "sha3-224":
		a.id, a.make = stdcrypto.SHA3_224, func() hash.Hash { return sha3.New224() }
	case "sha3-256":
		a.id, a.make = stdcrypto.SHA3_256, func() hash.Hash { return sha3.New256() }
	case "sha3-384":
		a.id, a.make = stdcrypto.SHA3_384, func() hash.Hash { return sha3.New384() }
	case "sha3-512":
		a.id, a.make = stdcrypto.SHA3_512, func() hash.Hash { return sha3.New512() }
	case "shake128":
		a.xof = 16
	case "shake256":
		a.xof = 32
	case "blake2b512":
		a.make = func() hash.Hash { h, _ := blake2b.New512(nil); return h }
	case "blake2s256":
		a.make = func() hash.Hash { h, _ := blake2s.New256(nil); return h }
	case "ripemd160":
		a.id, a.make = stdcrypto.RIPEMD160, ripemd160.New
	default:
		return algorithm{}, false
	}
	return a, true
}

// fixed finds a hash function whose output has one length.
func fixed(name string) (algorithm, error) {
	if a, ok := lookup(name); ok && a.make != nil {
		return a, nil
	}
	return algorithm{}, failf(codeInvalidDigest, "Invalid digest: %s", name)
}

// Hash is a digest or a message authentication code in progress.
type Hash struct {
	h     hash.Hash
	shake *sha3.SHAKE // instead of h
	name  string
	n     int // length of an extendable output
}

// NewHash begins a digest. length is the wanted length of the result in bytes, -1 = the function's own; only extendable functions
// can have another.
func NewHash(name string, length int) (*Hash, error) {
	a, ok := lookup(name)
	if !ok {
		return nil, failf("ERR_OSSL_EVP_UNSUPPORTED", "Digest method not supported")
	}
	if a.xof == 0 {
		h := a.make()
		if length >= 0 && length != h.Size() {
			return nil, failf("ERR_OSSL_EVP_NOT_XOF_OR_INVALID_LENGTH", "Unsupported state or unable to set the output length of %s", a.name)
		}
		return &Hash{h: h, name: a.name}, nil
	}
	if length < 0 {
		length = a.xof
	}
	if length > maxDigest {
		return nil, failf(codeTooMuch, "digest of more than %d bytes", maxDigest)
	}
	return &Hash{shake: newSHAKE(a.name), name: a.name, n: length}, nil
}

func newSHAKE(name string) *sha3.SHAKE {
	if name == "shake128" {
		return sha3.NewSHAKE128()
	}
	return sha3.NewSHAKE256()
}

// NewHMAC begins a keyed digest.
func NewHMAC(name string, key []byte, charge Charge) (*Hash, error) {
	a, err := fixed(name)
	if err != nil {
		return nil, err
	}
	charge(uint64(len(key)) * hashUnits)
	return &Hash{h: hmac.New(a.make, key), name: a.name}, nil
}

// Update adds data.
func (h *Hash) Update(data []byte, charge Charge) {
	for len(data) > 0 {
		part := data[:min(len(data), piece)]
		charge(uint64(len(part)) * hashUnits)
		if h.shake != nil {
			_, _ = h.shake.Write(part)
		} else {
			h.h.Write(part)
		}
		data = data[len(part):]
	}
}

// Sum returns the digest of what was added so far; more may follow.
func (h *Hash) Sum(charge Charge) []byte {
	if h.shake == nil {
		charge(1000)
		return h.h.Sum(nil)
	}
	s := newSHAKE(h.name)
	state, _ := h.shake.MarshalBinary() // never fails
	_ = s.UnmarshalBinary(state)        // nor does this
	out := make([]byte, h.n)
	for rest := out; len(rest) > 0; {
		part := rest[:min(len(rest), piece)]
		charge(uint64(len(part)) * hashUnits)
		_, _ = s.Read(part)
		rest = rest[len(part):]
	}
	return out
}

// Copy returns an independent digest in the same state.
func (h *Hash) Copy() (*Hash, error) {
	c := &Hash{name: h.name, n: h.n}
	if h.shake != nil {
		state, _ := h.shake.MarshalBinary()
		c.shake = newSHAKE(h.name)
		return c, c.shake.UnmarshalBinary(state)
	}
	if cloner, ok := h.h.(hash.Cloner); ok {
		clone, err := cloner.Clone()
		if err == nil {
			c.h = clone
			return c, nil
		}
	}
	if m, ok := h.h.(encoding.BinaryMarshaler); ok {
		if state, err := m.MarshalBinary(); err == nil {
			a, _ := lookup(h.name)
			c.h = a.make()
			if u, ok := c.h.(encoding.BinaryUnmarshaler); ok && u.UnmarshalBinary(state) == nil {
				return c, nil
			}
		}
	}
	return nil, failf(codeUnsupported, "a digest of %s can't be copied", h.name)
}

// Digest is the digest of data in one step. length is as for NewHash.
func Digest(name string, data []byte, length int, charge Charge) ([]byte, error) {
	h, err := NewHash(name, length)
	if err != nil {
		return nil, err
	}
	h.Update(data, charge)
	return h.Sum(charge), nil
}

// HMAC is the keyed digest of data in one step.
func HMAC(name string, key, data []byte, charge Charge) ([]byte, error) {
	h, err := NewHMAC(name, key, charge)
	if err != nil {
		return nil, err
	}
	h.Update(data, charge)
	return h.Sum(charge), nil
}
