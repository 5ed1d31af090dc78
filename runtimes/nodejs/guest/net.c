/* Sockets, names and TLS, which the host does (abi/README.md, section 5.4). node/net.js makes Node's bindings of these functions.
 * Every function returns its result or, if it failed, the error as a negative Linux number, as libuv has it. */
#include <arpa/inet.h>

IMPORT("sock_open") uint32_t host_sock_open(uint32_t family, uint32_t type, uint32_t *fd);
IMPORT("sock_bind") uint32_t host_sock_bind(uint32_t fd, const void *addr, uint32_t len);
IMPORT("sock_connect") uint32_t host_sock_connect(uint32_t fd, const void *addr, uint32_t len);
IMPORT("sock_name") uint32_t host_sock_name(uint32_t fd, uint32_t which, void *addr, uint32_t cap, uint32_t *len);
IMPORT("sock_get") uint32_t host_sock_get(uint32_t fd, uint32_t option, uint32_t *value);
IMPORT("sock_set") uint32_t host_sock_set(uint32_t fd, uint32_t option, uint32_t value);
IMPORT("dns_open") uint32_t host_dns_open(const char *name, uint32_t len, uint32_t kind, uint32_t *fd);
IMPORT("tls_start") uint32_t host_tls_start(uint32_t fd, const void *record, uint32_t len);
IMPORT("tls_open") uint32_t host_tls_open(const void *record, uint32_t len, uint32_t *fd);
IMPORT("tls_feed") uint32_t host_tls_feed(uint32_t fd, const void *data, uint32_t len, uint32_t *taken);
IMPORT("tls_drain") uint32_t host_tls_drain(uint32_t fd, void *data, uint32_t cap, uint32_t *got);
IMPORT("tls_info") uint32_t host_tls_info(uint32_t fd, void *buf, uint32_t cap, uint32_t *len);

#define ADDRESS_MAX 24
#define TRANSFER (64 << 10)

/* WASI's error numbers, which are libc's here, that files don't have; then theirs. */
static JSValue net_result(JSContext *c, uint32_t e, int64_t ok) {
    static const struct { uint8_t wasi, number; } table[] = {
        {__WASI_ERRNO_ADDRINUSE, 98}, {__WASI_ERRNO_ADDRNOTAVAIL, 99}, {__WASI_ERRNO_AFNOSUPPORT, 97}, {__WASI_ERRNO_ALREADY, 114},
        {__WASI_ERRNO_CANCELED, 125}, {__WASI_ERRNO_CONNABORTED, 103}, {__WASI_ERRNO_CONNREFUSED, 111}, {__WASI_ERRNO_CONNRESET, 104},
        {__WASI_ERRNO_DESTADDRREQ, 89}, {__WASI_ERRNO_HOSTUNREACH, 113}, {__WASI_ERRNO_INPROGRESS, 115}, {__WASI_ERRNO_ISCONN, 106},
        {__WASI_ERRNO_MSGSIZE, 90}, {__WASI_ERRNO_NETDOWN, 100}, {__WASI_ERRNO_NETUNREACH, 101}, {__WASI_ERRNO_NOBUFS, 105},
        {__WASI_ERRNO_NOPROTOOPT, 92}, {__WASI_ERRNO_NOTCONN, 107}, {__WASI_ERRNO_PROTO, 71}, {__WASI_ERRNO_PROTONOSUPPORT, 93},
        {__WASI_ERRNO_PROTOTYPE, 91},
    };
    if (e == 0) return JS_NewInt64(c, ok);
    for (size_t i = 0; i < countof(table); i++)
        if (table[i].wasi == e) return JS_NewInt32(c, -table[i].number);
    return JS_NewInt32(c, linux_error(e));
}

