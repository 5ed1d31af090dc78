/* Files, over WASI's C library. Every function returns its result or, if it failed, the error as a negative Linux number,
 * which is what Node's libraries know; none throws for it. */

static int linux_error(int e) {
    static const struct { int16_t wasi, number; } table[] = {
        {EPERM, 1}, {ENOENT, 2}, {EIO, 5}, {ENXIO, 6}, {E2BIG, 7}, {EBADF, 9}, {EAGAIN, 11}, {ENOMEM, 12}, {EACCES, 13}, {EFAULT, 14},
        {EBUSY, 16}, {EEXIST, 17}, {EXDEV, 18}, {ENODEV, 19}, {ENOTDIR, 20}, {EISDIR, 21}, {EINVAL, 22}, {ENFILE, 23}, {EMFILE, 24},
        {ENOTTY, 25}, {ETXTBSY, 26}, {EFBIG, 27}, {ENOSPC, 28}, {ESPIPE, 29}, {EROFS, 30}, {EMLINK, 31}, {EPIPE, 32}, {EDOM, 33},
        {ERANGE, 34}, {ENAMETOOLONG, 36}, {ENOSYS, 38}, {ENOTEMPTY, 39}, {ELOOP, 40}, {EOVERFLOW, 75}, {EILSEQ, 84}, {ENOTSOCK, 88},
        {ENOTSUP, 95}, {ETIMEDOUT, 110}, {ENOTCAPABLE, 13}, {EINTR, 4},
    };
    for (size_t i = 0; i < countof(table); i++)
        if (table[i].wasi == e) return -table[i].number;
    return -5;
}

static JSValue failed(JSContext *c) { return JS_NewInt32(c, linux_error(errno)); }
static JSValue outcome(JSContext *c, int r) { return r < 0 ? failed(c) : JS_NewInt32(c, r); }

#define PATH(n, name) const char *name = JS_ToCString(c, argv[n]); if (!name) return JS_EXCEPTION
#define INT(n, name) int32_t name; if (JS_ToInt32(c, &name, argv[n])) return JS_EXCEPTION

enum { O_LINUX_WRONLY = 1, O_LINUX_RDWR = 2, O_LINUX_CREAT = 0x40, O_LINUX_EXCL = 0x80, O_LINUX_TRUNC = 0x200, O_LINUX_APPEND = 0x400, O_LINUX_DIRECTORY = 0x10000 };

/* open(path, Linux flags) -> descriptor */
static JSValue files_open(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(1, linux_flags);
    PATH(0, path);
    int flags = linux_flags & O_LINUX_RDWR ? O_RDWR : linux_flags & O_LINUX_WRONLY ? O_WRONLY : O_RDONLY;
    if (linux_flags & O_LINUX_CREAT) flags |= O_CREAT;
    if (linux_flags & O_LINUX_EXCL) flags |= O_EXCL;
    if (linux_flags & O_LINUX_TRUNC) flags |= O_TRUNC;
    if (linux_flags & O_LINUX_APPEND) flags |= O_APPEND;
    if (linux_flags & O_LINUX_DIRECTORY) flags |= O_DIRECTORY;
    int fd = open(path, flags, 0666);
    JS_FreeCString(c, path);
    return outcome(c, fd);
}

static JSValue files_close(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    return outcome(c, close(fd));
}

