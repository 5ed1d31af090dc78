"""The module under the standard library's ssl: TLS clients over the host's (abi/README.md, section 5.4).

In CPython this is a binding of OpenSSL. Here the host does the protocol, on the descriptor of a socket or, for
SSLObject, on a session that this module moves bytes to and from. What ssl.py and programs see is the same: classes,
constants, errors with OpenSSL's words. Left out because nothing here could do it: servers (a function can't be connected
to), the choice of ciphers, resumption of sessions chosen by hand, and unwrapping a socket to go on in plain text.
"""

import base64
import errno
import operator
import os
import re
import select

import _hashlib
import _socket
import _thaw_net
from thaw_tls import *  # noqa: F401,F403
from thaw_tls import _DEFAULT_CIPHERS, _OPENSSL_API_VERSION  # noqa: F401

RAND_bytes = os.urandom


def RAND_status():
    return True


def RAND_add(data, entropy):
    """The host's source of randomness needs no help."""


def get_default_verify_paths():
    return ("SSL_CERT_FILE", "/etc/pki/tls/cert.pem", "SSL_CERT_DIR", "/etc/pki/tls/certs")


# ---- errors ----


class SSLError(OSError):
    """An error occurred in the SSL implementation."""

    library = reason = None

    def __str__(self):
        return self.strerror if isinstance(self.strerror, str) else str(self.args)


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


class SSLCertVerificationError(SSLError, ValueError):
    """A certificate could not be verified."""

    verify_code = 0
    verify_message = ""


for _error in (SSLError, SSLZeroReturnError, SSLWantReadError, SSLWantWriteError, SSLSyscallError, SSLEOFError, SSLCertVerificationError):
    _error.__module__ = "ssl"


def _ssl_error(kind, number, reason, text, library="SSL"):
    exc = kind(number, "[{}: {}] {} (_ssl.c)".format(library, reason, text) if reason else text + " (_ssl.c)")
    exc.library, exc.reason = (library, reason) if reason else (None, None)
    return exc


def _want_read():
    return SSLWantReadError(SSL_ERROR_WANT_READ, "The operation did not complete (read) (_ssl.c)")


def _want_write():
    return SSLWantWriteError(SSL_ERROR_WANT_WRITE, "The operation did not complete (write) (_ssl.c)")


def _eof():
    return _ssl_error(SSLEOFError, SSL_ERROR_EOF, "UNEXPECTED_EOF_WHILE_READING", "EOF occurred in violation of protocol")


# OpenSSL's names for the alerts that a peer may send, by number.
_ALERTS = {
    10: "unexpected message", 20: "bad record mac", 22: "record overflow", 40: "handshake failure", 42: "bad certificate",
    43: "unsupported certificate", 44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown",
    47: "illegal parameter", 48: "unknown ca", 49: "access denied", 50: "decode error", 51: "decrypt error", 70: "protocol version",
    71: "insufficient security", 80: "internal error", 86: "inappropriate fallback", 90: "user cancelled", 100: "no renegotiation",
    109: "missing extension", 112: "unrecognized name", 116: "certificate required", 120: "no application protocol",
}  # fmt: skip
_SSLV3_ALERTS = frozenset((10, 20, 40, 42, 43, 44, 45, 46, 47))  # these have kept their old prefix


# Fields of the host's info record.
(_STATE, _VERSION, _CIPHER, _CIPHER_OPENSSL, _BITS, _ALPN, _RESUMED, _VERIFY_CODE, _VERIFY_TEXT, _FAILURE, _FAILURE_TEXT, _ALERT,
 _PEER, _CHAIN, _REQUESTED) = range(15)  # fmt: skip


_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH = 62, 64  # X509_V_ERR_...