/* An address from text; 0 = it is none. */
static uint32_t net_address(const char *text, uint32_t port, uint8_t *out) {
    memset(out, 0, ADDRESS_MAX);
    memcpy(out + 2, &(uint16_t){port}, 2);
    if (inet_pton(AF_INET, text, out + 4) == 1) { out[0] = 1; return 8; }
    if (inet_pton(AF_INET6, text, out + 4) == 1) { out[0] = 2; return 24; }
    return 0;
}

static JSValue net_address_value(JSContext *c, const uint8_t *a) {
    char text[INET6_ADDRSTRLEN];
    uint16_t port;
    memcpy(&port, a + 2, 2);
    inet_ntop(a[0] == 1 ? AF_INET : AF_INET6, a + 4, text, sizeof text);
    JSValue v = JS_NewObject(c);
    JS_DefinePropertyValueStr(c, v, "address", JS_NewString(c, text), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(c, v, "family", JS_NewString(c, a[0] == 1 ? "IPv4" : "IPv6"), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(c, v, "port", JS_NewInt32(c, port), JS_PROP_C_W_E);
    return v;
}

/* open(family, type) -> descriptor, non-blocking */
static JSValue net_open(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, family);
    INT(1, type);
    uint32_t fd = 0, e = host_sock_open(family, type, &fd);
    if (!e) e = __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_NONBLOCK);
    return net_result(c, e, fd);
}

/* connect(fd, address, port), magic 1 = bind */
static JSValue net_connect(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int binding) {
    INT(0, fd);
    INT(2, port);
    PATH(1, text);
    uint8_t a[ADDRESS_MAX];
    uint32_t n = net_address(text, port, a);
    JS_FreeCString(c, text);
    if (!n) return JS_NewInt32(c, -22);
    return net_result(c, binding ? host_sock_bind(fd, a, n) : host_sock_connect(fd, a, n), 0);
}

/* name(fd, 0 local or 1 peer) -> {address, family, port} */
static JSValue net_name(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    INT(1, which);
    uint8_t a[ADDRESS_MAX];
    uint32_t n, e = host_sock_name(fd, which, a, sizeof a, &n);
    return e ? net_result(c, e, 0) : net_address_value(c, a);
}

/* get(fd, option) */
static JSValue net_get(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    INT(1, option);
    uint32_t v = 0, e = host_sock_get(fd, option, &v);
    if (!e && option == 1) return net_result(c, v, 0); /* the pending error */
    return net_result(c, e, v);
}

static JSValue net_set(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    INT(1, option);
    INT(2, value);
    return net_result(c, host_sock_set(fd, option, value), 0);
}

/* read(fd) -> ArrayBuffer, 0 at the end, or an error */
static JSValue net_read(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    uint8_t *buf = js_malloc(c, TRANSFER);
    if (!buf) return JS_EXCEPTION;
    __wasi_iovec_t v = {buf, TRANSFER};
    __wasi_size_t n = 0;
    uint32_t e = __wasi_fd_read(fd, &v, 1, &n);
    JSValue r = e || !n ? net_result(c, e, 0) : JS_NewArrayBufferCopy(c, buf, n);
    js_free(c, buf);
    return r;
}

