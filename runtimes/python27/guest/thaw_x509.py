"""Certificates: X.509 (RFC 5280) in DER, to the dictionary that ssl.SSLSocket.getpeercert documents."""

# Object identifiers: number and names in OpenSSL's list.
_OBJECTS = [
    (13, "CN", "commonName", "2.5.4.3"),
    (14, "C", "countryName", "2.5.4.6"),
    (15, "L", "localityName", "2.5.4.7"),
    (16, "ST", "stateOrProvinceName", "2.5.4.8"),
    (17, "O", "organizationName", "2.5.4.10"),
    (18, "OU", "organizationalUnitName", "2.5.4.11"),
    (48, "emailAddress", "emailAddress", "1.2.840.113549.1.9.1"),
    (105, "serialNumber", "serialNumber", "2.5.4.5"),
    (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
    (391, "DC", "domainComponent", "0.9.2342.19200300.100.1.25"),
    (661, "postalCode", "postalCode", "2.5.4.17"),
]
_LONG_NAMES = dict((entry[3], entry[2]) for entry in _OBJECTS)


def txt2obj(txt, name=False):
    for entry in _OBJECTS:
        if txt == entry[3] or name and txt in entry[1:3]:
            return entry
    raise ValueError("unknown object '{}'".format(txt[:100]))


def nid2obj(nid):
    for entry in _OBJECTS:
        if nid == entry[0]:
            return entry
    raise ValueError("unknown NID {}".format(nid))


_BMP_STRING, _UTF8, _GENERALIZED_TIME = 0x1E, 0x0C, 0x18
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _number(data):
    value = 0
    for b in data:
        value = value << 8 | b
    return value


def _element(data, at):
    """Tag, contents and the place behind an element."""
    tag, n = data[at], data[at + 1]
    at += 2
    if n & 0x80:
        size = n & 0x7F
        n = _number(data[at : at + size])
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
    codec = "utf-16-be" if tag == _BMP_STRING else "utf-8" if tag == _UTF8 else "latin-1"
    return bytes(data).decode(codec, "replace")


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
    text = bytes(data)
    if tag != _GENERALIZED_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    return "{} {:2} {}:{}:{} {} GMT".format(_MONTHS[int(text[4:6]) - 1], int(text[6:8]), text[8:10], text[10:12], text[12:14], text[:4])


def _general_names(data):
    for tag, value in _elements(data):
        kind = tag & 0x1F
        if kind in (1, 2, 6):
            yield {1: "email", 2: "DNS", 6: "URI"}[kind], bytes(value)
        elif kind == 4:
            yield "DirName", _name(_element(value, 0)[1])
        elif kind == 7:
            if len(value) == 16:
                yield "IP Address", ":".join("{:X}".format(_number(value[i : i + 2])) for i in range(0, 16, 2))
            else:
                yield "IP Address", ".".join(map(str, value))
        elif kind == 8:
            yield "Registered ID", _oid(value)


def decode_certificate(der):
    der = bytearray(der)
    fields = list(_elements(_element(_element(der, 0)[1], 0)[1]))
    version = 1
    if fields[0][0] == 0xA0:
        version = _element(fields.pop(0)[1], 0)[1][-1] + 1
    (_, serial), _, (_, issuer), (_, validity), (_, subject), _ = fields[:6]
    begin, end = _elements(validity)
    number = "{:X}".format(_number(serial))
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
            if _oid(parts[0][1]) == "2.5.29.17":
                out["subjectAltName"] = tuple(_general_names(_element(parts[-1][1], 0)[1]))
    return out
