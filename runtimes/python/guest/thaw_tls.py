"""What _ssl offers that needs no session: OpenSSL's constants, its names of objects, and the reading of certificates."""

import base64
import ipaddress
import textwrap

OPENSSL_VERSION = "OpenSSL 3.0.0 (interface; the host's TLS is Go's crypto/tls)"
OPENSSL_VERSION_NUMBER = 0x30000000
OPENSSL_VERSION_INFO = (3, 0, 0, 0, 0)
_OPENSSL_API_VERSION = (3, 0, 0, 0, 0)
_DEFAULT_CIPHERS = "DEFAULT"

HAS_SNI = HAS_ECDH = HAS_ALPN = HAS_TLSv1 = HAS_TLSv1_1 = HAS_TLSv1_2 = HAS_TLSv1_3 = True
HAS_NPN = HAS_SSLv2 = HAS_SSLv3 = HAS_TLS_UNIQUE = HAS_PSK = False

OP_NO_SSLv2 = 0
OP_SINGLE_DH_USE = 0
OP_SINGLE_ECDH_USE = 0
OP_LEGACY_SERVER_CONNECT = 4
OP_IGNORE_UNEXPECTED_EOF = 128
OP_NO_TICKET = 0x4000
OP_NO_COMPRESSION = 0x20000
OP_ENABLE_MIDDLEBOX_COMPAT = 0x100000
OP_CIPHER_SERVER_PREFERENCE = 0x400000
OP_NO_SSLv3 = 0x2000000
OP_NO_TLSv1 = 0x4000000
OP_NO_TLSv1_2 = 0x8000000
OP_NO_TLSv1_1 = 0x10000000
OP_NO_TLSv1_3 = 0x20000000
OP_NO_RENEGOTIATION = 0x40000000
OP_ALL = 0x80000050

ALERT_DESCRIPTION_CLOSE_NOTIFY = 0
ALERT_DESCRIPTION_UNEXPECTED_MESSAGE = 10
ALERT_DESCRIPTION_BAD_RECORD_MAC = 20
ALERT_DESCRIPTION_RECORD_OVERFLOW = 22
ALERT_DESCRIPTION_DECOMPRESSION_FAILURE = 30
ALERT_DESCRIPTION_HANDSHAKE_FAILURE = 40
ALERT_DESCRIPTION_BAD_CERTIFICATE = 42
ALERT_DESCRIPTION_UNSUPPORTED_CERTIFICATE = 43
ALERT_DESCRIPTION_CERTIFICATE_REVOKED = 44
ALERT_DESCRIPTION_CERTIFICATE_EXPIRED = 45
ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN = 46
ALERT_DESCRIPTION_ILLEGAL_PARAMETER = 47
ALERT_DESCRIPTION_UNKNOWN_CA = 48
ALERT_DESCRIPTION_ACCESS_DENIED = 49
ALERT_DESCRIPTION_DECODE_ERROR = 50
ALERT_DESCRIPTION_DECRYPT_ERROR = 51
ALERT_DESCRIPTION_PROTOCOL_VERSION = 70
ALERT_DESCRIPTION_INSUFFICIENT_SECURITY = 71
ALERT_DESCRIPTION_INTERNAL_ERROR = 80
ALERT_DESCRIPTION_USER_CANCELLED = 90
ALERT_DESCRIPTION_NO_RENEGOTIATION = 100
ALERT_DESCRIPTION_UNSUPPORTED_EXTENSION = 110
ALERT_DESCRIPTION_CERTIFICATE_UNOBTAINABLE = 111
ALERT_DESCRIPTION_UNRECOGNIZED_NAME = 112
ALERT_DESCRIPTION_BAD_CERTIFICATE_STATUS_RESPONSE = 113
ALERT_DESCRIPTION_BAD_CERTIFICATE_HASH_VALUE = 114
ALERT_DESCRIPTION_UNKNOWN_PSK_IDENTITY = 115

SSL_ERROR_SSL = 1
SSL_ERROR_WANT_READ = 2
SSL_ERROR_WANT_WRITE = 3
SSL_ERROR_WANT_X509_LOOKUP = 4
SSL_ERROR_SYSCALL = 5
SSL_ERROR_ZERO_RETURN = 6
SSL_ERROR_WANT_CONNECT = 7
SSL_ERROR_EOF = 8
SSL_ERROR_INVALID_ERROR_CODE = 10

VERIFY_DEFAULT = 0
VERIFY_CRL_CHECK_LEAF = 4
VERIFY_CRL_CHECK_CHAIN = 12
VERIFY_X509_STRICT = 32
VERIFY_ALLOW_PROXY_CERTS = 64
VERIFY_X509_TRUSTED_FIRST = 0x8000
VERIFY_X509_PARTIAL_CHAIN = 0x80000

