// Users' code: CommonJS and ES modules, found and loaded as Node does.
'use strict';

const path = require('path');
const { files } = host;
const { BuiltinModule } = require('internal/bootstrap/realm');
const { validateString } = require('internal/validators');

// Names of files are nearly always absolute and normal. For these it is faster not to have path walk them by character.
const isNormal = (name) => name.startsWith('/') && !name.includes('//') && !name.includes('/.') && !name.endsWith('/');
const dirname = (name) => (isNormal(name) ? name.slice(0, name.lastIndexOf('/')) || '/' : path.dirname(name));
const basename = (name) => (isNormal(name) ? name.slice(name.lastIndexOf('/') + 1) : path.basename(name));
const inFolder = (folder, name) => (isNormal(folder) ? `${folder}/${name}` : path.join(folder, name));

const isFile = (name) => files.kind(name) === 0;
const isFolder = (name) => files.kind(name) === 1;

function coded(error, code, more) {
  error.code = code;
  return Object.assign(error, more);
}

function readText(name) {
  const text = files.readText(name, true);
  if (typeof text === 'number') {
    const { UVException } = require('internal/errors');
    throw new UVException({ errno: text, syscall: 'open', path: name });
  }
  return text;
}

// ---- package.json ----

const packages = new Map(); // folder -> parsed package.json or null
function readPackage(folder) {
  let found = packages.get(folder);
  if (found !== undefined) return found;
  const name = inFolder(folder, 'package.json');
  const text = files.readText(name, true);
  found = null;
  if (typeof text === 'string') {
    try {
      found = JSON.parse(text);
    } catch (error) {
      throw coded(new Error(`Invalid package config ${name}. ${error.message}`), 'ERR_INVALID_PACKAGE_CONFIG');
    }
    if (found === null || typeof found !== 'object') found = {};
  }
  packages.set(folder, found);
  return found;
}

// The nearest package.json above a file: [folder, contents] or null.
function packageScope(filename) {
  for (let folder = dirname(filename); ; folder = dirname(folder)) {
    if (folder === '/' || folder === '/var' || basename(folder) === 'node_modules') return null; // they hold nothing but the folders of the contract
    const found = readPackage(folder);
    if (found !== null) return [folder, found];
  }
}

const isModuleType = (filename) => packageScope(filename)?.[1].type === 'module';

// "exports" and "imports" of package.json (https://nodejs.org/api/esm.html#resolution-algorithm-specification)
function target(value, folder, key, star, conditions, internal) {
  if (typeof value === 'string') {
    if (!value.startsWith('./')) {
      if (internal && !value.startsWith('../') && !value.startsWith('/')) return { bare: star === undefined ? value : value.replaceAll('*', star) };
      throw coded(new Error(`Invalid "${internal ? 'imports' : 'exports'}" target ${JSON.stringify(value)} defined for '${key}' in the package config ${folder}/package.json`), 'ERR_INVALID_PACKAGE_TARGET');
    }
    return path.join(folder, star === undefined ? value : value.replaceAll('*', star));
  }
  if (Array.isArray(value)) {
    for (const v of value) {
      let r;
      try { r = target(v, folder, key, star, conditions, internal); } catch { continue; }
      if (r !== undefined && r !== null) return r;
    }
    return value.length === 0 ? null : undefined;
  }
  if (value !== null && typeof value === 'object') {
    for (const condition of Object.keys(value)) {
      if (condition === 'default' || conditions.has(condition)) {
        const r = target(value[condition], folder, key, star, conditions, internal);
        if (r !== undefined) return r;
      }
    }
    return undefined;
  }
  return value === null ? null : undefined;
}

