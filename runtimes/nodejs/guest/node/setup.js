// Global objects and the process object, as lib/internal/bootstrap/*.js of Node sets them up, without what needs a real process.
'use strict';

const {
  exposeInterface, exposeLazyInterfaces, defineOperation, defineLazyProperties, defineReplaceableLazyAttribute, customInspectSymbol,
} = require('internal/util');

module.exports = function setup() {
  host.setPrepareStackTrace(require('internal/errors').prepareStackTraceCallback);
  require('internal/util/debuglog').initializeDebugEnv('');

  // process
  const EventEmitter = require('events');
  Object.setPrototypeOf(Object.getPrototypeOf(process), EventEmitter.prototype);
  EventEmitter.call(process);
  Object.defineProperty(process, Symbol.toStringTag, { value: 'process', writable: true });
  Object.defineProperty(globalThis, Symbol.toStringTag, { value: 'global', configurable: true });
  globalThis.global = globalThis;
  let currentProcess = process;
  Object.defineProperty(globalThis, 'process', { get: () => currentProcess, set(value) { currentProcess = value; }, configurable: true });
  const { Buffer } = require('buffer');
  let currentBuffer = Buffer;
  Object.defineProperty(globalThis, 'Buffer', { get: () => currentBuffer, set(value) { currentBuffer = value; }, configurable: true });

  require('thaw/process')();

  // ticks, rejections, timers
  const { setupTaskQueue, queueMicrotask } = require('internal/process/task_queues');
  const { nextTick, runNextTicks } = setupTaskQueue();
  process.nextTick = nextTick;
  process._tickCallback = runNextTicks;
  const internalTimers = require('internal/timers');
  const { processImmediate, processTimers } = internalTimers.getTimerCallbacks(runNextTicks);
  internalBinding('timers').setupTimers(processImmediate, processTimers);
  const timers = require('timers');
  for (const name of ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate']) {
    defineOperation(globalThis, name, timers[name]);
  }
  defineOperation(globalThis, 'queueMicrotask', queueMicrotask);
  Object.defineProperty(globalThis, 'WebAssembly', {
    configurable: true,
    get() { return (this.WebAssembly = require('thaw/webassembly')); },
    set(value) { Object.defineProperty(globalThis, 'WebAssembly', { value, writable: true, configurable: true }); },
  });

  // web interfaces
  const { DOMException } = internalBinding('messaging');
  exposeInterface(globalThis, 'DOMException', DOMException);
  const { EventTarget, Event } = require('internal/event_target');
  exposeInterface(globalThis, 'Event', Event);
  exposeInterface(globalThis, 'EventTarget', EventTarget);
  const { URL, URLSearchParams } = require('internal/url');
  exposeInterface(globalThis, 'URL', URL);
  exposeInterface(globalThis, 'URLSearchParams', URLSearchParams);
  exposeLazyInterfaces(globalThis, 'internal/abort_controller', ['AbortController', 'AbortSignal']);
  exposeLazyInterfaces(globalThis, 'internal/encoding', ['TextEncoder', 'TextDecoder']);
  const { atob, btoa } = require('buffer');
  defineOperation(globalThis, 'atob', atob);
  defineOperation(globalThis, 'btoa', btoa);
  require('internal/worker/js_transferable').setup();
  defineOperation(globalThis, 'structuredClone', internalBinding('messaging').structuredClone);
  exposeLazyInterfaces(globalThis, 'internal/webstreams/transformstream', ['TransformStream', 'TransformStreamDefaultController']);
  exposeLazyInterfaces(globalThis, 'internal/webstreams/writablestream', ['WritableStream', 'WritableStreamDefaultController', 'WritableStreamDefaultWriter']);
  exposeLazyInterfaces(globalThis, 'internal/webstreams/readablestream', [
    'ReadableStream', 'ReadableStreamDefaultReader', 'ReadableStreamBYOBReader', 'ReadableStreamBYOBRequest', 'ReadableByteStreamController', 'ReadableStreamDefaultController',
  ]);
  exposeLazyInterfaces(globalThis, 'internal/webstreams/queuingstrategies', ['ByteLengthQueuingStrategy', 'CountQueuingStrategy']);
  exposeLazyInterfaces(globalThis, 'internal/webstreams/encoding', ['TextEncoderStream', 'TextDecoderStream']);
  exposeLazyInterfaces(globalThis, 'internal/webstreams/compression', ['CompressionStream', 'DecompressionStream']);
  exposeLazyInterfaces(globalThis, 'internal/worker/io', ['BroadcastChannel', 'MessageChannel', 'MessagePort', 'MessageEvent']);
  exposeLazyInterfaces(globalThis, 'internal/blob', ['Blob']);
  exposeLazyInterfaces(globalThis, 'internal/event_target', ['CustomEvent']);
  exposeLazyInterfaces(globalThis, 'perf_hooks', [
    'Performance', 'PerformanceEntry', 'PerformanceMark', 'PerformanceMeasure', 'PerformanceObserver', 'PerformanceObserverEntryList', 'PerformanceResourceTiming',
  ]);
  exposeLazyInterfaces(globalThis, 'internal/file', ['File']);
  delete globalThis.performance; // the engine's
  defineReplaceableLazyAttribute(globalThis, 'perf_hooks', ['performance']);
  require('internal/url').installObjectURLMethods?.();
  // fetch and its kin: undici, loaded when it is first needed
  defineOperation(globalThis, 'fetch', function fetch(input, init = undefined) { return require('internal/deps/undici/undici').fetch(input, init); });
  exposeLazyInterfaces(globalThis, 'internal/deps/undici/undici', ['FormData', 'Headers', 'Request', 'Response']);

  // crypto: its parts are loaded when they are first used
  const webcrypto = () => require('internal/crypto/webcrypto');
  defineLazyProperties(globalThis, 'internal/crypto/webcrypto', ['CryptoKey', 'Crypto', 'SubtleCrypto'], false);
  let currentCrypto;
  Object.defineProperty(globalThis, 'crypto', { get: () => (currentCrypto ?? webcrypto().crypto), set(value) { currentCrypto = value; }, configurable: true, enumerable: true });

  // stdout and stderr: what is written here goes to the log as it is
  for (const [name, fd] of [['stdout', 1], ['stderr', 2]]) {
    let stream;
    Object.defineProperty(process, name, {
      configurable: true, enumerable: true,
      get() {
        if (stream === undefined) {
          const { Writable } = require('stream');
          stream = new Writable({
            decodeStrings: false,
            write(chunk, encoding, done) {
              const fs = require('fs');
              fs.writeSync(fd, typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
              done();
            },
          });
          Object.assign(stream, { fd, _type: 'pipe', isTTY: undefined, _isStdio: true, destroySoon: stream.destroy, _destroy(error, done) { done(error); } });
        }
        return stream;
      },
    });
  }
  let stdin;
  Object.defineProperty(process, 'stdin', {
    configurable: true, enumerable: true,
    get() {
      if (stdin === undefined) {
        const { Readable } = require('stream');
        stdin = new Readable({ read() { this.push(null); } });
        stdin.fd = 0;
      }
      return stdin;
    },
  });

  require('thaw/intl')();
  process.setSourceMapsEnabled = (on) => { require('internal/validators').validateBoolean(on, 'val'); require('thaw/source_maps').enable(on); };

  // what most functions need, kept in the runtime snapshot
  for (const id of ['util', 'path', 'fs', 'url', 'querystring', 'os', 'stream', 'string_decoder', 'crypto', 'zlib', 'net', 'tls', 'http', 'https', 'dns', 'internal/deps/undici/undici']) eager(id);
  internalBinding('crypto').preload();
};

function eager(id) { require(id); }
