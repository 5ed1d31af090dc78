// The process object, as lib/internal/bootstrap/node.js and its switches set it up in Node, without what needs a process of
// its own.
'use strict';

const loop = require('thaw/loop');
const { UVException, codes: { ERR_INVALID_ARG_TYPE, ERR_UNCAUGHT_EXCEPTION_CAPTURE_ALREADY_SET } } = require('internal/errors');
const { validateInteger, validateString, parseFileMode, validateArray, validateUint32 } = require('internal/validators');
const { deprecate } = require('internal/util');
const path = require('path');

const raw = internalBinding('process_methods');
const perThread = require('internal/process/per_thread');

module.exports = function setupProcess() {
  const wrapped = perThread.wrapProcessMethods(raw);
  Object.assign(process, {
    domain: null, config: deepFreeze({ target_defaults: { cflags: [], default_configuration: 'Release', defines: [], include_dirs: [], libraries: [] }, variables: { napi_build_version: '9', node_module_version: 115, v8_enable_i18n_support: 0 } }),
    uptime: raw.uptime, reallyExit: raw.reallyExit, _kill: raw._kill, _rawDebug: wrapped._rawDebug, cpuUsage: wrapped.cpuUsage,
    resourceUsage: wrapped.resourceUsage, memoryUsage: wrapped.memoryUsage, constrainedMemory: raw.constrainedMemory,
    availableMemory: raw.availableMemory, kill: wrapped.kill, hrtime: perThread.hrtime, abort: raw.abort, dlopen: raw.dlopen,
    loadEnvFile: wrapped.loadEnvFile, _getActiveRequests: raw._getActiveRequests, _getActiveHandles: raw._getActiveHandles,
    getActiveResourcesInfo: activeResources, exit: wrapped.exit, cwd, chdir, umask, report: undefined,
    openStdin() { process.stdin.resume(); return process.stdin; },
    assert: deprecate(perThread.assert, 'process.assert() is deprecated. Please use the `assert` module instead.', 'DEP0100'),
    getBuiltinModule(id) {
      validateString(id, 'id');
      const { BuiltinModule } = require('internal/bootstrap/realm');
      const found = BuiltinModule.normalizeRequirableId(id);
      return found === undefined ? undefined : require(found);
    },
  });
  delete process.report;
  process.hrtime.bigint = perThread.hrtimeBigInt;
  setupExit();
  setupCredentials();
  setupCapture();
  Object.defineProperty(process, 'features', {
    enumerable: true,
    value: {
      inspector: false, debug: false, uv: true, ipv6: true, tls_alpn: true, tls_sni: true, tls_ocsp: false, tls: true, cached_builtins: true, require_module: false,
    },
  });
  lazy(process, 'allowedNodeEnvironmentFlags', () => perThread.buildAllowedFlags());
  const warning = require('internal/process/warning');
  process.emitWarning = warning.emitWarning;
  process.on('warning', warning.onWarning);
};

function deepFreeze(object) {
  for (const value of Object.values(object)) if (typeof value === 'object') deepFreeze(value);
  return Object.freeze(object);
}

function lazy(object, name, make) {
  const set = (value) => Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
  Object.defineProperty(object, name, { get: () => { const value = make(); set(value); return value; }, set, enumerable: true, configurable: true });
}

// ---- working folder and file mode mask ----

let mask = 0o022;

function cwd() { return loop.state.cwd; }

function chdir(directory) {
  validateString(directory, 'directory');
  const to = path.resolve(directory);
  const kind = host.files.kind(to);
  if (kind !== 1) {
    const { UV_ENOENT, UV_ENOTDIR } = internalBinding('uv');
    throw new UVException({ errno: kind === 0 ? UV_ENOTDIR : UV_ENOENT, syscall: 'chdir', path: cwd(), dest: directory });
  }
  loop.state.cwd = to;
}

function umask(to) {
  const old = mask;
  if (to !== undefined) mask = parseFileMode(to, 'mask') & 0o777;
  return old;
}

// ---- exit ----

function setupExit() {
  let exiting = false, exitCode;
  Object.defineProperty(process, '_exiting', { get: () => exiting, set(value) { exiting = Boolean(value); }, enumerable: true, configurable: true });
  Object.defineProperty(process, 'exitCode', {
    get: () => exitCode,
    set(code) {
      if (code !== null && code !== undefined) {
        let value = code;
        if (typeof code === 'string' && code !== '' && Number.isNaN(value = Number(code))) value = code;
        validateInteger(value, 'code');
      }
      exitCode = code;
    },
    enumerable: true, configurable: false,
  });
}

// ---- users and groups ----

// A function is one user, for ever.
function setupCredentials() {
  const credentials = internalBinding('credentials');
  for (const name of ['getuid', 'geteuid', 'getgid', 'getegid', 'getgroups']) process[name] = credentials[name];
  const check = (id, name) => {
    if (typeof id === 'number') validateUint32(id, name);
    else if (typeof id !== 'string') throw new ERR_INVALID_ARG_TYPE(name, ['number', 'string'], id);
  };
  const refuse = (syscall) => {
    const error = new Error(`EPERM, Operation not permitted`);
    throw Object.assign(error, { code: 'EPERM', errno: 1, syscall });
  };
  for (const [name, type, own] of [['setuid', 'User', 993], ['seteuid', 'User', 993], ['setgid', 'Group', 990], ['setegid', 'Group', 990]]) {
    process[name] = (id) => {
      check(id, 'id');
      if (typeof id === 'string') {
        const { codes: { ERR_UNKNOWN_CREDENTIAL } } = require('internal/errors');
        throw new ERR_UNKNOWN_CREDENTIAL(type, id);
      }
      if (id !== own) refuse(name);
    };
  }
  process.initgroups = (user, group) => {
    check(user, 'user');
    check(group, 'extraGroup');
    const { codes: { ERR_UNKNOWN_CREDENTIAL } } = require('internal/errors');
    if (typeof group === 'string') throw new ERR_UNKNOWN_CREDENTIAL('Group', group);
    refuse('initgroups');
  };
  process.setgroups = (groups) => {
    validateArray(groups, 'groups');
    groups.forEach((g, i) => check(g, `groups[${i}]`));
    const { codes: { ERR_UNKNOWN_CREDENTIAL } } = require('internal/errors');
    const unknown = groups.find((g) => typeof g === 'string');
    if (unknown !== undefined) throw new ERR_UNKNOWN_CREDENTIAL('Group', unknown);
    refuse('setgroups');
  };
}

// ---- uncaught exceptions ----

function setupCapture() {
  let captured = null;
  process.setUncaughtExceptionCaptureCallback = function setUncaughtExceptionCaptureCallback(fn) {
    if (fn !== null) {
      if (typeof fn !== 'function') throw new ERR_INVALID_ARG_TYPE('fn', ['Function', 'null'], fn);
      if (captured !== null) throw new ERR_UNCAUGHT_EXCEPTION_CAPTURE_ALREADY_SET();
    }
    captured = fn;
  };
  process.hasUncaughtExceptionCaptureCallback = () => captured !== null;
  Object.defineProperty(process, 'uncaughtCapture', { value: () => captured, configurable: true });
}

// ---- what keeps the loop alive ----

function activeResources() {
  const names = raw.getActiveResourcesInfo();
  for (let i = loop.activeTimers(); i > 0; i--) names.push('Timeout');
  for (let i = loop.activeImmediates(); i > 0; i--) names.push('Immediate');
  return names;
}