function mapped(map, key, folder, conditions, internal) {
  if (Object.hasOwn(map, key) && !key.includes('*') && !key.endsWith('/')) return target(map[key], folder, key, undefined, conditions, internal);
  let best, bestStar;
  for (const pattern of Object.keys(map)) {
    const at = pattern.indexOf('*');
    if (at < 0) continue;
    const before = pattern.slice(0, at), after = pattern.slice(at + 1);
    if (key.startsWith(before) && key !== before && key.length >= pattern.length && key.endsWith(after) && (best === undefined || at > best.indexOf('*'))) {
      best = pattern;
      bestStar = key.slice(at, key.length - after.length);
    }
  }
  return best === undefined ? undefined : target(map[best], folder, best, bestStar, conditions, internal);
}

function packageExports(folder, pkg, subpath, conditions, from) {
  let map = pkg.exports;
  if (typeof map === 'string' || Array.isArray(map) || (map !== null && typeof map === 'object' && !Object.keys(map).some((k) => k.startsWith('.')))) map = { '.': map };
  const found = mapped(map, subpath, folder, conditions, false);
  if (typeof found === 'string') return found;
  const what = subpath === '.' ? 'No "exports" main defined' : `Package subpath '${subpath}' is not defined by "exports"`;
  throw coded(new Error(`${what} in ${folder}/package.json${from ? ` imported from ${from}` : ''}`), 'ERR_PACKAGE_PATH_NOT_EXPORTED');
}

const requireConditions = new Set(['node', 'require', 'module-sync', 'node-addons']);
const importConditions = new Set(['node', 'import', 'module-sync', 'node-addons']);

function splitBare(request) {
  const parts = request.split('/');
  const n = request.startsWith('@') ? 2 : 1;
  return [parts.slice(0, n).join('/'), parts.length > n ? `./${parts.slice(n).join('/')}` : '.'];
}

// ---- CommonJS ----

const extensions = { __proto__: null };

function withExtension(name) {
  if (isFile(name)) return name;
  for (const extension of Object.keys(extensions)) {
    if (isFile(name + extension)) return name + extension;
  }
  return undefined;
}

function asFileOrFolder(name, trailing) {
  if (!trailing) {
    const file = withExtension(name);
    if (file !== undefined) return file;
  }
  if (!isFolder(name)) return undefined;
  const main = readPackage(name)?.main;
  if (typeof main === 'string' && main !== '') {
    const file = withExtension(path.resolve(name, main)) ?? withExtension(path.resolve(name, main, 'index'));
    if (file !== undefined) return file;
  }
  return withExtension(path.join(name, 'index'));
}

function nodeModulePaths(from) {
  const paths = [];
  for (let folder = isNormal(from) ? from : path.resolve(from); ; folder = dirname(folder)) {
    if (basename(folder) !== 'node_modules') paths.push(inFolder(folder, 'node_modules'));
    if (folder === '/') break;
  }
  return paths;
}

const globalPaths = () => (process.env.NODE_PATH ?? '/opt/nodejs/node_modules:/var/runtime/node_modules').split(':').filter(Boolean);

function resolveBare(request, folders, conditions, parentFile) {
  const [name, subpath] = splitBare(request);
  if (parentFile) { // a package may import itself by name
    const scope = packageScope(parentFile);
    if (scope !== null && scope[1].name === name && scope[1].exports !== undefined && scope[1].exports !== null) return packageExports(scope[0], scope[1], subpath, conditions, parentFile);
  }
  for (const folder of folders) {
    const home = path.join(folder, name);
    const pkg = isFolder(home) ? readPackage(home) : null;
    if (pkg !== null && pkg.exports !== undefined && pkg.exports !== null) return packageExports(home, pkg, subpath, conditions, parentFile);
    const found = asFileOrFolder(path.join(folder, request), request.endsWith('/'));
    if (found !== undefined) return found;
  }
  return undefined;
}

function resolveImports(request, filename, conditions) {
  const scope = packageScope(filename);
  if (scope !== null && scope[1].imports !== null && typeof scope[1].imports === 'object') {
    const found = mapped(scope[1].imports, request, scope[0], conditions, true);
    if (found !== undefined && found !== null) return found;
  }
  throw coded(new TypeError(`Package import specifier "${request}" is not defined${scope ? ` in package ${scope[0]}/package.json` : ''} imported from ${filename}`), 'ERR_PACKAGE_IMPORT_NOT_DEFINED');
}