def _failure(info, hostname=None):
    """The exception for a session that failed."""
    kind, text = _text(info[_FAILURE]), _text(info[_FAILURE_TEXT]) or "TLS failed"
    if kind == "verify":
        message, code = _text(info[_VERIFY_TEXT]) or text, int(info[_VERIFY_CODE] or 1)
        if code == _HOSTNAME_MISMATCH:
            message = "Hostname mismatch, certificate is not valid for '{}'.".format(hostname)
        elif code == _IP_ADDRESS_MISMATCH:
            message = "IP address mismatch, certificate is not valid for '{}'.".format(hostname)
        exc = _ssl_error(SSLCertVerificationError, SSL_ERROR_SSL, "CERTIFICATE_VERIFY_FAILED", "certificate verify failed: " + message)
        exc.verify_code, exc.verify_message = code, message
        return exc
    if kind == "alert":
        number = int(info[_ALERT] or 0)
        name = _ALERTS.get(number)
        if name:
            prefix = "sslv3" if number in _SSLV3_ALERTS else "tlsv1" if number < 109 else "tlsv13"
            text = "{} alert {}".format(prefix, name)
        return _ssl_error(SSLError, SSL_ERROR_SSL, text.upper().replace(" ", "_") if name else "SSL_ALERT", text)
    if kind == "eof":
        return _eof()
    if kind == "version":
        return _ssl_error(SSLError, SSL_ERROR_SSL, "UNSUPPORTED_PROTOCOL", "unsupported protocol")
    if kind == "protocol":
        if "first record does not look like a TLS handshake" in text:
            return _ssl_error(SSLError, SSL_ERROR_SSL, "WRONG_VERSION_NUMBER", "wrong version number")
        return _ssl_error(SSLError, SSL_ERROR_SSL, "PROTOCOL_ERROR", text)
    return SSLSyscallError(SSL_ERROR_SSL, text)


def _text(field):
    return None if field is None else field.decode("utf-8", "replace")


def _records(field):
    """The strings of a record within a field."""
    out, at = [], 4
    for _ in range(int.from_bytes(field[:4], "little")):
        n = int.from_bytes(field[at : at + 4], "little")
        out.append(field[at + 4 : at + 4 + n])
        at += 4 + n
    return out


# ---- what a session is asked for ----


class Certificate:
    __slots__ = ("_der",)

    def __init__(self, der):
        self._der = der

    def public_bytes(self, format=ENCODING_PEM):
        if format == ENCODING_DER:
            return self._der
        if format == ENCODING_PEM:
            return der_to_pem(self._der)
        raise ValueError("Unsupported format")

    def get_info(self):
        return decode_certificate(self._der)

    def __eq__(self, other):
        return self._der == other._der if isinstance(other, Certificate) else NotImplemented

    def __hash__(self):
        return hash(self._der)

    def __repr__(self):
        subject = ", ".join("{}={}".format(k, v) for part in self.get_info()["subject"] for k, v in part)
        return "<_ssl.Certificate '{}'>".format(subject)


class SSLSession:
    """Sessions are resumed by the host, not by programs: none is ever handed out."""

    def __new__(cls):
        raise TypeError("cannot create '_ssl.SSLSession' instances")


class _Session:
    """What SSLSocket and SSLObject have in common: questions about the session with descriptor _fd."""

    session = None

    def __init__(self, context, server_side, server_hostname, owner, session):
        if server_side:
            raise _ssl_error(SSLError, SSL_ERROR_SSL, "NOT_SUPPORTED", "a function can't be a TLS server: nothing can connect to it")
        if context.protocol == PROTOCOL_TLS_SERVER:
            raise _ssl_error(SSLError, SSL_ERROR_SSL, None, "Cannot create a client socket with a PROTOCOL_TLS_SERVER context")
        if server_hostname == "":
            raise ValueError("server_hostname cannot be an empty string or start with a leading dot.")
        if server_hostname is not None and "\0" in server_hostname:
            raise TypeError("argument must be encoded string without null bytes, not str")
        if server_hostname is not None and server_hostname.startswith("."):
            raise ValueError("server_hostname cannot be an empty string or start with a leading dot.")
        if context.check_hostname and not server_hostname:
            raise ValueError("check_hostname requires server_hostname")
        self.context = context
        self.server_side = False
        self.server_hostname = server_hostname
        self.owner = owner
        self._fd = None
        self._final = None  # the info record once nothing in it can change any more

    def _info(self):
        if self._final is None:
            if self._fd is None:
                return [b"handshake"] + [None] * 14
            info = _thaw_net.tls_info(self._fd)
            if info[_STATE] in (b"open", b"failed") and info[_FAILURE] is None:
                return info
            if info[_STATE] == b"handshake":
                return info
            self._final = info
        return self._final

    @property
    def session_reused(self):
        return self._info()[_RESUMED] == b"1"

    def version(self):
        return _text(self._info()[_VERSION])

    def cipher(self):
        info = self._info()
        if info[_VERSION] is None:
            return None
        return (_text(info[_CIPHER_OPENSSL]), _text(info[_VERSION]), int(info[_BITS] or 0))

    def shared_ciphers(self):
        return None

    def compression(self):
        return None

    def selected_alpn_protocol(self):
        return _text(self._info()[_ALPN])

    def _chain(self, field):
        chain = self._info()[field]
        return [] if chain is None else [Certificate(der) for der in _records(chain)]

    def get_unverified_chain(self):
        return self._chain(_PEER)

    def get_verified_chain(self):
        return self._chain(_CHAIN)

    def getpeercert(self, binary_form=False):
        info = self._info()
        if info[_STATE] == b"handshake" or info[_VERSION] is None:
            raise ValueError("handshake not done yet")
        certificates = [] if info[_PEER] is None else _records(info[_PEER])
        if not certificates:
            return None
        if binary_form:
            return certificates[0]
        return {} if self.context.verify_mode == CERT_NONE else decode_certificate(certificates[0])

    def get_channel_binding(self, cb_type="tls-unique"):
        if cb_type != "tls-unique":
            raise ValueError("'{}' channel binding type not implemented".format(cb_type))
        return None

    def verify_client_post_handshake(self):
        raise NotImplementedError("Post-handshake auth is for servers")

    def pending(self):
        return 0 if self._fd is None else _thaw_net.sock_get(self._fd, _READABLE)


