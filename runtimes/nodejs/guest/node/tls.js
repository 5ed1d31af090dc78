// internalBinding('tls_wrap') and what of internalBinding('crypto') belongs to TLS: sessions are the host's (Go's crypto/tls).
//
// A session over a TCP handle replaces the bytes of its descriptor by plain text. A session over anything else (a Duplex, another
// session) gets its bytes from here.
'use strict';

const { net } = host;
const { StreamBase, TCP, WriteWrap, call, uv, EAGAIN, EOF } = require('thaw/net');
const { Buffer } = require('buffer');

const utf8 = (bytes) => (bytes === undefined ? undefined : host.buffer.decodeBytes(bytes, 1));
// Fields of the record of tls_info (abi/README.md, section 5.4).
const STATE = 0, VERSION = 1, CIPHER = 2, CIPHER_OPENSSL = 3, ALPN = 5, VERIFY_CODE = 7, VERIFY_TEXT = 8, FAILURE = 9, FAILURE_TEXT = 10, ALERT = 11, PEER = 12, CHAIN = 13;

const versions = { 769: 'TLSv1', 770: 'TLSv1.1', 771: 'TLSv1.2', 772: 'TLSv1.3' };

function opensslError(reason, text, library = 'SSL routines') {
  const error = new Error(`error:0A000000:${library}::${text}`);
  error.library = library;
  error.reason = text;
  error.code = `ERR_SSL_${reason}`;
  return error;
}

function pemOf(value, what) {
  const text = typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  if (!text.includes('-----BEGIN ')) {
    const error = new Error('error:0480006C:PEM routines::no start line');
    error.library = 'PEM routines';
    error.reason = 'no start line';
    error.code = 'ERR_OSSL_PEM_NO_START_LINE';
    throw error;
  }
  return text.endsWith('\n') ? text : `${text}\n`;
}

let extra = { file: undefined, pem: '' }; // of NODE_EXTRA_CA_CERTS
function extraRoots() {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  if (file !== extra.file) {
    extra = { file, pem: '' };
    if (file) {
      try {
        extra.pem = require('fs').readFileSync(file, 'latin1');
      } catch (error) {
        process.emitWarning(`Ignoring extra certs from \`${file}\`, load failed: ${error.message}`);
      }
    }
  }
  return extra.pem;
}

// Stands for the node's roots in tls.rootCertificates, which programs join with certificates of their own: the host has them.
const nodeRoots = '-----BEGIN CERTIFICATE-----\nVGhlIHJvb3RzIG9mIHRoZSBub2Rl\n-----END CERTIFICATE-----';