CERT_NONE = 0
CERT_OPTIONAL = 1
CERT_REQUIRED = 2

PROTOCOL_SSLv23 = 2
PROTOCOL_TLS = 2
PROTOCOL_TLSv1 = 3
PROTOCOL_TLSv1_1 = 4
PROTOCOL_TLSv1_2 = 5
PROTOCOL_TLS_CLIENT = 16
PROTOCOL_TLS_SERVER = 17

HOSTFLAG_ALWAYS_CHECK_SUBJECT = 1
HOSTFLAG_NO_WILDCARDS = 2
HOSTFLAG_NO_PARTIAL_WILDCARDS = 4
HOSTFLAG_MULTI_LABEL_WILDCARDS = 8
HOSTFLAG_SINGLE_LABEL_SUBDOMAINS = 16
HOSTFLAG_NEVER_CHECK_SUBJECT = 32

PROTO_MINIMUM_SUPPORTED = -2
PROTO_MAXIMUM_SUPPORTED = -1
PROTO_SSLv3 = 0x300
PROTO_TLSv1 = 0x301
PROTO_TLSv1_1 = 0x302
PROTO_TLSv1_2 = 0x303
PROTO_TLSv1_3 = 0x304

ENCODING_PEM = 1
ENCODING_DER = 2

# ---- object identifiers: number and names in OpenSSL's list ----

_OBJECTS = [
    (13, "CN", "commonName", "2.5.4.3"),
    (14, "C", "countryName", "2.5.4.6"),
    (15, "L", "localityName", "2.5.4.7"),
    (16, "ST", "stateOrProvinceName", "2.5.4.8"),
    (17, "O", "organizationName", "2.5.4.10"),
    (18, "OU", "organizationalUnitName", "2.5.4.11"),
    (48, "emailAddress", "emailAddress", "1.2.840.113549.1.9.1"),
    (99, "GN", "givenName", "2.5.4.42"),
    (100, "SN", "surname", "2.5.4.4"),
    (105, "serialNumber", "serialNumber", "2.5.4.5"),
    (106, "title", "title", "2.5.4.12"),
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
    (131, "codeSigning", "Code Signing", "1.3.6.1.5.5.7.3.3"),
    (132, "emailProtection", "E-mail Protection", "1.3.6.1.5.5.7.3.4"),
    (391, "DC", "domainComponent", "0.9.2342.19200300.100.1.25"),
    (458, "UID", "userId", "0.9.2342.19200300.100.1.1"),
    (660, "street", "streetAddress", "2.5.4.9"),
    (661, "postalCode", "postalCode", "2.5.4.17"),
    (860, "businessCategory", "businessCategory", "2.5.4.15"),
    (955, "jurisdictionL", "jurisdictionLocalityName", "1.3.6.1.4.1.311.60.2.1.1"),
    (956, "jurisdictionST", "jurisdictionStateOrProvinceName", "1.3.6.1.4.1.311.60.2.1.2"),
    (957, "jurisdictionC", "jurisdictionCountryName", "1.3.6.1.4.1.311.60.2.1.3"),
    (1089, "organizationIdentifier", "organizationIdentifier", "2.5.4.97"),
]
_LONG_NAMES = {oid: long for _, _, long, oid in _OBJECTS}


def txt2obj(txt, name=False):
    for entry in _OBJECTS:
        if txt == entry[3] or name and txt in entry[1:3]:
            return entry
    raise ValueError("unknown object '{:.100}'".format(txt))


def nid2obj(nid):
    if nid < 0:
        raise ValueError("NID must be positive.")
    for entry in _OBJECTS:
        if nid == entry[0]:
            return entry
    raise ValueError("unknown NID {}".format(nid))


# ---- certificates: X.509 (RFC 5280) in DER, to the dictionary that SSLSocket.getpeercert documents ----


def der_to_pem(der):
    text = base64.b64encode(der).decode("ascii")
    return "-----BEGIN CERTIFICATE-----\n" + "\n".join(textwrap.wrap(text, 64)) + "\n-----END CERTIFICATE-----\n"


_SEQUENCE, _OID, _BOOLEAN, _GENERALIZED_TIME, _BMP_STRING, _UTF8 = 0x30, 0x06, 0x01, 0x18, 0x1E, 0x0C
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _element(data, at):
    """Tag, contents and the place behind an element."""
    tag, n = data[at], data[at + 1]
    at += 2
    if n & 0x80:
        size = n & 0x7F
        n = int.from_bytes(data[at : at + size], "big")
        at += size
    if at + n > len(data):
        raise ValueError("certificate cut off")
    return tag, data[at : at + n], at + n


def _elements(data):
    at = 0
    while at < len(data):
        tag, contents, at = _element(data, at)
        yield tag, contents


