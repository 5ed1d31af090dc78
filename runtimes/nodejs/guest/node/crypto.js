// internalBinding('crypto'): what is OpenSSL in Node is Go on the host here. lib/internal/crypto is Node's own.
'use strict';

const { op, call, open, feed, close, random, timingSafeEqual, makeError } = require('thaw/service');
const { Buffer } = require('buffer');
const keys = require('thaw/crypto_keys');
const { KeyObjectHandle, keyOf, secretOf, use, encode, isHandle } = keys;
const { crypto: constants } = internalBinding('constants');

const kCryptoJobAsync = 0, kCryptoJobSync = 1;
const kSignJobModeSign = 0, kSignJobModeVerify = 1;
const kSigEncDER = 0, kSigEncP1363 = 1;
const kWebCryptoCipherEncrypt = 0, kWebCryptoCipherDecrypt = 1;

const view = (data) => (ArrayBuffer.isView(data) ? data : new Uint8Array(data));
const asBuffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const bytesOf = (data, encoding) => (typeof data !== 'string' ? view(data) : encoding === undefined || encoding === 'utf8' || encoding === 'utf-8' || encoding === 'buffer' ? data : Buffer.from(data, encoding));
const encoded = (bytes, encoding) => {
  const buffer = asBuffer(bytes);
  return encoding === undefined || encoding === 'buffer' ? buffer : buffer.toString(encoding);
};

// ---- digests ----

class Hash {
  constructor(algorithm, length) {
    if (algorithm instanceof Hash) {
      this.handle = open(op.COPY, algorithm.handle);
      if (length !== undefined && length !== algorithm.length) throw makeError('ERR_OSSL_EVP_NOT_XOF_OR_INVALID_LENGTH', 'Unsupported state or unable to change the output length');
    } else {
      if (length === 0 && !/^shake/i.test(algorithm)) throw makeError('ERR_OSSL_EVP_NOT_XOF_OR_INVALID_LENGTH', 'error:030000B2:digital envelope routines::not XOF or invalid length');
      try {
        this.handle = open(op.HASH_NEW, undefined, algorithm, length);
      } catch (error) {
        if (error.code === 'ERR_OSSL_EVP_UNSUPPORTED') delete error.code;
        throw error;
      }
    }
    this.length = length;
  }
  update(data, encoding) {
    feed(op.UPDATE, this.handle, bytesOf(data, encoding));
    return true;
  }
  digest(encoding) {
    this.result ??= feed(op.FINAL, this.handle);
    return encoded(this.result, encoding);
  }
}

class Hmac {
  init(algorithm, key) { this.handle = open(op.HMAC_NEW, undefined, algorithm, secretOf(key)); }
  update(data, encoding) {
    feed(op.UPDATE, this.handle, bytesOf(data, encoding));
    return true;
  }
  digest(encoding) { return encoded(feed(op.FINAL, this.handle), encoding); }
}

function oneShotDigest(algorithm, id, cache, input, encoding) {
  return encoded(call(op.DIGEST, undefined, algorithm, input), encoding);
}

// ---- ciphers ----

const MD5_LENGTH = 16;

// What OpenSSL's EVP_BytesToKey derives for createCipher(): one round of MD5.
function bytesToKey(password, keyLength, ivLength) {
  let block = Buffer.alloc(0), all = Buffer.alloc(0);
  while (all.length < keyLength + ivLength) {
    block = asBuffer(call(op.DIGEST, undefined, 'md5', Buffer.concat([block, view(password)])));
    all = Buffer.concat([all, block], all.length + MD5_LENGTH);
  }
  return [all.subarray(0, keyLength), all.subarray(keyLength, keyLength + ivLength)];
}

const CIPHER_PART = 8 << 20; // bytes

