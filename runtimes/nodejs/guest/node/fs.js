// internalBinding('fs'): the operations below Node's fs library. Each takes, after its own arguments, a request: undefined = do
// it now and throw, kUsePromises = answer with a promise, an FSReqCallback = call its oncomplete later. The work itself is done at
// once in all three cases: there is nothing to wait for, files are in memory.
'use strict';

const { files } = host;
const kUsePromises = Symbol('fs_use_promises_symbol');
const uv = internalBinding('uv');

const kFsStatsFieldsNumber = 18;
const statValues = new Float64Array(36);
const bigintStatValues = new BigInt64Array(36);

class FSReqCallback {
  constructor(useBigInt) { this.bigint = useBigInt; }
}

function uvError(number, syscall, path, dest) {
  const { UVException } = require('internal/errors');
  return new UVException({ errno: number, syscall, path: path === undefined ? undefined : String(path), dest: dest === undefined ? undefined : String(dest) });
}

// A result that is an error number becomes an exception.
function check(result, syscall, path, dest) {
  if (typeof result === 'number' && result < 0) throw uvError(result, syscall, path, dest);
  return result;
}

const text = (path) => (typeof path === 'string' ? path : Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString());
function encoded(name, encoding) {
  if (encoding === 'buffer') return Buffer.from(name);
  return encoding && encoding !== 'utf8' && encoding !== 'utf-8' ? Buffer.from(name).toString(encoding) : name;
}

// Runs work() and delivers its outcome in the way that request asks for.
function deliver(request, ctx, work) {
  if (request === undefined) {
    if (ctx !== undefined && ctx !== null && typeof ctx === 'object') {
      try {
        return work();
      } catch (error) {
        ctx.errno = error.errno;
        ctx.code = error.code;
        ctx.syscall = error.syscall;
        if (error.path !== undefined) ctx.path = error.path;
        if (error.dest !== undefined) ctx.dest = error.dest;
        return undefined;
      }
    }
    return work();
  }
  let error = null, value;
  try {
    value = work();
  } catch (e) {
    error = e;
  }
  if (request === kUsePromises) return error === null ? Promise.resolve(value) : Promise.reject(error);
  setImmediate(() => {
    if (error !== null) request.oncomplete(error);
    else if (value === undefined) request.oncomplete(null);
    else request.oncomplete(null, value);
  });
  return undefined;
}

// The array that a stat of path is delivered in.
function stats(fields, bigint, shared) {
  if (bigint) {
    const out = shared ? bigintStatValues : new BigInt64Array(kFsStatsFieldsNumber);
    for (let i = 0; i < kFsStatsFieldsNumber; i++) out[i] = BigInt(Math.trunc(fields[i]));
    return out;
  }
  const out = shared ? statValues : new Float64Array(kFsStatsFieldsNumber);
  for (let i = 0; i < kFsStatsFieldsNumber; i++) out[i] = fields[i];
  return out;
}

function statOperation(name) {
  const isFd = name === 'fstat';
  return function stat(target, bigint, request, mayFail) {
    if (request === undefined) {
      const r = files[name](isFd ? target : text(target));
      if (typeof r === 'number') {
        if (mayFail === true || (mayFail === false && !isFd && (r === uv.UV_ENOENT || r === uv.UV_ENOTDIR))) return undefined;
        throw uvError(r, name, isFd ? undefined : text(target));
      }
      return stats(r, bigint, true);
    }
    return deliver(request, undefined, () => stats(check(files[name](isFd ? target : text(target)), name, isFd ? undefined : text(target)), bigint, false));
  };
}

const pathOperation = (name, syscall = name) => (path, request, ctx) => deliver(request, ctx, () => { check(files[name](text(path)), syscall, text(path)); });
const pairOperation = (name) => (a, b, request, ctx) => deliver(request, ctx, () => { check(files[name](text(a), text(b)), name, text(a), text(b)); });
const accepted = (arity) => function accept(...args) { return deliver(args[arity], args[arity + 1], () => undefined); }; // owners and modes: WASI has none

