package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"slices"
	"strings"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"
)

// MaxSealed is the most that one authenticated message may have, bytes: it is kept until its tag is computed.
const MaxSealed = 32 << 20

// cipherUnits is the work of ciphering a byte.
const cipherUnits = 6

type mode uint8

const (
	modeCBC mode = iota
	modeECB
	modeCTR
	modeCFB
	modeOFB
	modeGCM
	modeChaCha
)

// cipherKind says how a cipher's name is made up.
type cipherKind struct {
	mode mode
	key  int // length of the key in bytes
	iv   int // usual length; 0 = none
	des  bool
}

func cipherByName(name string) (cipherKind, bool) {
	name = strings.ToLower(name)
	switch name {
	case "aes128", "aes192", "aes256":
		name = "aes-" + name[3:] + "-cbc"
	case "id-aes128-gcm", "id-aes192-gcm", "id-aes256-gcm":
		name = "aes-" + name[6:9] + "-gcm"
	case "des3", "des-ede3-cbc":
		return cipherKind{modeCBC, 24, 8, true}, true
	case "des-ede3", "des-ede3-ecb":
		return cipherKind{modeECB, 24, 0, true}, true
	case "chacha20-poly1305":
		return cipherKind{modeChaCha, 32, 12, false}, true
	}
	if len(name) != 11 || name[:4] != "aes-" || name[7] != '-' {
		return cipherKind{}, false
	}
	k := cipherKind{iv: 16}
	switch name[4:7] {
	case "128":
		k.key = 16
	case "192":
		k.key = 24
	case "256":
		k.key = 32
	default:
		return cipherKind{}, false
	}
	switch name[8:] {
	case "cbc":
		k.mode = modeCBC
	case "ecb":
		k.mode, k.iv = modeECB, 0
	case "ctr":
		k.mode = modeCTR
	case "cfb":
		k.mode = modeCFB
	case "ofb":
		k.mode = modeOFB
	case "gcm":
		k.mode, k.iv = modeGCM, 12
	default:
		return cipherKind{}, false
	}
	return k, true
}

// Cipher encrypts or decrypts one message.
type Cipher struct {
	kind    cipherKind
	encrypt bool
	block   cipher.Block
	chain   cipher.BlockMode // CBC
	stream  cipher.Stream    // CTR, CFB, OFB, GCM, ChaCha20
	pending []byte           // less than a block, or a whole last one that may be padding
	padding bool
	done    bool

	aead   cipher.AEAD
	nonce  []byte
	aad    []byte
	plain  []byte // of an authenticated message, so far
	tag    []byte // computed, or expected
	tagLen int
	tagged bool // the length of the tag was asked for
}

// NewCipher begins a message. tagLength is the length of an authentication tag in bytes, -1 = 16.
func NewCipher(name string, key, iv []byte, encrypt bool, tagLength int) (*Cipher, error) {
	k, ok := cipherByName(name)
	if !ok {
		return nil, failf("ERR_CRYPTO_UNKNOWN_CIPHER", "Unknown cipher")
	}
	if len(key) != k.key {
		return nil, failf("ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length")
	}
	aead := k.mode == modeGCM || k.mode == modeChaCha
	switch {
	case k.mode == modeGCM && (len(iv) == 0 || len(iv) > 4096), k.mode == modeChaCha && len(iv) != 12, !aead && len(iv) != k.iv:
		return nil, failf("ERR_CRYPTO_INVALID_IV", "Invalid initialization vector")
	}
	c := &Cipher{kind: k, encrypt: encrypt, padding: true, tagLen: 16, tagged: tagLength >= 0}
	if tagLength >= 0 && aead {
		if tagLength > 16 || k.mode == modeGCM && tagLength != 4 && tagLength != 8 && tagLength < 12 {
			return nil, failf("ERR_CRYPTO_INVALID_AUTH_TAG", "Invalid authentication tag length: %d", tagLength)
		}
		c.tagLen = tagLength
	}
	if k.mode == modeChaCha {
		s, err := chacha20.NewUnauthenticatedCipher(key, iv)
		if err != nil {
			return nil, failf(codeFailed, "%v", err)
		}
		s.SetCounter(1) // block 0 is the authenticator's key (RFC 8439, 2.8)
		c.stream, c.nonce = s, slices.Clone(iv)
		c.aead, err = chacha20poly1305.New(key)
		if err != nil {
			return nil, failf(codeFailed, "%v", err)
		}
		return c, nil
	}
	var err error
	if k.des {
		c.block, err = des.NewTripleDESCipher(key)
	} else {
		c.block, err = aes.NewCipher(key)
	}
	if err != nil {
		return nil, failf(codeFailed, "%v", err)
	}
	return c, c.start(iv)
}

