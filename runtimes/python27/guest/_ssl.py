"""The module under the standard library's ssl: TLS clients over the host's (abi/README.md, section 5.4).

In CPython this is a binding of OpenSSL. Here the host does the protocol, on the descriptor of a socket; what ssl.py and programs see
is the same. Left out because nothing here could do it: servers (nothing can connect to a function) and the choice of ciphers.
"""

import base64
import errno
import os
import re
import select
import struct

import _socket
import _thaw_net
from thaw_x509 import decode_certificate, nid2obj, txt2obj  # noqa: F401

OPENSSL_VERSION = "OpenSSL 1.1.1 (interface; the host's TLS is Go's crypto/tls)"
OPENSSL_VERSION_NUMBER = 0x1010100F
OPENSSL_VERSION_INFO = _OPENSSL_API_VERSION = (1, 1, 1, 0, 15)

HAS_SNI = HAS_ECDH = HAS_ALPN = HAS_TLSv1_3 = True
HAS_NPN = HAS_TLS_UNIQUE = False

OP_NO_SSLv2 = OP_SINGLE_DH_USE = OP_SINGLE_ECDH_USE = 0
OP_ALL = -0x7FFFFFB0
OP_NO_TICKET = 0x4000
OP_NO_COMPRESSION = 0x20000
OP_CIPHER_SERVER_PREFERENCE = 0x400000
OP_ENABLE_MIDDLEBOX_COMPAT = 0x100000
OP_NO_SSLv3 = 0x2000000
OP_NO_TLSv1 = 0x4000000
OP_NO_TLSv1_2 = 0x8000000
OP_NO_TLSv1_1 = 0x10000000
OP_NO_TLSv1_3 = 0x20000000

(SSL_ERROR_SSL, SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE, SSL_ERROR_WANT_X509_LOOKUP, SSL_ERROR_SYSCALL, SSL_ERROR_ZERO_RETURN,
 SSL_ERROR_WANT_CONNECT, SSL_ERROR_EOF) = range(1, 9)  # fmt: skip
SSL_ERROR_INVALID_ERROR_CODE = 10

VERIFY_DEFAULT, VERIFY_CRL_CHECK_LEAF, VERIFY_CRL_CHECK_CHAIN, VERIFY_X509_STRICT, VERIFY_X509_TRUSTED_FIRST = 0, 4, 12, 32, 0x8000
CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = 0, 1, 2
PROTOCOL_SSLv23 = PROTOCOL_TLS = 2
PROTOCOL_TLSv1, PROTOCOL_TLSv1_1, PROTOCOL_TLSv1_2 = 3, 4, 5

ALERT_DESCRIPTION_CLOSE_NOTIFY = 0
ALERT_DESCRIPTION_HANDSHAKE_FAILURE = 40
ALERT_DESCRIPTION_BAD_CERTIFICATE = 42
ALERT_DESCRIPTION_CERTIFICATE_EXPIRED = 45
ALERT_DESCRIPTION_UNKNOWN_CA = 48
ALERT_DESCRIPTION_PROTOCOL_VERSION = 70
ALERT_DESCRIPTION_INTERNAL_ERROR = 80
ALERT_DESCRIPTION_UNRECOGNIZED_NAME = 112


def RAND_status():
    return 1


def RAND_add(data, entropy):
    """The host's source of randomness needs no help."""


def get_default_verify_paths():
    return ("SSL_CERT_FILE", "/etc/pki/tls/cert.pem", "SSL_CERT_DIR", "/etc/pki/tls/certs")


# ---- errors ----


class SSLError(_socket.error):
    """An error occurred in the SSL implementation."""

    library = reason = None

    def __str__(self):
        return self.strerror if isinstance(self.strerror, str) else _socket.error.__str__(self)


class SSLZeroReturnError(SSLError):
    """SSL/TLS session closed cleanly."""


class SSLWantReadError(SSLError):
    """Non-blocking SSL socket needs to read more data before the requested operation can be completed."""


class SSLWantWriteError(SSLError):
    """Non-blocking SSL socket needs to write more data before the requested operation can be completed."""


class SSLSyscallError(SSLError):
    """System error when attempting SSL operation."""


class SSLEOFError(SSLError):
    """SSL/TLS connection terminated abruptly."""


