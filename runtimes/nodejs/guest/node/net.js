// internalBinding('tcp_wrap'), 'stream_wrap' and 'cares_wrap': what libuv and c-ares are to Node, over the host's sockets.
//
// Sockets never block. What a handle waits for it tells the loop (loop.io), which hands it to the host between two turns; so
// an invocation that waits for the network costs nothing, and sockets that are left open freeze with the function.
'use strict';

const { net } = host;
const loop = require('thaw/loop');
const { Buffer } = require('buffer');
const uv = require('thaw/uv');
const asyncHooks = require('internal/async_hooks');

const EAGAIN = -11, EINPROGRESS = -115, EOF = -4095, ECANCELED = -125, EBADF = -9, EINVAL = -22, ENOTCONN = -107, ENOTSUP = -95, EALREADY = -114;
const READABLE = 1, WRITABLE = 2;
const OPTION = { error: 1, noDelay: 3, keepAlive: 4, linger: 9, keepIdle: 10 };
const kReadBytesOrError = 0, kArrayBufferOffset = 1, kBytesWritten = 2, kLastWriteWasAsync = 3;
const streamBaseState = new Int32Array(5);

// What Node's C++ classes derive from: an asynchronous resource with its context.
class AsyncWrap {
  #id; #trigger;
  constructor(type) {
    this.#id = asyncHooks.newAsyncId();
    this.#trigger = asyncHooks.getDefaultTriggerAsyncId();
    if (asyncHooks.initHooksExist()) asyncHooks.emitInit(this.#id, type, this.#trigger, this);
  }
  getAsyncId() { return this.#id; }
  getProviderType() { return 0; }
  asyncReset() { this.#id = asyncHooks.newAsyncId(); }
  // Calls a function of the library as one callback of the loop, in the context in which this was made.
  static call(wrap, fn, ...args) {
    if (typeof fn !== 'function') return;
    loop.callback(() => {
      asyncHooks.emitBefore(wrap.#id, wrap.#trigger, wrap);
      try {
        Reflect.apply(fn, wrap, args);
      } finally {
        asyncHooks.emitAfter(wrap.#id);
      }
    });
  }
}
const { call } = AsyncWrap;

class WriteWrap extends AsyncWrap { constructor() { super('WRITEWRAP'); } }
class ShutdownWrap extends AsyncWrap { constructor() { super('SHUTDOWNWRAP'); } }
class TCPConnectWrap extends AsyncWrap { constructor() { super('TCPCONNECTWRAP'); } }
class GetAddrInfoReqWrap extends AsyncWrap { constructor() { super('GETADDRINFOREQWRAP'); } }
class GetNameInfoReqWrap extends AsyncWrap { constructor() { super('GETNAMEINFOREQWRAP'); } }
class QueryReqWrap extends AsyncWrap { constructor() { super('QUERYWRAP'); } }

// A stream of bytes as Node's StreamBase has it. Who derives from it moves bytes: tryWrite(view, offset), endWrite(), and calls
// deliver and flush.
class StreamBase extends AsyncWrap {
  isStreamBase = true;
  bytesRead = 0;
  bytesWritten = 0;
  onread = undefined;
  reading = false;
  userBuffer = null;
  writes = []; // {req, data, offset}, in order
  ending = null; // ShutdownWrap
  wantsRead = false;

  // ---- reading ----

  readStart() { this.wantsRead = true; this.changed(); return 0; }
  readStop() { this.wantsRead = false; this.changed(); return 0; }
  useUserBuffer(view) { this.userBuffer = view; return 0; }

  // Hands what was read to the library, or to the TLS session above: an ArrayBuffer, or an error or EOF.
  sink = null;
  deliver(data) {
    if (this.sink !== null) {
      if (typeof data !== 'number') this.bytesRead += data.byteLength;
      this.sink(data);
      return;
    }
    if (typeof data === 'number') {
      call(this, this.#tell, data, undefined);
      return;
    }
    this.bytesRead += data.byteLength;
    if (this.userBuffer === null) {
      call(this, this.#tell, data.byteLength, data);
      return;
    }
    for (let rest = new Uint8Array(data); rest.length > 0 && this.onread !== undefined;) {
      const part = rest.subarray(0, this.userBuffer.byteLength);
      new Uint8Array(this.userBuffer.buffer, this.userBuffer.byteOffset, this.userBuffer.byteLength).set(part);
      rest = rest.subarray(part.length);
      call(this, this.#tell, part.length, undefined);
    }
  }
  #tell(n, data) {
    streamBaseState[kReadBytesOrError] = n;
    streamBaseState[kArrayBufferOffset] = 0;
    const next = this.onread?.(data);
    if (next !== undefined) this.userBuffer = next;
  }

  // ---- writing ----

  writeBuffer(req, data) {
    let done = 0;
    if (this.writes.length === 0) {
      while (done < data.byteLength) {
        const n = this.tryWrite(data, done);
        if (n === EAGAIN) break;
        if (n < 0) return n;
        done += n;
      }
    }
    this.bytesWritten += data.byteLength;
    const later = done < data.byteLength || this.writes.length > 0;
    if (later) {
      this.writes.push({ req, data, offset: done });
      this.changed();
    }
    // Last: what is below may have written too.
    streamBaseState[kBytesWritten] = data.byteLength;
    streamBaseState[kLastWriteWasAsync] = later ? 1 : 0;
    return 0;
  }
  writeUtf8String(req, text) { return this.writeBuffer(req, Buffer.from(text, 'utf8')); }
  writeLatin1String(req, text) { return this.writeBuffer(req, Buffer.from(text, 'latin1')); }
  writeAsciiString(req, text) { return this.writeBuffer(req, Buffer.from(text, 'latin1')); }
  writeUcs2String(req, text) { return this.writeBuffer(req, Buffer.from(text, 'utf16le')); }
  writev(req, chunks, allBuffers) {
    const parts = [];
    if (allBuffers) parts.push(...chunks);
    else for (let i = 0; i < chunks.length; i += 2) parts.push(typeof chunks[i] === 'string' ? Buffer.from(chunks[i], chunks[i + 1]) : chunks[i]);
    return this.writeBuffer(req, parts.length === 1 ? parts[0] : Buffer.concat(parts));
  }
  get writeQueueSize() { return this.writes.reduce((sum, w) => sum + w.data.byteLength - w.offset, 0); }

  // Writes what waits, as far as it goes; then the end.
  flush() {
    while (this.writes.length > 0) {
      const w = this.writes[0];
      const n = w.offset < w.data.byteLength ? this.tryWrite(w.data, w.offset) : 0;
      if (n === EAGAIN) return;
      if (n < 0) {
        this.fail(n);
        return;
      }
      w.offset += n;
      if (w.offset < w.data.byteLength) continue;
      this.writes.shift();
      call(w.req, w.req.oncomplete, 0, this, undefined);
    }
    if (this.ending !== null) {
      const req = this.ending;
      this.ending = null;
      call(req, req.oncomplete, this.endWrite());
    }
  }
  // Ends everything that waits with an error. text says more about it.
  fail(error, text) {
    const writes = this.writes, ending = this.ending;
    this.writes = [];
    this.ending = null;
    for (const w of writes) {
      w.req.error = text;
      call(w.req, w.req.oncomplete, error, this, text);
    }
    if (ending !== null) call(ending, ending.oncomplete, error);
  }
  shutdown(req) {
    this.ending = req;
    if (this.writes.length === 0) loop.io.defer(() => { this.flush(); this.changed(); });
    this.changed();
    return 0;
  }

  setBlocking() { return 0; }
  changed() {}
}

const constants = { SOCKET: 0, SERVER: 1, UV_TCP_IPV6ONLY: 1 };

class TCP extends StreamBase {
  fd = -1;
  #connecting = null; // TCPConnectWrap
  #connected = false;
  #ended = false; // nothing will be read any more
  #closing = false;
  #referenced = true;
  #options = new Map();
  #bound = null;
  secure = null; // TLSWrap that speaks over this socket
  #watcher = { events: 0, referenced: true, ready: (events) => this.#ready(events) };

  constructor(type) { super(type === constants.SERVER ? 'TCPSERVERWRAP' : 'TCPWRAP'); }

  // What the loop is to wait for.
  changed() {
    if (this.fd < 0) return;
    let events = 0;
    if (this.#connecting !== null) events = WRITABLE;
    else if (this.#connected) {
      if (this.secure !== null && (this.secure.handshaking || this.secure.startWaits)) events = WRITABLE;
      else {
        if (this.wantsRead && !this.#ended) events |= READABLE;
        if (this.writes.length > 0 || (this.secure !== null && this.secure.writes.length > 0)) events |= WRITABLE;
      }
    }
    loop.io.watch(this.fd, this.#watcher, events);
  }

  #ready(events) {
    if (this.#connecting !== null) {
      const req = this.#connecting;
      this.#connecting = null;
      const error = net.get(this.fd, OPTION.error);
      this.#connected = error === 0;
      this.changed();
      call(req, req.oncomplete, error, this, req, true, true);
      return;
    }
    if (this.secure !== null && this.secure.startWaits) {
      this.flush();
      if (this.writes.length === 0) this.secure.start();
      return;
    }
    const stream = this.secure ?? this;
    if (this.secure !== null && this.secure.handshaking) {
      this.secure.handshakeOver();
      this.changed();
      return;
    }
    if (events & WRITABLE) stream.flush();
    // Not for ever: others wait too.
    for (let i = 0; events & READABLE && i < 16 && this.wantsRead && !this.#ended && this.fd >= 0; i++) {
      const data = net.read(this.fd);
      if (data === EAGAIN) break;
      if (typeof data === 'number') {
        this.#ended = true;
        this.changed();
        if (data < 0 && this.secure !== null) this.secure.broken(data);
        else stream.deliver(data === 0 ? EOF : data);
        break;
      }
      stream.deliver(data);
    }
    this.changed();
  }

  tryWrite(view, offset) { return this.fd < 0 ? EBADF : net.write(this.fd, view, offset); }
  endWrite() { return this.fd < 0 ? ENOTCONN : net.shutdown(this.fd); }

  #open(family) {
    if (this.#closing) return EBADF;
    if (this.fd >= 0) return 0;
    const fd = net.open(family, 6);
    if (fd < 0) return fd;
    this.fd = fd;
    for (const [option, value] of this.#options) net.set(fd, option, value);
    if (this.#bound !== null) {
      const error = net.bind(fd, ...this.#bound);
      if (error < 0) return error;
    }
    return 0;
  }
  #set(option, value) {
    this.#options.set(option, value);
    return this.fd < 0 ? 0 : net.set(this.fd, option, value);
  }
  open() { return ENOTSUP; }
  bind(address, port) { this.#bound = [address, port]; return net.ip(address) === undefined ? EINVAL : 0; }
  bind6(address, port) { return this.bind(address, port); }
  listen() {
    host.log(4, 'A function cannot listen for connections: it is called through the Lambda API only.');
    return ENOTSUP;
  }
  connect(req, address, port) { return this.#connect(1, req, address, port); }
  connect6(req, address, port) { return this.#connect(2, req, address, port); }
  #connect(family, req, address, port) {
    if (this.#connecting !== null) return EALREADY;
    let error = this.#open(family);
    if (error === 0) error = net.connect(this.fd, address, port);
    if (error !== 0 && error !== EINPROGRESS) return error;
    this.#connecting = req;
    this.changed();
    return 0;
  }
  getsockname(out) { return this.#name(0, out); }
  getpeername(out) { return this.#name(1, out); }
  #name(which, out) {
    if (this.fd < 0) return EBADF;
    const name = net.name(this.fd, which);
    if (typeof name === 'number') return name;
    Object.assign(out, name);
    return 0;
  }
  setNoDelay(enable) { return this.#set(OPTION.noDelay, enable ? 1 : 0); }
  setKeepAlive(enable, seconds) {
    if (enable && seconds > 0) this.#set(OPTION.keepIdle, seconds);
    return this.#set(OPTION.keepAlive, enable ? 1 : 0);
  }
  setSimultaneousAccepts() { return 0; }
  reset(callback) {
    if (this.fd >= 0) net.set(this.fd, OPTION.linger, 1);
    this.close(callback);
    return 0;
  }
  ref() { this.#referenced = this.#watcher.referenced = true; }
  unref() { this.#referenced = this.#watcher.referenced = false; }
  hasRef() { return this.#referenced && !this.#closing; }
  close(callback) {
    if (this.#closing) return;
    this.#closing = true;
    if (this.fd >= 0) {
      loop.io.watch(this.fd, this.#watcher, 0);
      net.close(this.fd);
      this.fd = -1;
    }
    const connecting = this.#connecting;
    this.#connecting = null;
    loop.io.defer(() => {
      if (connecting !== null) call(connecting, connecting.oncomplete, ECANCELED, this, connecting, false, false);
      this.fail(ECANCELED);
      if (this.secure !== null) this.secure.fail(ECANCELED);
      call(this, callback);
    });
  }
}

// ---- names ----

const statusOf = { 1: 'ENOTFOUND', 2: 'ETIMEOUT', 3: 'EBADNAME', 4: 'ESERVFAIL', 5: 'ENOTIMP' };
const lookupErrors = { 1: uv.UV_EAI_NONAME, 2: uv.UV_EAI_AGAIN, 3: uv.UV_EAI_NONAME, 4: uv.UV_EAI_FAIL, 5: uv.UV_EAI_NONAME };

// Asks; done(status, answers) is called when the answer is there, answers being Uint8Arrays.
function ask(name, kind, done) {
  const fd = net.dns(name, kind);
  if (fd < 0) return fd;
  const parts = [];
  const watcher = {
    events: 0, referenced: true,
    ready() {
      for (;;) {
        const data = net.read(fd);
        if (data === EAGAIN) return;
        if (typeof data === 'number') break;
        parts.push(Buffer.from(data));
      }
      loop.io.watch(fd, watcher, 0);
      net.close(fd);
      const answer = Buffer.concat(parts);
      const status = answer.length >= 4 ? answer.readUInt32LE(0) : 4;
      done(status, status === 0 ? net.record(answer.subarray(4)) : []);
    },
  };
  loop.io.watch(fd, watcher, READABLE);
  return 0;
}

const ANY = 0, A = 1, NS = 2, CNAME = 5, PTR = 12, MX = 15, TXT = 16, AAAA = 28, SRV = 33;
const text = (bytes) => host.buffer.decodeBytes(bytes, 1);

function getaddrinfo(req, hostname, family, hints, order) {
  return ask(`${hostname}`, family === 4 ? A : family === 6 ? AAAA : ANY, (status, answers) => {
    if (status !== 0) {
      call(req, req.oncomplete, lookupErrors[status] ?? uv.UV_EAI_FAIL);
      return;
    }
    if (order !== 0) answers.sort((a, b) => (order === 1 ? a.length - b.length : b.length - a.length));
    call(req, req.oncomplete, null, [...new Set(answers.map(net.addressText))]);
  });
}

const services = { 21: 'ftp', 22: 'ssh', 25: 'smtp', 53: 'domain', 80: 'http', 110: 'pop3', 143: 'imap2', 443: 'https', 465: 'submissions', 587: 'submission', 993: 'imaps', 995: 'pop3s', 3306: 'mysql', 5432: 'postgresql' };
function getnameinfo(req, address, port) {
  return ask(address, PTR, (status, answers) => {
    call(req, req.oncomplete, null, status === 0 && answers.length > 0 ? text(answers[0]) : address, services[port] ?? `${port}`);
  });
}

class ChannelWrap extends AsyncWrap {
  #servers = [['127.0.0.53', 53]];
  constructor() { super('DNSCHANNEL'); }
  getServers() { return this.#servers; }
  setServers(servers) { this.#servers = servers.map(([, address, port]) => [address, port]); return 0; } // the node's are asked all the same
  setLocalAddress() {}
  cancel() {}
}
// Each answers req.oncomplete(error or null, records, times to live).
const queries = {
  queryA: [A, net.addressText, true], queryAaaa: [AAAA, net.addressText, true], queryNs: [NS, text], queryCname: [CNAME, text], queryPtr: [PTR, text],
  queryTxt: [TXT, (b) => [text(b)]],
  queryMx: [MX, (b) => { const [priority, exchange] = text(b).split(' '); return { exchange, priority: Number(priority) }; }],
  querySrv: [SRV, (b) => { const [priority, weight, port, name] = text(b).split(' '); return { name, port: Number(port), priority: Number(priority), weight: Number(weight) }; }],
};
for (const name of ['queryAny', 'queryCaa', 'queryNaptr', 'querySoa', 'queryTlsa', ...Object.keys(queries)]) {
  const [kind, convert, timed] = queries[name] ?? [255];
  ChannelWrap.prototype[name] = function(req, hostname) {
    return ask(hostname, kind, (status, answers) => {
      if (status !== 0) call(req, req.oncomplete, statusOf[status] ?? 'ESERVFAIL');
      else call(req, req.oncomplete, null, answers.map(convert), timed ? answers.map(() => 0) : undefined);
    });
  };
}
ChannelWrap.prototype.getHostByAddr = ChannelWrap.prototype.queryPtr;

// require('cluster'): there is one process.
function makeCluster() {
  const EventEmitter = require('events');
  const cluster = new EventEmitter();
  const refuse = () => {
    const error = new Error('spawn ENOSYS: this runtime has one process');
    error.code = 'ENOSYS';
    throw error;
  };
  return Object.assign(cluster, {
    isPrimary: true, isMaster: true, isWorker: false, workers: {}, settings: {}, SCHED_NONE: 1, SCHED_RR: 2, schedulingPolicy: 2,
    Worker: class Worker extends EventEmitter {}, setupPrimary() {}, setupMaster() {}, fork: refuse, disconnect(callback) { if (callback) process.nextTick(callback); },
  });
}

module.exports = {
  get cluster() { return makeCluster(); },
  AsyncWrap, StreamBase, TCP, WriteWrap, call, uv, READABLE, WRITABLE, EAGAIN, EOF,
  tcp_wrap: { TCP, TCPConnectWrap, constants },
  stream_wrap: {
    kReadBytesOrError, kArrayBufferOffset, kBytesWritten, kLastWriteWasAsync, streamBaseState, WriteWrap, ShutdownWrap, LibuvStreamWrap: StreamBase,
  },
  cares_wrap: {
    getaddrinfo, getnameinfo, ChannelWrap, GetAddrInfoReqWrap, GetNameInfoReqWrap, QueryReqWrap,
    canonicalizeIP: (address) => net.ip(`${address}`), strerror: (code) => `${code}`,
    AI_ADDRCONFIG: 32, AI_ALL: 16, AI_V4MAPPED: 8, DNS_ORDER_VERBATIM: 0, DNS_ORDER_IPV4_FIRST: 1, DNS_ORDER_IPV6_FIRST: 2,
  },
};