func (c *Cipher) start(iv []byte) (err error) {
	switch c.kind.mode {
	case modeCBC:
		if c.encrypt {
			c.chain = cipher.NewCBCEncrypter(c.block, iv)
		} else {
			c.chain = cipher.NewCBCDecrypter(c.block, iv)
		}
	case modeECB:
		c.chain = &ecb{c.block, c.encrypt}
	case modeCTR:
		c.stream = cipher.NewCTR(c.block, iv)
	case modeCFB:
		if c.encrypt {
			c.stream = cipher.NewCFBEncrypter(c.block, iv) //nolint:staticcheck // programs of users need it
		} else {
			c.stream = cipher.NewCFBDecrypter(c.block, iv) //nolint:staticcheck // likewise
		}
	case modeOFB:
		c.stream = cipher.NewOFB(c.block, iv) //nolint:staticcheck // likewise
	case modeGCM:
		c.nonce = slices.Clone(iv)
		if c.aead, err = cipher.NewGCMWithNonceSize(c.block, len(iv)); err != nil {
			return failf(codeFailed, "%v", err)
		}
		// The counter of the first block follows from what it encrypts zeros to: for other than 12 bytes of iv it is a hash.
		var counter [16]byte
		first := c.aead.Seal(nil, c.nonce, counter[:], nil)
		c.block.Decrypt(counter[:], first[:16])
		c.stream = cipher.NewCTR(c.block, counter[:])
	}
	return nil
}

// ecb makes a block cipher a BlockMode without chaining.
type ecb struct {
	b       cipher.Block
	encrypt bool
}

func (e *ecb) BlockSize() int { return e.b.BlockSize() }
func (e *ecb) CryptBlocks(dst, src []byte) {
	for n := e.b.BlockSize(); len(src) > 0; dst, src = dst[n:], src[n:] {
		if e.encrypt {
			e.b.Encrypt(dst[:n], src[:n])
		} else {
			e.b.Decrypt(dst[:n], src[:n])
		}
	}
}

// Held is about how many bytes the cipher keeps.
func (c *Cipher) Held() int { return 1024 + cap(c.plain) + cap(c.aad) }

// AAD adds data that is authenticated and not encrypted.
func (c *Cipher) AAD(data []byte) error {
	if c.aead == nil || c.done || len(c.plain) > 0 {
		return failf(codeInvalidState, "Invalid state for operation setAAD")
	}
	if len(c.aad)+len(data) > MaxSealed {
		return failf(codeTooMuch, "more than %d bytes of authenticated data", MaxSealed)
	}
	c.aad = append(c.aad, data...)
	return nil
}

// SetPadding says whether messages are padded to whole blocks, PKCS #7; they are unless told.
func (c *Cipher) SetPadding(on bool) { c.padding = on }

// SetTag gives the tag that a message to be decrypted must have.
func (c *Cipher) SetTag(tag []byte) error {
	if c.aead == nil || c.encrypt || c.done || c.tag != nil {
		return failf(codeInvalidState, "Invalid state for operation setAuthTag")
	}
	n := len(tag)
	if c.tagged && n != c.tagLen || n > 16 || n == 0 || c.kind.mode == modeGCM && n != 4 && n != 8 && n < 12 {
		return failf("ERR_CRYPTO_INVALID_AUTH_TAG", "Invalid authentication tag length: %d", n)
	}
	c.tag = slices.Clone(tag)
	return nil
}

// Tag is the tag of the message that was encrypted.
func (c *Cipher) Tag() ([]byte, error) {
	if c.aead == nil || !c.encrypt || !c.done {
		return nil, failf(codeInvalidState, "Invalid state for operation getAuthTag")
	}
	return c.tag, nil
}

