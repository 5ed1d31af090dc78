"""The module _socket of an interpreter without a network: names, numbers and address conversion work, connecting fails.

In place of CPython's C module, so that what imports socket (httplib, urllib2, logging.handlers) can be imported.
"""

import errno as _errno
import struct as _struct

AF_UNSPEC, AF_INET = 0, 2
SOCK_STREAM, SOCK_DGRAM = 1, 2
SOL_SOCKET, SOL_TCP, SOL_UDP = 1, 6, 17
IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP = 0, 6, 17
SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE = 2, 3, 4, 6, 7, 8, 9
TCP_NODELAY = 1
SHUT_RD, SHUT_WR, SHUT_RDWR = 0, 1, 2
MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT = 2, 0x100, 0x40
AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST = 1, 2, 4
NI_NUMERICHOST, NI_NUMERICSERV, NI_NAMEREQD, NI_DGRAM = 1, 2, 8, 16
EAI_AGAIN, EAI_FAIL, EAI_NONAME = -3, -4, -2
INADDR_ANY, INADDR_BROADCAST, INADDR_LOOPBACK = 0, 0xFFFFFFFF, 0x7F000001
SOMAXCONN = 128
has_ipv6 = False

_NO_NETWORK = "the Python 2.7 runtime has no network"


class error(IOError):
    """What the operations of sockets raise."""


class herror(error):
    """Raised by gethostbyname and its like."""


class gaierror(error):
    """Raised by getaddrinfo and getnameinfo."""


class timeout(error):
    """Raised when an operation takes too long."""


_default_timeout = None


def getdefaulttimeout():
    return _default_timeout


def setdefaulttimeout(seconds):
    global _default_timeout
    _default_timeout = None if seconds is None else float(seconds)


class socket(object):
    """A socket that can be made and closed, and nothing else."""

    def __init__(self, family=AF_INET, type=SOCK_STREAM, proto=0):
        self.family, self.type, self.proto, self.timeout = family, type, proto, _default_timeout

    def _refuse(self, *ignored):
        raise error(_errno.ENETUNREACH, _NO_NETWORK)

    accept = bind = connect = listen = makefile = recv = recvfrom = recv_into = recvfrom_into = send = sendall = sendto = _refuse
    getpeername = getsockname = getsockopt = shutdown = dup = _refuse

    def connect_ex(self, address):
        return _errno.ENETUNREACH

    def fileno(self):
        return -1

    def setsockopt(self, *ignored):
        pass

    def settimeout(self, seconds):
        self.timeout = None if seconds is None else float(seconds)

    def gettimeout(self):
        return self.timeout

    def setblocking(self, flag):
        self.timeout = None if flag else 0.0

    def close(self):
        pass


SocketType = socket


def htons(x):
    return _struct.unpack("=H", _struct.pack("!H", x & 0xFFFF))[0]


def htonl(x):
    return _struct.unpack("=I", _struct.pack("!I", x & 0xFFFFFFFF))[0]


ntohs, ntohl = htons, htonl


def inet_aton(text):
    parts = text.split(".")
    try:
        numbers = [int(p, 16 if p.lower().startswith("0x") else 8 if p.startswith("0") and len(p) > 1 else 10) for p in parts]
        if not 1 <= len(numbers) <= 4 or max(numbers[:-1] or [0]) > 255 or min(numbers) < 0:
            raise ValueError
        value = numbers[-1]
        for i, n in enumerate(numbers[:-1]):
            value += n << 8 * (3 - i)
        return _struct.pack("!I", value)
    except (ValueError, _struct.error):
        raise error("illegal IP address string passed to inet_aton")


def inet_ntoa(packed):
    if len(packed) != 4:
        raise error("packed IP wrong length")
    return ".".join(str(ord(c)) for c in packed)


def inet_pton(family, text):
    if family != AF_INET or text.count(".") != 3:
        raise error("illegal IP address string passed to inet_pton")
    return inet_aton(text)


def inet_ntop(family, packed):
    if family != AF_INET:
        raise error(_errno.EAFNOSUPPORT, "address family not supported")
    return inet_ntoa(packed)


def gethostname():
    return "localhost"


def gethostbyname(name):
    try:
        return inet_ntoa(inet_aton(name))
    except error:
        raise gaierror(EAI_FAIL, _NO_NETWORK)


def gethostbyname_ex(name):
    address = gethostbyname(name)
    return name, [], [address]


def gethostbyaddr(name):
    raise herror(1, _NO_NETWORK)


_SERVICES = {"http": 80, "https": 443, "smtp": 25, "ftp": 21, "ssh": 22, "domain": 53}


def getservbyname(name, protocol=None):
    try:
        return _SERVICES[name]
    except KeyError:
        raise error("service/proto not found")


def getservbyport(port, protocol=None):
    for name, number in _SERVICES.items():
        if number == port:
            return name
    raise error("port/proto not found")


def getprotobyname(name):
    try:
        return {"ip": 0, "icmp": 1, "tcp": 6, "udp": 17}[name]
    except KeyError:
        raise error("protocol not found")


def getaddrinfo(host, port, family=0, socktype=0, proto=0, flags=0):
    address = gethostbyname(host or ("0.0.0.0" if flags & AI_PASSIVE else "127.0.0.1"))
    try:
        port = getservbyname(port) if isinstance(port, basestring) and not port.isdigit() else int(port or 0)  # noqa: F821
    except error:
        raise gaierror(EAI_NONAME, "Servname not supported for ai_socktype")
    kinds = [(SOCK_STREAM, IPPROTO_TCP), (SOCK_DGRAM, IPPROTO_UDP)]
    return [(AF_INET, k, p, "", (address, port)) for k, p in kinds if socktype in (0, k)]


def getnameinfo(sockaddr, flags):
    if not flags & NI_NUMERICHOST:
        raise gaierror(EAI_FAIL, _NO_NETWORK)
    return sockaddr[0], str(sockaddr[1])
