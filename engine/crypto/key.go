package crypto

import (
	stdcrypto "crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"strings"
)

// Limits of keys: beyond these an operation takes longer than can be waited for without looking at the deadline.
const (
	MaxRSABits = 8192
	MinRSABits = 1024     // the standard library refuses shorter ones
	maxKeyData = 64 << 10 // bytes of an encoded key
)

// Key is an asymmetric key. One with a private half has the public one too.
type Key struct {
	private any // *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey, *ecdh.PrivateKey; nil = none
	public  any // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, *ecdh.PublicKey
	pss     bool
}

// Private says whether the key has a private half.
func (k *Key) Private() bool { return k.private != nil }

// Public is the key's public half.
func (k *Key) Public() *Key { return &Key{public: k.public, pss: k.pss} }

// Type is OpenSSL's name of the key's type.
func (k *Key) Type() string {
	switch k.public.(type) {
	case *rsa.PublicKey:
		if k.pss {
			return "rsa-pss"
		}
		return "rsa"
	case *ecdsa.PublicKey:
		return "ec"
	case ed25519.PublicKey:
		return "ed25519"
	}
	return "x25519"
}

// Info is what KEY_INFO answers.
type Info struct {
	Kind           string `json:"kind"`
	Type           string `json:"type"`
	ModulusLength  int    `json:"modulusLength,omitempty"`
	PublicExponent int    `json:"publicExponent,omitempty"`
	NamedCurve     string `json:"namedCurve,omitempty"`
}

// Info describes the key.
func (k *Key) Info() Info {
	i := Info{Kind: "public", Type: k.Type()}
	if k.Private() {
		i.Kind = "private"
	}
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		i.ModulusLength, i.PublicExponent = p.N.BitLen(), p.E
	case *ecdsa.PublicKey:
		i.NamedCurve = opensslCurve(p.Curve)
	}
	return i
}

// JSON is Info as JSON.
func (i Info) JSON() []byte { b, _ := json.Marshal(i); return b } // strings and numbers only

// Equal says whether two keys are the same, private halves included.
func (k *Key) Equal(o *Key) bool {
	if k.Private() != o.Private() || k.Type() != o.Type() {
		return false
	}
	if k.Private() {
		a, ok := k.private.(interface {
			Equal(x stdcrypto.PrivateKey) bool
		})
		return ok && a.Equal(o.private)
	}
	a, ok := k.public.(interface {
		Equal(x stdcrypto.PublicKey) bool
	})
	return ok && a.Equal(o.public)
}

// newKey wraps a key of the standard library, private or public, if it is one that the package works with.
func newKey(v any) (*Key, error) {
	switch p := v.(type) {
	case *rsa.PrivateKey:
		return &Key{private: p, public: &p.PublicKey}, checkRSA(&p.PublicKey)
	case *rsa.PublicKey:
		return &Key{public: p}, checkRSA(p)
	case *ecdsa.PrivateKey:
		return &Key{private: p, public: &p.PublicKey}, nil
	case *ecdsa.PublicKey:
		return &Key{public: p}, nil
	case ed25519.PrivateKey:
		return &Key{private: p, public: p.Public()}, nil
	case ed25519.PublicKey:
		return &Key{public: p}, nil
	case *ecdh.PrivateKey:
		if p.Curve() == ecdh.X25519() {
			return &Key{private: p, public: p.PublicKey()}, nil
		}
	case *ecdh.PublicKey:
		if p.Curve() == ecdh.X25519() {
			return &Key{public: p}, nil
		}
	}
	return nil, failf("ERR_OSSL_UNSUPPORTED", "error:1E08010C:DECODER routines::unsupported")
}

func checkRSA(p *rsa.PublicKey) error {
	if bits := p.N.BitLen(); bits > MaxRSABits || bits < MinRSABits {
		return failf(codeTooMuch, "RSA keys may have %d to %d bits", MinRSABits, MaxRSABits)
	}
	return nil
}

func curveByName(name string) (elliptic.Curve, bool) {
	switch strings.ToLower(name) {
	case "p-224", "secp224r1":
		return elliptic.P224(), true
	case "p-256", "prime256v1", "secp256r1":
		return elliptic.P256(), true
	case "p-384", "secp384r1":
		return elliptic.P384(), true
	case "p-521", "secp521r1":
		return elliptic.P521(), true
	}
	return nil, false
}

func opensslCurve(c elliptic.Curve) string {
	switch c.Params().Name {
	case "P-224":
		return "secp224r1"
	case "P-256":
		return "prime256v1"
	case "P-384":
		return "secp384r1"
	}
	return "secp521r1"
}

// Agree derives the secret that a private key shares with the owner of a public one.
func Agree(private, public *Key, charge Charge) ([]byte, error) {
	charge(2_000_000)
	mine, err := ecdhPrivate(private)
	if err != nil {
		return nil, err
	}
	theirs, err := ecdhPublic(public)
	if err != nil {
		return nil, err
	}
	if mine.Curve() != theirs.Curve() {
		return nil, failf("ERR_CRYPTO_INCOMPATIBLE_KEY", "Incompatible key types for Diffie-Hellman: %s and %s", private.Type(), public.Type())
	}
	secret, err := mine.ECDH(theirs)
	if err != nil {
		return nil, failf("ERR_OSSL_FAILED_DURING_DERIVATION", "diffieHellman failed")
	}
	return secret, nil
}

func ecdhPrivate(k *Key) (*ecdh.PrivateKey, error) {
	switch p := k.private.(type) {
	case *ecdh.PrivateKey:
		return p, nil
	case *ecdsa.PrivateKey:
		if e, err := p.ECDH(); err == nil {
			return e, nil
		}
	}
	return nil, failf("ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", "a key of type %s has no part in a key agreement", k.Type())
}

func ecdhPublic(k *Key) (*ecdh.PublicKey, error) {
	switch p := k.public.(type) {
	case *ecdh.PublicKey:
		return p, nil
	case *ecdsa.PublicKey:
		if e, err := p.ECDH(); err == nil {
			return e, nil
		}
	}
	return nil, failf("ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", "a key of type %s has no part in a key agreement", k.Type())
}

// publicFromScalar makes the key of a scalar on a NIST curve.
func publicFromScalar(c elliptic.Curve, d *big.Int) (*ecdsa.PrivateKey, error) {
	size := (c.Params().BitSize + 7) / 8
	if d.Sign() <= 0 || d.Cmp(c.Params().N) >= 0 {
		return nil, failf("ERR_CRYPTO_INVALID_KEYTYPE", "Invalid EC private key")
	}
	p, err := ecdsa.ParseRawPrivateKey(c, d.FillBytes(make([]byte, size)))
	if err != nil {
		return nil, failf("ERR_CRYPTO_INVALID_KEYTYPE", "Invalid EC private key")
	}
	return p, nil
}
