package crypto

import (
	stdcrypto "crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"math/big"
)

// MaxEd25519Message bounds what is signed without being hashed first, bytes: it is gone over twice in one piece.
const MaxEd25519Message = 16 << 20

// Signing says how a signature is made.
type Signing struct {
	Hash       string // empty where the key has its own
	Padding    string // of RSA: pkcs1 or pss; empty = as the key says
	SaltLength int    // of PSS in bytes, or SaltDigest or SaltMost
	P1363      bool   // of ECDSA: r and s one after the other instead of DER
	Digested   bool   // the data is the digest
}

// Lengths of the salt of PSS.
const (
	SaltDigest = -1
	SaltMost   = -2 // when verifying: any
)

// digestOf is the hash of data, or data itself where that was hashed.
func (s Signing) digestOf(data []byte, charge Charge) (stdcrypto.Hash, []byte, error) {
	a, err := fixed(s.Hash)
	if err != nil {
		return 0, nil, err
	}
	if a.id == 0 {
		return 0, nil, failf(codeInvalidDigest, "Invalid digest: %s", s.Hash)
	}
	if s.Digested {
		if len(data) != a.make().Size() {
			return 0, nil, failf(codeInvalidDigest, "digest of %d bytes for %s", len(data), s.Hash)
		}
		return a.id, data, nil
	}
	h := Hash{h: a.make()}
	h.Update(data, charge)
	return a.id, h.Sum(charge), nil
}

func (s Signing) pss(k *Key) bool { return s.Padding == "pss" || s.Padding == "" && k.pss }

// rsaUnits is the work of the private operation: cubic in the length.
func rsaUnits(bits int) uint64 { b := uint64(bits) / 64; return b * b * b * 80 }

// Sign makes a signature.
func Sign(k *Key, s Signing, data []byte, charge Charge) ([]byte, error) {
	switch p := k.private.(type) {
	case *rsa.PrivateKey:
		id, digest, err := s.digestOf(data, charge)
		if err != nil {
			return nil, err
		}
		charge(rsaUnits(p.N.BitLen()))
		var sig []byte
		if s.pss(k) {
			salt := s.SaltLength
			switch salt {
			case SaltDigest:
				salt = rsa.PSSSaltLengthEqualsHash
			case SaltMost:
				salt = rsa.PSSSaltLengthAuto
			case 0:
				// the library takes 0 for SaltMost
				return nil, failf(codeUnsupported, "signatures without salt can't be made in this runtime")
			}
			sig, err = rsa.SignPSS(rand.Reader, p, id, digest, &rsa.PSSOptions{SaltLength: salt})
		} else {
			sig, err = rsa.SignPKCS1v15(nil, p, id, digest)
		}
		if err != nil {
			return nil, failf("ERR_OSSL_RSA_DIGEST_TOO_BIG_FOR_RSA_KEY", "error:02000070:rsa routines::digest too big for rsa key")
		}
		return sig, nil
	case *ecdsa.PrivateKey:
		_, digest, err := s.digestOf(data, charge)
		if err != nil {
			return nil, err
		}
		charge(2_000_000)
		der, err := ecdsa.SignASN1(rand.Reader, p, digest)
		if err != nil {
			return nil, failf(codeFailed, "%v", err)
		}
		if s.P1363 {
			return fromECDSA(der, (p.Curve.Params().BitSize+7)/8)
		}
		return der, nil
	case ed25519.PrivateKey:
		if s.Hash != "" {
			return nil, failf("ERR_OSSL_INVALID_DIGEST", "error:1C80007A:Provider routines::invalid digest")
		}
		if len(data) > MaxEd25519Message {
			return nil, failf(codeTooMuch, "messages of more than %d bytes can't be signed with Ed25519", MaxEd25519Message)
		}
		charge(uint64(len(data))*2*hashUnits + 100_000)
		return ed25519.Sign(p, data), nil
	}
	return nil, failf("ERR_OSSL_EVP_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE", "error:03000096:digital envelope routines::operation not supported for this keytype")
}

// Verify says whether a signature is that of data.
func Verify(k *Key, s Signing, data, signature []byte, charge Charge) (bool, error) {
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		id, digest, err := s.digestOf(data, charge)
		if err != nil {
			return false, err
		}
		charge(rsaUnits(p.N.BitLen()) / 20)
		if !s.pss(k) {
			return rsa.VerifyPKCS1v15(p, id, digest, signature) == nil, nil
		}
		salt := s.SaltLength
		switch salt {
		case SaltDigest:
			salt = rsa.PSSSaltLengthEqualsHash
		case SaltMost:
			salt = rsa.PSSSaltLengthAuto
		}
		return rsa.VerifyPSS(p, id, digest, signature, &rsa.PSSOptions{SaltLength: salt}) == nil, nil
	case *ecdsa.PublicKey:
		_, digest, err := s.digestOf(data, charge)
		if err != nil {
			return false, err
		}
		charge(3_000_000)
		if s.P1363 {
			if signature = toECDSA(signature, (p.Curve.Params().BitSize+7)/8); signature == nil {
				return false, nil
			}
		}
		return ecdsa.VerifyASN1(p, digest, signature), nil
	case ed25519.PublicKey:
		if s.Hash != "" {
			return false, failf("ERR_OSSL_INVALID_DIGEST", "error:1C80007A:Provider routines::invalid digest")
		}
		if len(data) > MaxEd25519Message {
			return false, failf(codeTooMuch, "messages of more than %d bytes can't be verified with Ed25519", MaxEd25519Message)
		}
		charge(uint64(len(data))*hashUnits + 200_000)
		return ed25519.Verify(p, data, signature), nil
	}
	return false, failf("ERR_OSSL_EVP_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE", "error:03000096:digital envelope routines::operation not supported for this keytype")
}

type ecdsaSignature struct{ R, S *big.Int }

// fromECDSA turns a signature in DER into r and s of size bytes each (IEEE P1363).
func fromECDSA(der []byte, size int) ([]byte, error) {
	var v ecdsaSignature
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) > 0 || v.R.Sign() < 0 || v.S.Sign() < 0 || v.R.BitLen() > 8*size || v.S.BitLen() > 8*size {
		return nil, failf(codeFailed, "malformed signature")
	}
	out := make([]byte, 2*size)
	v.R.FillBytes(out[:size])
	v.S.FillBytes(out[size:])
	return out, nil
}

// toECDSA is the reverse; nil = not of that form.
func toECDSA(b []byte, size int) []byte {
	if len(b) != 2*size {
		return nil
	}
	return mustMarshal(ecdsaSignature{new(big.Int).SetBytes(b[:size]), new(big.Int).SetBytes(b[size:])})
}
