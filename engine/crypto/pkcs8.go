package crypto

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
)

// Private keys encrypted under a passphrase: PKCS #8 with PBES2 (RFC 8018), and PEM's own old way.

type encryptedKey struct {
	Algorithm struct {
		ID     asn1.ObjectIdentifier
		Params struct {
			KDF    algorithmIdentifier
			Cipher algorithmIdentifier
		} `asn1:"optional"`
	}
	Data []byte
}

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	Length     int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

type scryptParams struct {
	Salt    []byte
	N, R, P int
	Length  int `asn1:"optional"`
}

// maxPassphraseScrypt is the memory that scrypt may take for the key of a key, bytes.
const maxPassphraseScrypt = 32 << 20

func oidPBES2() asn1.ObjectIdentifier  { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13} }
func oidPBKDF2() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12} }
func oidScrypt() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11} }

func isEncrypted(der []byte) bool {
	var e struct {
		Algorithm asn1.RawValue
		Data      []byte
	}
	_, err := asn1.Unmarshal(der, &e)
	return err == nil
}

func prfHash(oid string) (string, bool) {
	switch oid {
	case "", "1.2.840.113549.2.7":
		return "sha1", true
	case "1.2.840.113549.2.8":
		return "sha224", true
	case "1.2.840.113549.2.9":
		return "sha256", true
	case "1.2.840.113549.2.10":
		return "sha384", true
	case "1.2.840.113549.2.11":
		return "sha512", true
	}
	return "", false
}

func cipherOID(oid string) (string, bool) {
	switch oid {
	case "2.16.840.1.101.3.4.1.2":
		return "aes-128-cbc", true
	case "2.16.840.1.101.3.4.1.22":
		return "aes-192-cbc", true
	case "2.16.840.1.101.3.4.1.42":
		return "aes-256-cbc", true
	case "1.2.840.113549.3.7":
		return "des-ede3-cbc", true
	}
	return "", false
}

func decryptPKCS8(der, passphrase []byte, charge Charge) ([]byte, error) {
	var e encryptedKey
	if _, err := asn1.Unmarshal(der, &e); err != nil || !e.Algorithm.ID.Equal(oidPBES2()) {
		return nil, unsupported()
	}
	name, ok := cipherOID(e.Algorithm.Params.Cipher.Algorithm.String())
	if !ok {
		return nil, unsupported()
	}
	kind, _ := cipherByName(name)
	var iv, key []byte
	if _, err := asn1.Unmarshal(e.Algorithm.Params.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, unsupported()
	}
	switch kdf := e.Algorithm.Params.KDF; {
	case kdf.Algorithm.Equal(oidPBKDF2()):
		var p pbkdf2Params
		if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil || p.Iterations < 1 {
			return nil, unsupported()
		}
		prf, ok := prfHash(p.PRF.Algorithm.String())
		if !ok {
			return nil, unsupported()
		}
		a, _ := lookup(prf)
		key = pbkdf2(hmac.New(a.make, passphrase), p.Salt, p.Iterations, kind.key, charge)
	case kdf.Algorithm.Equal(oidScrypt()):
		var p scryptParams
		if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil {
			return nil, unsupported()
		}
		var err error
		if key, err = Scrypt(passphrase, p.Salt, p.N, p.R, p.P, kind.key, maxPassphraseScrypt, maxPassphraseScrypt, charge); err != nil {
			return nil, err
		}
	default:
		return nil, unsupported()
	}
	c, err := NewCipher(name, key, iv, false, -1)
	if err != nil {
		return nil, unsupported()
	}
	plain, err := c.Update(e.Data, charge)
	if err != nil {
		return nil, err
	}
	last, err := c.Final(charge)
	if err != nil {
		return nil, badDecrypt()
	}
	return append(plain, last...), nil
}

func encryptPKCS8(der []byte, name string, passphrase []byte, charge Charge) ([]byte, error) {
	kind, ok := cipherByName(name)
	var oid asn1.ObjectIdentifier
	switch {
	case !ok || kind.mode != modeCBC:
		return nil, failf("ERR_CRYPTO_UNKNOWN_CIPHER", "Unknown cipher")
	case kind.des:
		oid = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
	default:
		oid = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, map[int]int{16: 2, 24: 22, 32: 42}[kind.key]}
	}
	const iterations = 2048 // as OpenSSL
	salt, iv := make([]byte, 16), make([]byte, kind.iv)
	_, _ = rand.Read(salt) // never fails
	_, _ = rand.Read(iv)
	a, _ := lookup("sha256")
	key := pbkdf2(hmac.New(a.make, passphrase), salt, iterations, kind.key, charge)
	c, err := NewCipher(name, key, iv, true, -1)
	if err != nil {
		return nil, err
	}
	data, err := c.Update(der, charge)
	if err != nil {
		return nil, err
	}
	last, err := c.Final(charge)
	if err != nil {
		return nil, err
	}
	raw := func(v any) asn1.RawValue { return asn1.RawValue{FullBytes: mustMarshal(v)} }
	var e encryptedKey
	e.Algorithm.ID = oidPBES2()
	prf := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, Parameters: asn1.NullRawValue}
	e.Algorithm.Params.KDF = algorithmIdentifier{oidPBKDF2(), raw(pbkdf2Params{Salt: salt, Iterations: iterations, PRF: prf})}
	e.Algorithm.Params.Cipher = algorithmIdentifier{oid, raw(iv)}
	e.Data = append(data, last...)
	return asn1.Marshal(e)
}

// legacyPEM encrypts as OpenSSL did before PKCS #8.
func legacyPEM(title string, der []byte, name string, passphrase []byte) ([]byte, error) {
	kind, ok := cipherByName(name)
	if !ok || kind.mode != modeCBC {
		return nil, failf("ERR_CRYPTO_UNKNOWN_CIPHER", "Unknown cipher")
	}
	alg := x509.PEMCipher3DES
	if !kind.des {
		alg = map[int]x509.PEMCipher{16: x509.PEMCipherAES128, 24: x509.PEMCipherAES192, 32: x509.PEMCipherAES256}[kind.key]
	}
	block, err := x509.EncryptPEMBlock(rand.Reader, title, der, passphrase, alg) //nolint:staticcheck // programs of users ask for it
	if err != nil {
		return nil, failf(codeFailed, "%v", err)
	}
	return pem.EncodeToMemory(block), nil
}