// Update takes a part of the message and returns what can be given out.
func (c *Cipher) Update(data []byte, charge Charge) ([]byte, error) {
	if c.done {
		return nil, failf(codeInvalidState, "Unsupported state")
	}
	if c.aead != nil && len(c.plain)+len(data) > MaxSealed {
		return nil, failf(codeTooMuch, "authenticated messages may have %d bytes", MaxSealed)
	}
	if c.stream != nil {
		out := make([]byte, len(data))
		c.pieces(out, data, charge)
		if c.aead != nil {
			if c.encrypt {
				c.plain = append(c.plain, data...)
			} else {
				c.plain = append(c.plain, out...)
			}
		}
		return out, nil
	}
	size := c.chain.BlockSize()
	whole := len(c.pending) + len(data)
	keep := whole % size
	if !c.encrypt && c.padding && keep == 0 && whole > 0 {
		keep = size // may be the padding
	}
	if whole-keep <= 0 {
		c.pending = append(c.pending, data...)
		return nil, nil
	}
	out := make([]byte, 0, whole)
	out = append(append(out, c.pending...), data...)
	c.pending = append(c.pending[:0], out[whole-keep:]...)
	out = out[:whole-keep]
	c.blocks(out, charge)
	return out, nil
}

func (c *Cipher) pieces(dst, src []byte, charge Charge) {
	for len(src) > 0 {
		n := min(len(src), piece)
		charge(uint64(n) * cipherUnits)
		c.stream.XORKeyStream(dst[:n], src[:n])
		dst, src = dst[n:], src[n:]
	}
}

func (c *Cipher) blocks(b []byte, charge Charge) {
	perByte := uint64(cipherUnits)
	if c.kind.des {
		perByte *= 20
	}
	for len(b) > 0 {
		n := min(len(b), piece/4)
		charge(uint64(n) * perByte)
		c.chain.CryptBlocks(b[:n], b[:n])
		b = b[n:]
	}
}

// Final ends the message and returns what is left of it.
func (c *Cipher) Final(charge Charge) ([]byte, error) {
	if c.done {
		return nil, failf(codeInvalidState, "Unsupported state")
	}
	c.done = true
	if c.aead != nil {
		return nil, c.authenticate(charge)
	}
	if c.stream != nil {
		return nil, nil
	}
	size := c.chain.BlockSize()
	if c.encrypt {
		if c.padding {
			n := size - len(c.pending)
			for range n {
				c.pending = append(c.pending, byte(n))
			}
		} else if len(c.pending) > 0 {
			return nil, failf("ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH", "error:1C80006A:Provider routines::wrong final block length")
		}
		c.blocks(c.pending, charge)
		return c.pending, nil
	}
	if !c.padding {
		if len(c.pending) > 0 {
			return nil, failf("ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH", "error:1C80006B:Provider routines::wrong final block length")
		}
		return nil, nil
	}
	if len(c.pending) != size {
		return nil, failf("ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH", "error:1C80006B:Provider routines::wrong final block length")
	}
	c.blocks(c.pending, charge)
	n := int(c.pending[size-1])
	good := n >= 1 && n <= size
	for i := 1; good && i <= n; i++ {
		good = c.pending[size-i] == byte(n)
	}
	if !good {
		return nil, failf("ERR_OSSL_BAD_DECRYPT", "error:1C800064:Provider routines::bad decrypt")
	}
	return c.pending[:size-n], nil
}

// authenticate computes the tag of the whole message, or compares it.
func (c *Cipher) authenticate(charge Charge) error {
	charge(uint64(len(c.plain)+len(c.aad)) * cipherUnits)
	sealed := c.aead.Seal(c.plain[:0], c.nonce, c.plain, c.aad)
	tag := sealed[len(sealed)-c.aead.Overhead():]
	c.plain, c.aad = nil, nil
	if c.encrypt {
		c.tag = slices.Clone(tag[:c.tagLen])
		return nil
	}
	if c.tag == nil || subtle.ConstantTimeCompare(tag[:len(c.tag)], c.tag) != 1 {
		return failf("", "Unsupported state or unable to authenticate data")
	}
	return nil
}
