package crypto

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
)

// jwk is a key as RFC 7518 and 8037 write it.
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
	D   string `json:"d,omitempty"`
	P   string `json:"p,omitempty"`
	Q   string `json:"q,omitempty"`
	DP  string `json:"dp,omitempty"`
	DQ  string `json:"dq,omitempty"`
	QI  string `json:"qi,omitempty"`
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func invalidJWK() error { return failf("ERR_CRYPTO_INVALID_JWK", "Invalid JWK data") }

func unb64(s string) ([]byte, error) {
	if s == "" {
		return nil, invalidJWK()
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, invalidJWK()
	}
	return b, nil
}

func fromJWK(data []byte) (*Key, error) {
	var j jwk
	if json.Unmarshal(data, &j) != nil {
		return nil, invalidJWK()
	}
	switch j.Kty {
	case "RSA":
		return rsaJWK(j)
	case "EC":
		return ecJWK(j)
	case "OKP":
		kind, field := "public", j.X
		if j.D != "" {
			kind, field = "private", j.D
		}
		b, err := unb64(field)
		if err != nil || len(b) != 32 || j.Crv != "Ed25519" && j.Crv != "X25519" {
			return nil, invalidJWK()
		}
		return fromRaw(kind, j.Crv, b)
	}
	return nil, failf("ERR_CRYPTO_INVALID_JWK", "Unsupported JWK Key Type.")
}

func rsaJWK(j jwk) (*Key, error) {
	number := func(s string) *big.Int {
		b, err := unb64(s)
		if err != nil {
			return new(big.Int)
		}
		return new(big.Int).SetBytes(b)
	}
	n, e := number(j.N), number(j.E)
	if n.Sign() == 0 || e.Sign() == 0 || !e.IsInt64() || e.Int64() >= 1<<31 {
		return nil, invalidJWK()
	}
	public := rsa.PublicKey{N: n, E: int(e.Int64())}
	if err := checkRSA(&public); err != nil {
		return nil, err
	}
	if j.D == "" {
		return newKey(&public)
	}
	p := &rsa.PrivateKey{PublicKey: public, D: number(j.D), Primes: []*big.Int{number(j.P), number(j.Q)}}
	if p.Primes[0].BitLen() < 64 || p.Primes[1].BitLen() < 64 || p.D.BitLen() > n.BitLen() || p.Validate() != nil {
		return nil, invalidJWK()
	}
	p.Precompute()
	return newKey(p)
}

func ecJWK(j jwk) (*Key, error) {
	c, ok := curveByName(j.Crv)
	if !ok || len(j.Crv) != 5 {
		return nil, failf("ERR_CRYPTO_INVALID_CURVE", "Invalid JWK EC key curve name")
	}
	size := (c.Params().BitSize + 7) / 8
	x, errX := unb64(j.X)
	y, errY := unb64(j.Y)
	if errX != nil || errY != nil || len(x) > size || len(y) > size {
		return nil, invalidJWK()
	}
	point := make([]byte, 1+2*size)
	point[0] = 4
	copy(point[1+size-len(x):], x)
	copy(point[1+2*size-len(y):], y)
	public, err := ecdsa.ParseUncompressedPublicKey(c, point)
	if err != nil {
		return nil, failf("ERR_CRYPTO_INVALID_JWK", "Invalid JWK EC key")
	}
	if j.D == "" {
		return newKey(public)
	}
	d, err := unb64(j.D)
	if err != nil || len(d) > size {
		return nil, invalidJWK()
	}
	private, err := publicFromScalar(c, new(big.Int).SetBytes(d))
	if err != nil || !private.PublicKey.Equal(public) {
		return nil, failf("ERR_CRYPTO_INVALID_JWK", "Invalid JWK EC key")
	}
	return newKey(private)
}

func toJWK(k *Key, private bool) ([]byte, error) {
	var j jwk
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		if k.pss {
			return nil, failf("ERR_CRYPTO_JWK_UNSUPPORTED_KEY_TYPE", "Unsupported JWK Key Type.")
		}
		j = jwk{Kty: "RSA", N: b64(p.N.Bytes()), E: b64(big.NewInt(int64(p.E)).Bytes())}
		if private {
			r := k.private.(*rsa.PrivateKey)
			if len(r.Primes) != 2 {
				return nil, failf("ERR_CRYPTO_JWK_UNSUPPORTED_KEY_TYPE", "Unsupported JWK Key Type.")
			}
			j.D, j.P, j.Q = b64(r.D.Bytes()), b64(r.Primes[0].Bytes()), b64(r.Primes[1].Bytes())
			j.DP, j.DQ, j.QI = b64(r.Precomputed.Dp.Bytes()), b64(r.Precomputed.Dq.Bytes()), b64(r.Precomputed.Qinv.Bytes())
		}
	case *ecdsa.PublicKey:
		if p.Curve.Params().BitSize == 224 {
			return nil, failf("ERR_CRYPTO_JWK_UNSUPPORTED_CURVE", "Unsupported JWK EC curve: secp224r1.")
		}
		b, err := toRaw(k, false, false)
		if err != nil {
			return nil, err
		}
		size := (len(b) - 1) / 2
		j = jwk{Kty: "EC", Crv: p.Curve.Params().Name, X: b64(b[1 : 1+size]), Y: b64(b[1+size:])}
		if private {
			d, err := toRaw(k, true, false)
			if err != nil {
				return nil, err
			}
			j.D = b64(d)
		}
	case ed25519.PublicKey:
		j = jwk{Kty: "OKP", Crv: "Ed25519", X: b64(p)}
		if private {
			j.D = b64(k.private.(ed25519.PrivateKey).Seed())
		}
	case *ecdh.PublicKey:
		j = jwk{Kty: "OKP", Crv: "X25519", X: b64(p.Bytes())}
		if private {
			j.D = b64(k.private.(*ecdh.PrivateKey).Bytes())
		}
	}
	return json.Marshal(j)
}
