// Operations of the host function service (abi/README.md, section 5.5) and the errors that they end in.
'use strict';

const { service } = host;

const op = {
  HASH_NEW: 16, HMAC_NEW: 17, UPDATE: 18, FINAL: 19, SUM: 20, COPY: 21, DIGEST: 22, HMAC: 23, PBKDF2: 32, SCRYPT: 33, HKDF: 34,
  CIPHER_NEW: 48, CIPHER_UPDATE: 49, CIPHER_AAD: 50, CIPHER_PADDING: 51, CIPHER_SET_TAG: 52, CIPHER_FINAL: 53, CIPHER_GET_TAG: 54,
  KEY_IMPORT: 64, KEY_EXPORT: 65, KEY_INFO: 66, KEY_GENERATE: 67, KEY_PUBLIC: 68, KEY_EQUAL: 69, SIGN: 80, VERIFY: 81, ENCRYPT: 82, DECRYPT: 83, AGREE: 84,
  DEFLATE_NEW: 96, INFLATE_NEW: 97, BROTLI_NEW: 98, UNBROTLI_NEW: 99, STREAM_LEVEL: 100, ZONE: 112,
};

const classes = {
  __proto__: null,
  ERR_CRYPTO_INVALID_KEYLEN: RangeError, ERR_CRYPTO_INVALID_IV: TypeError, ERR_CRYPTO_INVALID_AUTH_TAG: TypeError, ERR_CRYPTO_INVALID_DIGEST: TypeError,
  ERR_CRYPTO_INVALID_SCRYPT_PARAMS: RangeError, ERR_OUT_OF_RANGE: RangeError, ERR_CRYPTO_INVALID_CURVE: TypeError, ERR_MISSING_PASSPHRASE: TypeError,
  ERR_CRYPTO_INVALID_KEYTYPE: RangeError, ERR_SERVICE_LIMIT: RangeError, ERR_INVALID_ARG_TYPE: TypeError,
};

function makeError(code, message) {
  const error = new (classes[code] ?? Error)(message);
  const openssl = /^error:[0-9A-F]{8}:([^:]*)::(.*)$/.exec(message);
  if (openssl !== null) {
    error.library = openssl[1];
    error.reason = openssl[2];
  }
  if (code !== '') error.code = code;
  return error;
}
service.onError(makeError);

module.exports = { op, makeError, ...Object.fromEntries(Object.getOwnPropertyNames(service).map((name) => [name, service[name]])) };
