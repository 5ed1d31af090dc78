// The programming model: what a Lambda function sees of the service. The five functions at the end are what thaw.c calls.
//
// Wording and shapes are those of the real runtimes; where these differ by name, `style` decides: names up to nodejs8.10 answer
// and log in the old form.
'use strict';

const loop = require('thaw/loop');
const preloads = require('thaw/preload');
const sourceMaps = require('thaw/source_maps');
const path = require('path');
const { compileFile, Module, allowRequireES, isES, isFile, importModule, loadFile } = require('thaw/modules');
const { types } = host;
const { formatWithOptions, inspect } = require('internal/util/inspect');

const PENDING = 1, ERROR = 2, HANDLED = 4;

// process.version by runtime name, the last release of each line.
const versions = {
  '__proto__': null,
  'nodejs': '0.10.48', 'nodejs4.3': '4.3.2', 'nodejs6.10': '6.10.3', 'nodejs8.10': '8.10.0', 'nodejs10.x': '10.24.1', 'nodejs12.x': '12.22.12',
  'nodejs14.x': '14.21.3', 'nodejs16.x': '16.20.2', 'nodejs18.x': '18.20.8', 'nodejs20.x': '20.19.5', 'nodejs22.x': '22.20.0', 'nodejs24.x': '24.9.0',
};
const codenames = { 4: 'Argon', 6: 'Boron', 8: 'Carbon', 10: 'Dubnium', 12: 'Erbium', 14: 'Fermium', 16: 'Gallium', 18: 'Hydrogen', 20: 'Iron', 22: 'Jod', 24: 'Krypton' };

const style = { old: false, callbacks: true, major: 20 };

function setVersion(runtime) {
  const version = versions[runtime] ?? '20.19.5';
  style.major = Number(version.split('.')[0]) || 0;
  style.old = style.major < 10;
  style.callbacks = runtime !== 'nodejs';
  allowRequireES(style.major >= 20);
  process.version = `v${version}`;
  process.versions.node = version;
  process.release.lts = codenames[style.major];
  process.noDeprecation = style.old ? true : undefined;
}

// ---- log ----

let requestId; // of the invocation that lines belong to

const levels = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };
function line(level, message) {
  const head = `${new Date().toISOString()}\t${requestId}\t`;
  host.log(levels[level], style.old ? head + message : `${head}${level}\t${message}`);
}

const consoleOptions = { __proto__: null };
const format = (args) => (args.length === 1 && typeof args[0] === 'string' ? args[0] : formatWithOptions(consoleOptions, ...args));

