// internalBinding('zlib'): Node's lib/zlib.js over the streams of the host.
'use strict';

const { op, call, open, close, stream, crc32 } = require('thaw/service');

const NONE = 0, DEFLATE = 1, INFLATE = 2, GZIP = 3, GUNZIP = 4, DEFLATERAW = 5, INFLATERAW = 6, UNZIP = 7, BROTLI_DECODE = 8, BROTLI_ENCODE = 9;
const compressors = { [DEFLATE]: 'zlib', [GZIP]: 'gzip', [DEFLATERAW]: 'raw' };
const decompressors = { [INFLATE]: 'zlib', [GUNZIP]: 'gzip', [INFLATERAW]: 'raw', [UNZIP]: 'auto' };
const numbers = { __proto__: null, Z_NEED_DICT: 2, Z_STREAM_ERROR: -2, Z_DATA_ERROR: -3, Z_MEM_ERROR: -4, Z_BUF_ERROR: -5 };
const ENDED = 1;
const { zlib: brotliErrors } = internalBinding('constants');

class Stream {
  constructor(mode) { this.mode = mode; }
  // Flush kinds of zlib and of Brotli as the host's: 0 none, 1 all so far, 2 end.
  flushKind(flush) { return flush === 0 ? 0 : flush === 4 ? 2 : 1; }
  step(flush, input, inputOffset, inputLength, output, outputOffset, outputLength) {
    try {
      if (this.ended && (this.mode === GUNZIP || this.mode === UNZIP) && inputLength > 0 && input[inputOffset] === 0x1F) this.reset(); // one more member
      this.handle ??= this.start();
      this.ended = stream(this.handle, this.flushKind(flush), input, inputOffset, inputLength, output, outputOffset, outputLength, this.state) === ENDED;
      return true;
    } catch (error) {
      if (numbers[error.code] === undefined && this.mode < BROTLI_DECODE && error.code !== 'ERR_SERVICE_LIMIT') throw error;
      this.onerror(error.message, numbers[error.code] ?? brotliErrors[`${error.code}`.replace('ERR__', 'BROTLI_DECODER_')] ?? -1, error.code);
      return false;
    }
  }
  writeSync(...args) { this.step(...args); }
  write(...args) {
    this.writing = true;
    require('timers').setImmediate(() => {
      this.writing = false;
      if (this.closing) { this.close(); return; }
      if (this.step(...args)) this.callback();
      if (this.closing) this.close();
    });
  }
  reset() {
    if (this.handle !== undefined) close(this.handle);
    this.handle = undefined;
    this.ended = false;
  }
  close() {
    if (this.writing) { this.closing = true; return; }
    this.closing = false;
    this.reset();
  }
  getAsyncId() { return 0; }
}

class Zlib extends Stream {
  init(windowBits, level, memLevel, strategy, state, callback, dictionary) {
    Object.assign(this, { level: strategy === 2 && level !== 0 ? -2 : level, state, callback, dictionary });
  }
  start() {
    if (this.mode === NONE) throw new Error('zlib: no mode');
    const compress = compressors[this.mode];
    if (compress !== undefined) return open(op.DEFLATE_NEW, undefined, compress, this.level, this.dictionary);
    return open(op.INFLATE_NEW, undefined, decompressors[this.mode], this.dictionary);
  }
  params(level, strategy) {
    this.level = strategy === 2 && level !== 0 ? -2 : level;
    if (this.handle !== undefined) call(op.STREAM_LEVEL, this.handle, this.level);
  }
}

const BROTLI_PARAM_QUALITY = 1, BROTLI_PARAM_LGWIN = 2, UNSET = 0xFFFFFFFF;

class Brotli extends Stream {
  flushKind(flush) { return flush; }
  init(params, state, callback) {
    Object.assign(this, { params: params.slice(), state, callback });
    return true;
  }
  params() {}
}
class BrotliEncoder extends Brotli {
  start() {
    const quality = this.params[BROTLI_PARAM_QUALITY], window = this.params[BROTLI_PARAM_LGWIN];
    return open(op.BROTLI_NEW, undefined, quality === UNSET ? 11 : quality, window === UNSET ? 22 : window);
  }
}
class BrotliDecoder extends Brotli {
  start() { return open(op.UNBROTLI_NEW); }
}

module.exports = { Zlib, BrotliEncoder, BrotliDecoder, crc32 };
