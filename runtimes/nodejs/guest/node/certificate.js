// X.509 certificates as tls.getPeerCertificate() shows them: a reader of DER that knows what these objects hold.
'use strict';

const { Buffer } = require('buffer');

// One value of DER: {tag, body, raw, end}.
function read(der, at) {
  let length = der[at + 1], head = 2;
  if (length & 0x80) {
    const n = length & 0x7F;
    if (n === 0 || n > 4) throw new Error('DER: length');
    length = 0;
    for (let i = 0; i < n; i++) length = length * 256 + der[at + 2 + i];
    head += n;
  }
  const end = at + head + length;
  if (!(end <= der.length)) throw new Error('DER: cut off');
  return { tag: der[at], body: der.subarray(at + head, end), raw: der.subarray(at, end), end };
}
function children(der) {
  const all = [];
  for (let at = 0; at < der.length;) {
    const v = read(der, at);
    all.push(v);
    at = v.end;
  }
  return all;
}
function oid(b) {
  const parts = [];
  let n = 0;
  for (const byte of b) {
    n = n * 128 + (byte & 0x7F);
    if (byte & 0x80) continue;
    if (parts.length === 0) parts.push(Math.min(2, Math.floor(n / 40)), n - 40 * Math.min(2, Math.floor(n / 40)));
    else parts.push(n);
    n = 0;
  }
  return parts.join('.');
}
function string({ tag, body }) {
  const b = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (tag === 0x1E) return Buffer.from(b).swap16().toString('utf16le'); // BMPString
  return b.toString(tag === 0x0C ? 'utf8' : 'latin1');
}
const hex = (b, upper = true) => {
  const text = Buffer.from(b.buffer, b.byteOffset, b.length).toString('hex');
  return upper ? text.toUpperCase() : text;
};
const unsigned = (b) => (b.length > 1 && b[0] === 0 ? b.subarray(1) : b);