const isRelative = (request) => request === '.' || request === '..' || request.startsWith('./') || request.startsWith('../');

function Module(id = '', parent) {
  this.id = id;
  this.path = dirname(id);
  this.exports = {};
  Object.defineProperty(this, 'parent', { value: parent, writable: true, configurable: true, enumerable: false });
  this.filename = null;
  this.loaded = false;
  this.children = [];
  parent?.children?.push(this);
}

Module._cache = { __proto__: null };
Module._extensions = extensions;
Module._pathCache = { __proto__: null };
Module.globalPaths = [];
Module.builtinModules = BuiltinModule.getCanBeRequiredByUsersWithoutSchemeList();
Module.isBuiltin = BuiltinModule.isBuiltin;
Module.Module = Module;
Module._nodeModulePaths = nodeModulePaths;
Module.wrapper = ['(function (exports, require, module, __filename, __dirname) { ', '\n});'];
Module.wrap = (script) => Module.wrapper[0] + script + Module.wrapper[1];
Module._resolveLookupPaths = (request, parent) => (BuiltinModule.isBuiltin(request) ? null : isRelative(request) ? [parent?.path ?? '.'] : [...(parent?.paths ?? []), ...globalPaths()]);
Module.syncBuiltinESMExports = () => {};
Module.findSourceMap = (file) => require('thaw/source_maps').findSourceMap(file);
Object.defineProperty(Module, 'SourceMap', { get: () => require('internal/source_map/source_map').SourceMap, configurable: true });
Module.register = () => {};
Module._initPaths = () => {};
Module._preloadModules = () => {};
Module.runMain = () => {};
Module._findPath = (request, paths) => {
  for (const folder of paths ?? ['']) {
    const found = asFileOrFolder(path.resolve(folder, request), request.endsWith('/'));
    if (found !== undefined) return found;
  }
  return false;
};

Module._resolveFilename = function _resolveFilename(request, parent, isMain, options) {
  if (BuiltinModule.isBuiltin(request)) return request;
  if (request.startsWith('node:')) throw coded(new Error(`No such built-in module: ${request}`), 'ERR_UNKNOWN_BUILTIN_MODULE');
  let found;
  const bases = options?.paths;
  if (bases !== undefined) {
    for (const base of bases) {
      found = isRelative(request) || path.isAbsolute(request) ? asFileOrFolder(path.resolve(base, request), request.endsWith('/')) :
        resolveBare(request, [...nodeModulePaths(base), ...globalPaths()], requireConditions);
      if (found !== undefined) return found;
    }
  } else {
    const from = parent?.filename ? dirname(parent.filename) : parent?.path ?? process.cwd();
    if (isRelative(request) || path.isAbsolute(request)) {
      found = asFileOrFolder(path.resolve(from, request), /(?:^|\/)\.?\.?\/?$/.test(request) && request.endsWith('/'));
    } else if (request.startsWith('#') && parent?.filename) {
      found = resolveImports(request, parent.filename, requireConditions);
      if (typeof found === 'object') return Module._resolveFilename(found.bare, parent);
    } else {
      found = resolveBare(request, [...(parent?.paths ?? nodeModulePaths(from)), ...globalPaths()], requireConditions, parent?.filename);
    }
    if (found !== undefined) return found;
  }
  const requireStack = [];
  for (let cursor = parent; cursor; cursor = cursor.parent) requireStack.push(cursor.filename || cursor.id);
  let message = `Cannot find module '${request}'`;
  if (requireStack.length > 0) message += `\nRequire stack:\n- ${requireStack.join('\n- ')}`;
  throw coded(new Error(message), 'MODULE_NOT_FOUND', { requireStack });
};

