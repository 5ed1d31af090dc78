/* Cryptography and compression, which the host does (abi/README.md, section 5.5). node/crypto.js and node/zlib.js make Node's
 * bindings of these functions. */

IMPORT("service") uint64_t host_service(uint32_t op, uint32_t handle, const void *ptr, uint32_t len, void *out, uint32_t cap);
IMPORT("service_result") int32_t host_service_result(void *out, uint32_t cap);
IMPORT("service_stream") int32_t host_service_stream(uint32_t handle, uint32_t flush, const void *in, uint32_t in_len, void *out, uint32_t out_cap, void *counts);

enum { SERVICE_CLOSE = 1, SERVICE_UPDATE = 18, SERVICE_FINAL = 19, SERVICE_AAD = 50 };
enum { SERVICE_BYTES, SERVICE_ERROR, SERVICE_VALUE };

static JSClassID handle_class;
static JSValue service_error; /* function (code, message) -> the error to throw */

/* A handle lives as long as its object. FINAL closes it on the host: its number is forgotten, for it may come to mean another. */
static uint32_t handle_of(JSValueConst v) { return (uint32_t)(uintptr_t)JS_GetOpaque(v, handle_class); }

static void close_handle(JSValueConst v) {
    uint32_t h = handle_of(v);
    if (!h) return;
    JS_SetOpaque(v, NULL);
    host_service(SERVICE_CLOSE, h, NULL, 0, NULL, 0);
}

static void handle_finalizer(JSRuntime *r, JSValueConst v) { close_handle(v); }

static JSValue throw_service_error(JSContext *c, const char *record, size_t len) {
    const char *p[2] = {"", ""};
    uint32_t n[2] = {0, 0};
    size_t at = 4;
    for (int i = 0; i < 2 && at + 4 <= len; i++) {
        memcpy(&n[i], record + at, 4);
        p[i] = record + at + 4;
        if (n[i] > len - at - 4) n[i] = 0;
        at += 4 + n[i];
    }
    JSValue args[] = {JS_NewStringLen(c, p[0], n[0]), JS_NewStringLen(c, p[1], n[1])};
    JSValue e = JS_Call(c, service_error, JS_UNDEFINED, 2, (JSValueConst *)args);
    JS_FreeValue(c, args[0]);
    JS_FreeValue(c, args[1]);
    return JS_IsException(e) ? e : JS_Throw(c, e);
}

/* What an operation answered, as a number or Uint8Array; throws a failure. */
static JSValue service_answer(JSContext *c, uint64_t r, char *small, size_t cap) {
    uint32_t kind = r >> 32, n = (uint32_t)r;
    if (kind == SERVICE_VALUE) return JS_NewUint32(c, n);
    if (n <= cap) return kind == SERVICE_ERROR ? throw_service_error(c, small, n) : new_uint8array(c, (uint8_t *)small, n);
    char *large = js_malloc(c, n);
    if (!large) return JS_EXCEPTION;
    JSValue v;
    if (host_service_result(large, n) != (int32_t)n) v = JS_ThrowInternalError(c, "service: result lost");
    else if (kind == SERVICE_ERROR) v = throw_service_error(c, large, n);
    else v = new_uint8array(c, (uint8_t *)large, n);
    js_free(c, large);
    return v;
}

/* Appends the arguments as a record: strings and views as they are, null and undefined as absent, all else as its text. */
static int append_record(JSContext *c, DynBuf *b, int argc, JSValueConst *argv) {
    dbuf_put_u32(b, argc);
    for (int i = 0; i < argc; i++) {
        bytes v;
        size_t n;
        if (JS_IsUndefined(argv[i]) || JS_IsNull(argv[i])) dbuf_put_u32(b, ABSENT);
        else if (JS_IsObject(argv[i])) {
            if (JS_GetClassID(argv[i]) == handle_class) { /* its number */
                char text[16];
                n = snprintf(text, sizeof text, "%u", handle_of(argv[i]));
                dbuf_put_u32(b, n);
                dbuf_put(b, (uint8_t *)text, n);
                continue;
            }
            if (view_bytes(c, argv[i], &v)) return -1;
            dbuf_put_u32(b, v.len);
            dbuf_put(b, v.ptr, v.len);
        } else {
            const char *s = string_utf8(c, argv[i], &n);
            if (!s) return -1;
            dbuf_put_u32(b, n);
            dbuf_put(b, (const uint8_t *)s, n);
            JS_FreeCString(c, s);
        }
    }
    if (dbuf_error(b)) { JS_ThrowOutOfMemory(c); return -1; }
    return 0;
}