/* transfer(fd, view, offset, length, position or -1), magic 1 = write */
static JSValue files_transfer(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int writing) {
    INT(0, fd);
    int64_t offset, length, position;
    bytes b;
    if (JS_ToInt64(c, &offset, argv[2]) || JS_ToInt64(c, &length, argv[3]) || JS_ToInt64Ext(c, &position, argv[4])) return JS_EXCEPTION;
    if (view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    if (offset < 0 || offset > (int64_t)b.len) return JS_NewInt32(c, -22);
    if (length > (int64_t)b.len - offset) length = b.len - offset;
    ssize_t r;
    if (writing) r = position < 0 ? write(fd, b.ptr + offset, length) : pwrite(fd, b.ptr + offset, length, position);
    else r = position < 0 ? read(fd, b.ptr + offset, length) : pread(fd, b.ptr + offset, length, position);
    return r < 0 ? failed(c) : JS_NewInt64(c, r);
}

/* The whole of a file, or NULL with errno set. A byte more is allocated, and zero. */
static char *slurp(const char *path, size_t *len) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return NULL;
    struct stat st;
    char *buf = NULL;
    size_t n = 0, cap = 0;
    if (fstat(fd, &st) == 0) {
        if (S_ISDIR(st.st_mode)) errno = EISDIR;
        else {
            cap = (st.st_size > 0 ? st.st_size : 0) + 1;
            buf = malloc(cap + 1);
            if (!buf) errno = ENOMEM;
        }
    }
    while (buf) {
        ssize_t r = read(fd, buf + n, cap - n);
        if (r == 0) break;
        if (r < 0) { free(buf); buf = NULL; break; }
        n += r;
        if (n == cap) {
            char *more = realloc(buf, cap * 2 + 1);
            if (!more) { free(buf); buf = NULL; errno = ENOMEM; break; }
            buf = more;
            cap *= 2;
        }
    }
    int saved = errno;
    close(fd);
    errno = saved;
    if (buf) buf[n] = 0;
    *len = n;
    return buf;
}

/* readText(path) -> string, the UTF-8 byte order mark cut off; readBytes(path) -> Uint8Array */
static JSValue files_read(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int text) {
    size_t n;
    PATH(0, path);
    char *buf = slurp(path, &n);
    JS_FreeCString(c, path);
    if (!buf) return failed(c);
    bool mark = text && n >= 3 && !memcmp(buf, "\xEF\xBB\xBF", 3) && JS_ToBool(c, argv[1]);
    JSValue v = text ? utf8_to_string(c, (uint8_t *)buf + (mark ? 3 : 0), n - (mark ? 3 : 0)) : new_uint8array(c, (uint8_t *)buf, n);
    free(buf);
    return v;
}

/* The numbers of a stat in the order of Node's binding: dev mode nlink uid gid rdev blksize ino size blocks, then seconds and
 * nanoseconds of atime mtime ctime birthtime. */
static JSValue stat_array(JSContext *c, const struct stat *st) {
    mode_t mode = st->st_mode & S_IFMT;
    mode |= S_ISDIR(st->st_mode) ? 0755 : 0644; /* WASI has no permissions */
    double f[18] = {st->st_dev, mode, st->st_nlink, 0, 0, 0, 4096, st->st_ino, st->st_size, (st->st_size + 511) / 512,
                    st->st_atim.tv_sec, st->st_atim.tv_nsec, st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                    st->st_ctim.tv_sec, st->st_ctim.tv_nsec, st->st_ctim.tv_sec, st->st_ctim.tv_nsec};
    JSValue v[18];
    for (int i = 0; i < 18; i++) v[i] = JS_NewNumber(c, f[i]);
    return JS_NewArrayFrom(c, 18, v);
}

/* stat(path), lstat(path), fstat(fd) */
static JSValue files_stat(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int what) {
    struct stat st;
    int r;
    if (what == 2) {
        INT(0, fd);
        r = fstat(fd, &st);
    } else {
        PATH(0, path);
        r = what ? lstat(path, &st) : stat(path, &st);
        JS_FreeCString(c, path);
    }
    return r < 0 ? failed(c) : stat_array(c, &st);
}

/* kind(path) -> 0 file, 1 folder, negative = neither: what module look-up asks all the time */
static JSValue files_kind(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    struct stat st;
    PATH(0, path);
    int r = stat(path, &st);
    JS_FreeCString(c, path);
    return r < 0 ? failed(c) : JS_NewInt32(c, S_ISDIR(st.st_mode) ? 1 : 0);
}

/* readdir(path) -> [names, types], types as libuv's dirent types (1 file, 2 folder, 3 link) */
static JSValue files_readdir(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    PATH(0, path);
    DIR *d = opendir(path);
    JS_FreeCString(c, path);
    if (!d) return failed(c);
    JSValue names = JS_NewArray(c), types = JS_NewArray(c);
    uint32_t n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        JS_SetPropertyUint32(c, names, n, JS_NewString(c, e->d_name));
        JS_SetPropertyUint32(c, types, n++, JS_NewInt32(c, e->d_type == DT_DIR ? 2 : e->d_type == DT_LNK ? 3 : e->d_type == DT_CHR ? 6 : 1));
    }
    closedir(d);
    JSValue pair[] = {names, types};
    return JS_NewArrayFrom(c, 2, pair);
}