function mkdirs(path) {
  const r = files.mkdir(path);
  if (r >= 0) return path;
  if (r === uv.UV_EEXIST) {
    if (files.kind(path) === 1) return undefined;
    throw uvError(r, 'mkdir', path);
  }
  const parent = path.replace(/\/+[^/]*\/*$/, '') || '/';
  if (r === uv.UV_ENOENT && parent !== path && parent !== '/') {
    const first = mkdirs(parent);
    check(files.mkdir(path), 'mkdir', path);
    return first ?? path;
  }
  throw uvError(r, 'mkdir', path);
}

function readAll(path, flags) {
  const fd = typeof path === 'number' ? path : check(files.open(text(path), flags), 'open', text(path));
  try {
    const chunks = [];
    let length = 0;
    for (;;) {
      const chunk = new Uint8Array(65536);
      const n = check(files.read(fd, chunk, 0, chunk.length, -1), 'read');
      if (n === 0) break;
      chunks.push(chunk.subarray(0, n));
      length += n;
    }
    const all = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) { all.set(chunk, at); at += chunk.length; }
    return all;
  } finally {
    if (typeof path !== 'number') files.close(fd);
  }
}

function writeAll(fd, bytes) {
  for (let at = 0; at < bytes.length;) at += check(files.write(fd, bytes, at, bytes.length - at, -1), 'write');
}

const position = (p) => (p === null || p === undefined || (typeof p !== 'bigint' && !(p >= 0)) || p < 0 ? -1 : Number(p));

class FileHandle {
  constructor(fd) { this.fd = fd; }
  getAsyncId() { return 0; }
  close() { return deliver(kUsePromises, undefined, () => { const fd = this.fd; this.fd = -1; check(files.close(fd), 'close'); }); }
  releaseFD() { const fd = this.fd; this.fd = -1; return fd; }
  onread() {}
}

const open = (path, flags) => check(files.open(text(path), flags), 'open', text(path));

function realpath(path) {
  const parts = text(path).split('/').filter((p) => p !== '' && p !== '.');
  let done = '', hops = 0;
  while (parts.length > 0) {
    const part = parts.shift();
    if (part === '..') { done = done.replace(/\/[^/]*$/, ''); continue; }
    const next = `${done}/${part}`;
    const link = files.readlink(next);
    if (typeof link === 'string') {
      if (++hops > 40) throw uvError(uv.UV_ELOOP, 'realpath', text(path));
      if (link.startsWith('/')) done = '';
      parts.unshift(...link.split('/').filter((p) => p !== '' && p !== '.'));
      continue;
    }
    check(files.lstat(next), 'realpath', text(path));
    done = next;
  }
  return done || '/';
}

module.exports = {
  kUsePromises, kFsStatsFieldsNumber, statValues, bigintStatValues, FSReqCallback, FileHandle,
  StatWatcher: class StatWatcher {},
  access(path, mode, request, ctx) {
    return deliver(request, ctx, () => {
      check(files.kind(text(path)), 'access', text(path));
      if ((mode & 2) !== 0 && !/^\/(tmp|dev)(\/|$)/.test(text(path))) throw uvError(uv.UV_EROFS, 'access', text(path));
    });
  },
  open: (path, flags, mode, request, ctx) => deliver(request, ctx, () => open(path, flags)),
  openFileHandle: (path, flags, mode, request, ctx) => deliver(request, ctx, () => new FileHandle(open(path, flags))),
  close: (fd, request, ctx) => deliver(request, ctx, () => { check(files.close(fd), 'close'); }),
  read: (fd, view, offset, length, at, request, ctx) => deliver(request, ctx, () => check(files.read(fd, view, offset, length, position(at)), 'read')),
  readBuffers: (fd, views, at, request, ctx) => deliver(request, ctx, () => {
    let total = 0, p = position(at);
    for (const v of views) {
      const n = check(files.read(fd, v, 0, v.byteLength, p), 'read');
      total += n;
      if (p >= 0) p += n;
      if (n < v.byteLength) break;
    }
    return total;
  }),
  writeBuffer: (fd, view, offset, length, at, request, ctx) => deliver(request, ctx, () => check(files.write(fd, view, offset, length, position(at)), 'write')),
  writeBuffers: (fd, views, at, request, ctx) => deliver(request, ctx, () => {
    let total = 0, p = position(at);
    for (const v of views) {
      const n = check(files.write(fd, v, 0, v.byteLength, p), 'write');
      total += n;
      if (p >= 0) p += n;
    }
    return total;
  }),
  writeString: (fd, string, at, encoding, request, ctx) => deliver(request, ctx, () => {
    const bytes = Buffer.from(string, encoding ?? 'utf8');
    return check(files.write(fd, bytes, 0, bytes.length, position(at)), 'write');
  }),
  readFileUtf8(path, flags) {
    if (typeof path === 'string' && flags === 0) return check(files.readText(path, false), 'open', path);
    return host.buffer.decodeBytes(readAll(path, flags), 1);
  },
  writeFileUtf8(path, data, flags, mode) {
    const fd = typeof path === 'number' ? path : open(path, flags);
    try {
      writeAll(fd, host.buffer.createFromString(data, 1));
    } finally {
      if (typeof path !== 'number') files.close(fd);
    }
  },
  existsSync: (path) => files.kind(text(path)) >= 0,
  internalModuleStat: (...args) => files.kind(text(args[args.length - 1])),
  internalModuleReadJSON: (path) => { const t = files.readText(text(path), true); return typeof t === 'string' ? [t, true] : []; },
  legacyMainResolve: () => 0, getFormatOfExtensionlessFile: () => 0,
  stat: statOperation('stat'), lstat: statOperation('lstat'), fstat: statOperation('fstat'),
  statfs: (path, bigint, request, ctx) => deliver(request, ctx, () => (bigint ? new BigInt64Array([0n, 4096n, 131072n, 131072n, 131072n, 65536n, 65536n]) : new Float64Array([0, 4096, 131072, 131072, 131072, 65536, 65536]))),
  readdir(path, encoding, withTypes, request, ctx) {
    return deliver(request, ctx, () => {
      const [names, types] = check(files.readdir(text(path)), 'scandir', text(path));
      const out = names.map((n) => encoded(n, encoding));
      return withTypes ? [out, types] : out;
    });
  },
  mkdir(path, mode, recursive, request, ctx) {
    return deliver(request, ctx, () => {
      if (recursive) return mkdirs(text(path));
      check(files.mkdir(text(path)), 'mkdir', text(path));
      return undefined;
    });
  },
  mkdtemp(prefix, encoding, request, ctx) {
    return deliver(request, ctx, () => {
      for (let attempt = 0; ; attempt++) {
        const bytes = host.buffer.randomFill(new Uint8Array(6));
        const name = text(prefix) + Array.from(bytes, (b) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'[b % 62]).join('');
        const r = files.mkdir(name);
        if (r >= 0) return encoded(name, encoding);
        if (r !== uv.UV_EEXIST || attempt > 100) throw uvError(r, 'mkdtemp', `${text(prefix)}XXXXXX`);
      }
    });
  },
  rmdir: pathOperation('rmdir'), unlink: pathOperation('unlink'), rename: pairOperation('rename'), link: pairOperation('link'),
  symlink: (target, path, flags, request, ctx) => deliver(request, ctx, () => { check(files.symlink(text(target), text(path)), 'symlink', text(target), text(path)); }),
  readlink: (path, encoding, request, ctx) => deliver(request, ctx, () => encoded(check(files.readlink(text(path)), 'readlink', text(path)), encoding)),
  realpath: (path, encoding, request, ctx) => deliver(request, ctx, () => encoded(realpath(path), encoding)),
  copyFile(from, to, mode, request, ctx) {
    return deliver(request, ctx, () => {
      const fail = (number) => uvError(number, 'copyfile', text(from), text(to));
      const bytes = files.readBytes(text(from));
      if (typeof bytes === 'number') throw fail(bytes);
      const fd = files.open(text(to), 1 | 64 | 512 | (mode & 1 ? 128 : 0));
      if (fd < 0) throw fail(fd);
      try { writeAll(fd, bytes); } finally { files.close(fd); }
    });
  },
  ftruncate: (fd, length, request, ctx) => deliver(request, ctx, () => { check(files.truncate(fd, length ?? 0), 'ftruncate'); }),
  fsync: (fd, request, ctx) => deliver(request, ctx, () => { check(files.sync(fd), 'fsync'); }),
  fdatasync: (fd, request, ctx) => deliver(request, ctx, () => { check(files.sync(fd), 'fdatasync'); }),
  utimes: (path, atime, mtime, request, ctx) => deliver(request, ctx, () => { check(files.utimes(text(path), atime, mtime), 'utime', text(path)); }),
  lutimes: (path, atime, mtime, request, ctx) => deliver(request, ctx, () => { check(files.utimes(text(path), atime, mtime), 'lutime', text(path)); }),
  futimes: (fd, atime, mtime, request, ctx) => deliver(request, ctx, () => { check(files.utimes(fd, atime, mtime), 'futime'); }),
  chmod: accepted(2), fchmod: accepted(2), chown: accepted(3), fchown: accepted(3), lchown: accepted(3),
  getPathFromFileDescriptor: () => undefined,
  dir: {
    opendir(path, encoding, request, ctx) {
      return deliver(request, ctx, () => {
        const [names, types] = check(files.readdir(text(path)), 'opendir', text(path));
        let at = 0;
        return {
          read(enc, size, req, c) {
            return deliver(req, c, () => {
              if (at >= names.length) return null;
              const flat = [];
              for (const end = Math.min(names.length, at + size); at < end; at++) flat.push(encoded(names[at], enc), types[at]);
              return flat;
            });
          },
          close: (req, c) => deliver(req, c, () => undefined),
        };
      });
    },
    opendirSync: (path) => module.exports.dir.opendir(path, 'utf8'),
  },
};