for _error in (SSLError, SSLZeroReturnError, SSLWantReadError, SSLWantWriteError, SSLSyscallError, SSLEOFError):
    _error.__module__ = "ssl"


def _ssl_error(kind, number, reason, text):
    exc = kind(number, "[SSL: {}] {} (_ssl.c)".format(reason, text) if reason else text + " (_ssl.c)")
    if reason:
        exc.library, exc.reason = "SSL", reason
    return exc


# Fields of the host's info record.
(_STATE, _VERSION, _CIPHER, _CIPHER_OPENSSL, _BITS, _ALPN, _RESUMED, _VERIFY_CODE, _VERIFY_TEXT, _FAILURE, _FAILURE_TEXT, _ALERT,
 _PEER, _CHAIN, _REQUESTED) = range(15)  # fmt: skip

_ABSENT = 0xFFFFFFFF


def _encode(fields):
    """A record of strings and Nones."""
    out = [struct.pack("<I", len(fields))]
    for f in fields:
        if f is None:
            out.append(struct.pack("<I", _ABSENT))
        else:
            f = f.encode("utf-8") if isinstance(f, unicode) else f  # noqa: F821
            out.append(struct.pack("<I", len(f)) + f)
    return b"".join(out)


def _decode(record):
    fields, at = [], 4
    for _ in range(struct.unpack_from("<I", record)[0]):
        (n,) = struct.unpack_from("<I", record, at)
        at += 4
        if n == _ABSENT:
            fields.append(None)
        else:
            fields.append(record[at : at + n])
            at += n
    return fields


def _failure(info):
    """The exception for a session that failed."""
    kind, text = info[_FAILURE], info[_FAILURE_TEXT] or "TLS failed"
    if kind == "verify":
        return _ssl_error(SSLError, SSL_ERROR_SSL, "CERTIFICATE_VERIFY_FAILED", "certificate verify failed: " + (info[_VERIFY_TEXT] or text))
    if kind == "alert":
        return _ssl_error(SSLError, SSL_ERROR_SSL, "TLSV1_ALERT_" + str(info[_ALERT]), text)
    if kind == "eof":
        return _eof()
    if kind == "version":
        return _ssl_error(SSLError, SSL_ERROR_SSL, "UNSUPPORTED_PROTOCOL", "unsupported protocol")
    if kind == "protocol":
        if "first record does not look like a TLS handshake" in text:
            return _ssl_error(SSLError, SSL_ERROR_SSL, "WRONG_VERSION_NUMBER", "wrong version number")
        return _ssl_error(SSLError, SSL_ERROR_SSL, "PROTOCOL_ERROR", text)
    return SSLSyscallError(SSL_ERROR_SYSCALL, text)


def _eof():
    return _ssl_error(SSLEOFError, SSL_ERROR_EOF, None, "EOF occurred in violation of protocol")


def _want_read():
    return SSLWantReadError(SSL_ERROR_WANT_READ, "The operation did not complete (read) (_ssl.c)")


def _want_write():
    return SSLWantWriteError(SSL_ERROR_WANT_WRITE, "The operation did not complete (write) (_ssl.c)")


# ---- sessions ----

_READABLE = 15  # option of sock_get