class SecureContext {
  #roots = ''; #system = false; #certificate = ''; #key = ''; #min = 771; #max = 772; #options = 0;
  init(method, min, max) {
    if (typeof method === 'string' && !/^(TLS|SSLv23)_(client_|server_)?method$/.test(method)) {
      const named = /^TLSv1(_[123])?_(client_|server_)?method$/.exec(method);
      if (named === null) {
        const { ERR_TLS_INVALID_PROTOCOL_METHOD } = require('internal/errors').codes;
        throw new ERR_TLS_INVALID_PROTOCOL_METHOD(`${/^SSLv[23]/.test(method) ? `${method.slice(0, 5)} methods disabled` : `Unknown method: ${method}`}`);
      }
      min = max = 769 + Number(named[1]?.slice(1) ?? 0);
    }
    if (min > 0) this.#min = min;
    if (max > 0) this.#max = max;
  }
  setOptions(options) { this.#options |= options; }
  setMinProto(v) { this.#min = v || 769; }
  setMaxProto(v) { this.#max = v || 772; }
  getMinProto() { return this.#min; }
  getMaxProto() { return this.#max; }
  addRootCerts() { this.#system = true; this.#roots += extraRoots(); }
  addCACert(pem) {
    pem = pemOf(pem);
    if (pem.includes(nodeRoots)) this.addRootCerts();
    else this.#roots += pem;
  }
  setCert(pem) { this.#certificate = pemOf(pem); }
  setKey(pem, passphrase) {
    pem = pemOf(pem);
    if (passphrase !== undefined || /ENCRYPTED/.test(pem)) pem = require('crypto').createPrivateKey({ key: pem, passphrase }).export({ type: 'pkcs8', format: 'pem' });
    this.#key = pem;
  }
  loadPKCS12() {
    const error = new Error('PKCS #12 is not supported: give key and cert as PEM');
    error.code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
    throw error;
  }
  // What has no counterpart in Go's TLS, which chooses well by itself.
  setCiphers() {} setCipherSuites() {} setSigalgs() {} setECDHCurve() {} setDHParam() {} addCRL() {} setSessionIdContext() {} setSessionTimeout() {}
  setTicketKeys() {} getTicketKeys() { return Buffer.alloc(48); } enableTicketKeyCallback() {} setAllowPartialTrustChain() {}
  getCertificate() { return null; }
  getIssuer() { return null; }
  close() {}

  // The record of tls_start.
  record(serverName, alpn) {
    let min = this.#min, max = this.#max;
    // SSL_OP_NO_TLSv1…: from the ends only.
    const off = { 769: 0x4000000, 770: 0x10000000, 771: 0x8000000, 772: 0x20000000 };
    while (min < max && this.#options & off[min]) min++;
    while (max > min && this.#options & off[max]) max--;
    const key = this.#certificate !== '' && this.#key !== '';
    return encode([
      serverName || undefined, undefined, 'report', alpn, this.#roots || undefined, this.#system ? '1' : '0',
      key ? this.#certificate : undefined, key ? this.#key : undefined, versions[min], versions[max],
    ]);
  }
}

function encode(fields) {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(fields.length);
  const parts = [head];
  for (const f of fields) {
    const b = f === undefined ? undefined : typeof f === 'string' ? Buffer.from(f) : f;
    const n = Buffer.alloc(4);
    n.writeUInt32LE(b === undefined ? 0xFFFFFFFF : b.length);
    parts.push(n);
    if (b !== undefined) parts.push(b);
  }
  return Buffer.concat(parts);
}

// X509_V_ERR_…, without the prefix.
const verifyCodes = {
  1: 'UNSPECIFIED', 9: 'CERT_NOT_YET_VALID', 10: 'CERT_HAS_EXPIRED', 18: 'DEPTH_ZERO_SELF_SIGNED_CERT', 19: 'SELF_SIGNED_CERT_IN_CHAIN',
  20: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 21: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 24: 'INVALID_CA', 25: 'PATH_LENGTH_EXCEEDED', 26: 'INVALID_PURPOSE',
  47: 'PERMITTED_VIOLATION', 62: 'HOSTNAME_MISMATCH', 64: 'IP_ADDRESS_MISMATCH', 66: 'EE_KEY_TOO_SMALL',
};
const alerts = {
  10: 'SSLV3_ALERT_UNEXPECTED_MESSAGE', 20: 'SSLV3_ALERT_BAD_RECORD_MAC', 40: 'SSLV3_ALERT_HANDSHAKE_FAILURE', 42: 'SSLV3_ALERT_BAD_CERTIFICATE',
  43: 'SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', 44: 'SSLV3_ALERT_CERTIFICATE_REVOKED', 45: 'SSLV3_ALERT_CERTIFICATE_EXPIRED', 46: 'SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  47: 'SSLV3_ALERT_ILLEGAL_PARAMETER', 48: 'TLSV1_ALERT_UNKNOWN_CA', 49: 'TLSV1_ALERT_ACCESS_DENIED', 50: 'TLSV1_ALERT_DECODE_ERROR', 51: 'TLSV1_ALERT_DECRYPT_ERROR',
  70: 'TLSV1_ALERT_PROTOCOL_VERSION', 71: 'TLSV1_ALERT_INSUFFICIENT_SECURITY', 80: 'TLSV1_ALERT_INTERNAL_ERROR', 86: 'TLSV1_ALERT_INAPPROPRIATE_FALLBACK',
  109: 'TLSV13_ALERT_MISSING_EXTENSION', 112: 'TLSV1_UNRECOGNIZED_NAME', 116: 'TLSV13_ALERT_CERTIFICATE_REQUIRED', 120: 'TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
};

class TLSWrap extends StreamBase {
  handshaking = false;
  #parent; #context; #fd = -1; #info = null; #alpn; #serverName = null; #started = false; #open = false; #waits = false;
  #session = false; // bytes go through here
  #parentEnded = false;
  #sending = 0;

  constructor(parent, context) {
    super('TLSWRAP');
    this.#parent = parent;
    this.#context = context;
    if (parent instanceof TCP) parent.secure = this;
    else this.#session = true;
  }

  // ---- what the library asks for ----

  start() {
    this.#started = true;
    if (!this.#session && this.#parent.writes.length > 0) { // what was written before goes first, in plain
      this.#waits = true;
      this.#parent.changed();
      return;
    }
    this.#waits = false;
    const record = this.#context.record(this.#serverName, this.#alpn);
    let error;
    if (this.#session) {
      this.#fd = net.tlsOpen(record);
      error = Math.min(0, this.#fd);
    } else {
      this.#fd = this.#parent.fd;
      error = net.tlsStart(this.#fd, record);
    }
    if (error !== 0) {
      const e = error === -22 ? opensslError('BAD_KEY', 'certificate, key or roots are malformed') : new (require('internal/errors').ErrnoException)(error, 'write');
      process.nextTick(() => this.onerror?.(e));
      return;
    }
    this.handshaking = true;
    if (this.#session) {
      this.#parent.sink = (data) => this.#fromParent(data);
      this.#parent.readStart();
      this.#step();
    } else {
      this.#parent.changed();
    }
  }
  get startWaits() { return this.#waits; }
  setALPNProtocols(list) { this.#alpn = Buffer.from(list.buffer, list.byteOffset, list.byteLength); }
  setServername(name) { this.#serverName = name; }
  getServername() { return this.#serverName ?? false; }
  setVerifyMode() {}
  setSession() {}
  getSession() { return undefined; }
  getTLSTicket() { return undefined; }
  // Sessions are resumed by the host, by its own rules. To the library every session is a new one: it would not look at the
  // name of a server that it takes for one that it has seen.
  isSessionReused() { return false; }
  getFinished() { return undefined; }
  getPeerFinished() { return undefined; }
  getSharedSigalgs() { return []; }
  getEphemeralKeyInfo() { return this.#open ? { type: 'ECDH', name: 'X25519', size: 253 } : {}; }
  getProtocol() { return this.#text(VERSION) ?? null; }
  getCipher() {
    if (!this.#open) return undefined;
    const name = this.#text(CIPHER_OPENSSL), version = this.#text(VERSION);
    return { name, standardName: this.#text(CIPHER), version: version === 'TLSv1.1' || version === 'TLSv1' ? 'SSLv3' : version };
  }
  getALPNNegotiatedProtocol() { return this.#text(ALPN) || false; }
  verifyError() {
    let code = Number(this.#text(VERIFY_CODE) ?? 0), text = this.#text(VERIFY_TEXT);
    if (code === 0) return null;
    if (code === 20 && this.#certificates().length === 1) { // OpenSSL goes on and ends with this one
      code = 21;
      text = 'unable to verify the first certificate';
    }
    const error = new Error(text);
    error.code = verifyCodes[code] ?? 'UNSPECIFIED';
    return error;
  }
  #certificates() { return this.#info?.[PEER] === undefined ? [] : net.record(this.#info[PEER]); }
  getPeerCertificate(detailed) {
    const sent = this.#certificates();
    if (sent.length === 0) return undefined;
    const certificate = require('thaw/certificate');
    if (!detailed) return certificate(sent[0]);
    // The verified chain where there is one; a root is its own issuer.
    const chain = this.#info[CHAIN] === undefined ? sent : net.record(this.#info[CHAIN]);
    const objects = chain.map(certificate);
    objects.forEach((c, i) => {
      if (i + 1 < objects.length) c.issuerCertificate = objects[i + 1];
      else if (JSON.stringify(c.issuer) === JSON.stringify(c.subject)) c.issuerCertificate = c;
    });
    return objects[0];
  }
  getPeerX509Certificate() {
    const { parseX509 } = internalBinding('crypto');
    const [first] = this.#certificates();
    return first === undefined ? undefined : parseX509(first);
  }
  getCertificate() { return undefined; }
  getX509Certificate() { return undefined; }
  setKeyCert(context) { this.#context = context; }
  exportKeyingMaterial() { throw opensslError('UNSUPPORTED', 'keying material is not available'); }
  renegotiate() { throw opensslError('NO_RENEGOTIATION', 'no renegotiation'); }
  setMaxSendFragment() { return 1; }
  requestOCSP() {} enableTrace() {} enableKeylogCallback() {} enableSessionCallbacks() {} enableCertCb() {} enableALPNCb() {} writesIssuedByPrevListenerDone() {}
  setOCSPResponse() {} certCbDone() {} endParser() {} newSessionDone() {} loadSession() {}
  destroySSL() {
    if (this.#session && this.#fd >= 0) {
      net.close(this.#fd);
      this.#fd = -1;
      this.fail(uv.UV_ECANCELED);
    }
  }
  receive(data) { if (this.#session) this.#fromParent(data); } // with a socket of the host nothing was read ahead: the client speaks first
  get fd() { return this.#parent.fd ?? -1; }
  #text(field) { return this.#info === null || typeof this.#info === 'number' ? undefined : utf8(this.#info[field]); }

  // ---- handshake ----

  handshakeOver() {
    this.#info = net.tlsInfo(this.#fd);
    if (typeof this.#info === 'number' || this.#text(STATE) === 'handshake') return;
    this.handshaking = false;
    if (this.#text(STATE) === 'failed') {
      this.broken(uv.UV_ECONNRESET);
      return;
    }
    this.#open = true;
    call(this, this.onhandshakestart, 0);
    call(this, this.onhandshakedone);
    if (this.#fd < 0 || this.#parent.fd < 0) return; // refused by the library
    this.flush();
  }
  // The session or its connection failed.
  broken(number) {
    this.#info = this.#fd < 0 ? this.#info : net.tlsInfo(this.#fd);
    const text = this.#text(FAILURE_TEXT) ?? '', alert = this.#text(ALERT);
    switch (this.#text(FAILURE)) {
      case undefined: case 'io': this.deliver(number); return;
      case 'eof': this.deliver(EOF); return;
    }
    let error;
    if (alert !== undefined) {
      const reason = alerts[alert] ?? 'SSLV3_ALERT_UNKNOWN';
      error = opensslError(reason, `${reason.toLowerCase().replaceAll('_', ' ')}`);
    } else if (/first record does not look like a TLS handshake/.test(text)) error = opensslError('WRONG_VERSION_NUMBER', 'wrong version number');
    else if (/unsupported versions|unsupported protocol version/.test(text)) error = opensslError('UNSUPPORTED_PROTOCOL', 'unsupported protocol');
    else error = opensslError('PROTOCOL_ERROR', text.replace(/^.*tls: /, ''));
    this.fail(uv.UV_EPROTO, error.message);
    call(this, this.onerror, error);
  }

  // ---- bytes ----

  // Reading is the business of the stream below, which its own socket may have started.
  readStart() {
    const error = this.#parent.readStart();
    if (this.#session && this.#open) this.#step();
    return error;
  }
  readStop() { return this.#parent.readStop(); }
  changed() {
    if (this.#session) {
      if (this.#open) this.#step();
    } else {
      this.#parent.changed();
    }
  }
  tryWrite(view, offset) {
    if (!this.#open) return EAGAIN;
    if (!this.#session) return this.#parent.tryWrite(view, offset);
    if (this.#sending > 0) return EAGAIN; // go on when that is gone
    const n = this.#fd < 0 ? uv.UV_EBADF : net.write(this.#fd, view, offset);
    this.#drain();
    return n;
  }
  endWrite() {
    if (!this.#session) return this.#parent.endWrite();
    if (this.#fd >= 0) net.shutdown(this.#fd);
    this.#drain();
    return 0;
  }
  // Sends what the session has for the peer; the stream below takes one write at a time.
  #drain() {
    while (this.#fd >= 0 && this.#sending === 0) {
      const data = net.tlsDrain(this.#fd);
      if (typeof data === 'number') return;
      const req = new WriteWrap();
      this.#sending = data.byteLength;
      req.oncomplete = () => {
        this.#sending = 0;
        this.#drain();
        if (this.writes.length > 0 || this.ending !== null) this.flush();
      };
      const state = internalBinding('stream_wrap').streamBaseState;
      const error = this.#parent.writeBuffer(req, Buffer.from(data));
      if (error !== 0) {
        this.fail(error);
        return;
      }
      if (state[3] === 0) this.#sending = 0;
    }
  }
  #fromParent(data) {
    if (this.#fd < 0) return;
    if (typeof data === 'number') {
      if (data !== EOF) {
        this.deliver(data);
        return;
      }
      this.#parentEnded = true;
      net.tlsFeed(this.#fd, new Uint8Array(0), 0);
      this.#step();
      return;
    }
    const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    for (let offset = 0; offset < bytes.length && this.#fd >= 0;) {
      const n = net.tlsFeed(this.#fd, bytes, offset);
      if (n > 0) offset += n;
      this.#step();
      if (n <= 0 && n !== EAGAIN) return;
      if (n === EAGAIN && !this.#parent.wantsRead) { // nobody takes plain text now: the rest has to wait
        this.#held = bytes.slice(offset);
        return;
      }
    }
  }
  #held = null;
  #stepping = false;
  // Everything that a session can do with what it has.
  #step() {
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      this.#drain();
      if (this.handshaking) {
        this.handshakeOver();
        if (this.handshaking) return;
        this.#drain();
      }
      while (this.#open && this.#parent.wantsRead && this.#fd >= 0) {
        const data = net.read(this.#fd);
        if (data === EAGAIN) {
          if (this.#held === null) break;
          const held = this.#held;
          this.#held = null;
          const n = net.tlsFeed(this.#fd, held, 0);
          if (n < held.length) this.#held = held.slice(Math.max(0, n));
          if (n <= 0) break;
          continue;
        }
        if (typeof data === 'number') {
          this.readStop();
          if (data < 0) this.broken(data);
          else this.deliver(EOF);
          break;
        }
        this.deliver(data);
      }
      this.#drain();
    } finally {
      this.#stepping = false;
    }
  }
}

// A Duplex as a stream of bytes, for internal/js_stream_socket.
class JSStream extends StreamBase {
  constructor() { super('JSSTREAM'); }
  readStart() { this.wantsRead = true; return this.onreadstart?.() ?? 0; }
  readStop() { this.wantsRead = false; return this.onreadstop?.() ?? 0; }
  writeBuffer(req, data) {
    const error = this.onwrite(req, [Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
    const state = internalBinding('stream_wrap').streamBaseState;
    state[2] = data.byteLength;
    state[3] = 1;
    return error;
  }
  shutdown(req) { return this.onshutdown(req); }
  finishWrite(req, status) { call(req, req.oncomplete, status, this, undefined); }
  finishShutdown(req, status) { call(req, req.oncomplete, status); }
  readBuffer(data) { this.deliver(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)); }
  emitEOF() { this.deliver(EOF); }
  ref() {} unref() {} hasRef() { return true; }
  isClosing() { return false; }
  close(callback) { process.nextTick(() => callback?.call(this)); }
}

function wrap(parent, context, isServer) {
  if (isServer) {
    const error = new Error('A function cannot serve TLS connections: it is called through the Lambda API only.');
    error.code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
    throw error;
  }
  return new TLSWrap(parent, context);
}

const ciphers = [
  'tls_aes_256_gcm_sha384', 'tls_chacha20_poly1305_sha256', 'tls_aes_128_gcm_sha256', 'ecdhe-ecdsa-aes256-gcm-sha384', 'ecdhe-rsa-aes256-gcm-sha384',
  'ecdhe-ecdsa-aes128-gcm-sha256', 'ecdhe-rsa-aes128-gcm-sha256', 'ecdhe-ecdsa-chacha20-poly1305', 'ecdhe-rsa-chacha20-poly1305',
  'ecdhe-ecdsa-aes256-sha', 'ecdhe-rsa-aes256-sha', 'ecdhe-ecdsa-aes128-sha', 'ecdhe-rsa-aes128-sha',
];

module.exports = {
  tls_wrap: { TLSWrap, wrap, HAVE_SSL_TRACE: false },
  js_stream: { JSStream },
  crypto: { SecureContext, getSSLCiphers: () => ciphers.slice(), getRootCertificates: () => [nodeRoots] },
};
