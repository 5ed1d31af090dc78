// The first file that runs in a guest: makes Node's own library (lib/*.js of its source) live on this engine, then returns the
// functions that thaw.c calls. Its wrapper's parameter is `host`, the functions written in C.
//
// Node's library asks its C++ half for objects by name, internalBinding('fs'); ours are in bindings.js. The library's files are
// loaded when they are first required and then stay; what most functions need is loaded here, so that the runtime snapshot has it.
'use strict';

const primordials = {};
const privateSymbols = { __proto__: null };
for (const name of [
  'arrow_message', 'contextify_context', 'decorated', 'exit_info', 'module_circular_visited', 'module_export_names',
  'module_export', 'module_parent', 'module_source', 'require', 'source_map_data', 'untransferable_object',
]) {
  privateSymbols[`${name}_private_symbol`] = host.privateSymbol(`node:${name}`);
}
const perIsolateSymbols = { __proto__: null };
for (const name of [
  'async_id_symbol', 'handle_onclose_symbol', 'owner_symbol', 'trigger_async_id_symbol', 'resource_symbol', 'no_message_symbol',
  'messaging_clone_symbol', 'messaging_deserialize_symbol', 'messaging_transfer_symbol', 'messaging_transfer_list_symbol',
  'oninit', 'onpskexchange', 'fs_use_promises_symbol', 'imported_cjs_symbol', 'source_text_module_default_hdo',
  'vm_context_no_contextify', 'vm_dynamic_import_default_internal', 'vm_dynamic_import_main_context_default',
  'vm_dynamic_import_missing_flag', 'vm_dynamic_import_no_callback', 'entry_point_module_private_symbol',
]) {
  perIsolateSymbols[name] = Symbol(name);
}

// ---- globals that the library takes for granted ----

// The engine leaves Atomics out where there are no threads. With one thread every operation is atomic.
if (globalThis.Atomics === undefined) {
  const integer = (view, index) => {
    if (!ArrayBuffer.isView(view) || view instanceof DataView || /Float|Clamped/.test(view[Symbol.toStringTag])) throw new TypeError('[object Array] is not an integer typed array.');
    const i = Math.trunc(Number(index)) || 0;
    if (i < 0 || i >= view.length) throw new RangeError('Invalid atomic access index');
    return i;
  };
  const update = (change) => (view, index, value) => {
    const i = integer(view, index), old = view[i];
    view[i] = change(old, value);
    return old;
  };
  const methods = {
    add: update((a, b) => a + b), and: update((a, b) => a & b), exchange: update((a, b) => b), or: update((a, b) => a | b),
    sub: update((a, b) => a - b), xor: update((a, b) => a ^ b),
    compareExchange(view, index, expected, value) {
      const i = integer(view, index), old = view[i];
      if (old === expected) view[i] = value;
      return old;
    },
    isLockFree: (size) => size === 1 || size === 2 || size === 4 || size === 8,
    load: (view, index) => view[integer(view, index)],
    notify: (view, index) => { integer(view, index); return 0; },
    store: (view, index, value) => { view[integer(view, index)] = value; return value; },
    wait(view, index, value, timeout = Infinity) {
      if (view[integer(view, index)] !== value) return 'not-equal';
      host.sleep(Math.min(timeout, 2 ** 31)); // nobody can wake us
      return 'timed-out';
    },
    waitAsync: () => ({ async: false, value: 'not-equal' }),
  };
  const Atomics = { __proto__: Object.prototype };
  for (const name in methods) Object.defineProperty(Atomics, name, { value: methods[name], writable: true, configurable: true });
  Object.defineProperty(Atomics, Symbol.toStringTag, { value: 'Atomics', configurable: true });
  Object.defineProperty(globalThis, 'Atomics', { value: Atomics, writable: true, configurable: true });
}
// A weak reference's target lives to the end of the job in which the reference was made or asked (ECMA-262, 9.10.1). The engine
// counts references and would let it go at once. loop.js empties the list.
{
  const kept = host.kept = [];
  const Native = globalThis.WeakRef, { prototype } = Native, { deref } = prototype;
  const WeakRef = function WeakRef(target) {
    const ref = Reflect.construct(Native, [target], new.target ?? prototype); // without new: the engine's own error
    kept.push(target);
    return ref;
  };
  Object.defineProperty(WeakRef, 'prototype', { value: prototype, writable: false });
  Object.defineProperty(prototype, 'constructor', { value: WeakRef, writable: true, configurable: true });
  Object.defineProperty(prototype, 'deref', {
    value: {
      deref() {
        const target = Reflect.apply(deref, this, []);
        if (target !== undefined) kept.push(target);
        return target;
      },
    }.deref,
    writable: true, configurable: true,
  });
  Object.defineProperty(globalThis, 'WeakRef', { value: WeakRef, writable: true, configurable: true });
}
// What V8's call sites answer and the engine's don't; libraries that walk stacks ask for some of these.
{
  const prototype = host.callSitePrototype();
  const answers = {
    getThis: () => undefined, getTypeName: () => null, getMethodName: () => null, getEvalOrigin: () => undefined,
    isToplevel: () => true, isEval: () => false, isAsync: () => false, isPromiseAll: () => false, getPromiseIndex: () => null,
    getScriptNameOrSourceURL() { return this.getFileName(); }, getScriptHash: () => '', getPosition: () => 0,
    getEnclosingLineNumber() { return this.getLineNumber(); }, getEnclosingColumnNumber() { return this.getColumnNumber(); },
  };
  for (const name in answers) {
    if (!(name in prototype)) Object.defineProperty(prototype, name, { value: answers[name], writable: true, configurable: true });
  }
}