function loadBuiltin(request) {
  const id = request.startsWith('node:') ? request.slice(5) : request;
  if (!BuiltinModule.canBeRequiredByUsers(id)) throw coded(new Error(`No such built-in module: ${request}`), 'ERR_UNKNOWN_BUILTIN_MODULE');
  return require(id);
}

Module._load = function _load(request, parent, isMain) {
  if (BuiltinModule.isBuiltin(request)) return loadBuiltin(request);
  const filename = Module._resolveFilename(request, parent, isMain);
  const cached = Module._cache[filename];
  if (cached !== undefined) {
    if (parent?.children && !parent.children.includes(cached)) parent.children.push(cached);
    return cached.exports;
  }
  if (BuiltinModule.isBuiltin(filename)) return loadBuiltin(filename);
  return loadFile(filename, parent);
};

// A file that is not in the cache, by its absolute name.
function loadFile(filename, parent) {
  const module = new Module(filename, parent);
  Module._cache[filename] = module;
  let done = false;
  try {
    module.load(filename);
    done = true;
  } finally {
    if (!done) {
      delete Module._cache[filename];
      const children = parent?.children;
      if (Array.isArray(children)) {
        const at = children.indexOf(module);
        if (at >= 0) children.splice(at, 1);
      }
    }
  }
  return module.exports;
}

Module.prototype.load = function load(filename) {
  this.filename = filename;
  this.paths = nodeModulePaths(dirname(filename));
  const base = basename(filename);
  let extension = '.js';
  for (let at = base.indexOf('.', 1); at > 0; at = base.indexOf('.', at + 1)) {
    if (extensions[base.slice(at)] !== undefined) { extension = base.slice(at); break; }
  }
  if (filename.endsWith('.mjs')) requireES(this, filename);
  else extensions[extension](this, filename);
  this.loaded = true;
};

Module.prototype.require = function (id) {
  validateString(id, 'id');
  if (id === '') {
    const { codes: { ERR_INVALID_ARG_VALUE } } = require('internal/errors');
    throw new ERR_INVALID_ARG_VALUE('id', id, 'must be a non-empty string');
  }
  return Module._load(id, this, false);
};

function requireOfModule(filename) {
  return coded(new Error(`require() of ES Module ${filename} not supported.\nInstead change the require to a dynamic import() which is available in all CommonJS modules.`), 'ERR_REQUIRE_ESM');
}

// require() of an ES module, which Node has since 20.19 for those that await nothing at their top level.
function requireES(module, filename) {
  if (!requireConditions.has('module-sync')) throw requireOfModule(filename);
  const [promise, namespace] = host.requireModule(filename, filename);
  const state = host.promiseState(promise);
  if (state === 2) {
    promise.catch(() => {});
    throw host.promiseResult(promise);
  }
  if (state !== 1) throw coded(new Error(`require() cannot be used on an ESM graph with top-level await. Use import() instead. To see where the top-level await comes from, use --experimental-print-required-tla.\nRequiring ${filename} `), 'ERR_REQUIRE_ASYNC_MODULE');
  if (Object.hasOwn(namespace, 'module.exports')) {
    module.exports = namespace['module.exports'];
  } else if (Object.hasOwn(namespace, 'default') && !Object.hasOwn(namespace, '__esModule')) {
    const facade = { __proto__: null };
    for (const name of Object.keys(namespace)) Object.defineProperty(facade, name, { get: () => namespace[name], enumerable: true });
    module.exports = Object.defineProperty(facade, '__esModule', { value: true, enumerable: true });
  } else {
    module.exports = namespace;
  }
}

// Whether require() takes ES modules, as in the Node.js that a runtime's name stands for.
function allowRequireES(allowed) {
  for (const conditions of [requireConditions, importConditions]) {
    if (allowed) conditions.add('module-sync');
    else conditions.delete('module-sync');
  }
}