_READABLE = 15  # option of sock_get
_CHUNK = 64 << 10


class _SSLSocket(_Session):
    """TLS on the descriptor of a socket."""

    def __init__(self, context, sock, server_side, server_hostname, owner, session):
        super().__init__(context, server_side, server_hostname, owner, session)
        self._socket = sock

    def do_handshake(self):
        if self._fd is None:
            fd = self._socket.fileno()
            _thaw_net.tls_start(fd, self.context._fields(self.server_hostname))
            self._fd = fd
        info = self._info()
        if info[_STATE] == b"handshake":
            timeout = self._socket.gettimeout()
            if timeout == 0:
                raise _want_write()  # a socket is writable when its handshake is over
            self._wait(select.POLLOUT, timeout, "_ssl.c: The handshake operation timed out")
            info = self._info()
        if info[_STATE] == b"failed" or info[_FAILURE] is not None and info[_VERSION] is None:
            raise _failure(info, self.server_hostname)

    def _wait(self, events, timeout, message):
        poll = select.poll()
        poll.register(self._fd, events)
        if not poll.poll(None if timeout is None else max(1, int(timeout * 1000))):
            raise TimeoutError(message)

    def _raise(self, exc):
        """Translates an error of a read or write."""
        if exc.errno == errno.EPROTO:
            self._final = None
            raise _failure(self._info(), self.server_hostname) from None
        raise exc

    def read(self, len=1024, buffer=None):
        if self._fd is None:
            self.do_handshake()
        try:
            if buffer is not None:
                view = memoryview(buffer)
                size = view.nbytes if len is None or len <= 0 else min(len, view.nbytes)
                n = _socket.socket.recv_into(self._socket, buffer, size)
                if n or not size:
                    return n
                data = 0
            else:
                if len < 0:
                    raise ValueError("size should not be negative")
                data = _socket.socket.recv(self._socket, len)
                if data or not len:
                    return data
        except BlockingIOError:
            raise _want_read() from None
        except TimeoutError:
            raise TimeoutError("The read operation timed out") from None
        except OSError as exc:
            self._raise(exc)
        if self._info()[_STATE] == b"closed":
            return data
        raise _eof()

    def write(self, data):
        if self._fd is None:
            self.do_handshake()
        try:
            return _socket.socket.send(self._socket, data)
        except BlockingIOError:
            raise _want_write() from None
        except TimeoutError:
            raise TimeoutError("The write operation timed out") from None
        except OSError as exc:
            self._raise(exc)

    def shutdown(self):
        """Sends the peer the end of the session. The socket can't go on in plain text: it stays the session's."""
        if self._fd is not None:
            try:
                _thaw_net.sock_shutdown(self._fd, _socket.SHUT_WR)
            except OSError as exc:
                if exc.errno not in (errno.ENOTCONN, errno.EPIPE):
                    self._raise(exc)
        return self._socket


