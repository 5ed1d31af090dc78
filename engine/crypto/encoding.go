package crypto

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"strings"
)

// Import reads a key. kind is private or public, format pem, der, jwk or raw; encoding is that of DER (pkcs1, pkcs8, spki, sec1)
// or, for raw, the curve. A public key may be taken from a private one or from a certificate.
func Import(kind, format, encoding string, passphrase []byte, hasPassphrase bool, data []byte, charge Charge) (k *Key, err error) {
	if len(data) > maxKeyData {
		return nil, failf(codeTooMuch, "encoded keys may have %d bytes", maxKeyData)
	}
	charge(200_000)
	switch format {
	case "jwk":
		k, err = fromJWK(data)
	case "raw":
		k, err = fromRaw(kind, encoding, data)
	case "pem":
		k, err = fromPEM(kind, passphrase, hasPassphrase, data, charge)
	case "der":
		k, err = fromDER(kind, encoding, passphrase, hasPassphrase, data, charge)
	default:
		err = failf("ERR_INVALID_ARG_VALUE", "unknown format of keys %q", format)
	}
	if err != nil {
		return nil, err
	}
	if kind == "public" {
		return k.Public(), nil
	}
	if !k.Private() {
		return nil, unsupported()
	}
	return k, nil
}

func unsupported() error {
	return failf("ERR_OSSL_UNSUPPORTED", "error:1E08010C:DECODER routines::unsupported")
}

func missingPassphrase() error {
	return failf("ERR_MISSING_PASSPHRASE", "Passphrase required for encrypted key")
}

func badDecrypt() error {
	return failf("ERR_OSSL_BAD_DECRYPT", "error:1C800064:Provider routines::bad decrypt")
}

func fromPEM(kind string, passphrase []byte, hasPassphrase bool, data []byte, charge Charge) (*Key, error) {
	// Anything may stand before and after a block; of several the first that is a key counts.
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if kind == "public" && !bytes.Contains(data, []byte("-----BEGIN")) {
				return nil, unsupported()
			}
			return nil, unsupported()
		}
		der, encoding := block.Bytes, ""
		switch block.Type {
		case "RSA PRIVATE KEY":
			encoding = "pkcs1"
		case "EC PRIVATE KEY":
			encoding = "sec1"
		case "PRIVATE KEY":
			encoding = "pkcs8"
		case "ENCRYPTED PRIVATE KEY":
			if !hasPassphrase {
				return nil, missingPassphrase()
			}
			encoding = "pkcs8"
		case "PUBLIC KEY":
			encoding = "spki"
		case "RSA PUBLIC KEY":
			encoding = "pkcs1-public"
		case "CERTIFICATE":
			encoding = "certificate"
		default:
			continue
		}
		if block.Headers["DEK-Info"] != "" {
			if !hasPassphrase {
				return nil, missingPassphrase()
			}
			plain, err := x509.DecryptPEMBlock(block, passphrase) //nolint:staticcheck // keys of users are so encrypted
			if err != nil {
				return nil, badDecrypt()
			}
			der = plain
		}
		return parseDER(encoding, passphrase, der, charge)
	}
}

func fromDER(kind, encoding string, passphrase []byte, hasPassphrase bool, data []byte, charge Charge) (*Key, error) {
	if kind == "public" && encoding == "pkcs1" {
		encoding = "pkcs1-public"
	}
	if encoding == "pkcs8" && !hasPassphrase {
		passphrase = nil
	}
	return parseDER(encoding, passphrase, data, charge)
}

