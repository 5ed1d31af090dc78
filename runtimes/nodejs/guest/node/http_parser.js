// internalBinding('http_parser'): Node's HTTPParser (src/node_http_parser.cc) over llhttp.
'use strict';

const { http, buffer } = host;
const { FastBuffer } = require('internal/buffer');

const LATIN1 = 4;
// As in guest/http.c.
const BEGIN = 0, URL_PART = 1, STATUS = 2, FIELD = 3, VALUE = 4, HEADERS = 5, BODY = 6, COMPLETE = 7;
const METHOD = 0, CODE = 1, MAJOR = 2, MINOR = 3, UPGRADE = 4, KEEP_ALIVE = 5, POSITION = 6;
const HPE_OK = 0, HPE_PAUSED = 21, HPE_PAUSED_UPGRADE = 22, HPE_USER = 24;

const kOnMessageBegin = 0, kOnHeaders = 1, kOnHeadersComplete = 2, kOnBody = 3, kOnMessageComplete = 4, kOnExecute = 5, kOnTimeout = 6;
const flushAt = 32; // pairs

class HTTPParser {
  #parser = null;
  #type = 0;
  #data = null; // being parsed
  #maxHeader = 16384;
  #headerBytes = 0;
  #headers = [];
  #lastWasValue = true;
  #url = '';
  #status = '';
  #flushed = false;
  #overflow = false;
  #pausePending = false;
  #executing = false;

  initialize(type, resource, maxHeaderSize, lenient) {
    this.#type = type;
    this.#maxHeader = maxHeaderSize > 0 ? maxHeaderSize : 16384;
    this.#parser = http.open(type, lenient ?? 0);
    this.#reset();
    this.#overflow = false;
    this.#flushed = false;
    this.#pausePending = false;
  }
  #reset() {
    this.#headers = [];
    this.#lastWasValue = true;
    this.#url = this.#status = '';
    this.#headerBytes = 0;
  }

  #text(at, length) { return buffer.decodeBytes(this.#data.subarray(at, at + length), LATIN1); }
  #count(length) {
    this.#headerBytes += length;
    if (this.#headerBytes < this.#maxHeader) return 0;
    this.#overflow = true;
    return HPE_USER;
  }
  #flush() {
    const headers = this.#headers, url = this.#url;
    this.#headers = [];
    this.#url = '';
    this.#flushed = true;
    this[kOnHeaders](headers.map(trimmed), url);
  }
  #on = (event, at, length) => {
    switch (event) {
      case BEGIN:
        this.#reset();
        this.#flushed = false;
        if (typeof this[kOnMessageBegin] === 'function') this[kOnMessageBegin]();
        return 0;
      case URL_PART:
        this.#url += this.#text(at, length);
        return this.#count(length);
      case STATUS:
        this.#status += this.#text(at, length);
        return this.#count(length);
      case FIELD:
        if (this.#lastWasValue) {
          if (this.#headers.length === 2 * flushAt) this.#flush();
          this.#headers.push('', '');
          this.#lastWasValue = false;
        }
        this.#headers[this.#headers.length - 2] += this.#text(at, length);
        return this.#count(length);
      case VALUE:
        this.#lastWasValue = true;
        this.#headers[this.#headers.length - 1] += this.#text(at, length);
        return this.#count(length);
      case HEADERS: {
        this.#headerBytes = 0;
        this.#lastWasValue = true;
        let headers, url;
        if (this.#flushed) {
          this.#flush();
        } else {
          headers = this.#headers.map(trimmed);
          if (this.#type === HTTPParser.REQUEST) url = this.#url;
        }
        this.#headers = [];
        const request = this.#type === HTTPParser.REQUEST, parser = this.#parser;
        const result = this[kOnHeadersComplete](http.get(parser, MAJOR), http.get(parser, MINOR), headers, request ? http.get(parser, METHOD) : undefined, url,
          request ? undefined : http.get(parser, CODE), request ? undefined : this.#status, http.get(parser, UPGRADE), http.get(parser, KEEP_ALIVE));
        return result | 0;
      }
      case BODY:
        if (length > 0) this[kOnBody](new FastBuffer(this.#data.buffer, this.#data.byteOffset + at, length));
        return 0;
      case COMPLETE:
        if (this.#headers.length > 0) this.#flush();
        this[kOnMessageComplete]();
        return 0;
    }
    return 0;
  };

  #run(data) {
    this.#data = data;
    const parser = this.#parser;
    this.#executing = true;
    let error;
    try {
      error = http.execute(parser, data, this.#on);
    } finally {
      this.#executing = false;
      this.#data = null;
    }
    let read = data === null ? 0 : data.length;
    if (error !== HPE_OK) {
      read = http.get(parser, POSITION);
      if (error === HPE_PAUSED_UPGRADE) {
        error = HPE_OK;
        http.control(parser, 2);
      }
    }
    if (this.#pausePending) {
      this.#pausePending = false;
      http.control(parser, 0);
    }
    if (error !== HPE_OK && error !== HPE_PAUSED && !http.get(parser, UPGRADE)) {
      const e = new Error('Parse Error');
      e.bytesParsed = read;
      if (error === HPE_USER && this.#overflow) {
        e.code = 'HPE_HEADER_OVERFLOW';
        e.reason = 'Header overflow';
      } else {
        e.code = `HPE_${http.errorName(error).replace(/^HPE_/, '')}`;
        e.reason = http.reason(parser);
      }
      return e;
    }
    return data === null ? undefined : read;
  }
  execute(data) { return this.#run(data); }
  finish() { return this.#parser === null || this.#executing ? undefined : this.#run(null); }
  pause() { if (this.#executing) this.#pausePending = true; else http.control(this.#parser, 0); }
  resume() { this.#pausePending = false; http.control(this.#parser, 1); }
  close() { this.#parser = null; }
  free() {}
  remove() {}
  consume() {}
  unconsume() {}
  getCurrentBuffer() { return this.#data === null ? undefined : new FastBuffer(this.#data.buffer, this.#data.byteOffset, this.#data.length); }
  duration() { return 0; }
  headersCompleted() { return false; }
}

// A value's blanks at its end are no part of it; llhttp drops only those before.
const trimmed = (text, i) => (i % 2 === 1 ? text.replace(/[ \t]+$/, '') : text);

Object.assign(HTTPParser, {
  REQUEST: 1, RESPONSE: 2, kOnMessageBegin, kOnHeaders, kOnHeadersComplete, kOnBody, kOnMessageComplete, kOnExecute, kOnTimeout,
  kLenientNone: 0, kLenientHeaders: 1, kLenientChunkedLength: 2, kLenientKeepAlive: 4, kLenientTransferEncoding: 8, kLenientVersion: 16,
  kLenientDataAfterClose: 32, kLenientOptionalLFAfterCR: 64, kLenientOptionalCRLFAfterChunk: 128, kLenientOptionalCRBeforeLF: 256,
  kLenientSpacesAfterChunkSize: 512, kLenientAll: 1023,
});

const methods = [];
for (let i = 0; i <= 33; i++) methods.push(http.methodName(i)); // those of HTTP, not RTSP's

class ConnectionsList { // of a server: there is none
  all() { return []; }
  idle() { return []; }
  active() { return []; }
  expired() { return []; }
}

module.exports = { methods, allMethods: methods, HTTPParser, ConnectionsList };