class _SSLObject(_Session):
    """A session whose bytes go through two buffers."""

    def __init__(self, context, incoming, outgoing, server_side, server_hostname, owner, session):
        if not isinstance(incoming, MemoryBIO) or not isinstance(outgoing, MemoryBIO):
            raise TypeError("MemoryBIO expected")
        super().__init__(context, server_side, server_hostname, owner, session)
        self._incoming, self._outgoing = incoming, outgoing
        self._fed_eof = self._sent_close = False

    def __del__(self):
        fd, self._fd = getattr(self, "_fd", None), None
        if fd is not None:
            os.close(fd)

    def _pump(self):
        """Moves what lies in the buffers."""
        if self._fd is None:
            self._fd = _thaw_net.tls_open(self.context._fields(self.server_hostname))
            os.set_blocking(self._fd, False)
        while self._incoming.pending:
            data = self._incoming.read(_CHUNK)
            taken = _thaw_net.tls_feed(self._fd, data)
            if taken < len(data):
                self._incoming._unread(data[taken:])
                break
        if self._incoming.eof and not self._fed_eof:
            self._fed_eof = True
            _thaw_net.tls_feed(self._fd, b"")
        self._drain()

    def _drain(self):
        while True:
            data = _thaw_net.tls_drain(self._fd, _CHUNK)
            if not data:
                return
            self._outgoing.write(data)

    def do_handshake(self):
        self._pump()
        info = self._info()
        if info[_STATE] == b"handshake":
            raise _eof() if self._fed_eof else _want_read()
        if info[_STATE] == b"failed":
            self._drain()  # the alert
            raise _failure(info, self.server_hostname)

    def read(self, len=1024, buffer=None):
        size = len
        if buffer is not None:
            view = memoryview(buffer).cast("B")
            size = view.nbytes if len is None or len <= 0 else min(len, view.nbytes)
        elif len < 0:
            raise ValueError("size should not be negative")
        self._pump()
        try:
            data = os.read(self._fd, size)
            if not data and size and self._incoming.pending:  # what was fed before made room for more
                self._pump()
        except BlockingIOError:
            self._drain()
            if self._info()[_STATE] == b"handshake":
                self.do_handshake()
            raise _want_read() from None
        except OSError as exc:
            self._translate(exc)
        self._drain()
        if not data and size and self._info()[_STATE] != b"closed":
            raise _eof()
        if buffer is None:
            return data
        n = data.__len__()
        view[:n] = data
        return n

    def write(self, data):
        self._pump()
        try:
            n = os.write(self._fd, data)
        except BlockingIOError:
            self._drain()
            raise _want_read() from None
        except OSError as exc:
            self._translate(exc)
        self._drain()
        return n

    def _translate(self, exc):
        self._drain()
        if exc.errno == errno.EPROTO:
            self._final = None
            raise _failure(self._info(), self.server_hostname) from None
        raise exc

    def shutdown(self):
        self._pump()
        if not self._sent_close:
            self._sent_close = True
            try:
                _thaw_net.sock_shutdown(self._fd, _socket.SHUT_WR)
            except OSError as exc:
                if exc.errno not in (errno.ENOTCONN, errno.EPIPE):
                    self._translate(exc)
            self._drain()
        try:  # the peer's answer, behind whatever it still sent
            while os.read(self._fd, _CHUNK):
                self._pump()
        except BlockingIOError:
            raise _want_read() from None
        except OSError as exc:
            self._translate(exc)


class MemoryBIO:
    """A buffer that can be read from and written to."""

    def __init__(self):
        self._data, self._at, self._eof = bytearray(), 0, False

    def read(self, size=-1):
        end = len(self._data) if size is None or size < 0 else min(len(self._data), self._at + size)
        out = bytes(memoryview(self._data)[self._at : end])
        self._at = end
        if self._at == len(self._data):
            self._data, self._at = bytearray(), 0
        elif self._at > _CHUNK:
            del self._data[: self._at]
            self._at = 0
        return out

    def write(self, b):
        if self._eof:
            raise SSLError("cannot write() after write_eof()")
        view = memoryview(b)
        self._data += view if view.format == "B" and view.c_contiguous else view.tobytes()
        return view.nbytes

    def write_eof(self):
        self._eof = True

    def _unread(self, data):
        self._data[: self._at] = data
        self._at = 0

    @property
    def pending(self):
        return len(self._data) - self._at

    @property
    def eof(self):
        return self._eof and not self.pending


