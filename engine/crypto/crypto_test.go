package crypto

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func free(uint64) {}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func seq(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// What OpenSSL 3.0 (through Node.js 20) gives for "abc".
func TestDigests(t *testing.T) {
	for name, want := range map[string]string{
		"md5": "900150983cd24fb0d6963f7d28e17f72", "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d", "RSA-SHA1": "a9993e364706816aba3e25717850c26c9cd0d89d",
		"sha224":     "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
		"SHA256":     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha-256":    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha384":     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
		"sha512":     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		"sha512-224": "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa", "sha512-256": "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
		"sha3-224": "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf", "sha3-256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
		"sha3-384": "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
		"sha3-512": "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
		"shake128": "5881092dd818bf5cf8a3ddb793fbcba7", "shake256": "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739",
		"blake2b512": "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
		"blake2s256": "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", "ripemd160": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
	} {
		got, err := Digest(name, []byte("abc"), -1, free)
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: %x %v", name, got, err)
		}
		h, err := NewHash(name, -1)
		if err != nil {
			t.Fatal(err)
		}
		h.Update([]byte("ab"), free)
		_ = h.Sum(free)
		c, err := h.Copy()
		if name == "ripemd160" { // the one whose state can't be had
			if err == nil {
				t.Errorf("%s was copied", name)
			}
			continue
		}
		if err != nil {
			t.Fatal(name, err)
		}
		h.Update([]byte("x"), free)
		c.Update([]byte("c"), free)
		if got := c.Sum(free); hex.EncodeToString(got) != want {
			t.Errorf("copy of %s: %x", name, got)
		}
	}
	if _, err := NewHash("sha257", -1); err == nil {
		t.Error("no such hash")
	}
	if got, err := Digest("shake128", []byte("abc"), 100_000, free); err != nil || len(got) != 100_000 || hex.EncodeToString(got[:16]) != "5881092dd818bf5cf8a3ddb793fbcba7" {
		t.Error("a long output is no continuation of the short one", err)
	}
	if got, err := HMAC("sha256", []byte("key"), []byte("The quick brown fox jumps over the lazy dog"), free); err != nil || hex.EncodeToString(got) != "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8" {
		t.Errorf("%x %v", got, err)
	}
}

// RFC 6070, 7914 and 5869.
func TestDerivation(t *testing.T) {
	check := func(name, want string) func([]byte, error) {
		return func(got []byte, err error) {
			t.Helper()
			if err != nil || hex.EncodeToString(got) != want {
				t.Errorf("%s: %x %v, want %s", name, got, err, want)
			}
		}
	}
	check("pbkdf2", "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038")(PBKDF2("sha1", []byte("passwordPASSWORDpassword"), []byte("saltSALTsaltSALTsaltSALTsaltSALTsalt"), 4096, 25, free))
	const mb = 1 << 20
	check("scrypt", "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906")(Scrypt(nil, nil, 16, 1, 1, 64, mb, mb, free))
	check("scrypt", "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640")(Scrypt([]byte("password"), []byte("NaCl"), 1024, 8, 16, 64, 2*mb, 2*mb, free))
	check("scrypt", "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")(Scrypt([]byte("pleaseletmein"), []byte("SodiumChloride"), 16384, 8, 1, 64, 32*mb, 32*mb, free))
	check("hkdf", "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")(HKDF("sha256", bytes.Repeat([]byte{0x0B}, 22), seq(13), unhex(t, "f0f1f2f3f4f5f6f7f8f9"), 42, free))
}

