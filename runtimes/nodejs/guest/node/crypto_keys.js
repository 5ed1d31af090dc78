// Keys of internalBinding('crypto'). A secret key's bytes are here; an asymmetric key is a handle of the host, which is given back
// before a snapshot and made anew from the key's DER when it is next used.
'use strict';

const { op, call, open, close, timingSafeEqual, makeError } = require('thaw/service');
const { Buffer } = require('buffer');

const kKeyTypeSecret = 0, kKeyTypePublic = 1, kKeyTypePrivate = 2;
const kKeyFormatDER = 0, kKeyFormatPEM = 1, kKeyFormatJWK = 2;
const kKeyEncodingPKCS1 = 0, kKeyEncodingPKCS8 = 1, kKeyEncodingSPKI = 2, kKeyEncodingSEC1 = 3;
const encodings = ['pkcs1', 'pkcs8', 'spki', 'sec1'], formats = ['der', 'pem', 'jwk'];

const view = (data) => (ArrayBuffer.isView(data) ? data : new Uint8Array(data));
const asBuffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const curves = new Set(['p-224', 'secp224r1', 'p-256', 'prime256v1', 'secp256r1', 'p-384', 'secp384r1', 'p-521', 'secp521r1']);
const isCurve = (name) => curves.has(`${name}`.toLowerCase());

let opened = new Set(); // WeakRefs of handles that are open on the host

class KeyObjectHandle {
  init(type, data, format, encoding, passphrase) {
    this.type = type;
    if (type === kKeyTypeSecret) {
      this.secret = new Uint8Array(view(data));
      return;
    }
    if (isHandle(data)) {
      if (type === kKeyTypePublic && data.type === kKeyTypePrivate) this.#adopt(open(op.KEY_PUBLIC, use(data)));
      else this.#adopt(open(op.KEY_IMPORT, undefined, kind(data.type), 'der', der(data.type), undefined, data.#save()));
      return;
    }
    this.#adopt(importKey(kind(type), data, format, encoding, passphrase));
  }
  static from(type, handle) {
    const key = new KeyObjectHandle();
    key.type = type;
    key.#adopt(handle);
    return key;
  }
  #adopt(handle) {
    this.handle = handle;
    opened.add(new WeakRef(this));
  }
  #save() { return this.saved ??= call(op.KEY_EXPORT, this.handle, kind(this.type), 'der', der(this.type)); }
  use() {
    if (this.handle === undefined) this.#adopt(open(op.KEY_IMPORT, undefined, kind(this.type), 'der', der(this.type), undefined, this.saved));
    return this.handle;
  }
  release() {
    if (this.handle === undefined) return;
    this.#save();
    close(this.handle);
    this.handle = undefined;
  }
  get info() { return this.details ??= infoOf(this.use()); }

  getSymmetricKeySize() { return this.secret.length; }
  getAsymmetricKeyType() { return this.info.type; }
  keyDetail(target) {
    if (this.type === kKeyTypeSecret) return Object.assign(target, { length: this.secret.length * 8 });
    const { modulusLength, publicExponent, namedCurve } = this.info;
    if (modulusLength !== undefined) {
      const exponent = Buffer.alloc(4);
      exponent.writeUInt32BE(publicExponent);
      let from = 0;
      while (from < 3 && exponent[from] === 0) from++;
      target.modulusLength = modulusLength;
      target.publicExponent = new Uint8Array(exponent.subarray(from)).buffer;
    }
    if (namedCurve !== undefined) target.namedCurve = namedCurve;
    return target;
  }
  equals(other) {
    if (this.type === kKeyTypeSecret) return other.secret !== undefined && this.secret.length === other.secret.length && timingSafeEqual(this.secret, other.secret);
    return call(op.KEY_EQUAL, this.use(), other.use()) === 1;
  }
  export(format, encoding, cipher, passphrase) {
    if (this.type === kKeyTypeSecret) return asBuffer(this.secret.slice()); // with an ArrayBuffer of its own
    return encode(this, format, encoding, cipher, passphrase);
  }
  exportJwk(target, handleRsaPss) {
    if (this.type === kKeyTypeSecret) return Object.assign(target, { kty: 'oct', k: asBuffer(this.secret).toString('base64url') });
    if (this.info.type === 'rsa-pss' && !handleRsaPss) throw makeError('ERR_CRYPTO_JWK_UNSUPPORTED_KEY_TYPE', 'Unsupported JWK Key Type.');
    return Object.assign(target, ordered(JSON.parse(asBuffer(call(op.KEY_EXPORT, this.use(), kind(this.type), 'jwk')).toString())));
  }
  // Answers the type of the key, undefined if it is no key.
  initJwk(jwk) {
    if (jwk.kty === 'oct') {
      if (typeof jwk.k !== 'string') throw makeError('ERR_CRYPTO_INVALID_JWK', 'Invalid JWK secret key format');
      this.type = kKeyTypeSecret;
      this.secret = new Uint8Array(Buffer.from(jwk.k, 'base64'));
      return kKeyTypeSecret;
    }
    const type = jwk.d === undefined ? kKeyTypePublic : kKeyTypePrivate;
    let handle;
    try {
      const fields = {};
      for (const name of ['kty', 'crv', 'n', 'e', 'x', 'y', 'd', 'p', 'q', 'dp', 'dq', 'qi']) {
        if (typeof jwk[name] === 'string') fields[name] = /[=+/]/.test(jwk[name]) ? Buffer.from(jwk[name], 'base64').toString('base64url') : jwk[name];
      }
      handle = open(op.KEY_IMPORT, undefined, kind(type), 'jwk', undefined, undefined, JSON.stringify(fields));
    } catch (error) {
      if (error.code === 'ERR_CRYPTO_INVALID_CURVE') throw error;
      return undefined;
    }
    this.type = type;
    this.#adopt(handle);
    return type;
  }
  initEDRaw(name, data, type) { return this.#raw(name, data, type); }
  initECRaw(curve, data) { return this.#raw(curve, data, kKeyTypePublic); }
  #raw(name, data, type) {
    try {
      this.#adopt(open(op.KEY_IMPORT, undefined, kind(type), 'raw', name, undefined, view(data)));
    } catch {
      return false;
    }
    this.type = type;
    return true;
  }
  checkEcKeyData() { return true; } // checked when it was read
}