def _oid(data):
    first = min(data[0] // 40, 2)
    parts, value = [first, data[0] - 40 * first], 0
    for b in data[1:]:
        value = value << 7 | b & 0x7F
        if not b & 0x80:
            parts.append(value)
            value = 0
    return ".".join(map(str, parts))


def _string(tag, data):
    if tag == _BMP_STRING:
        return data.decode("utf-16-be", "replace")
    return data.decode("utf-8" if tag == _UTF8 else "latin-1", "replace")


def _name(data):
    """A name as a tuple of relative distinguished names, each a tuple of pairs."""
    out = []
    for _, rdn in _elements(data):
        pairs = []
        for _, pair in _elements(rdn):
            (_, oid), (tag, value) = _elements(pair)
            oid = _oid(oid)
            pairs.append((_LONG_NAMES.get(oid, oid), _string(tag, value)))
        out.append(tuple(pairs))
    return tuple(out)


def _time(tag, data):
    text = data.decode("ascii")
    if tag != _GENERALIZED_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    year, month, day, hour, minute, second = text[:4], int(text[4:6]), int(text[6:8]), text[8:10], text[10:12], text[12:14]
    return "{} {:2} {}:{}:{} {} GMT".format(_MONTHS[month - 1], day, hour, minute, second, year)


def _general_names(data):
    for tag, value in _elements(data):
        kind = tag & 0x1F
        if kind == 1:
            yield "email", value.decode("latin-1")
        elif kind == 2:
            yield "DNS", value.decode("latin-1")
        elif kind == 4:
            yield "DirName", _name(_element(value, 0)[1])
        elif kind == 6:
            yield "URI", value.decode("latin-1")
        elif kind == 7:
            if len(value) == 16:
                yield "IP Address", ":".join("{:X}".format(int.from_bytes(value[i : i + 2], "big")) for i in range(0, 16, 2))
            else:
                yield "IP Address", str(ipaddress.ip_address(value))
        elif kind == 8:
            yield "Registered ID", _oid(value)
        else:
            yield "othername", "<unsupported>"


def _access(data, method):
    uris = []
    for _, description in _elements(data):
        (_, oid), (tag, location) = _elements(description)
        if _oid(oid) == method and tag & 0x1F == 6:
            uris.append(location.decode("latin-1"))
    return tuple(uris)


def _distribution_points(data):
    uris = []
    for _, point in _elements(data):
        for tag, field in _elements(point):
            if tag == 0xA0:
                for inner, names in _elements(field):
                    if inner == 0xA0:
                        uris.extend(value for kind, value in _general_names(names) if kind == "URI")
    return tuple(uris)


def is_authority(der):
    """Whether a certificate may sign others: by its basic constraints, or as one of version 1 that signed itself."""
    fields = list(_elements(_element(_element(der, 0)[1], 0)[1]))
    if fields[0][0] != 0xA0:
        return fields[2] == fields[4]  # issuer and subject
    for tag, extensions in fields:
        if tag == 0xA3:
            for _, extension in _elements(_element(extensions, 0)[1]):
                parts = list(_elements(extension))
                if _oid(parts[0][1]) == "2.5.29.19":
                    flags = list(_elements(_element(parts[-1][1], 0)[1]))
                    return bool(flags) and flags[0][0] == _BOOLEAN and flags[0][1] != b"\0"
    return False


def decode_certificate(der):
    fields = list(_elements(_element(_element(der, 0)[1], 0)[1]))
    version = 1
    if fields[0][0] == 0xA0:
        version = _element(fields.pop(0)[1], 0)[1][-1] + 1
    (_, serial), _, (_, issuer), (_, validity), (_, subject), _ = fields[:6]
    begin, end = _elements(validity)
    number = "{:X}".format(int.from_bytes(serial, "big"))
    out = {
        "subject": _name(subject),
        "issuer": _name(issuer),
        "version": version,
        "serialNumber": "0" * (len(number) % 2) + number,
        "notBefore": _time(*begin),
        "notAfter": _time(*end),
    }
    for tag, extensions in fields[6:]:
        if tag != 0xA3:
            continue
        for _, extension in _elements(_element(extensions, 0)[1]):
            parts = list(_elements(extension))
            oid, value = _oid(parts[0][1]), _element(parts[-1][1], 0)[1]
            if oid == "2.5.29.17":
                out["subjectAltName"] = tuple(_general_names(value))
            elif oid == "1.3.6.1.5.5.7.1.1":
                for key, method in (("OCSP", "1.3.6.1.5.5.7.48.1"), ("caIssuers", "1.3.6.1.5.5.7.48.2")):
                    if uris := _access(value, method):
                        out[key] = uris
            elif oid == "2.5.29.31":
                if uris := _distribution_points(value):
                    out["crlDistributionPoints"] = uris
    return out