function setupConsole() {
  const counts = new Map(), clocks = new Map();
  let indent = '';
  const print = (level, args) => {
    const text = format(args);
    line(level, indent === '' ? text : indent + text.replaceAll('\n', `\n${indent}`));
  };
  const label = (l) => (l === undefined ? 'default' : `${l}`);
  const elapsed = (name) => require('internal/util/debuglog').formatTime(host.monotonic() - clocks.get(name));
  const methods = {
    log(...args) { print('INFO', args); },
    info(...args) { print('INFO', args); },
    debug(...args) { print('DEBUG', args); },
    warn(...args) { print('WARN', args); },
    error(...args) { print('ERROR', args); },
    trace(...args) {
      const error = { name: 'Trace', message: format(args), toString() { return this.message ? `Trace: ${this.message}` : 'Trace'; } };
      Error.captureStackTrace(error, console.trace);
      print(style.major >= 20 ? 'TRACE' : 'ERROR', [error.stack]);
    },
    assert(condition, ...args) {
      if (condition) return;
      if (typeof args[0] === 'string') args[0] = `Assertion failed: ${args[0]}`;
      else args.unshift('Assertion failed');
      print('WARN', args);
    },
    dir(value, options) { print('INFO', [inspect(value, { customInspect: false, ...options })]); },
    dirxml(...args) { print('INFO', args); },
    count(l) { const name = label(l); counts.set(name, (counts.get(name) ?? 0) + 1); print('INFO', [`${name}: ${counts.get(name)}`]); },
    countReset(l) { counts.delete(label(l)); },
    group(...args) { if (args.length > 0) print('INFO', args); indent += '  '; },
    groupEnd() { indent = indent.slice(2); },
    time(l) { clocks.set(label(l), host.monotonic()); },
    timeEnd(l) { const name = label(l); if (clocks.has(name)) { print('INFO', [`${name}: ${elapsed(name)}`]); clocks.delete(name); } },
    timeLog(l, ...args) { const name = label(l); if (clocks.has(name)) print('INFO', [`${name}: ${elapsed(name)}`, ...args]); },
    timeStamp() {}, profile() {}, profileEnd() {},
    table(data, columns) {
      if (data === null || typeof data !== 'object') { print('INFO', [data]); return; }
      const cell = (v) => inspect(v, { maxArrayLength: 3, breakLength: Infinity, depth: v !== null && typeof v === 'object' && !Array.isArray(v) && Object.keys(v).length > 2 ? -1 : 0 });
      const rows = types.isMap(data) ? [...data].map(([k, v], i) => [i, { Key: k, Values: v }]) : types.isSet(data) ? [...data].map((v, i) => [i, v]) : Object.entries(data);
      const keys = columns ?? [...new Set(rows.flatMap(([, r]) => (r !== null && typeof r === 'object' ? Object.keys(r) : [])))];
      const values = columns === undefined && rows.some(([, r]) => r === null || typeof r !== 'object');
      const body = rows.map(([, r]) => {
        const object = r !== null && typeof r === 'object';
        const cells = keys.map((k) => (object && Object.hasOwn(r, k) ? cell(r[k]) : ''));
        if (values) cells.push(object ? '' : cell(r));
        return cells;
      });
      const first = types.isSet(data) || types.isMap(data) ? '(iteration index)' : '(index)';
      const head = values ? [first, ...keys, 'Values'] : [first, ...keys];
      const columnsOf = head.map((_, i) => rows.map(([k], n) => (i === 0 ? `${k}` : body[n][i - 1])));
      print('INFO', [require('internal/cli_table')(head, columnsOf)]);
    },
  };
  methods.groupCollapsed = methods.group;
  const console = globalThis.console ?? {};
  for (const name in methods) Object.defineProperty(console, name, { value: methods[name], writable: true, configurable: true, enumerable: true });
  Object.defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });
  Object.defineProperty(globalThis, 'console', { value: console, writable: true, configurable: true });
  let Console;
  Object.defineProperty(console, 'Console', { get: () => (Console ??= require('internal/console/constructor').Console), set(v) { Console = v; }, configurable: true });
}

// ---- errors ----

const isError = (value) => types.isNativeError(value) || (value !== null && typeof value === 'object' && typeof value.name === 'string' && typeof value.message === 'string' && typeof value.stack === 'string');
const lines = (stack) => (typeof stack === 'string' ? stack.split('\n') : []);