class CipherBase {
  constructor(encrypt) { this.encrypt = encrypt; }
  init(name, password, tagLength) {
    const info = cipherInfo(name);
    if (info === undefined) throw makeError('ERR_CRYPTO_UNKNOWN_CIPHER', 'Unknown cipher');
    const [key, iv] = bytesToKey(password, info.keyLength, info.ivLength ?? 0);
    this.initiv(name, key, info.ivLength ? iv : null, tagLength);
  }
  initiv(name, key, iv, tagLength) {
    this.aead = isAEAD(name);
    if (iv === null && cipherInfo(name)?.ivLength) throw makeError('ERR_CRYPTO_INVALID_IV', 'Invalid initialization vector');
    this.handle = open(op.CIPHER_NEW, undefined, name, secretOf(key), iv === null ? '' : view(iv), this.encrypt ? 1 : 0, tagLength < 0 ? undefined : tagLength);
  }
  update(data, encoding) {
    data = bytesOf(data, encoding);
    if (this.finished) throw makeError('', 'Trying to add data in unsupported state');
    if (typeof data === 'string' || data.byteLength <= CIPHER_PART) return asBuffer(feed(op.CIPHER_UPDATE, this.handle, data));
    const all = new Uint8Array(data.buffer, data.byteOffset, data.byteLength), parts = [];
    for (let at = 0; at < all.length; at += CIPHER_PART) parts.push(feed(op.CIPHER_UPDATE, this.handle, all.subarray(at, at + CIPHER_PART)));
    return Buffer.concat(parts);
  }
  final() {
    if (this.finished) throw makeError('ERR_CRYPTO_INVALID_STATE', 'Invalid state');
    this.finished = true;
    const last = asBuffer(feed(op.CIPHER_FINAL, this.handle));
    if (this.aead && this.encrypt) this.tag = asBuffer(feed(op.CIPHER_GET_TAG, this.handle));
    close(this.handle);
    return last;
  }
  setAutoPadding(on) {
    if (this.finished) return false;
    call(op.CIPHER_PADDING, this.handle, on ? 1 : 0);
    return true;
  }
  getAuthTag() { return this.tag; }
  setAuthTag(tag) {
    if (!this.aead || this.encrypt || this.finished || this.tagged) return false;
    feed(op.CIPHER_SET_TAG, this.handle, view(tag));
    return this.tagged = true;
  }
  setAAD(data) {
    if (!this.aead || this.finished) return false;
    feed(op.CIPHER_AAD, this.handle, view(data));
    return true;
  }
}

const isAEAD = (name) => /-gcm$|^chacha20-poly1305$/i.test(name);

// name: [nid, block size, iv length, key length, mode]
const ciphers = { '__proto__': null, 'des-ede3-cbc': [44, 8, 8, 24, 'cbc'], 'des-ede3': [33, 8, undefined, 24, 'ecb'], 'chacha20-poly1305': [1018, undefined, 12, 32, 'stream'] };
for (const [bits, nids] of [[128, [418, 419, 420, 421, 904, 895]], [192, [422, 423, 424, 425, 905, 898]], [256, [426, 427, 428, 429, 906, 901]]]) {
  ['ecb', 'cbc', 'ofb', 'cfb', 'ctr', 'gcm'].forEach((mode, i) => {
    ciphers[`aes-${bits}-${mode}`] = [nids[i], mode === 'ecb' || mode === 'cbc' ? 16 : 1, mode === 'ecb' ? undefined : mode === 'gcm' ? 12 : 16, bits / 8, mode];
  });
}
const cipherAliases = { __proto__: null, aes128: 'aes-128-cbc', aes192: 'aes-192-cbc', aes256: 'aes-256-cbc', des3: 'des-ede3-cbc', 'id-aes128-gcm': 'aes-128-gcm', 'id-aes192-gcm': 'aes-192-gcm', 'id-aes256-gcm': 'aes-256-gcm' };

function cipherInfo(nameOrNid, keyLength, ivLength) {
  let name = nameOrNid;
  if (typeof name === 'number') name = Object.keys(ciphers).find((n) => ciphers[n][0] === nameOrNid);
  else name = cipherAliases[name.toLowerCase()] ?? name.toLowerCase();
  const known = ciphers[name];
  if (known === undefined) return undefined;
  const [nid, blockSize, iv, key, mode] = known;
  if (keyLength !== undefined && keyLength !== key) return undefined;
  if (ivLength !== undefined && (mode === 'gcm' ? ivLength < 1 : ivLength !== (iv ?? 0))) return undefined;
  const info = { mode, name: mode === 'gcm' ? `id-${name.replace('-', '')}` : name, nid };
  if (blockSize !== undefined) info.blockSize = blockSize;
  if (iv !== undefined) info.ivLength = ivLength ?? iv;
  info.keyLength = key;
  return info;
}