// ---- process ----

function process() {}
Object.defineProperty(process, 'name', { value: 'process' });
const proc = Object.create(Object.create(process.prototype, { constructor: { value: process, writable: true, configurable: true } }));
Object.assign(proc, {
  version: 'v20.19.2', versions: { node: '20.19.2', quickjs: '0.17.0', modules: '115', openssl: '3.0.16', zlib: '1.3.0.1', brotli: '1.1.0' }, arch: 'x64', platform: 'linux',
  release: { name: 'node', lts: 'Iron' }, argv: ['/var/lang/bin/node', '/var/runtime/index.mjs'], execArgv: [], env: {}, pid: 1, ppid: 0,
  execPath: '/var/lang/bin/node', debugPort: 9229, argv0: 'node', title: 'node', exitCode: undefined,
});

// ---- built-in modules ----

const wrapperArguments = (mod) => [mod.exports, requireBuiltin, mod, proc, internalBinding, primordials, host];
const builtins = new Map(); // id -> {exports, loaded}
// The ids that functions may require. An id outside of it exists, if it does, for the library itself.
const publicIds = [
  '_http_agent', '_http_client', '_http_common', '_http_incoming', '_http_outgoing', '_http_server', '_stream_duplex',
  '_stream_passthrough', '_stream_readable', '_stream_transform', '_stream_wrap', '_stream_writable', '_tls_common', '_tls_wrap',
  'assert', 'assert/strict', 'async_hooks', 'buffer', 'child_process', 'cluster', 'console', 'constants', 'crypto', 'dgram',
  'diagnostics_channel', 'dns', 'dns/promises', 'domain', 'events', 'fs', 'fs/promises', 'http', 'http2', 'https', 'inspector',
  'module', 'net', 'os', 'path', 'path/posix', 'path/win32', 'perf_hooks', 'process', 'punycode', 'querystring', 'readline',
  'readline/promises', 'repl', 'stream', 'stream/consumers', 'stream/promises', 'stream/web', 'string_decoder', 'sys', 'timers',
  'timers/promises', 'tls', 'trace_events', 'tty', 'url', 'util', 'util/types', 'v8', 'vm', 'wasi', 'worker_threads', 'zlib',
];
const publicSet = new Set(publicIds);
const schemeOnly = ['sea', 'sqlite', 'test', 'test/reporters'];

// What Node's library calls BuiltinModule, as far as it's asked.
const BuiltinModule = {
  exists: (id) => publicSet.has(id) || id.startsWith('internal/'),
  canBeRequiredByUsers: (id) => publicSet.has(id),
  canBeRequiredWithoutScheme: (id) => publicSet.has(id),
  isBuiltin: (id) => publicSet.has(id) || (typeof id === 'string' && id.startsWith('node:') && (publicSet.has(id.slice(5)) || schemeOnly.includes(id.slice(5)))),
  normalizeRequirableId(id) {
    if (id.startsWith('node:')) id = id.slice(5);
    return publicSet.has(id) ? id : undefined;
  },
  getSchemeOnlyModuleNames: () => schemeOnly.slice(),
  getCanBeRequiredByUsersWithoutSchemeList: () => publicIds.slice(),
};

// Files of the library that ours stand in for.
const replaced = {
  __proto__: null,
  'internal/bootstrap/realm': () => ({ BuiltinModule, internalBinding, require: requireBuiltin }),
  'internal/util/inspector': () => ({ sendInspectorCommand() {}, isInspectorEnabled: () => false }),
  'internal/console/global': () => globalThis.console,
  'http2': () => requireBuiltin('thaw/http2'),
  'module': () => requireBuiltin('thaw/modules').Module,
  'cluster': () => requireBuiltin('thaw/net').cluster,
};

function requireBuiltin(id) {
  let mod = builtins.get(id);
  if (mod !== undefined) return mod.exports;
  mod = { exports: {}, id, filename: `${id}.js`, loaded: false };
  builtins.set(id, mod);
  if (replaced[id] !== undefined) {
    mod.exports = replaced[id]();
  } else {
    try {
      const wrapper = host.builtin(id);
      Reflect.apply(wrapper, undefined, wrapperArguments(mod));
    } catch (error) {
      builtins.delete(id);
      throw error;
    }
  }
  mod.loaded = true;
  return mod.exports;
}

let bindings;
function internalBinding(name) {
  const found = bindings[name];
  if (found === undefined) throw new Error(`No such binding: ${name}`);
  return typeof found === 'function' ? (bindings[name] = found()) : found;
}

// ---- start ----

const perContext = {};
for (const id of ['primordials', 'domexception', 'messageport']) {
  host.builtin(`internal/per_context/${id}`)(perContext, primordials, privateSymbols, perIsolateSymbols);
}
host.primordials = primordials;
bindings = requireBuiltin('thaw/bindings')({ privateSymbols, perIsolateSymbols, perContext, process: proc, requireBuiltin });
requireBuiltin('thaw/setup')({ publicIds });
return requireBuiltin('thaw/lambda');