/* call(op, handle or undefined, ...fields) -> Uint8Array or number; with magic 1, open: the number becomes a handle */
static JSValue service_call(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int open) {
    uint32_t op;
    if (JS_ToUint32(c, &op, argv[0])) return JS_EXCEPTION;
    DynBuf b;
    js_dbuf_init(c, &b);
    if (append_record(c, &b, argc > 2 ? argc - 2 : 0, argv + 2)) { dbuf_free(&b); return JS_EXCEPTION; }
    char out[512];
    uint64_t r = host_service(op, handle_of(argv[1]), b.buf, b.size, out, sizeof out);
    dbuf_free(&b);
    JSValue v = service_answer(c, r, out, sizeof out);
    if (!open || JS_IsException(v)) return v;
    JSValue o = JS_NewObjectClass(c, handle_class);
    if (JS_IsException(o)) host_service(SERVICE_CLOSE, (uint32_t)r, NULL, 0, NULL, 0);
    else JS_SetOpaque(o, (void *)(uintptr_t)(uint32_t)r);
    return o;
}

/* feed(op, handle, view or string) -> Uint8Array or number: the bytes are the argument. Long input for digests goes in parts. */
static JSValue service_feed(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    uint32_t op;
    if (JS_ToUint32(c, &op, argv[0])) return JS_EXCEPTION;
    bytes v = {NULL, 0};
    const char *s = NULL;
    if (JS_IsString(argv[2])) {
        if (!(s = string_utf8(c, argv[2], &v.len))) return JS_EXCEPTION;
        v.ptr = (uint8_t *)s;
    } else if (!JS_IsUndefined(argv[2]) && view_bytes(c, argv[2], &v)) return JS_EXCEPTION;
    char out[512];
    uint32_t handle = handle_of(argv[1]);
    const size_t part = 8 << 20;
    uint64_t r;
    while ((op == SERVICE_UPDATE || op == SERVICE_AAD) && v.len > part) {
        r = host_service(op, handle, v.ptr, part, out, sizeof out);
        if (r >> 32 != SERVICE_VALUE) goto done;
        v.ptr += part;
        v.len -= part;
    }
    if (op == SERVICE_FINAL) JS_SetOpaque(argv[1], NULL);
    r = host_service(op, handle, v.ptr, v.len, out, sizeof out);
done:
    if (s) JS_FreeCString(c, s);
    return service_answer(c, r, out, sizeof out);
}

static JSValue service_close(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    close_handle(argv[0]);
    return JS_UNDEFINED;
}

/* stream(handle, flush, in or null, offset, length, out, offset, length, counts) -> 0 going on, 1 ended; counts = Uint32Array of
 * what is left of out and in, as zlib counts */
static JSValue service_stream(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    uint32_t flush, n[4];
    bytes in = {NULL, 0}, out, counts;
    if (JS_ToUint32(c, &flush, argv[1])) return JS_EXCEPTION;
    static const int at[] = {3, 4, 6, 7};
    for (int i = 0; i < 4; i++)
        if (JS_ToUint32(c, &n[i], argv[at[i]])) return JS_EXCEPTION;
    if (JS_IsObject(argv[2]) ? view_bytes(c, argv[2], &in) : 0) return JS_EXCEPTION;
    if (view_bytes(c, argv[5], &out) || view_bytes(c, argv[8], &counts)) return JS_EXCEPTION;
    if ((uint64_t)n[0] + n[1] > in.len || (uint64_t)n[2] + n[3] > out.len || counts.len < 8) return JS_ThrowRangeError(c, "stream: outside of its buffers");
    uint32_t used[2] = {0, 0};
    int32_t status = host_service_stream(handle_of(argv[0]), flush, in.ptr + n[0], n[1], out.ptr + n[2], n[3], used);
    uint32_t left[2] = {n[3] - used[1], n[1] - used[0]};
    memcpy(counts.ptr, left, 8);
    if (status >= 0) return JS_NewInt32(c, status);
    char record[512];
    int32_t len = host_service_result(record, sizeof record);
    return throw_service_error(c, record, len < 0 ? 0 : len);
}

static JSValue service_on_error(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JS_FreeValue(c, service_error);
    service_error = js_dup(argv[0]);
    return JS_UNDEFINED;
}

/* random(view, offset, length) */
static JSValue service_random(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes v;
    uint32_t at, n;
    if (view_bytes(c, argv[0], &v) || JS_ToUint32(c, &at, argv[1]) || JS_ToUint32(c, &n, argv[2])) return JS_EXCEPTION;
    if ((uint64_t)at + n > v.len) return JS_ThrowRangeError(c, "random: outside of the buffer");
    if (n && __wasi_random_get(v.ptr + at, n)) return JS_ThrowInternalError(c, "no entropy");
    return JS_UNDEFINED;
}

