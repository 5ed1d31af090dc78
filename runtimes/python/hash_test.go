package python_test

import "testing"

// Much data is hashed by the host, little by CPython's own code: both give the same, wherever the border is crossed.
func TestHashes(t *testing.T) {
	got := run(t, `
import hashlib, hmac
import _md5, _sha1, _sha2, _sha3
OWN = {"md5": _md5, "sha1": _sha1} | dict.fromkeys(("sha224", "sha256", "sha384", "sha512"), _sha2) | dict.fromkeys(("sha3_224", "sha3_256", "sha3_384", "sha3_512"), _sha3)
def same(name, size):
    data = bytes(i * 7 & 255 for i in range(size))
    own = getattr(OWN[name], name)(data)
    h = getattr(hashlib, name)(data[: size // 3])
    copy = h.copy()
    h.update(data[size // 3 : size // 2])
    h.update(bytearray(data[size // 2 :]))
    copy.update(memoryview(data)[size // 3 :])
    digests = {own.digest(), h.digest(), h.digest(), copy.digest(), hashlib.new(name.upper(), data).digest(), bytes.fromhex(h.hexdigest())}
    return len(digests) == 1 and (h.name, h.digest_size, h.block_size) == (own.name, own.digest_size, own.block_size)
def mac(key, size, name):
    data = b"m" * size
    plain = hmac.HMAC(key, data, getattr(OWN[name], name))  # Python's own code
    whole = hmac.new(key, data, name)
    parts = hmac.new(key, digestmod=getattr(hashlib, name))
    for i in range(0, size, 700):
        parts.update(data[i : i + 700])
    return {plain.hexdigest()} == {whole.hexdigest(), parts.copy().hexdigest(), hmac.digest(key, data, name).hex()}
def failure(f, *args):
    try:
        f(*args)
    except (TypeError, ValueError) as exc:
        return str(exc)
def handler(e, c):
    many = [hashlib.sha256(b"x" * 2000) for _ in range(4500)]  # more than the host keeps
    return [
        [(name, size) for name in OWN for size in (0, 1, 64, 1023, 1024, 1025, 5000, 300000) if not same(name, size)],
        [(len(key), size) for key in (b"", b"k" * 20, b"k" * 300) for size in (0, 5, 2000, 100000) if not mac(key, size, "sha256")],
        len({h.hexdigest() for h in many}),
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000).hex(),
        hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=8).hex(),
        hashlib.new("ripemd160", b"abc").hexdigest(),
        hashlib.file_digest(open(__file__, "rb"), "sha256").digest() == hashlib.sha256(open(__file__, "rb").read()).digest(),
        failure(hashlib.sha256, "text"), failure(hashlib.sha256, 1), failure(hashlib.new, "nope"),
    ]
`, "{}")
	want(t, got, `[[], [], 1, "632c2812e46d4604102ba7618e9d6d7d2f8128f6266b4a03264d2a0460b7dcb3", "fdbabe1c9d347200", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
		true, "Strings must be encoded before hashing", "object supporting the buffer API required", "unsupported hash type nope"]`)
}