func parseDER(encoding string, passphrase, der []byte, charge Charge) (*Key, error) {
	var v any
	var err error
	switch encoding {
	case "pkcs1":
		v, err = x509.ParsePKCS1PrivateKey(der)
	case "pkcs1-public":
		v, err = x509.ParsePKCS1PublicKey(der)
	case "sec1":
		v, err = x509.ParseECPrivateKey(der)
	case "pkcs8":
		if isEncrypted(der) {
			if passphrase == nil {
				return nil, missingPassphrase()
			}
			if der, err = decryptPKCS8(der, passphrase, charge); err != nil {
				return nil, err
			}
		}
		if v, err = x509.ParsePKCS8PrivateKey(der); err != nil {
			if k := pssKey(der, true); k != nil {
				return k, nil
			}
		}
	case "spki":
		if v, err = x509.ParsePKIXPublicKey(der); err != nil {
			if k := pssKey(der, false); k != nil {
				return k, nil
			}
		}
	case "certificate":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(der); err == nil {
			v = c.PublicKey
		}
	default:
		return nil, failf("ERR_INVALID_ARG_VALUE", "unknown encoding of keys %q", encoding)
	}
	if err != nil {
		return nil, unsupported()
	}
	return newKey(v)
}

// algorithmIdentifier and the rest are those of RFC 5280 and 5208.
type algorithmIdentifier struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

func oidRSA() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} }
func oidPSS() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10} }

// pssKey reads a key that is marked for RSASSA-PSS only, which the standard library doesn't know; nil = it's none.
func pssKey(der []byte, private bool) *Key {
	if private {
		var p struct {
			Version   int
			Algorithm algorithmIdentifier
			Key       []byte
		}
		if _, err := asn1.Unmarshal(der, &p); err != nil || !p.Algorithm.Algorithm.Equal(oidPSS()) {
			return nil
		}
		r, err := x509.ParsePKCS1PrivateKey(p.Key)
		if err != nil || checkRSA(&r.PublicKey) != nil {
			return nil
		}
		return &Key{private: r, public: &r.PublicKey, pss: true}
	}
	var p struct {
		Algorithm algorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &p); err != nil || !p.Algorithm.Algorithm.Equal(oidPSS()) {
		return nil
	}
	r, err := x509.ParsePKCS1PublicKey(p.Key.Bytes)
	if err != nil || checkRSA(r) != nil {
		return nil
	}
	return &Key{public: r, pss: true}
}

// fromRaw reads the bare bytes of a key: a point or scalar on a curve, or 32 bytes of Ed25519 or X25519.
func fromRaw(kind, curve string, data []byte) (*Key, error) {
	invalid := failf("ERR_CRYPTO_INVALID_KEYLEN", "Invalid key data")
	switch strings.ToLower(curve) {
	case "ed25519":
		if len(data) != 32 {
			return nil, invalid
		}
		if kind == "private" {
			return newKey(ed25519.NewKeyFromSeed(data))
		}
		return newKey(ed25519.PublicKey(bytes.Clone(data)))
	case "x25519":
		if kind == "private" {
			p, err := ecdh.X25519().NewPrivateKey(data)
			if err != nil {
				return nil, invalid
			}
			return newKey(p)
		}
		p, err := ecdh.X25519().NewPublicKey(data)
		if err != nil {
			return nil, invalid
		}
		return newKey(p)
	}
	c, ok := curveByName(curve)
	if !ok {
		return nil, failf("ERR_CRYPTO_INVALID_CURVE", "Invalid EC curve name")
	}
	if kind == "private" {
		p, err := publicFromScalar(c, new(big.Int).SetBytes(data))
		if err != nil {
			return nil, err
		}
		return newKey(p)
	}
	p, err := pointKey(c, data)
	if err != nil {
		return nil, err
	}
	return newKey(p)
}

func pointKey(c elliptic.Curve, data []byte) (*ecdsa.PublicKey, error) {
	if len(data) > 0 && (data[0] == 2 || data[0] == 3) {
		x, y := elliptic.UnmarshalCompressed(c, data)
		if x == nil {
			return nil, failf("ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY", "Public key is not valid for specified curve")
		}
		data = elliptic.Marshal(c, x, y) //nolint:staticcheck // there is no other way from a compressed point
	}
	p, err := ecdsa.ParseUncompressedPublicKey(c, data)
	if err != nil {
		return nil, failf("ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY", "Public key is not valid for specified curve")
	}
	return p, nil
}

