// internalBinding('messaging'): structured clone and message ports. All ports live in one thread.
'use strict';

module.exports = function makeMessaging({ DOMException, symbols, types, emitMessage }) {
  const {
    messaging_clone_symbol: kClone, messaging_deserialize_symbol: kDeserialize, messaging_transfer_symbol: kTransfer, oninit, handle_onclose_symbol: handleOnClose,
  } = symbols;
  const uncloneable = (what) => new DOMException(`${what} could not be cloned.`, 'DataCloneError');
  const describe = (object) => {
    const name = object?.constructor?.name;
    return typeof object === 'function' ? `${object}` : Array.isArray(object) ? `${object}` : `#<${typeof name === 'string' && name !== '' ? name : 'Object'}>`;
  };
  let createObject; // (module:constructor) -> an object of the library to fill
  const errorNames = new Map([EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((c) => [c.name, c]));

  class JSTransferable {}

  // The structured clone algorithm (HTML, 2.7.3 and 2.7.5) in one pass. seen: what was cloned already, or transferred -> its copy.
  function clone(value, seen) {
    if (typeof value === 'symbol') throw uncloneable(String(value));
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    const keep = (copy) => { seen.set(value, copy); return copy; };
    if (typeof value === 'function' || types.isProxy(value)) throw uncloneable(typeof value === 'function' ? `${value}` : '#<Object>');
    if (value instanceof MessagePort) throw new DOMException('Object that needs transfer was found in message but not listed in transferList', 'DataCloneError');
    if (value instanceof JSTransferable || typeof value[kClone] === 'function') {
      if (typeof value[kClone] !== 'function') throw uncloneable(describe(value));
      return keep(rebuild(value[kClone](), seen));
    }
    if (types.isDate(value)) return keep(new Date(value.getTime()));
    if (types.isRegExp(value)) return keep(new RegExp(value.source, value.flags));
    if (types.isBoxedPrimitive(value)) {
      if (types.isSymbolObject(value)) throw uncloneable('#<Symbol>');
      return keep(Object(value.valueOf()));
    }
    if (types.isArrayBuffer(value)) {
      if (value.detached) throw new DOMException('An ArrayBuffer is detached and could not be cloned.', 'DataCloneError');
      return keep(value.slice(0));
    }
    if (types.isSharedArrayBuffer(value)) return keep(value);
    if (ArrayBuffer.isView(value)) {
      const buffer = clone(value.buffer, seen);
      if (types.isDataView(value)) return keep(new DataView(buffer, value.byteOffset, value.byteLength));
      const Constructor = globalThis[value[Symbol.toStringTag]] ?? Uint8Array;
      return keep(new Constructor(buffer, value.byteOffset, value.length));
    }
    if (types.isMap(value)) {
      const copy = keep(new Map());
      for (const [k, v] of [...value]) copy.set(clone(k, seen), clone(v, seen));
      return copy;
    }
    if (types.isSet(value)) {
      const copy = keep(new Set());
      for (const v of [...value]) copy.add(clone(v, seen));
      return copy;
    }
    if (types.isNativeError(value)) {
      const Constructor = errorNames.get(value.name) ?? Error;
      const own = (key) => Object.getOwnPropertyDescriptor(value, key);
      const message = own('message');
      const copy = keep(message !== undefined && 'value' in message ? new Constructor(`${message.value}`) : new Constructor());
      if (message === undefined || !('value' in message)) delete copy.message;
      Object.defineProperty(copy, 'stack', { value: `${value.stack}`, writable: true, configurable: true, enumerable: false });
      const cause = own('cause');
      if (cause !== undefined && 'value' in cause) Object.defineProperty(copy, 'cause', { value: clone(cause.value, seen), writable: true, configurable: true, enumerable: false });
      return copy;
    }
    if (types.isPromise(value) || types.isWeakMap(value) || types.isWeakSet(value) || types.isGeneratorObject(value) || types.isMapIterator(value) || types.isSetIterator(value) ||
        types.isModuleNamespaceObject(value) || value instanceof WeakRef) throw uncloneable(describe(value));
    let copy;
    if (Array.isArray(value)) {
      copy = keep([]);
      copy.length = value.length;
    } else copy = keep({});
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
  }

  function rebuild({ data, deserializeInfo }, seen) {
    const object = createObject(deserializeInfo);
    const fields = {};
    // The library's own handles are shared, not copied: there is one thread.
    for (const key of Object.keys(data)) fields[key] = isPlain(data[key]) ? clone(data[key], seen) : data[key];
    object[kDeserialize](fields);
    return object;
  }
  const isPlain = (v) => v === null || typeof v !== 'object' || Array.isArray(v) || Object.getPrototypeOf(v) === Object.prototype;

  function transferring(value, list) {
    const seen = new Map(), after = [];
    const ports = [];
    for (const item of list ?? []) {
      if (seen.has(item)) throw new DOMException('Transfer list contains duplicate ' + (types.isArrayBuffer(item) ? 'ArrayBuffer' : 'object'), 'DataCloneError');
      if (types.isArrayBuffer(item)) {
        if (item.detached) throw new DOMException('An ArrayBuffer is detached and could not be cloned.', 'DataCloneError');
        seen.set(item, item.slice(0));
        after.push(() => item.transfer());
      } else if (item instanceof MessagePort) {
        seen.set(item, item);
        ports.push(item);
      } else if (typeof item?.[kTransfer] === 'function') {
        seen.set(item, rebuild(item[kTransfer](), seen));
      } else {
        const error = new TypeError('Found invalid object in transferList');
        error.code = 'ERR_INVALID_TRANSFER_OBJECT';
        throw error;
      }
    }
    const copy = clone(value, seen);
    for (const f of after) f();
    return [copy, ports];
  }

  function structuredClone(value, options) {
    if (arguments.length === 0) {
      const error = new TypeError("The \"value\" argument must be specified");
      error.code = 'ERR_MISSING_ARGS';
      throw error;
    }
    return transferring(value, options?.transfer)[0];
  }

  // ---- ports ----

  const states = new WeakMap(); // port -> {peer, queue, started, closed, ref}
  const stateOf = (port) => {
    const state = states.get(port);
    if (state === undefined) throw new TypeError('Illegal invocation');
    return state;
  };

  class MessagePort {
    constructor() {
      const error = new TypeError('Illegal constructor');
      error.code = 'ERR_CONSTRUCT_CALL_INVALID';
      throw error;
    }
    postMessage(value, options) {
      const state = stateOf(this);
      const message = transferring(value, Array.isArray(options) ? options : options?.transfer);
      if (state.closed || state.peer === undefined) return;
      const peer = stateOf(state.peer);
      peer.queue.push(message);
      schedule(state.peer);
    }
    start() { const state = stateOf(this); state.started = true; schedule(this); }
    close() {
      const state = stateOf(this);
      if (state.closed) return;
      const { peer } = state;
      shut(this);
      if (peer !== undefined) shut(peer);
    }
    drain() { deliver(this, Infinity); }
    ref() { stateOf(this).ref = true; }
    unref() { stateOf(this).ref = false; }
    hasRef() { return stateOf(this).ref; }
  }

  function shut(port) {
    const state = stateOf(port);
    if (state.closed) return;
    require('timers').setImmediate(() => {
      deliver(port, Infinity);
      state.closed = true;
      state.peer = undefined;
      port[handleOnClose]?.();
    });
  }
  function schedule(port) {
    const state = stateOf(port);
    if (!state.started || state.closed || state.scheduled || state.queue.length === 0) return;
    state.scheduled = true;
    require('timers').setImmediate(() => {
      state.scheduled = false;
      deliver(port, Math.max(state.queue.length, 1000));
      schedule(port);
    });
  }
  function deliver(port, most) {
    const state = stateOf(port);
    while (most-- > 0 && state.started && !state.closed && state.queue.length > 0) {
      const [message, ports] = state.queue.shift();
      Reflect.apply(emitMessage, port, [message, ports, 'message']);
    }
  }
  function makePort() {
    require('internal/worker/io'); // makes ports event targets
    const port = Object.create(MessagePort.prototype);
    states.set(port, { peer: undefined, queue: [], started: false, closed: false, ref: false, scheduled: false });
    port[oninit]?.();
    return port;
  }

  class MessageChannel {
    constructor() {
      const a = makePort(), b = makePort();
      stateOf(a).peer = b;
      stateOf(b).peer = a;
      this.port1 = a;
      this.port2 = b;
    }
  }

  return {
    DOMException, MessageChannel, MessagePort, JSTransferable, structuredClone,
    setDeserializerCreateObjectFunction: (f) => { createObject = f; },
    stopMessagePort: (port) => { const s = states.get(port); if (s !== undefined) s.started = false; },
    checkMessagePort: (port) => states.has(port),
    drainMessagePort: (port) => { if (states.has(port)) deliver(port, Infinity); },
    moveMessagePortToContext: (port) => port,
    receiveMessageOnPort(port) {
      const s = states.get(port);
      if (s === undefined) return undefined;
      return s.queue.length > 0 ? s.queue.shift()[0] : symbols.no_message_symbol;
    },
    broadcastChannel() { throw new DOMException('BroadcastChannel is not available in this runtime', 'NotSupportedError'); },
    exposeLazyDOMExceptionProperty() {},
  };
};
