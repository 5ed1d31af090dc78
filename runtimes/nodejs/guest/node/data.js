// Bindings of plain data: blobs, histograms, V8's serialisation.
'use strict';

// ---- internalBinding('blob') ----

const bytesOf = (part) => (part instanceof BlobHandle ? part.bytes : part instanceof ArrayBuffer ? new Uint8Array(part) : new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
function joined(parts) {
  const list = parts.map(bytesOf);
  const all = new Uint8Array(list.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of list) { all.set(p, at); at += p.length; }
  return all;
}

const PIECE = 65536; // bytes that one pull of a reader gives

class BlobHandle {
  constructor(bytes) { this.bytes = bytes; }
  slice(start, end) { return new BlobHandle(this.bytes.subarray(start, end)); }
  getReader() {
    let at = 0;
    return {
      pull: (callback) => { // status: 0 = at the end, 1 = more
        if (at >= this.bytes.length) { callback(0, undefined); return; }
        const part = this.bytes.slice(at, at + PIECE);
        at += part.length;
        callback(1, part.buffer);
      },
    };
  }
}

const objects = new Map(); // of URL.createObjectURL
const blob = {
  createBlob: (sources) => new BlobHandle(joined(sources)),
  concat: (parts) => joined(parts).buffer,
  storeDataObject: (id, handle, size, type) => { objects.set(id, [handle, size, type]); },
  getDataObject: (id) => objects.get(id),
  revokeObjectURL: (id) => { objects.delete(id.replace(/^blob:nodedata:/, '')); },
  createBlobFromFilePath: () => undefined,
};

// ---- internalBinding('performance').Histogram: exact, where HdrHistogram rounds ----

class Histogram {
  #counts = new Map();
  #n = 0; #exceeds = 0; #last;
  constructor(lowest = 1, highest = Number.MAX_SAFE_INTEGER) { this.highest = Number(highest); }
  record(value) {
    value = Number(value);
    if (value > this.highest) { this.#exceeds++; return; }
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    this.#n++;
  }
  recordDelta() {
    const now = Number(host.monotonicBigInt());
    if (this.#last !== undefined) this.record(Math.max(1, now - this.#last));
    this.#last = now;
  }
  add(other) { for (const [v, n] of other.#counts) { this.#counts.set(v, (this.#counts.get(v) ?? 0) + n); this.#n += n; } this.#exceeds += other.#exceeds; }
  reset() { this.#counts.clear(); this.#n = this.#exceeds = 0; this.#last = undefined; }
  #sorted() { return [...this.#counts].sort((a, b) => a[0] - b[0]); }
  count() { return this.#n; }
  countBigInt() { return BigInt(this.#n); }
  min() { return this.#n === 0 ? 9223372036854776000 : Math.min(...this.#counts.keys()); }
  max() { return this.#n === 0 ? 0 : Math.max(...this.#counts.keys()); }
  minBigInt() { return this.#n === 0 ? 9223372036854775807n : BigInt(this.min()); }
  maxBigInt() { return BigInt(this.max()); }
  mean() { let s = 0; for (const [v, n] of this.#counts) s += v * n; return this.#n === 0 ? NaN : s / this.#n; }
  stddev() { const m = this.mean(); let s = 0; for (const [v, n] of this.#counts) s += n * (v - m) ** 2; return this.#n === 0 ? NaN : Math.sqrt(s / this.#n); }
  exceeds() { return this.#exceeds; }
  exceedsBigInt() { return BigInt(this.#exceeds); }
  percentile(p) {
    const wanted = Math.max(1, Math.ceil(p / 100 * this.#n));
    let seen = 0;
    for (const [v, n] of this.#sorted()) if ((seen += n) >= wanted) return v;
    return 0;
  }
  percentileBigInt(p) { return BigInt(this.percentile(p)); }
  percentiles(map) {
    for (let p = 0, left = 100; p < 100 && this.#n > 0; left /= 2, p = 100 - left) {
      map.set(p, this.percentile(p));
      if (left * this.#n < 100) break;
    }
    map.set(100, this.max());
  }
  percentilesBigInt(map) { const m = new Map(); this.percentiles(m); for (const [p, v] of m) map.set(p, BigInt(v)); }
  start() {}
  stop() {}
}

// ---- internalBinding('serdes'): V8's format, version 15 ----

const VERSION = 15;
class Serializer {
  #buffer = new Uint8Array(64);
  #length = 0;
  #ids = new Map();
  #views = false;
  #room(n) {
    if (this.#length + n <= this.#buffer.length) return;
    const more = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + n));
    more.set(this.#buffer);
    this.#buffer = more;
  }
  #byte(b) { this.#room(1); this.#buffer[this.#length++] = b; }
  #tag(c) { this.#byte(c.charCodeAt(0)); }
  #varint(n) { n = BigInt(n); while (n >= 128n) { this.#byte(Number(n & 127n) | 128); n >>= 7n; } this.#byte(Number(n)); }
  #raw(bytes) { this.#room(bytes.length); this.#buffer.set(bytes, this.#length); this.#length += bytes.length; }
  writeHeader() { this.#byte(0xFF); this.#byte(VERSION); }
  writeUint32(n) { this.#varint(n >>> 0); }
  writeUint64(high, low) { this.#varint((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)); }
  writeDouble(x) { this.#raw(new Uint8Array(new Float64Array([x]).buffer)); }
  writeRawBytes(source) { this.#raw(bytesOf(source)); }
  _setTreatArrayBufferViewsAsHostObjects(on) { this.#views = on; }
  transferArrayBuffer() {}
  releaseBuffer() {
    const out = require('buffer').Buffer.from(this.#buffer.buffer.slice(0, this.#length));
    this.#buffer = new Uint8Array(64);
    this.#length = 0;
    return out;
  }
  #string(s) {
    if (!/[^\0-\xff]/.test(s)) {
      this.#tag('"');
      this.#varint(s.length);
      this.#room(s.length);
      for (let i = 0; i < s.length; i++) this.#buffer[this.#length++] = s.charCodeAt(i);
      return;
    }
    if ((this.#length + 1 + (s.length * 2 < 128 ? 1 : s.length * 2 < 16384 ? 2 : s.length * 2 < 2097152 ? 3 : 4)) % 2 !== 0) this.#byte(0); // two-byte strings are aligned
    this.#tag('c');
    this.#varint(s.length * 2);
    this.#room(s.length * 2);
    for (let i = 0; i < s.length; i++) { const c = s.charCodeAt(i); this.#buffer[this.#length++] = c & 255; this.#buffer[this.#length++] = c >> 8; }
  }
  #bigint(b) {
    const negative = b < 0n;
    const digits = [];
    for (let m = negative ? -b : b; m > 0n; m >>= 64n) for (let i = 0n; i < 64n; i += 8n) digits.push(Number((m >> i) & 255n));
    this.#varint(digits.length << 1 | (negative ? 1 : 0));
    this.#raw(Uint8Array.from(digits));
  }
  #properties(o, keys) {
    for (const key of keys) { this.#key(key); this.writeValue(o[key]); }
    return keys.length;
  }
  #key(key) { const n = Number(key); if (String(n >>> 0) === key && n < 2 ** 31) { this.#number(n); } else this.#string(key); }
  #number(n) {
    if (Number.isInteger(n) && n >= -(2 ** 30) && n < 2 ** 30 && !Object.is(n, -0)) { this.#tag('I'); this.#varint(((n << 1) ^ (n >> 31)) >>> 0); } else { this.#tag('N'); this.writeDouble(n); }
  }
  writeValue(v) {
    const { types } = host;
    switch (typeof v) {
      case 'undefined': this.#tag('_'); return true;
      case 'boolean': this.#tag(v ? 'T' : 'F'); return true;
      case 'number': this.#number(v); return true;
      case 'bigint': this.#tag('Z'); this.#bigint(v); return true;
      case 'string': this.#string(v); return true;
      case 'symbol': case 'function': throw this._getDataCloneError(`${typeof v === 'symbol' ? String(v) : v} could not be cloned.`);
    }
    if (v === null) { this.#tag('0'); return true; }
    const id = this.#ids.get(v);
    if (id !== undefined) { this.#tag('^'); this.#varint(id); return true; }
    if (ArrayBuffer.isView(v) && !this.#views) this.writeValue(v.buffer);
    this.#ids.set(v, this.#ids.size);
    if (ArrayBuffer.isView(v)) {
      if (this.#views) { this.#tag('\\'); this._writeHostObject(v); return true; }
      this.#tag('V');
      this.#tag({ Int8Array: 'b', Uint8Array: 'B', Uint8ClampedArray: 'C', Int16Array: 'w', Uint16Array: 'W', Int32Array: 'd', Uint32Array: 'D', Float32Array: 'f', Float64Array: 'F', BigInt64Array: 'q', BigUint64Array: 'Q' }[v[Symbol.toStringTag]] ?? '?');
      this.#varint(v.byteOffset); this.#varint(v.byteLength); this.#varint(0);
    } else if (Array.isArray(v)) {
      this.#tag('A'); this.#varint(v.length);
      for (let i = 0; i < v.length; i++) if (i in v) this.writeValue(v[i]); else this.#tag('-');
      const rest = Object.keys(v).filter((k) => !(String(k >>> 0) === k && k >>> 0 < v.length));
      const n = this.#properties(v, rest);
      this.#tag('$'); this.#varint(n); this.#varint(v.length);
    } else if (types.isDate(v)) { this.#tag('D'); this.writeDouble(v.getTime());
    } else if (types.isBooleanObject(v)) { this.#tag(v.valueOf() ? 'y' : 'x');
    } else if (types.isNumberObject(v)) { this.#tag('n'); this.writeDouble(v.valueOf());
    } else if (types.isBigIntObject(v)) { this.#tag('z'); this.#bigint(v.valueOf());
    } else if (types.isStringObject(v)) { this.#tag('s'); this.#string(v.valueOf());
    } else if (types.isRegExp(v)) { this.#tag('R'); this.#string(v.source); this.#varint([...'gimyu'].reduce((n, f, i) => n | (v.flags.includes(f) ? 1 << [0, 1, 2, 3, 4][i] : 0), 0));
    } else if (types.isMap(v)) { this.#tag(';'); for (const [k, x] of [...v]) { this.writeValue(k); this.writeValue(x); } this.#tag(':'); this.#varint(v.size * 2);
    } else if (types.isSet(v)) { this.#tag('\''); for (const x of [...v]) this.writeValue(x); this.#tag(','); this.#varint(v.size);
    } else if (types.isAnyArrayBuffer(v)) { this.#tag('B'); this.#varint(v.byteLength); this.#raw(new Uint8Array(v));
    } else if (types.isNativeError(v)) {
      this.#tag('r');
      const proto = { EvalError: 'E', RangeError: 'R', ReferenceError: 'F', SyntaxError: 'S', TypeError: 'T', URIError: 'U' }[v.name];
      if (proto !== undefined) this.#tag(proto);
      if (Object.hasOwn(v, 'message')) { this.#tag('m'); this.#string(`${v.message}`); }
      this.#tag('s'); this.#string(`${v.stack}`);
      this.#tag('.');
    } else if (types.isPromise(v) || types.isProxy(v) || types.isWeakMap(v) || types.isWeakSet(v)) throw this._getDataCloneError(`#<${v.constructor?.name ?? 'Object'}> could not be cloned.`);
    else { this.#tag('o'); const n = this.#properties(v, Object.keys(v)); this.#tag('{'); this.#varint(n); }
    return true;
  }
}

class Deserializer {
  #at = 0; #objects = []; #bytes; #view;
  constructor(buffer) {
    this.buffer = buffer;
    this.#bytes = bytesOf(buffer);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }
  #fail() { throw new Error('Unable to deserialize cloned data.'); }
  #byte() { if (this.#at >= this.#bytes.length) this.#fail(); return this.#bytes[this.#at++]; }
  #varint() { let n = 0n, shift = 0n, b; do { b = this.#byte(); n |= BigInt(b & 127) << shift; shift += 7n; } while (b & 128 && shift < 70n); return n; }
  #count() { return Number(this.#varint()); }
  #tag() { let c; do c = this.#byte(); while (c === 0); return String.fromCharCode(c); }
  readHeader() { if (this.#bytes[0] !== 0xFF || this.#bytes[1] > VERSION) throw new Error('Unable to deserialize cloned data due to invalid or unsupported version.'); this.#at = 2; this.version = this.#bytes[1]; return true; }
  getWireFormatVersion() { return this.version; }
  readUint32() { return Number(this.#varint() & 0xFFFFFFFFn); }
  readUint64() { const n = this.#varint(); return [Number(n >> 32n), Number(n & 0xFFFFFFFFn)]; }
  readDouble() { if (this.#at + 8 > this.#bytes.length) this.#fail(); const x = this.#view.getFloat64(this.#at, true); this.#at += 8; return x; }
  _readRawBytes(n) { if (this.#at + n > this.#bytes.length) this.#fail(); const at = this.#at; this.#at += n; return this.#bytes.byteOffset - (this.buffer.byteOffset ?? 0) + at; }
  transferArrayBuffer() {}
  #raw(n) { if (this.#at + n > this.#bytes.length) this.#fail(); const b = this.#bytes.slice(this.#at, this.#at + n); this.#at += n; return b; }
  #string(tag) {
    const b = this.#raw(this.#count());
    return require('buffer').Buffer.from(b.buffer).toString(tag === '"' ? 'latin1' : tag === 'c' ? 'utf16le' : 'utf8');
  }
  #bigint() {
    const field = this.#count(), b = this.#raw(field >> 1);
    let n = 0n;
    for (let i = b.length - 1; i >= 0; i--) n = n << 8n | BigInt(b[i]);
    return field & 1 ? -n : n;
  }
  #keep(o) { this.#objects.push(o); return o; }
  #until(end, each) { for (;;) { const tag = this.#tag(); if (tag === end) return; each(tag); } }
  readValue() { return this.#value(this.#tag()); }
  #value(tag) {
    switch (tag) {
      case '_': return undefined;
      case '0': return null;
      case 'T': return true;
      case 'F': return false;
      case 'I': { const n = Number(this.#varint() & 0xFFFFFFFFn); return (n >>> 1) ^ -(n & 1); }
      case 'U': return this.readUint32();
      case 'N': return this.readDouble();
      case 'Z': return this.#bigint();
      case '"': case 'c': case 'S': return this.#string(tag);
      case '^': return this.#objects[this.#count()];
      case 'D': return this.#keep(new Date(this.readDouble()));
      case 'y': return this.#keep(Object(true));
      case 'x': return this.#keep(Object(false));
      case 'n': return this.#keep(Object(this.readDouble()));
      case 'z': return this.#keep(Object(this.#bigint()));
      case 's': return this.#keep(Object(this.readValue()));
      case 'R': { const source = this.readValue(), flags = this.#count(); return this.#keep(new RegExp(source, [...'gimyu'].filter((f, i) => flags & 1 << i).join(''))); }
      case 'o': { const o = this.#keep({}); this.#until('{', (t) => { const k = this.#value(t); o[k] = this.readValue(); }); this.#count(); return o; }
      case 'A': {
        const length = this.#count(), a = this.#keep([]);
        a.length = Math.min(length, this.#bytes.length);
        for (let i = 0; i < length; i++) { const t = this.#tag(); if (t !== '-') a[i] = this.#value(t); }
        this.#until('$', (t) => { const k = this.#value(t); a[k] = this.readValue(); });
        this.#count(); this.#count();
        return a;
      }
      case 'a': {
        const a = this.#keep([]);
        a.length = this.#count();
        this.#until('@', (t) => { const k = this.#value(t); a[k] = this.readValue(); });
        this.#count(); this.#count();
        return a;
      }
      case ';': { const m = this.#keep(new Map()); this.#until(':', (t) => { const k = this.#value(t); m.set(k, this.readValue()); }); this.#count(); return m; }
      case '\'': { const s = this.#keep(new Set()); this.#until(',', (t) => { s.add(this.#value(t)); }); this.#count(); return s; }
      case 'B': {
        const buffer = this.#keep(this.#raw(this.#count()).buffer);
        if (this.#bytes[this.#at] !== 0x56) return buffer; // 'V': a view follows
        this.#at++;
        const Type = { b: Int8Array, B: Uint8Array, C: Uint8ClampedArray, w: Int16Array, W: Uint16Array, d: Int32Array, D: Uint32Array, f: Float32Array, F: Float64Array, q: BigInt64Array, Q: BigUint64Array, '?': DataView }[this.#tag()];
        if (Type === undefined) this.#fail();
        const offset = this.#count(), length = this.#count();
        this.#count();
        return this.#keep(new Type(buffer, offset, length / (Type.BYTES_PER_ELEMENT ?? 1)));
      }
      case 'r': {
        let Type = Error, message, stack, cause;
        this.#until('.', (t) => {
          if (t === 'm') message = this.readValue();
          else if (t === 's') stack = this.readValue();
          else if (t === 'c') cause = this.readValue();
          else Type = { E: EvalError, R: RangeError, F: ReferenceError, S: SyntaxError, T: TypeError, U: URIError }[t] ?? Error;
        });
        const error = this.#keep(message === undefined ? new Type() : new Type(message));
        Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true, enumerable: false });
        if (cause !== undefined) error.cause = cause;
        return error;
      }
      case '\\': { const o = this._readHostObject(); return this.#keep(o); }
      default: return this.#fail();
    }
  }
}

module.exports = { blob, Histogram, serdes: { Serializer, Deserializer } };