const names = {
  '__proto__': null,
  '2.5.4.3': 'CN', '2.5.4.4': 'SN', '2.5.4.5': 'serialNumber', '2.5.4.6': 'C', '2.5.4.7': 'L', '2.5.4.8': 'ST', '2.5.4.9': 'street', '2.5.4.10': 'O',
  '2.5.4.11': 'OU', '2.5.4.12': 'title', '2.5.4.15': 'businessCategory', '2.5.4.42': 'GN', '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID', '1.2.840.113549.1.9.1': 'emailAddress', '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionC', '1.3.6.1.4.1.311.60.2.1.2': 'jurisdictionST',
};
function distinguishedName(body) {
  const out = { __proto__: null };
  for (const set of children(body)) {
    for (const pair of children(set.body)) {
      const [type, value] = children(pair.body);
      const key = names[oid(type.body)] ?? oid(type.body), text = string(value);
      if (out[key] === undefined) out[key] = text;
      else if (Array.isArray(out[key])) out[key].push(text);
      else out[key] = [out[key], text];
    }
  }
  return out;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
function time(v) {
  let t = string(v);
  if (v.tag === 0x17) t = (Number(t.slice(0, 2)) < 50 ? '20' : '19') + t;
  return `${months[Number(t.slice(4, 6)) - 1]} ${`${Number(t.slice(6, 8))}`.padStart(2)} ${t.slice(8, 10)}:${t.slice(10, 12)}:${t.slice(12, 14)} ${t.slice(0, 4)} GMT`;
}

// Names that could be taken for several are quoted, as Node does since CVE-2021-44532.
const quoted = (text) => (/[^\x20-\x7e]|[",\\]/.test(text) ? JSON.stringify(text) : text);
function alternativeNames(body) {
  return children(read(body, 0).body).map((v) => {
    switch (v.tag) {
      case 0x82: return `DNS:${quoted(string(v))}`;
      case 0x81: return `email:${quoted(string(v))}`;
      case 0x86: return `URI:${quoted(string(v))}`;
      case 0x87: return `IP Address:${host.net.addressText(v.body) ?? '<invalid>'}`;
      case 0x88: return `Registered ID:${oid(v.body)}`;
      case 0xA4: return `DirName:${quoted(Object.entries(distinguishedName(children(v.body)[0].body)).map(([k, x]) => `${k}=${x}`).join(','))}`;
      default: return 'othername:<unsupported>';
    }
  }).join(', ');
}
const access = { '__proto__': null, '1.3.6.1.5.5.7.48.1': 'OCSP', '1.3.6.1.5.5.7.48.2': 'CA Issuers' };
function authorityAccess(body) {
  return children(read(body, 0).body).map((v) => {
    const [method, location] = children(v.body);
    return `${access[oid(method.body)] ?? oid(method.body)} - URI:${string(location)}\n`.replace(' - URI:', ' - URI:');
  }).join('');
}

const curves = {
  '__proto__': null, '1.2.840.10045.3.1.7': ['prime256v1', 'P-256', 256], '1.3.132.0.34': ['secp384r1', 'P-384', 384], '1.3.132.0.35': ['secp521r1', 'P-521', 521],
  '1.3.132.0.10': ['secp256k1', undefined, 256],
};
function publicKey(out, info) {
  const [algorithm, bits] = children(info.body);
  const [type, parameter] = children(algorithm.body);
  const key = bits.body.subarray(1);
  switch (oid(type.body)) {
    case '1.2.840.113549.1.1.1': {
      const [modulus, exponent] = children(read(key, 0).body);
      const m = unsigned(modulus.body);
      out.modulus = hex(m);
      out.bits = m.length * 8 - Math.clz32(m[0]) + 24;
      out.exponent = `0x${hex(unsigned(exponent.body), false).replace(/^0+/, '')}`;
      out.pubkey = Buffer.from(info.raw);
      break;
    }
    case '1.2.840.10045.2.1': {
      const curve = curves[oid(parameter.body)];
      out.bits = curve?.[2];
      out.pubkey = Buffer.from(key);
      out.asn1Curve = curve?.[0];
      if (curve?.[1]) out.nistCurve = curve[1];
      break;
    }
  }
}

function fingerprint(algorithm, der) {
  return require('crypto').createHash(algorithm).update(der).digest('hex').toUpperCase().match(/../g).join(':');
}

// The object of a certificate. der: its bytes.
module.exports = function certificate(der) {
  const out = { __proto__: null };
  const fields = children(children(read(der, 0).body)[0].body);
  if (fields[0].tag === 0xA0) fields.shift(); // version
  const [serial, , issuer, validity, subject, key, ...rest] = fields;
  out.subject = distinguishedName(subject.body);
  out.issuer = distinguishedName(issuer.body);
  let usage;
  out.ca = false;
  for (const extensions of rest.filter((v) => v.tag === 0xA3)) {
    for (const extension of children(read(extensions.body, 0).body)) {
      const parts = children(extension.body), value = parts[parts.length - 1].body;
      switch (oid(parts[0].body)) {
        case '2.5.29.17': out.subjectaltname = alternativeNames(value); break;
        case '2.5.29.19': out.ca = children(read(value, 0).body).some((v) => v.tag === 1 && v.body[0] !== 0); break;
        case '2.5.29.37': usage = children(read(value, 0).body).map((v) => oid(v.body)); break;
        case '1.3.6.1.5.5.7.1.1': out.infoAccess = authorityAccess(value); break;
      }
    }
  }
  publicKey(out, key);
  const [from, to] = children(validity.body);
  out.valid_from = time(from);
  out.valid_to = time(to);
  out.fingerprint = fingerprint('sha1', der);
  out.fingerprint256 = fingerprint('sha256', der);
  out.fingerprint512 = fingerprint('sha512', der);
  if (usage !== undefined) out.ext_key_usage = usage;
  out.serialNumber = hex(unsigned(serial.body));
  out.raw = Buffer.from(der);
  return out;
};