// Export writes a key: the public half if kind is public. encoding is as for Import; for raw it may be "compressed". With a
// cipher the key is encrypted under the passphrase (pkcs8 only).
func Export(k *Key, kind, format, encoding, cipherName string, passphrase []byte, charge Charge) ([]byte, error) {
	if kind == "private" && !k.Private() {
		return nil, failf("ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", "Invalid key object type public, expected private.")
	}
	charge(100_000)
	switch format {
	case "jwk":
		return toJWK(k, kind == "private")
	case "raw":
		return toRaw(k, kind == "private", encoding == "compressed")
	}
	der, err := toDER(k, kind, encoding)
	if err != nil {
		return nil, err
	}
	title := map[string]string{"private pkcs1": "RSA PRIVATE KEY", "private sec1": "EC PRIVATE KEY", "private pkcs8": "PRIVATE KEY", "public pkcs1": "RSA PUBLIC KEY", "public spki": "PUBLIC KEY"}[kind+" "+encoding]
	if cipherName != "" {
		if encoding == "pkcs8" {
			if der, err = encryptPKCS8(der, cipherName, passphrase, charge); err != nil {
				return nil, err
			}
			title = "ENCRYPTED PRIVATE KEY"
		} else if format != "pem" {
			return nil, failf("ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS", "The selected key encoding %s does not support encryption.", encoding)
		} else {
			return legacyPEM(title, der, cipherName, passphrase)
		}
	}
	if format == "der" {
		return der, nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: title, Bytes: der}), nil
}

func toDER(k *Key, kind, encoding string) (der []byte, err error) {
	wrong := failf("ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS", "The selected key encoding %s is not compatible with a key of type %s.", encoding, k.Type())
	switch kind + " " + encoding {
	case "private pkcs1":
		p, ok := k.private.(*rsa.PrivateKey)
		if !ok {
			return nil, wrong
		}
		return x509.MarshalPKCS1PrivateKey(p), nil
	case "public pkcs1":
		p, ok := k.public.(*rsa.PublicKey)
		if !ok {
			return nil, wrong
		}
		return x509.MarshalPKCS1PublicKey(p), nil
	case "private sec1":
		p, ok := k.private.(*ecdsa.PrivateKey)
		if !ok {
			return nil, wrong
		}
		der, err = x509.MarshalECPrivateKey(p)
	case "private pkcs8":
		der, err = x509.MarshalPKCS8PrivateKey(k.private)
	case "public spki":
		der, err = x509.MarshalPKIXPublicKey(k.public)
	default:
		return nil, wrong
	}
	if err != nil {
		return nil, failf(codeFailed, "%v", err)
	}
	if k.pss {
		// The same structure with another algorithm, whose parameters are left out: any hash.
		der = bytes.Replace(der, mustMarshal(algorithmIdentifier{oidRSA(), asn1.NullRawValue}), mustMarshalPadded(), 1)
	}
	return der, nil
}

// mustMarshalPadded is the algorithm identifier of PSS in as many bytes as rsaEncryption's takes: its parameters are NULL.
func mustMarshalPadded() []byte { return mustMarshal(algorithmIdentifier{oidPSS(), asn1.NullRawValue}) }

func mustMarshal(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		panic(err) // of constants
	}
	return b
}

func toRaw(k *Key, private, compressed bool) ([]byte, error) {
	switch p := k.public.(type) {
	case ed25519.PublicKey:
		if private {
			return k.private.(ed25519.PrivateKey).Seed(), nil
		}
		return p, nil
	case *ecdh.PublicKey:
		if private {
			return k.private.(*ecdh.PrivateKey).Bytes(), nil
		}
		return p.Bytes(), nil
	case *ecdsa.PublicKey:
		if private {
			b, err := k.private.(*ecdsa.PrivateKey).Bytes()
			if err != nil {
				return nil, failf(codeFailed, "%v", err)
			}
			return b, nil
		}
		b, err := p.Bytes()
		if err != nil {
			return nil, failf(codeFailed, "%v", err)
		}
		if compressed {
			size := (len(b) - 1) / 2
			b = append([]byte{2 + b[len(b)-1]&1}, b[1:1+size]...)
		}
		return b, nil
	}
	return nil, failf("ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS", "keys of type %s have no raw form", k.Type())
}