enum { P_UNLINK, P_RMDIR, P_MKDIR, P_RENAME, P_LINK, P_SYMLINK };

static JSValue files_path(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int what) {
    PATH(0, a);
    const char *b = NULL;
    if (what >= P_RENAME && !(b = JS_ToCString(c, argv[1]))) { JS_FreeCString(c, a); return JS_EXCEPTION; }
    int r = -1;
    switch (what) {
    case P_UNLINK: r = unlink(a); break;
    case P_RMDIR: r = rmdir(a); break;
    case P_MKDIR: r = mkdir(a, 0777); break;
    case P_RENAME: r = rename(a, b); break;
    case P_LINK: r = link(a, b); break;
    case P_SYMLINK: r = symlink(a, b); break;
    }
    JSValue v = outcome(c, r);
    JS_FreeCString(c, a);
    if (b) JS_FreeCString(c, b);
    return v;
}

static JSValue files_readlink(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    char buf[4096];
    PATH(0, path);
    ssize_t n = readlink(path, buf, sizeof buf);
    JS_FreeCString(c, path);
    return n < 0 ? failed(c) : JS_NewStringLen(c, buf, n);
}

static JSValue files_truncate(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    int64_t len;
    if (JS_ToInt64(c, &len, argv[1])) return JS_EXCEPTION;
    return outcome(c, ftruncate(fd, len));
}

static JSValue files_sync(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    return outcome(c, fsync(fd));
}

/* utimes(path or fd, atime, mtime) in seconds */
static JSValue files_utimes(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    double t[2];
    struct timespec ts[2];
    for (int i = 0; i < 2; i++) {
        if (JS_ToFloat64(c, &t[i], argv[1 + i])) return JS_EXCEPTION;
        ts[i].tv_sec = (time_t)floor(t[i]);
        ts[i].tv_nsec = (long)((t[i] - floor(t[i])) * 1e9);
    }
    if (JS_IsNumber(argv[0])) {
        INT(0, fd);
        return outcome(c, futimens(fd, ts));
    }
    PATH(0, path);
    int r = utimensat(AT_FDCWD, path, ts, 0);
    JS_FreeCString(c, path);
    return outcome(c, r);
}

static const JSCFunctionListEntry files_funcs[] = {
    JS_CFUNC_DEF("open", 2, files_open),
    JS_CFUNC_DEF("close", 1, files_close),
    JS_CFUNC_MAGIC_DEF("read", 5, files_transfer, 0),
    JS_CFUNC_MAGIC_DEF("write", 5, files_transfer, 1),
    JS_CFUNC_MAGIC_DEF("readBytes", 1, files_read, 0),
    JS_CFUNC_MAGIC_DEF("readText", 2, files_read, 1),
    JS_CFUNC_MAGIC_DEF("stat", 1, files_stat, 0),
    JS_CFUNC_MAGIC_DEF("lstat", 1, files_stat, 1),
    JS_CFUNC_MAGIC_DEF("fstat", 1, files_stat, 2),
    JS_CFUNC_DEF("kind", 1, files_kind),
    JS_CFUNC_DEF("readdir", 1, files_readdir),
    JS_CFUNC_MAGIC_DEF("unlink", 1, files_path, P_UNLINK),
    JS_CFUNC_MAGIC_DEF("rmdir", 1, files_path, P_RMDIR),
    JS_CFUNC_MAGIC_DEF("mkdir", 1, files_path, P_MKDIR),
    JS_CFUNC_MAGIC_DEF("rename", 2, files_path, P_RENAME),
    JS_CFUNC_MAGIC_DEF("link", 2, files_path, P_LINK),
    JS_CFUNC_MAGIC_DEF("symlink", 2, files_path, P_SYMLINK),
    JS_CFUNC_DEF("readlink", 1, files_readlink),
    JS_CFUNC_DEF("truncate", 2, files_truncate),
    JS_CFUNC_DEF("sync", 1, files_sync),
    JS_CFUNC_DEF("utimes", 3, files_utimes),
};

static int files_init(JSValueConst host) {
    JSValue o = JS_NewObject(ctx);
    JS_SetPropertyFunctionList(ctx, o, files_funcs, countof(files_funcs));
    return JS_SetPropertyStr(ctx, host, "files", o) < 0 ? -1 : 0;
}