/* timingSafeEqual(a, b): in time that depends on the length only */
static JSValue service_equal(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes a, b;
    if (view_bytes(c, argv[0], &a) || view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    if (a.len != b.len) return JS_FALSE;
    volatile uint8_t diff = 0;
    for (size_t i = 0; i < a.len; i++) diff |= a.ptr[i] ^ b.ptr[i];
    return JS_NewBool(c, diff == 0);
}

/* crc32(string or view, value so far) */
static JSValue service_crc32(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t x = i;
            for (int k = 0; k < 8; k++) x = x & 1 ? 0xEDB88320u ^ x >> 1 : x >> 1;
            table[i] = x;
        }
    uint32_t crc;
    bytes v;
    const char *s = NULL;
    if (JS_ToUint32(c, &crc, argv[1])) return JS_EXCEPTION;
    if (JS_IsString(argv[0])) {
        if (!(s = string_utf8(c, argv[0], &v.len))) return JS_EXCEPTION;
        v.ptr = (uint8_t *)s;
    } else if (view_bytes(c, argv[0], &v)) return JS_EXCEPTION;
    crc = ~crc;
    for (size_t i = 0; i < v.len; i++) crc = table[(crc ^ v.ptr[i]) & 255] ^ crc >> 8;
    if (s) JS_FreeCString(c, s);
    return JS_NewUint32(c, ~crc);
}

/* ---- local time ---- */

static char zone_name[72]; /* TZ; empty = UTC */
static struct { int64_t from, until; long offset; } zone_periods[4]; /* seconds; of zone_name, the last ones used */
static unsigned zone_next;

/* What the engine's dates ask: only the offset from UTC matters to them. */
static struct tm *local_time(const time_t *t, struct tm *tm) {
    memset(tm, 0, sizeof *tm);
    if (!zone_name[0]) return tm;
    for (int i = 0; i < 4; i++)
        if (zone_periods[i].from <= *t && *t < zone_periods[i].until) {
            tm->tm_gmtoff = zone_periods[i].offset;
            return tm;
        }
    enum { SERVICE_ZONE = 112 };
    char argument[128], seconds[24], answer[160];
    uint32_t n = strlen(zone_name), m = snprintf(seconds, sizeof seconds, "%lld", (long long)*t), two = 2;
    memcpy(argument, &two, 4);
    memcpy(argument + 4, &n, 4);
    memcpy(argument + 8, zone_name, n);
    memcpy(argument + 8 + n, &m, 4);
    memcpy(argument + 12 + n, seconds, m);
    uint64_t r = host_service(SERVICE_ZONE, 0, argument, 12 + n + m, answer, sizeof answer - 1);
    if (r >> 32 != SERVICE_BYTES || (uint32_t)r >= sizeof answer) return tm;
    answer[(uint32_t)r] = 0;
    long long from, until;
    long offset;
    if (sscanf(answer, "%ld %*s %lld %lld", &offset, &from, &until) != 3) return tm;
    zone_periods[zone_next & 3].from = from;
    zone_periods[zone_next & 3].until = until;
    zone_periods[zone_next++ & 3].offset = offset;
    tm->tm_gmtoff = offset;
    return tm;
}

/* setTimeZone(name): for local time; empty = UTC */
static JSValue service_time_zone(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    const char *s = JS_ToCString(c, argv[0]);
    if (!s) return JS_EXCEPTION;
    memset(zone_periods, 0, sizeof zone_periods);
    snprintf(zone_name, sizeof zone_name, "%s", strlen(s) < sizeof zone_name ? s : "");
    JS_FreeCString(c, s);
    return JS_UNDEFINED;
}

static const JSCFunctionListEntry service_funcs[] = {
    JS_CFUNC_DEF("setTimeZone", 1, service_time_zone),
    JS_CFUNC_MAGIC_DEF("call", 2, service_call, 0),
    JS_CFUNC_MAGIC_DEF("open", 2, service_call, 1),
    JS_CFUNC_DEF("feed", 3, service_feed),
    JS_CFUNC_DEF("close", 1, service_close),
    JS_CFUNC_DEF("stream", 9, service_stream),
    JS_CFUNC_DEF("onError", 1, service_on_error),
    JS_CFUNC_DEF("random", 3, service_random),
    JS_CFUNC_DEF("timingSafeEqual", 2, service_equal),
    JS_CFUNC_DEF("crc32", 2, service_crc32),
};

static int service_init(JSValueConst host) {
    static const JSClassDef handle_def = {"ServiceHandle", .finalizer = handle_finalizer};
    service_error = JS_UNDEFINED;
    JS_NewClassID(rt, &handle_class);
    if (JS_NewClass(rt, handle_class, &handle_def)) return -1;
    JS_SetClassProto(ctx, handle_class, JS_NewObject(ctx));
    JSValue o = JS_NewObject(ctx);
    if (JS_SetPropertyFunctionList(ctx, o, service_funcs, countof(service_funcs))) return -1;
    return JS_SetPropertyStr(ctx, host, "service", o) < 0 ? -1 : 0;
}
