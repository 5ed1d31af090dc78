package crypto

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"math"
	"math/big"
)

// Generate makes a private key. For rsa and rsa-pss it takes the bits of the modulus and the public exponent, for ec the curve.
func Generate(kind string, bits, exponent int, curve string, charge Charge) (*Key, error) {
	switch kind {
	case "rsa", "rsa-pss":
		p, err := generateRSA(bits, exponent, charge)
		if err != nil {
			return nil, err
		}
		return &Key{private: p, public: &p.PublicKey, pss: kind == "rsa-pss"}, nil
	case "ec":
		c, ok := curveByName(curve)
		if !ok {
			return nil, failf("ERR_CRYPTO_INVALID_CURVE", "Invalid EC curve name")
		}
		charge(2_000_000)
		p, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			return nil, failf(codeFailed, "%v", err)
		}
		return newKey(p)
	case "ed25519":
		charge(200_000)
		_, p, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, failf(codeFailed, "%v", err)
		}
		return newKey(p)
	case "x25519":
		charge(200_000)
		p, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			return nil, failf(codeFailed, "%v", err)
		}
		return newKey(p)
	}
	return nil, failf("ERR_CRYPTO_UNSUPPORTED_OPERATION", "keys of type %s can't be made in this runtime", kind)
}

// MaxGeneratedBits bounds the keys that are made: the search for their primes takes seconds.
const MaxGeneratedBits = 4096

// generateRSA searches for the primes itself, one candidate at a time, because the standard library's search can't be interrupted.
func generateRSA(bits, exponent int, charge Charge) (*rsa.PrivateKey, error) {
	if bits < MinRSABits || bits > MaxGeneratedBits {
		return nil, failf(codeTooMuch, "RSA keys of %d to %d bits can be made, not of %d", MinRSABits, MaxGeneratedBits, bits)
	}
	if exponent < 3 || exponent%2 == 0 || exponent >= 1<<31-1 {
		return nil, failf("ERR_OSSL_RSA_PUB_EXPONENT_OUT_OF_RANGE", "error:020000B2:rsa routines::pub exponent out of range")
	}
	e, one, small := big.NewInt(int64(exponent)), big.NewInt(1), newSieve()
	for {
		p := prime((bits+1)/2, e, small, charge)
		q := prime(bits/2, e, small, charge)
		n := new(big.Int).Mul(p, q)
		if n.BitLen() != bits || p.Cmp(q) == 0 {
			continue
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: exponent}, D: d, Primes: []*big.Int{p, q}}
		charge(rsaUnits(bits))
		key.Precompute()
		if err := key.Validate(); err != nil {
			return nil, failf(codeFailed, "%v", err)
		}
		return key, nil
	}
}

// prime finds a random prime of that many bits, the two highest set, for which e can be the public exponent.
func prime(bits int, e *big.Int, small *sieve, charge Charge) *big.Int {
	units := rsaUnits(bits) * 2
	b := make([]byte, (bits+7)/8)
	p, m, one := new(big.Int), new(big.Int), big.NewInt(1)
candidates:
	for {
		_, _ = rand.Read(b) // never fails
		p.SetBytes(b)
		p.SetBit(p, 0, 1)
		for i := bits; i < len(b)*8; i++ {
			p.SetBit(p, i, 0)
		}
		p.SetBit(p, bits-1, 1)
		p.SetBit(p, bits-2, 1)
		if small.composite(p, m) {
			charge(2_000)
			continue
		}
		if m.GCD(nil, nil, m.Sub(p, one), e).Cmp(one) != 0 {
			continue
		}
		charge(units)
		if !p.ProbablyPrime(0) { // Baillie-PSW; nearly all others end at its first test
			continue
		}
		for range 8 {
			charge(units)
			if !p.ProbablyPrime(1) {
				continue candidates
			}
		}
		return p
	}
}

// sieve rules out candidates that have a small factor, nearly nine of ten, at a fraction of a test's cost.
type sieve struct {
	products []*big.Int // each fits a word
	primes   [][]uint64 // those of each product
}

func newSieve() *sieve {
	const limit = 2000
	var s sieve
	composite := make([]bool, limit)
	product, group := uint64(1), []uint64(nil)
	for p := uint64(3); p < limit; p += 2 {
		if composite[p] {
			continue
		}
		for m := p * p; m < limit; m += 2 * p {
			composite[m] = true
		}
		if product > math.MaxUint64/p {
			s.products, s.primes = append(s.products, new(big.Int).SetUint64(product)), append(s.primes, group)
			product, group = 1, nil
		}
		product, group = product*p, append(group, p)
	}
	s.products, s.primes = append(s.products, new(big.Int).SetUint64(product)), append(s.primes, group)
	return &s
}

// composite says whether p, which is larger than the primes of the sieve, has one of them as a factor. m is scratch.
func (s *sieve) composite(p, m *big.Int) bool {
	for i, product := range s.products {
		r := m.Mod(p, product).Uint64()
		for _, f := range s.primes[i] {
			if r%f == 0 {
				return true
			}
		}
	}
	return false
}