/* write(fd, view, offset) -> bytes taken */
static JSValue net_write(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    INT(2, offset);
    bytes b;
    if (view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    if (offset < 0 || (size_t)offset > b.len) return JS_NewInt32(c, -22);
    __wasi_ciovec_t v = {b.ptr + offset, b.len - offset};
    __wasi_size_t n = 0;
    return net_result(c, __wasi_fd_write(fd, &v, 1, &n), n);
}

static JSValue net_shutdown(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    return net_result(c, __wasi_sock_shutdown(fd, __WASI_SDFLAGS_WR), 0);
}

/* poll(Int32Array of triples {descriptor, events, result}) -> how many are ready; the results are filled in. Never waits. */
static JSValue net_poll(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes b;
    if (view_bytes(c, argv[0], &b)) return JS_EXCEPTION;
    int32_t *t = (int32_t *)b.ptr;
    size_t n = b.len / 12, subs = 0;
    __wasi_subscription_t *s = js_mallocz(c, (2 * n + 1) * sizeof *s);
    __wasi_event_t *ev = js_mallocz(c, (2 * n + 1) * sizeof *ev);
    if (!s || !ev) { js_free(c, s); js_free(c, ev); return JS_EXCEPTION; }
    for (size_t i = 0; i < n; i++) {
        t[3 * i + 2] = 0;
        for (int w = 0; w < 2; w++) {
            if (!(t[3 * i + 1] & 1 << w)) continue;
            s[subs].userdata = i << 1 | w;
            s[subs].u.tag = w ? __WASI_EVENTTYPE_FD_WRITE : __WASI_EVENTTYPE_FD_READ;
            s[subs++].u.u.fd_read.file_descriptor = t[3 * i];
        }
    }
    s[subs].userdata = UINT64_MAX;
    s[subs].u.tag = __WASI_EVENTTYPE_CLOCK;
    s[subs++].u.u.clock.id = (__wasi_clockid_t){1};
    __wasi_size_t got = 0;
    uint32_t e = __wasi_poll_oneoff(s, ev, subs, &got);
    int ready = 0;
    for (size_t i = 0; !e && i < got; i++) {
        if (ev[i].userdata == UINT64_MAX) continue;
        int32_t *r = &t[3 * (ev[i].userdata >> 1) + 2];
        ready += !*r;
        *r |= 1 << (ev[i].userdata & 1);
    }
    js_free(c, s);
    js_free(c, ev);
    return net_result(c, e, ready);
}

/* dns(name, kind) -> descriptor */
static JSValue net_dns(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(1, kind);
    size_t n;
    const char *name = JS_ToCStringLen(c, &n, argv[0]);
    if (!name) return JS_EXCEPTION;
    uint32_t fd = 0, e = host_dns_open(name, n, kind, &fd);
    JS_FreeCString(c, name);
    if (!e) e = __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_NONBLOCK);
    return net_result(c, e, fd);
}

/* ip(text) -> its canonical form, undefined if it is no address */
static JSValue net_ip(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    PATH(0, text);
    uint8_t a[ADDRESS_MAX];
    uint32_t n = net_address(text, 0, a);
    JS_FreeCString(c, text);
    if (!n) return JS_UNDEFINED;
    char out[INET6_ADDRSTRLEN];
    inet_ntop(n == 8 ? AF_INET : AF_INET6, a + 4, out, sizeof out);
    return JS_NewString(c, out);
}

/* addressText(4 or 16 bytes) */
static JSValue net_address_text(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes b;
    char out[INET6_ADDRSTRLEN];
    if (view_bytes(c, argv[0], &b)) return JS_EXCEPTION;
    if (b.len != 4 && b.len != 16) return JS_UNDEFINED;
    inet_ntop(b.len == 4 ? AF_INET : AF_INET6, b.ptr, out, sizeof out);
    return JS_NewString(c, out);
}

/* A record (section 4.2) as an array of Uint8Array, undefined where a field is absent. */
static JSValue net_fields(JSContext *c, const char *ptr, size_t len) {
    if (len < 4) return JS_NewArray(c);
    uint32_t n, at = 4;
    memcpy(&n, ptr, 4);
    JSValue v = JS_NewArray(c);
    for (uint32_t i = 0; i < n && at + 4 <= len; i++) {
        uint32_t l;
        memcpy(&l, ptr + at, 4);
        at += 4;
        if (l == ABSENT) { JS_SetPropertyUint32(c, v, i, JS_UNDEFINED); continue; }
        if (l > len - at) break;
        JS_SetPropertyUint32(c, v, i, new_uint8array(c, (const uint8_t *)ptr + at, l));
        at += l;
    }
    return v;
}