func TestDerivationsThatAreRefused(t *testing.T) {
	code := func(_ []byte, err error) string {
		var e *Error
		if !errors.As(err, &e) {
			return "none"
		}
		return e.Code
	}
	const gb = 1 << 30
	for name, c := range map[string]struct{ got, want string }{
		"memory beyond the caller's limit": {code(Scrypt(nil, nil, 1<<20, 8, 1, 64, 1<<20, gb, free)), "ERR_CRYPTO_INVALID_SCRYPT_PARAMS"},
		"memory beyond the host's":         {code(Scrypt(nil, nil, 1<<16, 8, 1, 64, gb, 1<<20, free)), "ERR_SERVICE_LIMIT"},
		"overflow":                         {code(Scrypt(nil, nil, 1<<62, 1<<29, 1, 64, 1<<62, gb, free)), "ERR_CRYPTO_INVALID_SCRYPT_PARAMS"},
		"negative N":                       {code(Scrypt(nil, nil, -4, 8, 1, 64, gb, gb, free)), "ERR_CRYPTO_INVALID_SCRYPT_PARAMS"},
		"odd N":                            {code(Scrypt(nil, nil, 15, 8, 1, 64, gb, gb, free)), "ERR_CRYPTO_INVALID_SCRYPT_PARAMS"},
		"length":                           {code(PBKDF2("sha1", nil, nil, 1, gb, free)), "ERR_SERVICE_LIMIT"},
		"hash":                             {code(PBKDF2("shake128", nil, nil, 1, 1, free)), "ERR_CRYPTO_INVALID_DIGEST"},
		"no rounds":                        {code(PBKDF2("sha1", nil, nil, 0, 1, free)), "ERR_OUT_OF_RANGE"},
		"too long for HKDF":                {code(HKDF("sha256", nil, nil, nil, 255*32+1, free)), "ERR_CRYPTO_INVALID_KEYLEN"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
}

// Long operations come by at Charge often enough to be ended: never more than that many units apart.
func TestLongOperationsCanBeEnded(t *testing.T) {
	type stop struct{}
	const most = 20_000_000 // some ten milliseconds at worst
	for name, f := range map[string]func(Charge){
		"pbkdf2": func(c Charge) { _, _ = PBKDF2("sha512", nil, nil, 1<<30, 64, c) },
		"scrypt": func(c Charge) { _, _ = Scrypt(nil, nil, 1<<14, 8, 1<<20, 64, 1<<40, 1<<40, c) },
		"hash":   func(c Charge) { _, _ = Digest("sha3-512", make([]byte, 64<<20), -1, c) },
		"shake":  func(c Charge) { _, _ = Digest("shake256", nil, maxDigest, c) },
		"rsa":    func(c Charge) { _, _ = Generate("rsa", 4096, 65537, "", c) },
		"3des-cbc": func(c Charge) {
			x, _ := NewCipher("des-ede3-cbc", seq(24), seq(8), true, -1)
			_, _ = x.Update(make([]byte, 16<<20), c)
		},
		"aes-cbc": func(c Charge) {
			x, _ := NewCipher("aes-256-cbc", seq(32), seq(16), true, -1)
			_, _ = x.Update(make([]byte, 64<<20), c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			defer func() {
				if _, ok := recover().(stop); !ok {
					t.Errorf("ended by itself after %d charges", n)
				}
			}()
			f(func(units uint64) {
				if units > most {
					t.Errorf("a step of %d units", units)
				}
				if n++; n > 20 {
					panic(stop{})
				}
			})
		})
	}
}

// What OpenSSL 3.0 (through Node.js 20) makes of a message under keys and ivs of counting bytes.
func TestCiphers(t *testing.T) {
	message := []byte("the message to be sealed")
	for _, c := range []struct {
		name           string
		iv             int
		sealed, tagged string
	}{
		{"aes-128-cbc", 16, "c7752db0251d58001caa77d2d11b2221e1c25ecadc87998ed64f23ad2ee8cf85", ""},
		{"AES-192-CBC", 16, "fcf018bbf979472586fffb11fd206043c8d033b8a33fb4c5ddf852cbb3a4fb22", ""},
		{"aes256", 16, "3399a1abaf8c3e6be935f55e731ad9a4a6b7558fad2ca77aa828d6a19e4be5d9", ""},
		{"aes-128-ctr", 16, "7efc6e952c0b833690a4f178b23cca3867439ff1077417f2", ""},
		{"aes-256-cfb", 16, "2e066177659e02e59149301d76ac86f086e07c9f207e726f", ""},
		{"aes-192-ofb", 16, "7408dade2be638cbbb3b9c866b9d00cc4ba4b877c23572d4", ""},
		{"aes-128-ecb", 0, "d845f3bcd6f2fdc27758f2106e5daf3f270c85e01f82ef07ac650ffa24172f59", ""},
		{"des-ede3-cbc", 8, "30d01430230590d5f3dd51df782e5826b57c4e376930e6f07ea0a3aba0e332bf", ""},
		{"aes-256-gcm", 12, "336ab33ba880b168ec26f2abc586580fe6f6f45191173a18", "87598752d766b1894fbd77473bcbfa44"},
		{"id-aes256-GCM", 16, "1304c5565481395bfc98be0921cb0cd1319318c406e1b627", "21a06eb2847e591cf974041bb979b9c4"},
		{"aes-256-gcm", 8, "3d3e964c292a22338924a106de40aa5b5aa123cfc93e5bef", "1ab7e3659dd02af69eb77ee948269366"},
		{"aes-256-gcm", 1, "cae0596323473714ef31de4a87c614f47b9ec225a2a49a54", "1fcab5aac80f79f0e1c590872a6bfda8"},
		{"aes-256-gcm", 64, "587341387f44b2aa9e3506cf92fbe855e7e93034cc6a5802", "d3308f2854d93f42ce1c87853f75c587"},
		{"chacha20-poly1305", 12, "fd936d204472d633d6e45ad3ec722e01ac50c1823018c8dd", "993260c02dce2868f7af6d406c1b9188"},
	} {
		kind, ok := cipherByName(c.name)
		if !ok {
			t.Fatal(c.name)
		}
		key, iv := seq(kind.key), seq(c.iv)
		rapid.Check(t, func(t *rapid.T) { // however the message is cut
			cut := rapid.IntRange(0, len(message)).Draw(t, "cut")
			run := func(encrypt bool, in, tag []byte) ([]byte, []byte) {
				x, err := NewCipher(c.name, key, iv, encrypt, -1)
				if err != nil {
					t.Fatal(c.name, err)
				}
				if c.tagged != "" {
					if err := x.AAD([]byte("header")); err != nil {
						t.Fatal(err)
					}
				}
				if tag != nil {
					if err := x.SetTag(tag); err != nil {
						t.Fatal(err)
					}
				}
				at := min(cut, len(in))
				a, err := x.Update(in[:at], free)
				if err != nil {
					t.Fatal(err)
				}
				a = bytes.Clone(a)
				b, err := x.Update(in[at:], free)
				if err != nil {
					t.Fatal(err)
				}
				a = append(a, b...)
				last, err := x.Final(free)
				if err != nil {
					t.Fatal(c.name, encrypt, err)
				}
				out, _ := x.Tag()
				return append(a, last...), out
			}
			sealed, tag := run(true, message, nil)
			if hex.EncodeToString(sealed) != c.sealed || hex.EncodeToString(tag) != c.tagged {
				t.Fatalf("%s with %d bytes of iv: %x %x", c.name, c.iv, sealed, tag)
			}
			if plain, _ := run(false, sealed, tag); !bytes.Equal(plain, message) {
				t.Fatalf("%s: %q", c.name, plain)
			}
		})
	}
}

func TestCiphersThatFail(t *testing.T) {
	code := func(err error) string {
		var e *Error
		if !errors.As(err, &e) {
			return "none"
		}
		return e.Code + " " + e.Message
	}
	_, err := NewCipher("aes-512-cbc", seq(16), seq(16), true, -1)
	if code(err) != "ERR_CRYPTO_UNKNOWN_CIPHER Unknown cipher" {
		t.Error(code(err))
	}
	_, err = NewCipher("aes-128-cbc", seq(15), seq(16), true, -1)
	if code(err) != "ERR_CRYPTO_INVALID_KEYLEN Invalid key length" {
		t.Error(code(err))
	}
	_, err = NewCipher("aes-128-cbc", seq(16), seq(15), true, -1)
	if code(err) != "ERR_CRYPTO_INVALID_IV Invalid initialization vector" {
		t.Error(code(err))
	}
	x, _ := NewCipher("aes-128-cbc", seq(16), seq(16), false, -1)
	_, _ = x.Update(seq(32), free)
	if _, err = x.Final(free); !strings.HasPrefix(code(err), "ERR_OSSL_BAD_DECRYPT") {
		t.Error(code(err))
	}
	x, _ = NewCipher("aes-128-cbc", seq(16), seq(16), false, -1)
	_, _ = x.Update(seq(31), free)
	if _, err = x.Final(free); !strings.HasPrefix(code(err), "ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH") {
		t.Error(code(err))
	}
	for _, tag := range [][]byte{nil, seq(16), seq(4)} {
		x, _ = NewCipher("aes-128-gcm", seq(16), seq(12), false, -1)
		if tag != nil {
			if err := x.SetTag(tag); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = x.Update(seq(32), free)
		if _, err = x.Final(free); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
			t.Errorf("tag %x: %v", tag, err)
		}
	}
	x, _ = NewCipher("aes-128-gcm", seq(16), seq(12), true, -1)
	if _, err := x.Update(make([]byte, MaxSealed+1), free); err == nil {
		t.Error("a message beyond the limit was taken")
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		kind, curve string
		hash        string
	}{{"rsa", "", "sha256"}, {"rsa-pss", "", "sha512"}, {"ec", "P-256", "sha256"}, {"ec", "secp384r1", "sha384"}, {"ec", "P-521", "sha3-256"}, {"ec", "P-224", "sha1"}, {"ed25519", "", ""}, {"x25519", "", ""}} {
		t.Run(c.kind+c.curve, func(t *testing.T) {
			k, err := Generate(c.kind, 2048, 65537, c.curve, free)
			if err != nil {
				t.Fatal(err)
			}
			if k.Type() != c.kind {
				t.Error(k.Type())
			}
			for _, e := range []struct{ kind, format, encoding, cipher string }{
				{"private", "pem", "pkcs8", ""}, {"private", "der", "pkcs8", ""}, {"public", "pem", "spki", ""}, {"public", "der", "spki", ""},
				{"private", "pem", "pkcs8", "aes-256-cbc"}, {"private", "der", "pkcs8", "des-ede3-cbc"},
				{"private", "pem", "pkcs1", ""}, {"public", "pem", "pkcs1", ""}, {"private", "pem", "sec1", "aes-128-cbc"}, {"private", "jwk", "", ""}, {"public", "jwk", "", ""}, {"private", "raw", "", ""}, {"public", "raw", "", ""}, {"public", "raw", "compressed", ""},
			} {
				b, err := Export(k, e.kind, e.format, e.encoding, e.cipher, []byte("pass"), free)
				if err != nil {
					var known *Error
					if !errors.As(err, &known) || e.encoding == "pkcs8" || e.encoding == "spki" {
						t.Errorf("%v: %v", e, err)
					}
					continue
				}
				if e.cipher != "" {
					if _, err := Import(e.kind, e.format, e.encoding, nil, false, b, free); err == nil {
						t.Errorf("%v was read without its passphrase", e)
					}
					if _, err := Import(e.kind, e.format, e.encoding, []byte("ssap"), true, b, free); err == nil {
						t.Errorf("%v was read with a wrong passphrase", e)
					}
				}
				encoding := e.encoding
				if e.format == "raw" {
					encoding = c.curve
					if encoding == "" {
						encoding = c.kind
					}
				}
				back, err := Import(e.kind, e.format, encoding, []byte("pass"), true, b, free)
				if err != nil {
					t.Errorf("%v: %v", e, err)
					continue
				}
				want := k
				if e.kind == "public" {
					want = k.Public()
				}
				if c.kind == "rsa-pss" && e.encoding == "pkcs1" { // doesn't say that it is one
					want = &Key{private: want.private, public: want.public}
				}
				if !want.Equal(back) {
					t.Errorf("%v: another key came back", e)
				}
			}
			if c.kind == "x25519" {
				o, _ := Generate("x25519", 0, 0, "", free)
				a, err1 := Agree(k, o.Public(), free)
				b, err2 := Agree(o, k.Public(), free)
				if err1 != nil || err2 != nil || !bytes.Equal(a, b) || len(a) != 32 {
					t.Error(err1, err2, a, b)
				}
				return
			}
			for _, s := range []Signing{{Hash: c.hash, SaltLength: SaltMost}, {Hash: c.hash, Padding: "pss", SaltLength: SaltDigest}, {Hash: c.hash, P1363: true, SaltLength: 10}} {
				sig, err := Sign(k, s, []byte("text"), free)
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range []string{"text", "tex"} {
					ok, err := Verify(k.Public(), s, []byte(want), sig, free)
					if err != nil || ok != (i == 0) {
						t.Errorf("%+v %q: %v %v", s, want, ok, err)
					}
				}
				sig[len(sig)/2] ^= 1
				if ok, _ := Verify(k, s, []byte("text"), sig, free); ok {
					t.Error("a damaged signature is good")
				}
			}
			if strings.HasPrefix(c.kind, "rsa") {
				for _, e := range []Encryption{{Padding: "oaep", Hash: "sha1"}, {Padding: "oaep", Hash: "sha256", Label: []byte("l")}, {Padding: "pkcs1"}, {Padding: "sign"}} {
					b, err := Encrypt(k, e, []byte("secret"), free)
					if err != nil {
						t.Fatal(e, err)
					}
					if p, err := Decrypt(k, e, b, free); err != nil || string(p) != "secret" {
						t.Errorf("%+v: %q %v", e, p, err)
					}
					if _, err := Encrypt(k, e, make([]byte, 300), free); err == nil {
						t.Error("more than the modulus holds was encrypted")
					}
				}
			}
			if c.kind == "ec" && c.curve != "P-224" { // which the standard library's crypto/ecdh doesn't have
				o, _ := Generate("ec", 0, 0, c.curve, free)
				a, err1 := Agree(k, o.Public(), free)
				b, err2 := Agree(o, k.Public(), free)
				if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
					t.Error(err1, err2)
				}
			}
			var i Info
			if err := json.Unmarshal(k.Info().JSON(), &i); err != nil || i.Kind != "private" || i.Type != c.kind {
				t.Error(i, err)
			}
		})
	}
}

// A key file may ask for any number of rounds before it can be decrypted.
func TestAKeyFileThatAsksForManyRounds(t *testing.T) {
	type stop struct{}
	k, _ := Generate("ed25519", 0, 0, "", free)
	der, err := Export(k, "private", "der", "pkcs8", "aes-256-cbc", []byte("p"), free)
	if err != nil {
		t.Fatal(err)
	}
	// 2048 as an ASN.1 integer, replaced by 2^30 would change lengths: 0x7FFF is the most that fits, and is counted.
	i := bytes.Index(der, []byte{2, 2, 8, 0})
	if i < 0 {
		t.Fatal("no count of rounds found")
	}
	der[i+2], der[i+3] = 0x7F, 0xFF
	n := 0
	defer func() {
		if _, ok := recover().(stop); !ok {
			t.Error("was not ended")
		}
	}()
	_, _ = Import("private", "der", "pkcs8", []byte("p"), true, der, func(uint64) {
		if n++; n > 100 {
			panic(stop{})
		}
	})
}

func FuzzImport(f *testing.F) {
	for _, kind := range []string{"ed25519", "ec", "x25519"} {
		k, err := Generate(kind, 0, 0, "P-256", free)
		if err != nil {
			f.Fatal(err)
		}
		for _, format := range []string{"pem", "der", "jwk"} {
			for _, c := range []string{"", "aes-128-cbc"} {
				if b, err := Export(k, "private", format, "pkcs8", c, []byte("p"), free); err == nil {
					f.Add(format, "pkcs8", b)
				}
			}
			if b, err := Export(k, "public", format, "spki", "", nil, free); err == nil {
				f.Add(format, "spki", b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, format, encoding string, data []byte) {
		type stop struct{}
		spent := uint64(0)
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(stop); !ok {
					panic(r)
				}
			}
		}()
		charge := func(units uint64) {
			if spent += units; spent > 50_000_000 {
				panic(stop{})
			}
		}
		for _, kind := range []string{"private", "public"} {
			k, err := Import(kind, format, encoding, []byte("p"), true, data, charge)
			if err != nil {
				continue
			}
			if _, err := Export(k, "public", "der", "spki", "", nil, charge); err != nil {
				t.Errorf("a key that was read can't be written: %v", err)
			}
		}
	})
}

func TestSieve(t *testing.T) {
	s := newSieve()
	for n := int64(2001); n < 40_000; n += 2 { // a composite number below the square of the limit has a factor below it
		if p := big.NewInt(n); s.composite(p, new(big.Int)) == p.ProbablyPrime(0) {
			t.Fatal(n)
		}
	}
}