// RSA: publicEncrypt(key, format, type, passphrase, data, padding, oaepHash, oaepLabel) and its kin
function rsa(operation, kind, signing) {
  return (key, format, type, passphrase, data, padding, oaepHash, oaepLabel) => {
    let name;
    switch (padding) {
      case constants.RSA_PKCS1_PADDING: name = signing ? 'sign' : 'pkcs1'; break;
      case constants.RSA_PKCS1_OAEP_PADDING: name = 'oaep'; break;
      case constants.RSA_NO_PADDING: name = 'none'; break;
      default: throw makeError('ERR_OSSL_RSA_ILLEGAL_OR_UNSUPPORTED_PADDING_MODE', 'error:0200010B:rsa routines::illegal or unsupported padding mode');
    }
    const handle = keyOf(kind, key, format, type, passphrase);
    return asBuffer(call(operation, handle, name, oaepHash ?? 'sha1', oaepLabel === undefined ? undefined : view(oaepLabel), view(data)));
  };
}

// ---- signatures ----

function signing(handle, algorithm, padding, saltLength, encoding, digested) {
  const info = keys.infoOf(handle);
  if (algorithm === undefined || algorithm === null) algorithm = info.type === 'ed25519' ? undefined : 'sha256';
  return [algorithm, padding === constants.RSA_PKCS1_PSS_PADDING ? 'pss' : padding === constants.RSA_PKCS1_PADDING ? 'pkcs1' : undefined,
    saltLength, encoding === kSigEncP1363 ? 'ieee-p1363' : 'der', digested];
}

class SignBase {
  init(algorithm) {
    try {
      this.handle = open(op.HASH_NEW, undefined, algorithm);
    } catch {
      throw makeError('ERR_CRYPTO_INVALID_DIGEST', 'Invalid digest');
    }
    this.algorithm = algorithm;
  }
  update(data, encoding) { feed(op.UPDATE, this.handle, bytesOf(data, encoding)); }
  finish(key, padding, saltLength, encoding) {
    const [algorithm, pad, salt, form] = signing(key, this.algorithm, padding, saltLength, encoding);
    return [algorithm, pad, salt, form, feed(op.FINAL, this.handle), 1];
  }
}
class Sign extends SignBase {
  sign(key, format, type, passphrase, padding, saltLength, encoding) {
    const handle = keyOf('private', key, format, type, passphrase);
    return asBuffer(call(op.SIGN, handle, ...this.finish(handle, padding, saltLength, encoding)));
  }
}
class Verify extends SignBase {
  verify(key, format, type, passphrase, signature, padding, saltLength, encoding) {
    const handle = keyOf('public', key, format, type, passphrase);
    return call(op.VERIFY, handle, ...this.finish(handle, padding, saltLength, encoding), view(signature)) === 1;
  }
}

// ---- jobs ----