# ---- contexts ----

_VERSIONS = [(PROTO_TLSv1, OP_NO_TLSv1, "TLSv1"), (PROTO_TLSv1_1, OP_NO_TLSv1_1, "TLSv1.1"), (PROTO_TLSv1_2, OP_NO_TLSv1_2, "TLSv1.2"), (PROTO_TLSv1_3, OP_NO_TLSv1_3, "TLSv1.3")]
_FIXED = {PROTOCOL_TLSv1: PROTO_TLSv1, PROTOCOL_TLSv1_1: PROTO_TLSv1_1, PROTOCOL_TLSv1_2: PROTO_TLSv1_2}
_CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----", re.S)
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.S)
_NODE_BUNDLE = "/var/runtime/botocore/cacert.pem"  # stands for the node's own roots, which are looked after

# What Go offers, in the order of OpenSSL's list: name, version, bits, how it is described.
_CIPHERS = [
    ("TLS_AES_256_GCM_SHA384", "TLSv1.3", 256), ("TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3", 256), ("TLS_AES_128_GCM_SHA256", "TLSv1.3", 128),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", 256), ("ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2", 256),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", 256), ("ECDHE-RSA-CHACHA20-POLY1305", "TLSv1.2", 256),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128), ("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", 128),
]  # fmt: skip


def _absolute(ip_or_name):
    """The name to send as SNI: none for an address."""
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, ip_or_name)
            return None
        except OSError:
            pass
    return ip_or_name