function makeRequire(module) {
  function require(id) { return module.require(id); }
  require.resolve = (request, options) => {
    validateString(request, 'request');
    return Module._resolveFilename(request, module, false, options);
  };
  require.resolve.paths = (request) => Module._resolveLookupPaths(request, module);
  require.main = process.mainModule;
  require.extensions = extensions;
  require.cache = Module._cache;
  return require;
}

Module.prototype._compile = function _compile(content, filename) {
  if (content.startsWith('#!')) content = `//${content}`;
  // A package's own undici brings its parser as WebAssembly; it gets the one that fetch has here.
  const parser = content.includes('wasm_on_headers_complete');
  const wrapper = host.script(`(function (exports, require, module, __filename, __dirname${parser ? ', WebAssembly' : ''}) {\n${content}\n})`, filename, 0);
  return Reflect.apply(wrapper, this.exports, [this.exports, makeRequire(this), this, filename, dirname(filename), parser ? require('thaw/undici') : undefined]);
};

// Where the bytecode of a file is, if the host has some: of the package's files in a folder of its own, of the runtime's beside them.
function compiledPath(filename) {
  if (filename.startsWith('/var/task/')) return `/var/cache/task/${filename.slice(10)}c`;
  return filename.startsWith('/var/runtime/node_modules/') ? `${filename}c` : undefined;
}
const wrapped = (content) => `(function (exports, require, module, __filename, __dirname) {\n${content.startsWith('#!') ? '//' : ''}${content}\n})`;
const ownCompile = Module.prototype._compile;

// COMPILE of the contract: bytecode of a file, which is not run.
function compileFile(filename) {
  const text = readText(filename);
  if (isES(filename)) return host.compile(text.startsWith('#!') ? `//${text}` : text, filename, -1);
  return host.compile(wrapped(text), filename, 0);
}

extensions['.js'] = function (module, filename) {
  if (filename.endsWith('.js') && isModuleType(filename)) { requireES(module, filename); return; }
  if (module._compile === ownCompile) { // nobody wants to see the source
    const compiled = compiledPath(filename), wrapper = compiled === undefined ? undefined : host.compiled(compiled);
    if (wrapper !== undefined) {
      Reflect.apply(wrapper, module.exports, [module.exports, makeRequire(module), module, filename, path.dirname(filename)]);
      return;
    }
  }
  module._compile(readText(filename), filename);
};
extensions['.json'] = function (module, filename) {
  try {
    module.exports = JSON.parse(readText(filename));
  } catch (error) {
    error.message = `${filename}: ${error.message}`;
    throw error;
  }
};
extensions['.node'] = function (module, filename) {
  throw coded(new Error(`${filename}: native add-ons can't be loaded in this runtime`), 'ERR_DLOPEN_FAILED');
};

function createRequire(filename) {
  if (filename instanceof URL || (typeof filename === 'string' && filename.startsWith('file:'))) filename = require('url').fileURLToPath(filename);
  if (typeof filename !== 'string' || !path.isAbsolute(filename)) {
    const { codes: { ERR_INVALID_ARG_VALUE } } = require('internal/errors');
    throw new ERR_INVALID_ARG_VALUE('filename', filename, 'must be a file URL object, file URL string, or absolute path string');
  }
  const module = new Module(filename);
  module.filename = filename.endsWith('/') ? path.join(filename, 'noop.js') : filename;
  module.paths = nodeModulePaths(path.dirname(module.filename));
  return makeRequire(module);
}
Module.createRequire = createRequire;

// ---- ES modules ----

const notFound = (what, name, base) => coded(new Error(`Cannot find ${what} '${name}' imported from ${base}`), 'ERR_MODULE_NOT_FOUND');
const fromURL = (url) => require('url').fileURLToPath(url);
const toURL = (name) => `file://${name.replace(/[%\\\n\r\t?#]/g, encodeURIComponent)}`;