// A job of Node's: synchronous ones answer [error, result], the others call ondone from the loop.
class Job {
  constructor(mode, work) {
    this.mode = mode;
    this.work = work;
  }
  run() {
    if (this.mode === kCryptoJobSync) {
      try {
        return [undefined, this.work()];
      } catch (error) {
        return [error, undefined];
      }
    }
    require('timers').setImmediate(() => {
      let result;
      try {
        result = this.work();
      } catch (error) {
        this.ondone(error);
        return;
      }
      this.ondone(undefined, result);
    });
    return undefined;
  }
}
const job = (prepare) => class extends Job { constructor(mode, ...args) { super(mode, prepare(...args)); } };
const arrayBuffer = (bytes) => (bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const copyOf = (data) => new Uint8Array(view(data)); // the caller may change it before the job runs

const checkDigest = (name) => {
  try {
    call(op.HMAC, undefined, name, '', '');
  } catch {
    throw makeError('ERR_CRYPTO_INVALID_DIGEST', `Invalid digest: ${name}`);
  }
};

// What lib/internal/crypto/random.js keeps random bytes in, and what of it was filled since INIT; see preload.
const caches = [], filled = new Set();

const jobs = {
  RandomBytesJob: job((buffer, offset, size) => {
    if (caches.collect) caches.push(buffer);
    else if (caches.includes(buffer)) filled.add(buffer);
    return () => random(buffer, offset, size);
  }),
  HashJob: job((name, data) => { data = copyOf(data); return () => arrayBuffer(call(op.DIGEST, undefined, name, data)); }),
  HmacJob: job((mode, hash, key, data, signature) => {
    data = copyOf(data);
    return () => {
      const mac = call(op.HMAC, undefined, hash, secretOf(key), data);
      return mode === kSignJobModeSign ? arrayBuffer(mac) : timingSafeEqual(mac, view(signature));
    };
  }),
  PBKDF2Job: job((password, salt, iterations, length, digest) => {
    checkDigest(digest);
    password = copyOf(password);
    salt = copyOf(salt);
    return () => arrayBuffer(call(op.PBKDF2, undefined, digest, password, salt, iterations, length));
  }),
  ScryptJob: job((password, salt, N, r, p, maxmem, length) => {
    password = copyOf(password);
    salt = copyOf(salt);
    // What OpenSSL refuses, it refuses at once.
    if (N < 2 || (N & (N - 1)) !== 0 || r < 1 || p < 1 || r * p >= 2 ** 30 || 128 * r * (N + p + 2) > maxmem) {
      throw makeError('ERR_CRYPTO_INVALID_SCRYPT_PARAMS', 'Invalid scrypt params: error:030000AC:digital envelope routines::memory limit exceeded');
    }
    return () => arrayBuffer(call(op.SCRYPT, undefined, password, salt, N, r, p, length, maxmem));
  }),
  HKDFJob: job((hash, key, salt, info, length) => {
    checkDigest(hash);
    salt = copyOf(salt);
    info = copyOf(info);
    if (length > 255 * call(op.HMAC, undefined, hash, '', '').length) throw makeError('ERR_CRYPTO_INVALID_KEYLEN', 'Invalid key length');
    return () => arrayBuffer(call(op.HKDF, undefined, hash, secretOf(isHandle(key) ? key : key.handle), salt, info, length));
  }),
  SignJob: job((mode, key, format, type, passphrase, data, algorithm, saltLength, padding, encoding, signature) => {
    const handle = keyOf(mode === kSignJobModeSign ? 'private' : 'public', key, format, type, passphrase);
    data = copyOf(data);
    if (algorithm !== undefined && algorithm !== null) checkDigest(algorithm);
    return () => {
      const how = signing(handle, algorithm, padding, saltLength, encoding);
      if (mode === kSignJobModeSign) return arrayBuffer(call(op.SIGN, handle, how[0], how[1], how[2], how[3], data));
      return call(op.VERIFY, handle, how[0], how[1], how[2], how[3], data, undefined, view(signature)) === 1;
    };
  }),
  AESCipherJob: job((mode, key, data, [name, bits], iv, tag, aad) => {
    data = copyOf(data);
    return () => arrayBuffer(aes(mode === kWebCryptoCipherEncrypt, secretOf(key), data, name, bits, iv, tag, aad));
  }),
  RSACipherJob: job((mode, key, data, variant, hash, label) => {
    data = copyOf(data);
    return () => arrayBuffer(call(mode === kWebCryptoCipherEncrypt ? op.ENCRYPT : op.DECRYPT, use(key), 'oaep', hash, label === undefined ? undefined : view(label), data));
  }),
  ECKeyExportJob: job((format, key) => () => arrayBuffer(keys.exportRaw(key, format))),
  RSAKeyExportJob: job((format, key) => () => arrayBuffer(keys.exportRaw(key, format))),
  ECDHBitsJob: job((curve, publicKey, privateKey) => () => arrayBuffer(call(op.AGREE, use(privateKey), use(publicKey)))),
  SecretKeyGenJob: job((bits) => () => {
    const bytes = new Uint8Array(Math.floor(bits / 8));
    random(bytes, 0, bytes.length);
    const handle = new KeyObjectHandle();
    handle.init(keys.kKeyTypeSecret, bytes);
    return handle;
  }),
  RsaKeyPairGenJob: job((variant, bits, exponent, ...rest) => {
    const encoding = variant === 'pss' ? rest.slice(3) : rest;
    return () => keys.pair(open(op.KEY_GENERATE, undefined, variant === 'pss' ? 'rsa-pss' : 'rsa', bits, exponent), encoding);
  }),
  EcKeyPairGenJob: job((curve, parameters, ...encoding) => {
    if (!keys.isCurve(curve)) throw makeError('ERR_CRYPTO_INVALID_CURVE', 'Invalid EC curve name');
    return () => keys.pair(open(op.KEY_GENERATE, undefined, 'ec', curve), encoding);
  }),
  NidKeyPairGenJob: job((type, ...encoding) => () => keys.pair(open(op.KEY_GENERATE, undefined, type), encoding)),
};
for (const name of ['DhKeyPairGenJob', 'DsaKeyPairGenJob', 'RandomPrimeJob', 'CheckPrimeJob']) {
  jobs[name] = class { constructor() { throw unavailable(name.replace(/Job$/, '')); } };
}
function unavailable(what) { return makeError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', `${what} is not available in this runtime`); }

// Web Crypto's AES, one shot. For GCM tag is the length when encrypting, the tag when decrypting.
function aes(encrypt, key, data, name, bits, iv, tag, aad) {
  if (name === 'kw') return keyWrap(encrypt, key, data, bits);
  const gcm = name === 'gcm';
  const handle = open(op.CIPHER_NEW, undefined, `aes-${bits}-${name}`, key, view(iv), encrypt ? 1 : 0, gcm && encrypt ? tag : undefined);
  try {
    if (gcm && aad !== undefined && aad.byteLength > 0) feed(op.CIPHER_AAD, handle, view(aad));
    if (gcm && !encrypt) feed(op.CIPHER_SET_TAG, handle, view(tag));
    const parts = [feed(op.CIPHER_UPDATE, handle, data), feed(op.CIPHER_FINAL, handle)];
    if (gcm && encrypt) parts.push(feed(op.CIPHER_GET_TAG, handle));
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of parts) { out.set(p, at); at += p.length; }
    return out;
  } finally {
    close(handle);
  }
}

// RFC 3394, over single blocks.
function keyWrap(encrypt, key, data, bits) {
  if (data.length % 8 !== 0 || data.length < (encrypt ? 16 : 24)) throw makeError('ERR_CRYPTO_OPERATION_FAILED', 'invalid length of the key to wrap');
  const handle = open(op.CIPHER_NEW, undefined, `aes-${bits}-ecb`, key, '', encrypt ? 1 : 0);
  call(op.CIPHER_PADDING, handle, 0);
  const n = data.length / 8 - (encrypt ? 0 : 1), block = new Uint8Array(16);
  const counter = (t) => { for (let i = 7; t > 0; i--, t = Math.floor(t / 256)) block[i] ^= t & 255; };
  const r = encrypt ? data.slice() : data.slice(8);
  if (encrypt) block.fill(0xA6, 0, 8);
  else block.set(data.subarray(0, 8));
  const step = (i, t) => {
    if (!encrypt) counter(t);
    block.set(r.subarray(8 * i, 8 * i + 8), 8);
    block.set(feed(op.CIPHER_UPDATE, handle, block));
    if (encrypt) counter(t);
    r.set(block.subarray(8), 8 * i);
  };
  if (encrypt) for (let j = 0; j < 6; j++) for (let i = 0; i < n; i++) step(i, n * j + i + 1);
  else for (let j = 5; j >= 0; j--) for (let i = n - 1; i >= 0; i--) step(i, n * j + i + 1);
  close(handle);
  if (!encrypt) {
    if (!block.subarray(0, 8).every((b) => b === 0xA6)) throw makeError('ERR_CRYPTO_OPERATION_FAILED', 'unwrapping failed');
    return r;
  }
  const out = new Uint8Array(8 * n + 8);
  out.set(block.subarray(0, 8));
  out.set(r, 8);
  return out;
}

// ---- elliptic curve Diffie-Hellman ----

const forms = { [constants.POINT_CONVERSION_COMPRESSED]: 'compressed', [constants.POINT_CONVERSION_UNCOMPRESSED]: 'uncompressed', [constants.POINT_CONVERSION_HYBRID]: 'hybrid' };
function point(handle, form) {
  const raw = asBuffer(call(op.KEY_EXPORT, handle, 'public', 'raw', forms[form] === 'compressed' ? 'compressed' : undefined));
  if (forms[form] === 'hybrid') raw[0] = 6 | (raw[raw.length - 1] & 1);
  return raw;
}

class ECDH {
  constructor(curve) {
    if (!keys.isCurve(curve)) throw makeError('ERR_CRYPTO_INVALID_CURVE', 'Invalid EC curve name');
    this.curve = curve;
  }
  generateKeys() {
    this.key = open(op.KEY_GENERATE, undefined, 'ec', this.curve);
    this.publicKey = undefined;
  }
  setPrivateKey(bytes) {
    try {
      this.key = open(op.KEY_IMPORT, undefined, 'private', 'raw', this.curve, undefined, view(bytes));
    } catch {
      throw makeError('ERR_CRYPTO_INVALID_KEYTYPE', 'Private key is not valid for specified curve.');
    }
    this.publicKey = undefined;
  }
  setPublicKey(bytes) { this.publicKey = open(op.KEY_IMPORT, undefined, 'public', 'raw', this.curve, undefined, view(bytes)); }
  getPrivateKey() {
    if (this.key === undefined) throw makeError('ERR_CRYPTO_ECDH_INVALID_PRIVATE_KEY', 'Failed to get ECDH private key');
    return asBuffer(call(op.KEY_EXPORT, this.key, 'private', 'raw'));
  }
  getPublicKey(form) {
    const key = this.publicKey ?? this.key;
    if (key === undefined) throw makeError('ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY', 'Failed to get ECDH public key');
    return point(key, form);
  }
  computeSecret(other) {
    let peer;
    try {
      peer = open(op.KEY_IMPORT, undefined, 'public', 'raw', this.curve, undefined, view(other));
    } catch {
      return 'ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY';
    }
    return asBuffer(call(op.AGREE, this.key, peer));
  }
}

const bad = (what) => class { constructor() { throw unavailable(what); } };

// Loads what uses the random bytes that the library keeps, once, in INIT: clones must not share them. They are used up, so that
// instances that want none pay for none.
function preload() {
  caches.collect = true;
  const { randomInt, randomUUID } = require('internal/crypto/random');
  randomInt(2);
  randomUUID();
  caches.collect = false;
  for (let i = 1; i < 1024; i++) randomInt(2); // 6 bytes of 6 KB each
  for (let i = 1; i < 128; i++) randomUUID(); // a batch
}
// What a snapshot must not hand down.
function reseed() { for (const cache of filled) random(cache, 0, cache.byteLength); }

const variants = {};
for (const bits of [128, 192, 256]) for (const name of ['CTR', 'CBC', 'GCM', 'KW']) variants[`kKeyVariantAES_${name}_${bits}`] = [name.toLowerCase(), bits];

module.exports = {
  ...jobs, ...variants, ...keys.binding,
  Hash, Hmac, oneShotDigest, CipherBase, Sign, Verify, ECDH,
  DiffieHellman: bad('Diffie-Hellman over finite fields'), DiffieHellmanGroup: bad('Diffie-Hellman over finite fields'),
  ECDHConvertKey(key, curve, form) {
    if (!keys.isCurve(curve)) throw makeError('ERR_CRYPTO_INVALID_CURVE', 'Invalid EC curve name');
    return point(open(op.KEY_IMPORT, undefined, 'public', 'raw', curve, undefined, view(key)), form);
  },
  statelessDH: (privateKey, publicKey) => asBuffer(call(op.AGREE, use(privateKey), use(publicKey))),
  publicEncrypt: rsa(op.ENCRYPT, 'public', false), privateDecrypt: rsa(op.DECRYPT, 'private', false),
  privateEncrypt: rsa(op.ENCRYPT, 'private', true), publicDecrypt: rsa(op.DECRYPT, 'public', true),
  getCipherInfo: (target, name, keyLength, ivLength) => cipherInfo(name, keyLength, ivLength),
  getCiphers: () => [...Object.keys(ciphers), ...Object.keys(cipherAliases)].sort(),
  getHashes: () => [
    'RSA-MD5', 'RSA-RIPEMD160', 'RSA-SHA1', 'RSA-SHA1-2', 'RSA-SHA224', 'RSA-SHA256', 'RSA-SHA3-224', 'RSA-SHA3-256', 'RSA-SHA3-384', 'RSA-SHA3-512',
    'RSA-SHA384', 'RSA-SHA512', 'RSA-SHA512/224', 'RSA-SHA512/256', 'blake2b512', 'blake2s256', 'md5', 'ripemd', 'ripemd160', 'rmd160', 'sha1', 'sha224', 'sha256',
    'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512', 'sha384', 'sha512', 'sha512-224', 'sha512-256', 'shake128', 'shake256',
  ],
  getCurves: () => ['prime256v1', 'secp224r1', 'secp384r1', 'secp521r1'],
  getCachedAliases: () => ({ __proto__: null }), getFipsCrypto: () => 0, setFipsCrypto() { throw unavailable('FIPS mode'); }, testFipsCrypto: () => false,
  secureHeapUsed: () => undefined,
  secureBuffer: (size) => new Uint8Array(size),
  timingSafeEqual(a, b) {
    for (const [name, value] of [['buf1', a], ['buf2', b]]) {
      if (!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) throw makeError('ERR_INVALID_ARG_TYPE', `The "${name}" argument must be an instance of ArrayBuffer, Buffer, TypedArray, or DataView.`);
    }
    if (a.byteLength !== b.byteLength) {
      const error = new RangeError('Input buffers must have the same byte length');
      error.code = 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH';
      throw error;
    }
    return timingSafeEqual(view(a), view(b));
  },
  parseX509() { throw unavailable('X509Certificate'); },
  certExportChallenge() { throw unavailable('Certificate'); }, certExportPublicKey() { throw unavailable('Certificate'); }, certVerifySpkac() { throw unavailable('Certificate'); },
  X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT: 1, X509_CHECK_FLAG_NO_WILDCARDS: 2, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS: 4, X509_CHECK_FLAG_MULTI_LABEL_WILDCARDS: 8,
  X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS: 16, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT: 32,
  kCryptoJobAsync, kCryptoJobSync, kSignJobModeSign, kSignJobModeVerify, kSigEncDER, kSigEncP1363, kWebCryptoCipherEncrypt, kWebCryptoCipherDecrypt,
  kKeyVariantRSA_SSA_PKCS1_v1_5: 'pkcs1', kKeyVariantRSA_PSS: 'pss', kKeyVariantRSA_OAEP: 'oaep', kWebCryptoKeyFormatRaw: 'raw', kWebCryptoKeyFormatPKCS8: 'pkcs8',
  kWebCryptoKeyFormatSPKI: 'spki', kWebCryptoKeyFormatJWK: 'jwk', EVP_PKEY_ED25519: 'ed25519', EVP_PKEY_ED448: 'ed448', EVP_PKEY_X25519: 'x25519', EVP_PKEY_X448: 'x448',
  OPENSSL_EC_NAMED_CURVE: 1, OPENSSL_EC_EXPLICIT_CURVE: 0, RSA_PKCS1_PSS_PADDING: constants.RSA_PKCS1_PSS_PADDING,
  preload, reseed, release: keys.release,
};