class _SSLSocket(object):
    """TLS on the descriptor of a socket."""

    def __init__(self, context, sock, server_side, server_hostname, ssl_sock):
        if server_side:
            raise _ssl_error(SSLError, SSL_ERROR_SSL, "NOT_SUPPORTED", "a function can't be a TLS server: nothing can connect to it")
        self.context, self.server_hostname, self.owner = context, server_hostname, ssl_sock
        self._socket = sock
        self._fd = None

    def _info(self):
        return ["handshake"] + [None] * 14 if self._fd is None else _decode(_thaw_net.tls_info(self._fd))

    def do_handshake(self):
        if self._fd is None:
            fd = self._socket.fileno()
            _thaw_net.tls_start(fd, _encode(self.context._fields(self.server_hostname)))
            self._fd = fd
        info = self._info()
        if info[_STATE] == "handshake":
            timeout = self._socket.gettimeout()
            if timeout == 0:
                raise _want_write()  # a socket is writable when its handshake is over
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            if not poll.poll(-1 if timeout is None else max(1, int(timeout * 1000))):
                raise SSLError("The handshake operation timed out")
            info = self._info()
        if info[_STATE] == "failed" or info[_FAILURE] is not None and info[_VERSION] is None:
            raise _failure(info)

    def _translate(self, exc, want, operation):
        if isinstance(exc, _socket.timeout):
            return SSLError("The {} operation timed out".format(operation))
        if exc.errno == errno.EPROTO:
            return _failure(self._info())
        return want() if exc.errno in (errno.EAGAIN, errno.EWOULDBLOCK) else exc

    def read(self, len=1024, buffer=None):
        if self._fd is None:
            self.do_handshake()
        try:
            result = self._socket.recv(len) if buffer is None else self._socket.recv_into(buffer, len or 0)
        except _socket.error as exc:
            raise self._translate(exc, _want_read, "read")
        if not result and len and self._info()[_STATE] != "closed":
            raise _eof()
        return result

    def write(self, data):
        if self._fd is None:
            self.do_handshake()
        try:
            return self._socket.send(data)
        except _socket.error as exc:
            raise self._translate(exc, _want_write, "write")

    def shutdown(self):
        try:
            self._socket.shutdown(_socket.SHUT_WR)
        except _socket.error as exc:
            if exc.errno != errno.ENOTCONN:
                raise self._translate(exc, _want_write, "shutdown")
        return self._socket

    def pending(self):
        return 0 if self._fd is None else _thaw_net.sock_get(self._fd, _READABLE)

    def version(self):
        return self._info()[_VERSION]

    def cipher(self):
        info = self._info()
        return None if info[_VERSION] is None else (info[_CIPHER_OPENSSL], info[_VERSION], int(info[_BITS] or 0))

    def compression(self):
        return None

    def selected_alpn_protocol(self):
        return self._info()[_ALPN]

    def tls_unique_cb(self):
        return None

    def peer_certificate(self, binary_form=False):
        info = self._info()
        if info[_VERSION] is None:
            raise ValueError("handshake not done yet")
        chain = _decode(info[_PEER]) if info[_PEER] else []
        if not chain:
            return None
        if binary_form:
            return chain[0]
        return {} if self.context.verify_mode == CERT_NONE else decode_certificate(chain[0])


# ---- contexts ----

_VERSIONS = [("TLSv1", OP_NO_TLSv1), ("TLSv1.1", OP_NO_TLSv1_1), ("TLSv1.2", OP_NO_TLSv1_2), ("TLSv1.3", OP_NO_TLSv1_3)]
_FIXED = {PROTOCOL_TLSv1: "TLSv1", PROTOCOL_TLSv1_1: "TLSv1.1", PROTOCOL_TLSv1_2: "TLSv1.2"}
_CERTIFICATE = re.compile(r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)-----END (?:X509 |TRUSTED )?CERTIFICATE-----", re.S)
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.S)
_NODE_BUNDLE = "/var/runtime/botocore/cacert.pem"  # stands for the node's own roots, which are looked after


def _is_address(text):
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, text)
            return True
        except _socket.error:
            pass
    return False


def _pem(der):
    text = base64.b64encode(der)
    return "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n".format("\n".join(text[i : i + 64] for i in range(0, len(text), 64)))


