package crypto

import (
	stdcrypto "crypto"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
)

// Encryption says how RSA encrypts.
type Encryption struct {
	Padding string // oaep, pkcs1, none, or sign: PKCS #1 type 1, with the private key
	Hash    string // of oaep
	Label   []byte // of oaep
}

func notRSA() error {
	return failf("ERR_OSSL_EVP_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE", "error:03000096:digital envelope routines::operation not supported for this keytype")
}

func tooLarge() error {
	return failf("ERR_OSSL_RSA_DATA_TOO_LARGE_FOR_KEY_SIZE", "error:0200006E:rsa routines::data too large for key size")
}

// Encrypt encrypts a short message.
func Encrypt(k *Key, e Encryption, data []byte, charge Charge) ([]byte, error) {
	p, ok := k.public.(*rsa.PublicKey)
	if !ok {
		return nil, notRSA()
	}
	if len(data) > p.Size() {
		return nil, tooLarge()
	}
	charge(rsaUnits(p.N.BitLen()))
	var out []byte
	var err error
	switch e.Padding {
	case "oaep":
		a, ferr := fixed(e.Hash)
		if ferr != nil {
			return nil, ferr
		}
		out, err = rsa.EncryptOAEP(a.make(), rand.Reader, p, data, e.Label)
	case "pkcs1":
		out, err = rsa.EncryptPKCS1v15(rand.Reader, p, data) //nolint:staticcheck // programs of users need it
	case "none":
		m := new(big.Int).SetBytes(data)
		if len(data) != p.Size() || m.Cmp(p.N) >= 0 {
			return nil, failf("ERR_OSSL_RSA_DATA_TOO_SMALL_FOR_KEY_SIZE", "error:0200007A:rsa routines::data too small for key size")
		}
		return m.Exp(m, big.NewInt(int64(p.E)), p.N).FillBytes(make([]byte, p.Size())), nil
	case "sign":
		private, ok := k.private.(*rsa.PrivateKey)
		if !ok {
			return nil, notRSA()
		}
		out, err = rsa.SignPKCS1v15(nil, private, stdcrypto.Hash(0), data)
	default:
		return nil, failf("ERR_OSSL_RSA_ILLEGAL_OR_UNSUPPORTED_PADDING_MODE", "error:0200010B:rsa routines::illegal or unsupported padding mode")
	}
	if err != nil {
		return nil, tooLarge()
	}
	return out, nil
}

// Decrypt reverses Encrypt.
func Decrypt(k *Key, e Encryption, data []byte, charge Charge) ([]byte, error) {
	p, ok := k.public.(*rsa.PublicKey)
	if !ok {
		return nil, notRSA()
	}
	if len(data) > p.Size() {
		return nil, failf("ERR_OSSL_RSA_DATA_GREATER_THAN_MOD_LEN", "error:0200006C:rsa routines::data greater than mod len")
	}
	charge(rsaUnits(p.N.BitLen()))
	if e.Padding == "sign" {
		return recoverSigned(p, data)
	}
	private, ok := k.private.(*rsa.PrivateKey)
	if !ok {
		return nil, notRSA()
	}
	switch e.Padding {
	case "oaep":
		a, err := fixed(e.Hash)
		if err != nil {
			return nil, err
		}
		out, err := rsa.DecryptOAEP(a.make(), nil, private, data, e.Label)
		if err != nil {
			return nil, failf("ERR_OSSL_RSA_OAEP_DECODING_ERROR", "error:02000079:rsa routines::oaep decoding error")
		}
		return out, nil
	case "pkcs1":
		out, err := rsa.DecryptPKCS1v15(nil, private, data) //nolint:staticcheck // programs of users need it
		if err != nil {
			return nil, failf("ERR_OSSL_RSA_PADDING_CHECK_FAILED", "error:02000072:rsa routines::padding check failed")
		}
		return out, nil
	case "none":
		c := new(big.Int).SetBytes(data)
		if c.Cmp(p.N) >= 0 {
			return nil, tooLarge()
		}
		return c.Exp(c, private.D, p.N).FillBytes(make([]byte, p.Size())), nil
	}
	return nil, failf("ERR_OSSL_RSA_ILLEGAL_OR_UNSUPPORTED_PADDING_MODE", "error:0200010B:rsa routines::illegal or unsupported padding mode")
}

// recoverSigned gives the data of a PKCS #1 signature without a hash.
func recoverSigned(p *rsa.PublicKey, sig []byte) ([]byte, error) {
	m := new(big.Int).SetBytes(sig)
	if m.Cmp(p.N) >= 0 {
		return nil, tooLarge()
	}
	b := m.Exp(m, big.NewInt(int64(p.E)), p.N).FillBytes(make([]byte, p.Size()))
	i := 2
	for i < len(b) && b[i] == 0xFF {
		i++
	}
	if len(b) < 11 || b[0] != 0 || b[1] != 1 || i < 10 || i == len(b) || b[i] != 0 {
		return nil, failf("ERR_OSSL_RSA_INVALID_PADDING", "error:0200008A:rsa routines::invalid padding")
	}
	return b[i+1:], nil
}
