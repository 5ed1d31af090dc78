package crypto

import (
	"crypto/hmac"
	"encoding/binary"
	"hash"
	"math/bits"

	"golang.org/x/crypto/salsa20/salsa"
)

// MaxDerived bounds the length of a derived key, bytes.
const MaxDerived = 16 << 20

// rounds is how many iterations of PBKDF2 are done between two charges.
const rounds = 64

// PBKDF2 derives length bytes (RFC 8018, 5.2). It is written out here because the standard library's can't be interrupted: a
// function may ask for a billion iterations.
func PBKDF2(name string, password, salt []byte, iterations, length int, charge Charge) ([]byte, error) {
	a, err := fixed(name)
	if err != nil {
		return nil, err
	}
	if iterations < 1 || length < 0 {
		return nil, failf("ERR_OUT_OF_RANGE", "iterations and length must be positive")
	}
	if length > MaxDerived {
		return nil, failf(codeTooMuch, "derived key of more than %d bytes", MaxDerived)
	}
	charge(uint64(len(password)+len(salt)) * hashUnits)
	return pbkdf2(hmac.New(a.make, password), salt, iterations, length, charge), nil
}

func pbkdf2(mac hash.Hash, salt []byte, iterations, length int, charge Charge) []byte {
	size := mac.Size()
	// A round of SHA-1 to SHA-512 takes 150 to 500 ns.
	perRound := uint64(600 + mac.BlockSize()*2)
	out := make([]byte, 0, (length+size-1)/size*size)
	var u, t []byte
	for block := uint32(1); len(out) < length; block++ {
		charge(perRound + uint64(len(salt))*hashUnits)
		mac.Reset()
		mac.Write(salt)
		mac.Write(binary.BigEndian.AppendUint32(nil, block))
		t = mac.Sum(t[:0])
		u = append(u[:0], t...)
		for i := 1; i < iterations; i++ {
			if i%rounds == 0 {
				charge(rounds * perRound)
			}
			mac.Reset()
			mac.Write(u)
			u = mac.Sum(u[:0])
			for j := range t {
				t[j] ^= u[j]
			}
		}
		out = append(out, t...)
	}
	return out[:length]
}

// HKDF derives length bytes (RFC 5869).
func HKDF(name string, key, salt, info []byte, length int, charge Charge) ([]byte, error) {
	a, err := fixed(name)
	if err != nil {
		return nil, err
	}
	if size := a.make().Size(); length < 0 || length > 255*size {
		return nil, failf("ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length")
	}
	charge(uint64(len(key)+len(salt)) * hashUnits)
	if len(salt) == 0 {
		salt = make([]byte, a.make().Size())
	}
	extract := hmac.New(a.make, salt)
	extract.Write(key)
	expand := hmac.New(a.make, extract.Sum(nil))
	out := make([]byte, 0, length+expand.Size())
	var t []byte
	for i := byte(1); len(out) < length; i++ {
		charge(uint64(len(info)+expand.BlockSize()) * hashUnits)
		expand.Reset()
		expand.Write(t)
		expand.Write(info)
		expand.Write([]byte{i})
		t = expand.Sum(t[:0])
		out = append(out, t...)
	}
	return out[:length], nil
}

// Scrypt derives length bytes (RFC 7914). maxMemory is the caller's own limit in bytes. It is written out here, over the Salsa20/8
// core of golang.org/x/crypto, because the library's can't be interrupted.
func Scrypt(password, salt []byte, n, r, p, length int, maxMemory, budget int64, charge Charge) ([]byte, error) {
	switch {
	case n < 2 || n&(n-1) != 0 || r < 1 || p < 1 || length < 0 || uint64(r)*uint64(p) >= 1<<30:
		return nil, failf("ERR_CRYPTO_INVALID_SCRYPT_PARAMS", "Invalid scrypt params")
	case length > MaxDerived:
		return nil, failf(codeTooMuch, "derived key of more than %d bytes", MaxDerived)
	}
	hi, memory := bits.Mul64(uint64(n+p)+2, 128*uint64(r))
	if hi != 0 || memory > uint64(max(0, maxMemory)) {
		return nil, failf("ERR_CRYPTO_INVALID_SCRYPT_PARAMS", "Invalid scrypt params: memory limit exceeded")
	}
	if memory > uint64(max(0, budget)) {
		return nil, failf(codeTooMuch, "scrypt needs %d bytes, which is more than this runtime grants", memory)
	}
	sha, _ := lookup("sha256")
	charge(uint64(len(password)+len(salt)) * hashUnits)
	mac := hmac.New(sha.make, password)
	b := pbkdf2(mac, salt, 1, p*128*r, charge)
	s := scryptState{x: make([]byte, 128*r), y: make([]byte, 128*r), v: make([]byte, n*128*r)}
	for i := range p {
		s.mix(b[i*128*r:(i+1)*128*r], n, charge)
	}
	return pbkdf2(mac, b, 1, length, charge), nil
}

type scryptState struct{ x, y, v []byte }

// mix is scryptROMix.
func (s *scryptState) mix(b []byte, n int, charge Charge) {
	size := len(b)
	perBlock := uint64(size) * 3
	copy(s.x, b)
	var spent uint64
	pay := func() {
		if spent += perBlock; spent > piece {
			charge(spent)
			spent = 0
		}
	}
	for i := range n {
		pay()
		copy(s.v[i*size:], s.x)
		s.blockMix()
	}
	for range n {
		pay()
		j := int(binary.LittleEndian.Uint64(s.x[size-64:]) & uint64(n-1))
		xor(s.x, s.v[j*size:(j+1)*size])
		s.blockMix()
	}
	copy(b, s.x)
}

func xor(dst, src []byte) {
	for len(dst) >= 8 && len(src) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(dst)^binary.LittleEndian.Uint64(src))
		dst, src = dst[8:], src[8:]
	}
}

// blockMix replaces x by scryptBlockMix of it.
func (s *scryptState) blockMix() {
	var t [64]byte
	blocks := len(s.x) / 64
	copy(t[:], s.x[len(s.x)-64:])
	for i := range blocks {
		xor(t[:], s.x[i*64:])
		salsa.Core208(&t, &t)
		at := i / 2
		if i%2 == 1 {
			at += blocks / 2
		}
		copy(s.y[at*64:], t[:])
	}
	s.x, s.y = s.y, s.x
}