class _SSLContext(object):
    __slots__ = ("__dict__",)  # ssl.py's class of contexts adds the slot for weak references

    def __new__(cls, protocol):
        if protocol != PROTOCOL_TLS and protocol not in _FIXED:
            raise ValueError("invalid protocol version")
        self = object.__new__(cls)
        state = self.__dict__  # past __setattr__
        state.update(_protocol=protocol, check_hostname=False, verify_mode=CERT_NONE, verify_flags=VERIFY_X509_TRUSTED_FIRST, options=OP_ALL | OP_NO_SSLv3)
        state.update(_roots=[], _system_roots=False, _certificate=None, _key=None, _alpn=None)  # roots are DER
        return self

    def __setattr__(self, name, value):
        if name == "check_hostname" and value and self.verify_mode == CERT_NONE:
            raise ValueError("check_hostname needs a SSL context with either CERT_OPTIONAL or CERT_REQUIRED")
        if name == "verify_mode":
            if value not in (CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED):
                raise ValueError("invalid value for verify_mode")
            if value == CERT_NONE and self.check_hostname:
                raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        object.__setattr__(self, name, value)

    def _fields(self, server_hostname):
        """The record that describes a session to the host. Names are checked by ssl.py, with its own words."""
        allowed = [name for name, off in _VERSIONS if not self.options & off and _FIXED.get(self._protocol, name) == name]
        if not allowed:
            raise _ssl_error(SSLError, SSL_ERROR_SSL, "NO_PROTOCOLS_AVAILABLE", "no protocols available")
        if allowed[0] in ("TLSv1", "TLSv1.1") and self._protocol not in _FIXED and "TLSv1.2" in allowed:
            allowed = allowed[allowed.index("TLSv1.2") :]  # as OpenSSL's security level has it today
        sni = None if server_hostname is None or _is_address(server_hostname) else server_hostname
        verify = "none" if self.verify_mode == CERT_NONE else "require"
        roots = "".join(_pem(der) for der in self._roots) or None
        return (sni, None, verify, self._alpn, roots, "1" if self._system_roots else "0", self._certificate, self._key, allowed[0], allowed[-1])

    def _wrap_socket(self, sock, server_side, server_hostname=None, ssl_sock=None):
        return _SSLSocket(self, sock, server_side, server_hostname, ssl_sock)

    def _set_alpn_protocols(self, protocols):
        self._alpn = bytes(protocols) or None

    def set_ciphers(self, ciphers):
        """The host picks the ciphers, all of them strong ones."""
        if not re.search("[A-Za-z]", ciphers):
            raise _ssl_error(SSLError, SSL_ERROR_SSL, "NO_CIPHER_MATCH", "No cipher can be selected.")

    def set_ecdh_curve(self, name):
        pass

    def load_dh_params(self, path):
        raise NotImplementedError("for servers only")

    def set_servername_callback(self, callback):
        raise NotImplementedError("for servers only")

    def session_stats(self):
        names = ("number", "connect", "connect_good", "connect_renegotiate", "accept", "accept_good", "accept_renegotiate", "hits", "misses", "timeouts", "cache_full")
        return dict.fromkeys(names, 0)

    # ---- trust ----

    def set_default_verify_paths(self):
        file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if file or folder:
            try:
                self.load_verify_locations(file, folder)
            except (IOError, OSError, SSLError):
                pass  # as OpenSSL does
        else:
            self._system_roots = True

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        if cadata is not None:
            self._add(self._parse(cadata.encode("ascii")) if isinstance(cadata, unicode) else [bytes(cadata)])  # noqa: F821
        if cafile is not None:
            if cafile == _NODE_BUNDLE:
                self._system_roots = True
            else:
                with open(cafile, "rb") as f:
                    self._add(self._parse(f.read()))
        if capath is not None:
            for name in sorted(os.listdir(capath)):
                path = os.path.join(capath, name)
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        self._roots.extend(self._parse(f.read()))

    @staticmethod
    def _parse(text):
        return [base64.b64decode(m.group(1)) for m in _CERTIFICATE.finditer(text)]

    def _add(self, certificates):
        if not certificates:
            raise _ssl_error(SSLError, SSL_ERROR_SSL, "NO_CERTIFICATE_OR_CRL_FOUND", "no certificate or crl found")
        self._roots.extend(der for der in certificates if der not in self._roots)

    def cert_store_stats(self):
        return {"x509": len(self._roots), "crl": 0, "x509_ca": len(self._roots)}

    def get_ca_certs(self, binary_form=False):
        return list(self._roots) if binary_form else [decode_certificate(der) for der in self._roots]

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        with open(certfile, "rb") as f:
            chain = key = f.read()
        if keyfile is not None:
            with open(keyfile, "rb") as f:
                key = f.read()
        certificates, keys = self._parse(chain), _KEY.findall(key)
        if not certificates or not keys:
            raise _ssl_error(SSLError, 9, "PEM_LIB", "PEM lib")
        if "ENCRYPTED" in keys[0]:
            raise _ssl_error(SSLError, 9, "UNSUPPORTED", "a private key with a passphrase is not supported: give it without")
        self._certificate, self._key = "".join(map(_pem, certificates)), keys[0] + "\n"


def _test_decode_cert(path):
    with open(path, "rb") as f:
        return decode_certificate(_SSLContext._parse(f.read())[0])