// The runtime's own frames are no business of the function's.
const ownFrame = / \(?node:thaw\//;

// The JSON object that the caller of Invoke gets.
function errorObject(error) {
  try {
    if (style.old) {
      if (isError(error)) {
        const frames = lines(error.stack).filter((l) => /^\s+at /.test(l) && !ownFrame.test(l)).map((l) => l.trim().slice(3));
        return { errorMessage: `${error.message}`, errorType: `${error.name}`, stackTrace: frames };
      }
      return error !== null && typeof error === 'object' ? { errorMessage: stringifyOr(error) } : { errorMessage: `${String(error)}` };
    }
    if (isError(error)) {
      return { errorType: `${error.name}`.replaceAll('\x7F', '%7F'), errorMessage: `${error.message}`.replaceAll('\x7F', '%7F'), trace: lines(error.stack).filter((l) => !ownFrame.test(l)) };
    }
    return { errorType: typeof error, errorMessage: error === null || typeof error !== 'object' ? String(error) : `${error}`, trace: [] };
  } catch {
    return { errorType: 'handled', errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack' };
  }
}
function stringifies(value) {
  try { return JSON.stringify(value) !== undefined; } catch { return false; }
}
function stringifyOr(value) {
  try { return JSON.stringify(value); } catch { return `${value}`; }
}

// What the log says about an error: also its own properties.
const MAX_ERROR = 256 << 10; // bytes of an error that are logged
function errorLine(text) {
  if (text.length * 3 > MAX_ERROR && Buffer.byteLength(text) > MAX_ERROR) { // cut at a character
    let at = Math.min(text.length, MAX_ERROR);
    while (Buffer.byteLength(text.slice(0, at)) > MAX_ERROR) at -= Math.ceil((Buffer.byteLength(text.slice(0, at)) - MAX_ERROR) / 3);
    text = `${text.slice(0, at).toWellFormed().replace(/\uFFFD$/, '')} Truncated by Lambda`;
  }
  line('ERROR', text);
}

function logError(title, error) {
  try {
    if (style.old) {
      errorLine(JSON.stringify(errorObject(error)));
      return;
    }
    const detail = isError(error) ? { errorType: error.name, errorMessage: error.message, ...error, stack: lines(error.stack).filter((l) => !ownFrame.test(l)) } : { errorType: typeof error, errorMessage: `${error}`, stack: [] };
    errorLine(`${title} \t${JSON.stringify(detail)}`);
  } catch {
    errorLine(`${title} \t${JSON.stringify(errorObject(error))}`);
  }
}

class NamedError extends Error {
  constructor(name, message) {
    super(message);
    Object.defineProperty(this, 'name', { value: name, writable: true, configurable: true });
  }
}
const named = (name, message) => {
  const error = new NamedError(name, message);
  Object.defineProperty(error, 'name', { enumerable: false });
  return error;
};

// ---- one invocation ----

let current = null; // {answered, settled: string or [status, payload], waits, async}

function settle(invocation, outcome) {
  if (invocation === null || invocation.settled !== null) return;
  invocation.settled = outcome;
}

function failWith(invocation, error, status, title) {
  if (invocation === null || invocation.settled !== null) return;
  logError(title, error);
  // What the function reports must be representable: else it has failed (guide, context.fail).
  if (status === HANDLED && style.old && error !== null && typeof error === 'object' && !isError(error) && !stringifies(error)) status = ERROR;
  settle(invocation, [status, JSON.stringify(errorObject(error))]);
}

function succeedWith(invocation, result) {
  if (invocation.settled !== null) return;
  let text;
  try {
    text = JSON.stringify(result === undefined ? null : result);
    if (text === undefined) text = 'null';
  } catch (error) {
    failWith(invocation, named('Runtime.MarshalError', style.old ? `Unable to stringify body as json: ${error}` : `Unable to stringify response body${error?.message ? `: ${error.message}` : ''}`), ERROR, 'Invoke Error');
    return;
  }
  settle(invocation, text);
}

// What every context says alike: read once, not per invocation.
const fixed = { functionName: undefined, functionVersion: undefined, memoryLimitInMB: undefined, logGroupName: undefined, logStreamName: undefined };
function readFixed() {
  const { env } = process;
  fixed.functionName = env.AWS_LAMBDA_FUNCTION_NAME;
  fixed.functionVersion = env.AWS_LAMBDA_FUNCTION_VERSION;
  fixed.memoryLimitInMB = env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE;
  fixed.logGroupName = env.AWS_LAMBDA_LOG_GROUP_NAME;
  fixed.logStreamName = env.AWS_LAMBDA_LOG_STREAM_NAME;
}

function getRemainingTimeInMillis() { return host.remainingTime(); }

function makeContext(id, arn, client, identity, pool) {
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: fixed.functionVersion,
    functionName: fixed.functionName,
    memoryLimitInMB: fixed.memoryLimitInMB,
    logGroupName: fixed.logGroupName,
    logStreamName: fixed.logStreamName,
    clientContext: client === undefined ? undefined : JSON.parse(client),
    identity: undefined,
    invokedFunctionArn: arn,
    awsRequestId: id,
    getRemainingTimeInMillis,
    succeed: undefined, fail: undefined, done: undefined,
  };
  if (identity !== undefined || pool !== undefined) {
    context.identity = { cognitoIdentityId: identity, cognitoIdentityPoolId: pool };
    // The spelling of the guide of 2016.
    Object.defineProperty(context.identity, 'cognito_identity_id', { value: identity });
    Object.defineProperty(context.identity, 'cognito_identity_pool_id', { value: pool });
  }
  return context;
}

let handler = null, handlerIsAsync = false, defaults = {};

let lastTrace;

function invoke(event, malformed, id, arn, trace, client, identity, pool) {
  requestId = id;
  if (trace !== lastTrace) {
    lastTrace = trace;
    if (trace !== undefined) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
  }
  const invocation = current = { settled: null, waiting: null };
  if (loop.io.ask()) loop.round(); // what happened to sockets meanwhile: an agent shouldn't use one that the server has closed
  if (malformed) {
    failWith(invocation, named('Runtime.UnmarshalError', `Unable to unmarshal the event: ${event?.message ?? event}`), ERROR, 'Invoke Error');
    return finish(invocation);
  }
  let context;
  try {
    context = makeContext(id, arn, client, identity, pool);
  } catch (error) {
    failWith(invocation, named('Runtime.UnmarshalError', `Unable to parse ClientContext: ${error.message}`), ERROR, 'Invoke Error');
    return finish(invocation);
  }
  // succeed, fail and done end the invocation at once, whatever the loop holds. None of them refers to the context: without a
  // cycle nothing of an invocation waits for the garbage collector, whose run costs as much as hundreds of invocations.
  context.succeed = (result) => succeedWith(invocation, result);
  context.fail = (error) => failWith(invocation, failure(error), HANDLED, 'Invoke Error');
  context.done = (error, result) => (error !== undefined && error !== null ? failWith(invocation, error, HANDLED, 'Invoke Error') : succeedWith(invocation, result));
  // A callback's answer waits until the loop is empty, unless the function says that it need not.
  const callback = (error, result) => {
    if (invocation.settled !== null || invocation.waiting !== null) return;
    if (context.callbackWaitsForEmptyEventLoop) invocation.waiting = [error, result];
    else answerCallback(invocation, error, result);
  };
  let returned;
  try {
    returned = style.callbacks ? handler(event, context, callback) : handler(event, context);
  } catch (error) {
    failWith(invocation, error, ERROR, 'Invoke Error');
  }
  if (returned !== null && typeof returned === 'object' && style.major >= 8) {
    if (host.adopt(returned)) { // a promise of the engine's own: usually settled once its jobs have run, and then needs no reactions
      loop.drain();
      const state = host.promiseState(returned);
      if (state === 1) succeedWith(invocation, host.promiseResult(returned));
      else if (state === 2) failWith(invocation, host.promiseResult(returned), ERROR, 'Invoke Error');
      else follow(invocation, returned);
    } else if (typeof returned.then === 'function') {
      follow(invocation, returned);
      loop.drain();
    }
  } else loop.drain();
  return invocation.settled !== null ? finish(invocation) : run(invocation);
}

const failure = (error) => (error === undefined || error === null ? (style.old ? null : 'handled') : error);

function follow(invocation, promise) {
  promise.then((result) => succeedWith(invocation, result), (error) => failWith(invocation, error, ERROR, 'Invoke Error'));
}

function answerCallback(invocation, error, result) {
  if (error !== undefined && error !== null) failWith(invocation, error, HANDLED, 'Invoke Error');
  else succeedWith(invocation, result);
}

// Runs the loop until the invocation has its answer or has to wait.
function run(invocation) {
  for (;;) {
    if (invocation.settled !== null) return finish(invocation);
    if (loop.alive()) {
      if (loop.ready()) {
        loop.round();
        continue;
      }
      const at = loop.wakeAt(), descriptors = loop.io.waits();
      if (at >= 0 || descriptors !== undefined) return [PENDING, at, descriptors];
    }
    // The loop is empty.
    if (invocation.waiting !== null) {
      answerCallback(invocation, invocation.waiting[0], invocation.waiting[1]);
      continue;
    }
    process.emit('beforeExit', 0);
    loop.drain();
    if (loop.alive() || invocation.settled !== null) continue;
    if (handlerIsAsync && style.major >= 18) {
      failWith(invocation, named('Runtime.NodeJsExit', 'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#process_exit_codes'), ERROR, 'Invoke Error');
    } else {
      settle(invocation, 'null');
    }
  }
}

function finish(invocation) {
  if (current === invocation) current = null;
  return invocation.settled;
}

function turn(flags) {
  if (current === null) return 'null';
  loop.io.ask();
  return run(current);
}

// An exception that nobody caught: the process of a real Lambda ends; here the invocation does.
loop.state.uncaughtHandler = (error, fromPromise) => {
  const capture = process.uncaughtCapture();
  try {
    if (capture !== null) { capture(error); return; }
    const origin = fromPromise ? 'unhandledRejection' : 'uncaughtException';
    process.emit('uncaughtExceptionMonitor', error, origin);
    if (process.emit('uncaughtException', error, origin)) return;
  } catch (e) {
    error = e;
  }
  if (fromPromise && !style.old) {
    const reason = error;
    error = named('Runtime.UnhandledPromiseRejection', isError(reason) ? `${reason.name === 'UnhandledPromiseRejection' ? reason.message : String(reason)}` : String(reason));
    Object.defineProperty(error, 'reason', { value: reason, enumerable: false });
    if (isError(reason)) error.stack = `${error.name}: ${error.message}\n${lines(reason.stack).filter((l) => /^\s+at /.test(l)).join('\n')}`;
    logError('Unhandled Promise Rejection', error);
  } else {
    logError('Uncaught Exception', error);
  }
  if (current !== null) settle(current, [ERROR, JSON.stringify(errorObject(error))]);
  else if (loading !== null) loading.failed ??= { error };
};

// ---- loading ----

let loading = null; // {failed}

function findHandler(taskRoot, text) {
  if (text.includes('..')) throw named('Runtime.MalformedHandlerName', `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const folder = text.slice(0, text.lastIndexOf('/') + 1), base = text.slice(folder.length);
  const dot = base.indexOf('.');
  if (dot < 0) throw named('Runtime.MalformedHandlerName', 'Bad handler');
  const moduleName = base.slice(0, dot), property = base.slice(dot + 1);
  const pick = (exports) => {
    let found = exports;
    for (const key of property.split('.')) found = found?.[key];
    if (found === undefined) {
      throw style.old ? new Error(`Handler '${property}' missing on module '${folder}${moduleName}'`) : named('Runtime.HandlerNotFound', `${text} is undefined or not exported`);
    }
    if (typeof found !== 'function') {
      throw style.old ? new Error(`Handler '${property}' missing on module '${folder}${moduleName}'`) : named('Runtime.HandlerNotFound', `${text} is not a function`);
    }
    return found;
  };
  const root = folder === '' && moduleName !== '' ? `${taskRoot}/${moduleName}` : path.resolve(taskRoot, folder, moduleName);
  let file;
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    if (isFile(root + extension)) { file = root + extension; break; }
  }
  const parent = new Module('/var/runtime/index.mjs');
  parent.filename = '/var/runtime/index.mjs';
  parent.paths = [];
  const translate = (error) => {
    if (style.old) throw error;
    if (error instanceof SyntaxError) throw withStackOf(named('Runtime.UserCodeSyntaxError', `${error}`), error);
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') throw withStackOf(named('Runtime.ImportModuleError', `${error}`), error);
    throw error;
  };
  if (file !== undefined && isES(file)) {
    return importModule(file).then((namespace) => pick(namespace), translate);
  }
  let exports;
  try {
    exports = file === undefined || file === root ? Module._load(Module._resolveFilename(`./${folder}${moduleName}`, parent, false, { paths: [taskRoot] }), parent, false) : loadFile(file, parent);
  } catch (error) {
    if (error?.code === 'MODULE_NOT_FOUND' && error.requireStack?.length === 1) { // the handler's own file
      error.message = style.old ? `Cannot find module '${root}'` : `Cannot find module '${moduleName}'\nRequire stack:\n- /var/runtime/index.mjs`;
    }
    translate(error);
  }
  return pick(exports);
}

function withStackOf(error, from) {
  const frames = lines(from.stack).slice(`${from}`.split('\n').length);
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
  return error;
}

// A function without a name of its own shows in traces as V8 names one that was assigned to exports.
function nameHandler(text, fn) {
  if (fn.name === '') Object.defineProperty(fn, 'name', { value: `exports.${text.slice(text.lastIndexOf('.') + 1)}`, configurable: true });
}

function load(runtime, handlerText, taskRoot, functionName, version, memory, group, stream, arn) {
  setVersion(runtime);
  if (style.major >= 22) require('internal/util').exposeLazyInterfaces(globalThis, 'internal/deps/undici/undici', ['WebSocket', 'CloseEvent']);
  requestId = undefined;
  loop.state.cwd = taskRoot;
  process.env.LAMBDA_TASK_ROOT ??= taskRoot;
  defaults = {
    AWS_LAMBDA_FUNCTION_NAME: functionName, AWS_LAMBDA_FUNCTION_VERSION: version, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory,
    AWS_LAMBDA_LOG_GROUP_NAME: group, AWS_LAMBDA_LOG_STREAM_NAME: stream,
  };
  applyDefaults();
  readFixed();
  loading = { failed: null };
  let found, settled = false;
  loop.callback(() => {
    try {
      const r = findHandler(taskRoot, handlerText);
      if (typeof r === 'function') {
        found = r;
        settled = true;
        return;
      }
      r.then((f) => { found = f; settled = true; }, (error) => { loading.failed ??= { error, logged: false }; settled = true; });
    } catch (error) {
      loading.failed ??= { error, logged: false };
      settled = true;
    }
  });
  // Top-level await: LOAD can't be pending, so the loop waits here.
  while (!settled && loading.failed === null) {
    const alive = loop.alive();
    if (alive && loop.ready()) { loop.round(); continue; }
    const at = alive ? loop.wakeAt() : -1;
    if (at < 0) {
      loading.failed = { error: named('Runtime.NodeJsExit', 'Top-level await never settled'), logged: false };
      break;
    }
    host.sleep(at - host.monotonic());
  }
  const failed = loading.failed;
  loading = null;
  if (failed !== null) {
    if (failed.logged === false) logError('Uncaught Exception', failed.error);
    return [ERROR, JSON.stringify(errorObject(failed.error))];
  }
  handler = found;
  nameHandler(handlerText, handler);
  internalBinding('crypto').release();
  handlerIsAsync = types.isAsyncFunction(handler);
  return 'null';
}

// ---- environment ----

// Values of process.env are strings: what is assigned becomes one.
const environmentTraps = {
  set(target, key, value) { if (typeof key === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string'); target[key] = `${value}`; if (key === 'TZ') setTimeZone(target.TZ); return true; },
  deleteProperty(target, key) { delete target[key]; if (key === 'TZ') setTimeZone(''); return true; },
  defineProperty(target, key, descriptor) {
    if ('value' in descriptor) return Reflect.defineProperty(target, key, { value: `${descriptor.value}`, writable: true, enumerable: true, configurable: true });
    return Reflect.defineProperty(target, key, descriptor);
  },
};
// TZ may begin with a colon, and what is no known zone is UTC.
const setTimeZone = (name) => { host.service.setTimeZone(name === undefined || name === 'UTC' || name === ':UTC' ? '' : name.replace(/^:/, '')); };
const environment = (values) => new Proxy(values, environmentTraps);

// What the host's environment may leave out.
function applyDefaults() {
  for (const key in defaults) if (process.env[key] === undefined && defaults[key] !== undefined) process.env[key] = defaults[key];
}

function restore(values) {
  process.env = environment(values);
  setTimeZone(values.TZ);
  applyDefaults();
  readFixed();
  lastTrace = undefined;
  internalBinding('crypto').reseed();
  sourceMaps.enable(/(^|\s)--enable-source-maps(\s|$)/.test(values.NODE_OPTIONS ?? ''));
  for (const again of preloads.restored) again();
  loop.drain();
}

function trim() { loop.drain(); }

setupConsole();

// The engine keeps how an object is laid out as long as there is one of its kind. These keep what every instance and every
// invocation makes, the environment as the host sends it among them, so that it is in the runtime snapshot.
module.kept = [
  makeContext('', '', undefined, undefined, undefined), { settled: null, waiting: null },
  {
    AWS_DEFAULT_REGION: '', AWS_EXECUTION_ENV: '', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '', AWS_LAMBDA_FUNCTION_NAME: '',
    AWS_LAMBDA_FUNCTION_VERSION: '', AWS_LAMBDA_INITIALIZATION_TYPE: '', AWS_LAMBDA_LOG_GROUP_NAME: '', AWS_LAMBDA_LOG_STREAM_NAME: '',
    AWS_REGION: '', LAMBDA_RUNTIME_DIR: '', LAMBDA_TASK_ROOT: '', LANG: '', LD_LIBRARY_PATH: '', NODE_PATH: '', PATH: '', TZ: '', _HANDLER: '',
  },
];
module.exports = { compile: compileFile, preload: preloads.preload, restore, load, invoke, turn, trim };