const kind = (type) => (type === kKeyTypePrivate ? 'private' : 'public');
const der = (type) => (type === kKeyTypePrivate ? 'pkcs8' : 'spki');
const isHandle = (value) => value instanceof KeyObjectHandle;
const use = (key) => key.use();
const infoOf = (handle) => JSON.parse(asBuffer(call(op.KEY_INFO, handle)).toString());
// Node lists a JWK's members in this order.
const ordered = (jwk) => {
  const out = {};
  for (const name of jwk.kty === 'RSA' ? ['kty', 'n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] : jwk.kty === 'EC' ? ['kty', 'x', 'y', 'crv', 'd'] : ['crv', 'd', 'x', 'kty']) {
    if (jwk[name] !== undefined) out[name] = jwk[name];
  }
  return out;
};

// The bytes of a secret, which may be given as a key.
function secretOf(key) {
  if (isHandle(key)) return key.secret;
  return view(key);
}

// A handle of the host for a key argument of Node's: a KeyObjectHandle, or encoded bytes.
function keyOf(wanted, key, format, type, passphrase) {
  if (isHandle(key)) return use(key);
  return importKey(wanted, key, format, type, passphrase);
}

function importKey(wanted, data, format, type, passphrase) {
  data = view(data);
  if (passphrase !== undefined && passphrase !== null) passphrase = view(passphrase);
  return open(op.KEY_IMPORT, undefined, wanted, formats[format ?? kKeyFormatPEM], encodings[type], passphrase, data);
}

function encode(key, format, encoding, cipher, passphrase) {
  if (format === kKeyFormatJWK) return key.exportJwk({}, false);
  if (cipher !== undefined && cipher !== null && passphrase !== undefined) passphrase = view(passphrase);
  const bytes = asBuffer(call(op.KEY_EXPORT, key.use(), kind(key.type), formats[format], encodings[encoding], cipher ?? undefined, cipher === undefined || cipher === null ? undefined : passphrase));
  return format === kKeyFormatPEM ? bytes.toString('latin1') : bytes;
}

// What generateKeyPair gives: [public, private], each a handle or encoded as was asked for.
function pair(handle, [publicFormat, publicType, privateFormat, privateType, cipher, passphrase]) {
  const privateKey = KeyObjectHandle.from(kKeyTypePrivate, handle);
  const publicKey = KeyObjectHandle.from(kKeyTypePublic, open(op.KEY_PUBLIC, handle));
  return [
    publicFormat === undefined ? publicKey : encode(publicKey, publicFormat, publicType),
    privateFormat === undefined ? privateKey : encode(privateKey, privateFormat, privateType, cipher, passphrase),
  ];
}

// Web Crypto's export: raw (public keys), spki or pkcs8.
function exportRaw(key, format) {
  if (format === 'raw') return call(op.KEY_EXPORT, key.use(), kind(key.type), 'raw');
  return call(op.KEY_EXPORT, key.use(), format === 'spki' ? 'public' : 'private', 'der', format);
}

// Gives all handles of keys back to the host.
function release() {
  for (const reference of opened) reference.deref()?.release();
  opened = new Set();
}

class NativeKeyObject { constructor(handle) { this.handle = handle; } }

module.exports = {
  KeyObjectHandle, keyOf, secretOf, use, encode, pair, exportRaw, infoOf, isHandle, isCurve, release, kKeyTypeSecret,
  binding: {
    KeyObjectHandle, createNativeKeyObjectClass: (make) => make(NativeKeyObject), kKeyTypeSecret, kKeyTypePublic, kKeyTypePrivate, kKeyFormatDER, kKeyFormatPEM,
    kKeyFormatJWK, kKeyEncodingPKCS1, kKeyEncodingPKCS8, kKeyEncodingSPKI, kKeyEncodingSEC1,
  },
};