// Specifier and importing file -> absolute path or node:id. Queries stay, as they make a module another one.
function resolveModule(specifier, base) {
  if (BuiltinModule.isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
  if (specifier.startsWith('node:')) throw coded(new Error(`No such built-in module: ${specifier}`), 'ERR_UNKNOWN_BUILTIN_MODULE');
  if (specifier.startsWith('data:')) return specifier;
  if (base.startsWith('file:')) base = fromURL(base);
  base = base.replace(/\?.*$/, '');
  let found;
  if (specifier.startsWith('file:')) found = fromURL(specifier);
  else if (isRelative(specifier) || specifier.startsWith('/')) {
    const [, name, query] = /^([^?#]*)(.*)$/.exec(specifier);
    found = path.resolve(path.dirname(base), decodeURIComponent(name)) + query;
  } else if (specifier.startsWith('#')) {
    found = resolveImports(specifier, base, importConditions);
    if (typeof found === 'object') return resolveModule(found.bare, base);
  } else {
    found = resolveBare(specifier, [...nodeModulePaths(path.dirname(base)), ...globalPaths()], importConditions, base);
    if (found === undefined) throw notFound('package', splitBare(specifier)[0], base);
  }
  const file = found.replace(/[?#].*$/, '');
  const kind = files.kind(file);
  if (kind === 1) throw coded(new Error(`Directory import '${file}' is not supported resolving ES modules imported from ${base}`), 'ERR_UNSUPPORTED_DIR_IMPORT');
  if (kind < 0) throw notFound('module', file, base);
  return found;
}

function isES(filename) {
  if (filename.endsWith('.mjs')) return true;
  if (filename.endsWith('.cjs') || filename.endsWith('.json') || filename.endsWith('.node')) return false;
  return isModuleType(filename);
}

const withDefault = (exports) => {
  const names = { __proto__: null };
  if (exports !== null && (typeof exports === 'object' || typeof exports === 'function')) {
    for (const key of Object.keys(exports)) if (key !== 'default') names[key] = exports[key];
  }
  names.default = exports;
  return names;
};

// What a resolved name is made of, for modules.c.
function fetchModule(name) {
  if (name.startsWith('node:')) return { exports: withDefault(loadBuiltin(name)) };
  if (name.startsWith('data:')) {
    const m = /^data:(?:text|application)\/(javascript|json)(?:;charset=[^;,]*)?(;base64)?,(.*)$/s.exec(name);
    if (m === null) throw coded(new Error(`Unknown module format: ${name}`), 'ERR_UNKNOWN_MODULE_FORMAT');
    const text = m[2] ? Buffer.from(m[3], 'base64').toString() : decodeURIComponent(m[3]);
    return m[1] === 'json' ? { exports: { default: JSON.parse(text) } } : { source: text, meta: { url: name } };
  }
  const filename = name.replace(/[?#].*$/, '');
  if (filename.endsWith('.json')) {
    const module = { exports: undefined };
    extensions['.json'](module, filename);
    return { exports: { default: module.exports } };
  }
  if (!isES(filename)) {
    const exports = Module._load(filename, undefined, false);
    const names = withDefault(exports);
    names['module.exports'] = exports;
    return { exports: names };
  }
  const url = toURL(filename) + name.slice(filename.length);
  const compiled = name === filename ? compiledPath(filename) : undefined; // a query makes another module of the same file
  let text;
  if (compiled === undefined || !isFile(compiled)) {
    text = readText(filename);
    if (text.startsWith('#!')) text = `//${text}`;
  }
  return {
    source: text, code: text === undefined ? compiled : undefined,
    meta: { __proto__: null, dirname: path.dirname(filename), filename, resolve: (specifier, parent = url) => { const r = resolveModule(`${specifier}`, `${parent}`); return r.startsWith('/') ? toURL(r) : r; }, url },
  };
}

host.setModuleHooks(resolveModule, fetchModule);

module.exports = { Module, allowRequireES, compileFile, isES, loadFile, isFile, createRequire, importModule: (filename) => host.importModule(filename, '/var/runtime/index.mjs'), makeRequire, nodeModulePaths };