/* record(view) */
static JSValue net_record(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes b;
    if (view_bytes(c, argv[0], &b)) return JS_EXCEPTION;
    return net_fields(c, (const char *)b.ptr, b.len);
}

/* tlsStart(fd, record); tlsOpen(record) -> descriptor */
static JSValue net_tls_start(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    bytes b;
    if (view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    return net_result(c, host_tls_start(fd, b.ptr, b.len), 0);
}

static JSValue net_tls_open(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes b;
    if (view_bytes(c, argv[0], &b)) return JS_EXCEPTION;
    uint32_t fd = 0, e = host_tls_open(b.ptr, b.len, &fd);
    return net_result(c, e, fd);
}

/* tlsFeed(fd, view, offset) -> bytes taken; an empty view is the peer's end */
static JSValue net_tls_feed(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    INT(2, offset);
    bytes b;
    if (view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    if (offset < 0 || (size_t)offset > b.len) return JS_NewInt32(c, -22);
    uint32_t n = 0, e = host_tls_feed(fd, b.ptr + offset, b.len - offset, &n);
    return net_result(c, e, n);
}

/* tlsDrain(fd) -> ArrayBuffer, or 0 */
static JSValue net_tls_drain(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    uint8_t *buf = js_malloc(c, TRANSFER);
    if (!buf) return JS_EXCEPTION;
    uint32_t n = 0, e = host_tls_drain(fd, buf, TRANSFER, &n);
    JSValue r = e || !n ? net_result(c, e, 0) : JS_NewArrayBufferCopy(c, buf, n);
    js_free(c, buf);
    return r;
}

/* tlsInfo(fd) -> array of Uint8Array or undefined */
static JSValue net_tls_info(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, fd);
    uint32_t n = 0, cap = 8192;
    for (;;) {
        char *buf = js_malloc(c, cap);
        if (!buf) return JS_EXCEPTION;
        uint32_t e = host_tls_info(fd, buf, cap, &n);
        JSValue v = e ? net_result(c, e, 0) : n <= cap ? net_fields(c, buf, n) : JS_NULL;
        js_free(c, buf);
        if (!JS_IsNull(v)) return v;
        cap = n;
    }
}

static const JSCFunctionListEntry net_funcs[] = {
    JS_CFUNC_DEF("open", 2, net_open),
    JS_CFUNC_MAGIC_DEF("connect", 3, net_connect, 0),
    JS_CFUNC_MAGIC_DEF("bind", 3, net_connect, 1),
    JS_CFUNC_DEF("name", 2, net_name),
    JS_CFUNC_DEF("get", 2, net_get),
    JS_CFUNC_DEF("set", 3, net_set),
    JS_CFUNC_DEF("read", 1, net_read),
    JS_CFUNC_DEF("write", 3, net_write),
    JS_CFUNC_DEF("shutdown", 1, net_shutdown),
    JS_CFUNC_DEF("close", 1, files_close),
    JS_CFUNC_DEF("poll", 1, net_poll),
    JS_CFUNC_DEF("dns", 2, net_dns),
    JS_CFUNC_DEF("ip", 1, net_ip),
    JS_CFUNC_DEF("addressText", 1, net_address_text),
    JS_CFUNC_DEF("record", 1, net_record),
    JS_CFUNC_DEF("tlsStart", 2, net_tls_start),
    JS_CFUNC_DEF("tlsOpen", 1, net_tls_open),
    JS_CFUNC_DEF("tlsFeed", 3, net_tls_feed),
    JS_CFUNC_DEF("tlsDrain", 1, net_tls_drain),
    JS_CFUNC_DEF("tlsInfo", 1, net_tls_info),
};

static int net_init(JSValueConst host) {
    JSValue v = JS_NewObject(ctx);
    if (JS_SetPropertyFunctionList(ctx, v, net_funcs, countof(net_funcs))) return -1;
    return JS_DefinePropertyValueStr(ctx, host, "net", v, JS_PROP_C_W_E) < 0;
}
