"""The module under the standard library's hashlib and hmac, OpenSSL's part in CPython: here the host does what is much.

Small digests are computed by CPython's own code, everything else by the host (service.c).
"""

from _operator import _compare_digest as compare_digest  # noqa: F401

from _thaw_service import HASH, Error, constructors, hmac as _hmac, service as _service  # noqa: F401

HMAC = HASH
openssl_md_meth_names = frozenset(constructors)
_constructors = {f: name for name, f in constructors.items()}
globals().update(("openssl_" + name, f) for name, f in constructors.items() if name in (
    "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512",
))  # fmt: skip

_PBKDF2, _SCRYPT, _KEY_IMPORT, _KEY_EXPORT, _CLOSE = 32, 33, 64, 65, 1


class UnsupportedDigestmodError(ValueError):
    """A digest that only Python code can make an HMAC of."""


def get_fips_mode():
    return 0


def _constructor(name):
    if not isinstance(name, str):
        raise TypeError("new() argument 'name' must be str, not {}".format(type(name).__name__))
    try:
        return constructors[name.lower().replace("-", "_").replace("/", "_")]
    except KeyError:
        raise ValueError("unsupported hash type " + name) from None


def new(name, data=b"", *, usedforsecurity=True, string=None):
    return _constructor(name)(data if string is None else string)


def _digest_name(digestmod):
    name = _constructors.get(digestmod) if not isinstance(digestmod, str) else None
    if name is None and isinstance(digestmod, str):
        try:
            name = _constructors[_constructor(digestmod)]
        except ValueError:
            pass
    if name is None:
        raise UnsupportedDigestmodError("Unsupported digestmod {}".format(digestmod))
    return name


def hmac_new(key, msg=b"", digestmod=None):
    if digestmod is None:
        raise TypeError("Missing required parameter 'digestmod'.")
    return _hmac(_digest_name(digestmod), bytes(key), msg)


def hmac_digest(key, msg, digest):
    return _hmac(_digest_name(digest), bytes(key), msg).digest()


def _host_name(hash_name):
    if not isinstance(hash_name, str):
        raise TypeError("argument 'hash_name' must be str, not {}".format(type(hash_name).__name__))
    try:
        return _constructors[_constructor(hash_name)].replace("_", "-")
    except ValueError:
        raise ValueError("unsupported hash type " + hash_name) from None


def _bytes(value):
    if isinstance(value, str):
        raise TypeError("a bytes-like object is required, not 'str'")
    return bytes(memoryview(value))


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    name = _host_name(hash_name)
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    if iterations > 0x7FFFFFFF:
        raise OverflowError("iteration value is too great.")
    if dklen is None:
        dklen = constructors[name.replace("-", "_")]().digest_size
    if dklen < 1:
        raise ValueError("key length must be greater than 0.")
    if dklen > 0x7FFFFFFF:
        raise OverflowError("key length is too great.")
    return _service(_PBKDF2, 0, (name, _bytes(password), _bytes(salt), str(int(iterations)), str(int(dklen))))


def scrypt(password, *, salt=None, n=None, r=None, p=None, maxmem=0, dklen=64):
    if salt is None:
        raise TypeError("salt is required")
    if n is None or n < 2 or n & (n - 1):
        raise ValueError("n is required and must be a power of 2")
    if r is None:
        raise TypeError("r is required and must be an unsigned int")
    if p is None:
        raise TypeError("p is required and must be an unsigned int")
    if maxmem < 0 or maxmem > 0x7FFFFFFF:
        raise ValueError("maxmem must be positive and smaller than 2147483647")
    if dklen < 1 or dklen > 0x7FFFFFFF:
        raise ValueError("dklen must be greater than 0 and smaller than 2147483647")
    most = maxmem or 32 << 20
    if 128 * r * (n + p + 2) > most:
        raise ValueError("Invalid parameter combination for n, r, p, maxmem.")
    try:
        return _service(_SCRYPT, 0, (_bytes(password), _bytes(salt), str(n), str(r), str(p), str(dklen), str(most)))
    except Error as exc:
        raise ValueError("Invalid parameter combination for n, r, p, maxmem.") from exc


def decrypt_private_key(pem, password):
    """A private key, PEM, without its passphrase; for _ssl. Error if the passphrase is wrong."""
    key = _service(_KEY_IMPORT, 0, ("private", "pem", None, password, pem))
    try:
        return _service(_KEY_EXPORT, key, ("private", "pem", "pkcs8", None, None))
    finally:
        _service(_CLOSE, key, ())