class _SSLContext:
    def __new__(cls, protocol):
        if protocol not in (PROTOCOL_TLS, PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER) and protocol not in _FIXED:
            raise ValueError("invalid or unsupported protocol version")
        self = object.__new__(cls)
        client = protocol == PROTOCOL_TLS_CLIENT
        fixed = _FIXED.get(protocol)
        self._values = {
            "protocol": protocol,
            "check_hostname": client,
            "verify_mode": CERT_REQUIRED if client else CERT_NONE,
            "verify_flags": VERIFY_X509_TRUSTED_FIRST,
            "options": OP_ALL | OP_NO_SSLv3 | OP_CIPHER_SERVER_PREFERENCE | OP_NO_COMPRESSION | OP_ENABLE_MIDDLEBOX_COMPAT,
            "minimum_version": PROTO_TLSv1_2 if fixed is None else fixed,
            "maximum_version": PROTO_MAXIMUM_SUPPORTED if fixed is None else fixed,
        }
        self._roots, self._system_roots = {}, False  # DER by DER, in order
        self._certificate = self._key = self._alpn = None
        self._host_flags = HOSTFLAG_NO_PARTIAL_WILDCARDS
        self._sent = None
        self.post_handshake_auth = False
        self._tickets = 2
        self._callback = self._sni = None
        return self

    def _fields(self, server_hostname):
        """The record that describes a session to the host."""
        if self._sent is None:
            low, high = self._versions()
            verify = "none" if self.verify_mode == CERT_NONE else "require"
            roots = "".join(map(der_to_pem, self._roots)) or None
            self._sent = (verify, self._alpn, roots, "1" if self._system_roots else "0", self._certificate, self._key, low, high)
        name = None if server_hostname is None else _absolute(server_hostname)
        return (name, server_hostname if self._values["check_hostname"] else None) + self._sent

    def _versions(self):
        low, high = self._values["minimum_version"], self._values["maximum_version"]
        allowed = [
            name
            for number, off, name in _VERSIONS
            if not self._values["options"] & off and (low == PROTO_MINIMUM_SUPPORTED or number >= low) and (high == PROTO_MAXIMUM_SUPPORTED or number <= high)
        ]
        if not allowed:
            raise _ssl_error(SSLError, SSL_ERROR_SSL, "NO_PROTOCOLS_AVAILABLE", "no protocols available")
        return allowed[0], allowed[-1]

    def _wrap_socket(self, sock, server_side, server_hostname=None, *, owner=None, session=None):
        return _SSLSocket(self, sock, server_side, server_hostname, owner, session)

    def _wrap_bio(self, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None):
        return _SSLObject(self, incoming, outgoing, server_side, server_hostname, owner, session)

    def _set(self, name, value):
        self._values[name] = value
        self._sent = None

    protocol = property(lambda self: self._values["protocol"])

    @property
    def check_hostname(self):
        return self._values["check_hostname"]

    @check_hostname.setter
    def check_hostname(self, value):
        value = bool(value)
        if value and self._values["verify_mode"] == CERT_NONE:
            self._set("verify_mode", CERT_REQUIRED)
        self._set("check_hostname", value)

    @property
    def verify_mode(self):
        return self._values["verify_mode"]

    @verify_mode.setter
    def verify_mode(self, value):
        value = operator.index(value)
        if value not in (CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED):
            raise ValueError("invalid value for verify_mode")
        if value == CERT_NONE and self._values["check_hostname"]:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._set("verify_mode", int(value))

    verify_flags = property(lambda self: self._values["verify_flags"], lambda self, v: self._set("verify_flags", int(v)))
    options = property(lambda self: self._values["options"], lambda self, v: self._set("options", int(v)))

    def _set_version(self, name, value):
        value = int(value)
        if value not in (PROTO_MINIMUM_SUPPORTED, PROTO_MAXIMUM_SUPPORTED, 0x300) and value not in [v[0] for v in _VERSIONS]:
            raise ValueError("Unsupported TLS/SSL version {:#x}".format(value))
        if value == PROTO_MAXIMUM_SUPPORTED and name == "minimum_version":
            value = PROTO_TLSv1_3
        elif value == PROTO_MINIMUM_SUPPORTED and name == "maximum_version":
            value = PROTO_TLSv1
        self._set(name, value)

    minimum_version = property(lambda self: self._values["minimum_version"], lambda self, v: self._set_version("minimum_version", v))
    maximum_version = property(lambda self: self._values["maximum_version"], lambda self, v: self._set_version("maximum_version", v))
    security_level = property(lambda self: 2)

    @property
    def num_tickets(self):
        return self._tickets

    @num_tickets.setter
    def num_tickets(self, value):
        if value < 0:
            raise ValueError("value must be non-negative")
        if self._values["protocol"] != PROTOCOL_TLS_SERVER:
            raise ValueError("SSLContext is not a server context.")
        self._tickets = int(value)

    _msg_callback = property(lambda self: self._callback, lambda self, v: setattr(self, "_callback", v))
    sni_callback = property(lambda self: self._sni, lambda self, v: setattr(self, "_sni", v))

    def _set_alpn_protocols(self, protocols):
        self._alpn, self._sent = bytes(protocols) or None, None

    def set_ciphers(self, ciphers):
        """The host picks the ciphers, all of them strong ones. That some could be meant is all that is checked."""
        names = [part for part in re.split(r"[:, ]", ciphers) if re.fullmatch(r"[-+!@=\w.]+", part)]
        known = {name for name, _, _ in _CIPHERS}
        if not any(name in known or not name.isupper() or name[0] in "@!+-" or "-" not in name for name in names):
            raise _ssl_error(SSLError, SSL_ERROR_SSL, "NO_CIPHER_MATCH", "No cipher can be selected.")

    def set_ecdh_curve(self, name):
        if not isinstance(name, (str, bytes)):
            raise TypeError("a string expected")
        name = name if isinstance(name, str) else name.decode()
        if name not in ("prime256v1", "P-256", "secp384r1", "P-384", "secp521r1", "P-521", "X25519"):
            raise ValueError("unknown elliptic curve name {!r}".format(name))

    def load_dh_params(self, path):
        """For servers; that the file is there is all that is checked."""
        with open(os.fspath(path), "rb") as f:
            if b"DH PARAMETERS" not in f.read():
                raise _ssl_error(SSLError, SSL_ERROR_SSL, "NO_START_LINE", "no start line", "PEM")

    def get_ciphers(self):
        return [
            {"id": i, "name": name, "protocol": version, "description": "{} {}".format(name, version), "strength_bits": bits, "alg_bits": bits, "aead": True}
            for i, (name, version, bits) in enumerate(_CIPHERS)
        ]

    def session_stats(self):
        names = ("number", "connect", "connect_good", "connect_renegotiate", "accept", "accept_good", "accept_renegotiate", "hits", "misses", "timeouts", "cache_full")
        return dict.fromkeys(names, 0)

    # ---- trust ----

    def set_default_verify_paths(self):
        file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if file or folder:
            try:
                self.load_verify_locations(file, folder)
            except (OSError, ValueError):
                pass  # as OpenSSL does
        else:
            self._system_roots, self._sent = True, None

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        if cadata is not None:
            if isinstance(cadata, str):
                try:
                    cadata = cadata.encode("ascii")
                except UnicodeEncodeError:
                    raise TypeError("cadata should be an ASCII string or a bytes-like object") from None
                self._add(self._pem(cadata), "PEM lib", "no start line: cadata does not contain a certificate", "NO_START_LINE")
            else:
                cadata = bytes(cadata)
                self._add(self._der(cadata), "ASN1", "not enough data: cadata does not contain a certificate", "NOT_ENOUGH_DATA")
        if cafile is not None:
            cafile = os.fspath(cafile)
            if os.fsdecode(cafile) == _NODE_BUNDLE:
                self._system_roots = True
            else:
                with open(cafile, "rb") as f:
                    self._add(self._pem(f.read()), "X509", "no certificate or crl found", "NO_CERTIFICATE_OR_CRL_FOUND")
        if capath is not None:
            for entry in os.scandir(os.fspath(capath)):
                if entry.is_file():
                    with open(entry.path, "rb") as f:
                        self._roots.update(dict.fromkeys(self._pem(f.read())))
        self._sent = None

    @staticmethod
    def _pem(data):
        try:
            found = [base64.b64decode(b"".join(m.group().split(b"\n")[1:-1]), validate=False) for m in _CERTIFICATE.finditer(data)]
            for der in found:
                decode_certificate(der)
        except (ValueError, IndexError, UnicodeError):
            raise _ssl_error(SSLError, 9, "PEM_LIB", "PEM lib", "PEM") from None
        return found

    @staticmethod
    def _der(data):
        out = []
        while data[:1] == b"0" and len(data) > 2:
            n, head = data[1], 2
            if n & 0x80:
                head += n & 0x7F
                n = int.from_bytes(data[2:head], "big")
            if len(data) < head + n:
                break
            out.append(data[: head + n])
            data = data[head + n :]
        if data and out:
            raise _ssl_error(SSLError, SSL_ERROR_SSL, "NOT_ENOUGH_DATA", "not enough data: cadata does not contain a certificate", "ASN1")
        return out

    def _add(self, certificates, library, text, reason):
        if not certificates:
            raise _ssl_error(SSLError, SSL_ERROR_SSL if library != "PEM lib" else 0, reason, text, library)
        self._roots.update(dict.fromkeys(certificates))

    def cert_store_stats(self):
        return {"x509": len(self._roots), "crl": 0, "x509_ca": sum(map(is_authority, self._roots))}

    def get_ca_certs(self, binary_form=False):
        roots = filter(is_authority, self._roots)
        return list(roots) if binary_form else list(map(decode_certificate, roots))

    # ---- the client's own certificate ----

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        with open(os.fspath(certfile), "rb") as f:
            chain = f.read()
        key = chain
        if keyfile is not None:
            with open(os.fspath(keyfile), "rb") as f:
                key = f.read()
        certificates, keys = _CERTIFICATE.findall(chain), _KEY.findall(key)
        if not certificates or not keys:
            raise _ssl_error(SSLError, 9, "PEM_LIB", "PEM lib")
        self._pem(chain)  # raises if malformed
        key = keys[0]
        try:
            base64.b64decode(b"".join(line for line in key.split(b"\n")[1:-1] if b":" not in line), validate=True)
        except ValueError:
            raise _ssl_error(SSLError, 9, "PEM_LIB", "PEM lib") from None
        if b"ENCRYPTED" in key:
            key = self._decrypted(key, password)
        self._certificate, self._key = b"\n".join(certificates) + b"\n", key + b"\n"
        self._sent = None

    @staticmethod
    def _decrypted(key, password):
        if callable(password):
            password = password()
        if password is None:
            raise _ssl_error(SSLError, 9, "BAD_PASSWORD_READ", "bad password read", "PEM")
        try:
            return _hashlib.decrypt_private_key(key, password.encode() if isinstance(password, str) else bytes(password))
        except _hashlib.Error:
            raise _ssl_error(SSLError, 9, "PEM_LIB", "PEM lib") from None


def _test_decode_cert(path):
    with open(path, "rb") as f:
        return decode_certificate(_SSLContext._pem(f.read())[0])
