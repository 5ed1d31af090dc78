/* The entry point of the Node.js guest: implements abi/README.md on top of QuickJS-NG.
 *
 * The engine's source is included, not linked: what Node's library needs to know of values (promise states, what an iterator
 * would yield, stack traces in V8's form) has no public API. What is changed in it is in ../build/*.sed; two macros of the engine
 * are ours, JS_REF_COUNT and JS_GC_MARK (build.sh takes out its own): heap.c says why.
 *
 * What runs once per invocation is here in C (frames, strings, JSON); what a Lambda user can see (handler look-up, context
 * object, errors, console) is in node/*.js, which this file calls through five functions that bootstrap.js returns.
 */
#include <stdint.h>
#include <time.h>

static uint8_t *settled_end;
static _Alignas(8) uint8_t settled_header[8]; /* a JSMallocBlockHeader */
#define settled_rc(p) ((uint8_t *)(p) < settled_end ? (JSMallocBlockHeader *)settled_header : js_rc(p))
#define JS_REF_COUNT(p) (settled_rc(p)->ref_count)
#define JS_GC_MARK(p) (settled_rc(p)->mark)

#include "quickjs.h"

static JSValue in_context(JSContext *c, JSValueConst handler);
static void enqueue_thenable(JSContext *c, JSValueConst *args);
static struct tm *local_time(const time_t *t, struct tm *tm);
#define localtime_r(t, tm) local_time(t, tm)
#define THAW_REACTION(ctx, handler) in_context(ctx, handler)
#define THAW_THENABLE(ctx, args) enqueue_thenable(ctx, args)
#include "quickjs.c"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

#define IMPORT(name) __attribute__((import_module("thaw"), import_name(name)))
IMPORT("log") void host_log(uint32_t level, const char *ptr, uint32_t len);
IMPORT("remaining_time") int64_t host_remaining_time(void);

enum { OP_INFO, OP_ALLOC, OP_INIT, OP_RESTORE, OP_LOAD, OP_INVOKE, OP_TURN, OP_TRIM, OP_COMPILE };
enum { DONE = 0, PENDING = 1, ERROR = 2, FAULT = 3, HANDLED = 4 };
enum { LOG_ERROR = 5 };
#define ABSENT 0xFFFFFFFFu
#define INFO_EVENT_LOOP 1
#define DESCRIPTORS_MAX 1024

static JSRuntime *rt;
static JSContext *ctx;

#include "introspect.c"
#include "errors.c"
#include "buffer.c"
#include "files.c"
#include "modules.c"
#include "system.c"
#include "service.c"
#include "heap.c"
#include "net.c"
#include "http.c"
#include "realms.c"

/* ---- results: one frame {u32 length, bytes}, reused; a large one is given back at the next call ---- */

static char *frame;
static size_t frame_cap;
static const size_t frame_keep = 64 << 10;

static uint64_t answer(uint32_t status, const char *bytes, size_t len) {
    if (frame_cap < len + 4 || (frame_cap > frame_keep && len + 4 <= frame_keep)) {
        size_t cap = len + 4 <= 4096 ? 4096 : len + 4;
        free(frame);
        frame = malloc(cap);
        frame_cap = frame ? cap : 0;
        if (!frame) return (uint64_t)FAULT << 32;
    }
    uint32_t n = (uint32_t)len;
    memcpy(frame, &n, 4);
    memcpy(frame + 4, bytes, len);
    return (uint64_t)status << 32 | (uint32_t)(uintptr_t)frame;
}

static uint64_t fault(const char *text) { return answer(FAULT, text, strlen(text)); }

static uint64_t answer_string(uint32_t status, JSValue v) {
    size_t n;
    const char *s = JS_ToCStringLen(ctx, &n, v);
    uint64_t r = s ? answer(status, s, n) : fault("result is not a string");
    if (s) JS_FreeCString(ctx, s);
    else JS_FreeValue(ctx, JS_GetException(ctx));
    JS_FreeValue(ctx, v);
    return r;
}

/* An exception where the JavaScript side may throw none: it catches all that a function can cause, except exhaustion of
 * memory while it does so. */
static uint64_t fault_from_exception(void) {
    JSValue e = JS_GetException(ctx), stack = JS_UNDEFINED;
    if (JS_IsObject(e)) stack = JS_GetPropertyStr(ctx, e, "stack");
    size_t n;
    const char *s = JS_ToCStringLen(ctx, &n, JS_IsString(stack) ? stack : e);
    uint64_t r = s ? answer(FAULT, s, n) : fault("JavaScript exception");
    if (s) JS_FreeCString(ctx, s);
    if (JS_HasException(ctx)) JS_FreeValue(ctx, JS_GetException(ctx));
    JS_FreeValue(ctx, stack);
    JS_FreeValue(ctx, e);
    return r;
}

/* ---- the input buffer ---- */

static char *input;
static size_t input_cap;
static const size_t input_keep = 64 << 10;

static uint32_t alloc_input(uint32_t size) {
    if (size > input_cap || (input_cap > input_keep && size <= input_keep)) {
        size_t cap = size <= 4096 ? 4096 : size;
        free(input);
        input = malloc(cap + 1); /* one more: JS_ParseJSON wants a terminator after the event */
        input_cap = input ? cap : 0;
    }
    return (uint32_t)(uintptr_t)input;
}

/* What is in the buffers isn't needed between two operations. */
static void clear_buffers(void) {
    if (frame) memset(frame, 0, frame_cap);
    if (input) memset(input, 0, input_cap);
}

/* ---- records ---- */

typedef struct { const char *at, *end; uint32_t left; } record;
typedef struct { const char *ptr; uint32_t len; int present; } field;

static uint32_t u32(const char *p) { uint32_t v; memcpy(&v, p, 4); return v; }

static int open_record(record *r, const char *ptr, size_t len) {
    if (len < 4) return 0;
    r->left = u32(ptr);
    r->at = ptr + 4;
    r->end = ptr + len;
    return 1;
}

static int next_field(record *r, field *f) {
    if (r->left == 0 || r->end - r->at < 4) return 0;
    r->left--;
    f->len = u32(r->at);
    r->at += 4;
    f->present = f->len != ABSENT;
    f->ptr = r->at;
    if (!f->present) { f->len = 0; return 1; }
    if ((size_t)(r->end - r->at) < f->len) return 0;
    r->at += f->len;
    return 1;
}

static JSValue field_value(const field *f) {
    return f->present ? JS_NewStringLen(ctx, f->ptr, f->len) : JS_UNDEFINED;
}

/* ---- the functions of bootstrap.js ---- */

static int initialised;
static JSValue on_restore, on_load, on_invoke, on_turn, on_trim, on_compile;

/* The event loop's verdict: [status, payload]. Kept as one reused array, so that a warm invocation allocates none. */
static uint64_t verdict(JSValue v) {
    if (JS_IsException(v)) return fault_from_exception();
    if (JS_IsString(v)) return answer_string(DONE, v); /* the common case: an answer without an error */
    JSValue status = JS_GetPropertyUint32(ctx, v, 0), payload = JS_GetPropertyUint32(ctx, v, 1), descriptors = JS_GetPropertyUint32(ctx, v, 2);
    JS_FreeValue(ctx, v);
    int32_t s = FAULT;
    JS_ToInt32(ctx, &s, status);
    if (s != PENDING) {
        JS_FreeValue(ctx, descriptors);
        return answer_string(s, payload);
    }
    double at;
    JS_ToFloat64(ctx, &at, payload);
    struct { int64_t at; uint32_t flags, descriptors, pairs[2 * DESCRIPTORS_MAX]; } wait = {at < 0 ? -1 : (int64_t)(at * 1e6), 0, 0};
    bytes b;
    size_t n = 0;
    if (JS_IsObject(descriptors) && !view_bytes(ctx, descriptors, &b)) {
        n = b.len < sizeof wait.pairs ? b.len : sizeof wait.pairs;
        memcpy(wait.pairs, b.ptr, n);
        wait.descriptors = n / 8;
    }
    JS_FreeValue(ctx, descriptors);
    return answer(PENDING, (const char *)&wait, 16 + n);
}

/* ---- INIT ---- */

static uint64_t op_init(const char *ptr, size_t len) {
    if (initialised) return fault("INIT twice");
    rt = JS_NewRuntime();
    if (!rt) return fault("out of memory");
    JS_SetMaxStackSize(rt, THAW_STACK - (128 << 10));
    ctx = JS_NewContext(rt);
    if (!ctx) return fault("out of memory");
    /* Before the first Map exists: a secret per node, see abi/README.md section 6. */
    getentropy(&ctx->hash_seed, sizeof ctx->hash_seed);
    JSValue host = JS_NewObject(ctx);
    if (errors_init(host) || introspect_init(host) || buffer_init(host) || files_init(host) || modules_init(host) || system_init(host) ||
        service_init(host) || net_init(host) || http_init(host) || realms_init(host))
        return fault_from_exception();
    JSValue boot = load_builtin("thaw/bootstrap");
    if (JS_IsException(boot)) return fault_from_exception();
    JSValue api = JS_Call(ctx, boot, JS_UNDEFINED, 1, (JSValueConst *)&host);
    JS_FreeValue(ctx, boot);
    JS_FreeValue(ctx, host);
    if (JS_IsException(api)) return fault_from_exception();
    on_restore = JS_GetPropertyStr(ctx, api, "restore");
    on_load = JS_GetPropertyStr(ctx, api, "load");
    on_invoke = JS_GetPropertyStr(ctx, api, "invoke");
    on_turn = JS_GetPropertyStr(ctx, api, "turn");
    on_trim = JS_GetPropertyStr(ctx, api, "trim");
    on_compile = JS_GetPropertyStr(ctx, api, "compile");
    JSValue preload = JS_GetPropertyStr(ctx, api, "preload");
    JS_FreeValue(ctx, api);
    run_jobs();
    record r;
    field k, v;
    if (open_record(&r, ptr, len))
        while (next_field(&r, &k) && next_field(&r, &v)) {
            if (k.len != 7 || memcmp(k.ptr, "preload", 7)) continue;
            JSValue names = field_value(&v), result = JS_Call(ctx, preload, JS_UNDEFINED, 1, (JSValueConst *)&names);
            JS_FreeValue(ctx, names);
            if (JS_IsException(result)) return fault_from_exception();
            JS_FreeValue(ctx, result);
            run_jobs();
        }
    JS_FreeValue(ctx, preload);
    JS_RunGC(rt);
    heap_settle();
    clear_buffers();
    clear_unused();
    initialised = 1;
    return answer(DONE, "", 0);
}

/* ---- RESTORE ---- */

static void reseed(void) {
    do getentropy(&ctx->random_state, sizeof ctx->random_state);
    while (ctx->random_state == 0);
    ctx->time_origin = js__now_ms();
}

static uint64_t op_restore(const char *ptr, size_t len) {
    record r;
    field k, v;
    if (!initialised) return fault("RESTORE before INIT");
    if (!open_record(&r, ptr, len)) return fault("RESTORE: bad record");
    reseed();
    JSValue env = JS_NewObject(ctx);
    while (r.left > 0) {
        if (!next_field(&r, &k) || !next_field(&r, &v)) { JS_FreeValue(ctx, env); return fault("RESTORE: bad record"); }
        JSAtom key = JS_NewAtomLen(ctx, k.ptr, k.len);
        JS_DefinePropertyValue(ctx, env, key, JS_NewStringLen(ctx, v.ptr, v.len), JS_PROP_C_W_E);
        JS_FreeAtom(ctx, key);
    }
    JSValue result = JS_Call(ctx, on_restore, JS_UNDEFINED, 1, (JSValueConst *)&env);
    JS_FreeValue(ctx, env);
    if (JS_IsException(result)) return fault_from_exception();
    JS_FreeValue(ctx, result);
    return answer(DONE, "", 0);
}

/* ---- LOAD, INVOKE, TURN ---- */

static uint64_t op_load(const char *ptr, size_t len) {
    record r;
    field f;
    if (!initialised) return fault("LOAD before INIT");
    if (!open_record(&r, ptr, len)) return fault("LOAD: bad record");
    JSValue args[9];
    int n = 0;
    while (n < 9 && next_field(&r, &f)) args[n++] = field_value(&f);
    uint64_t result = n == 9 ? verdict(JS_Call(ctx, on_load, JS_UNDEFINED, n, (JSValueConst *)args)) : fault("LOAD: bad record");
    while (n > 0) JS_FreeValue(ctx, args[--n]);
    return result;
}

static uint64_t op_invoke(char *ptr, size_t len) {
    if (!initialised || len < 16) return fault("INVOKE: bad frame");
    uint64_t e = u32(ptr + 8), c = u32(ptr + 12);
    if (16 + e + c != len) return fault("INVOKE: bad frame");
    record r;
    field f;
    if (!open_record(&r, ptr + 16 + e, c)) return fault("INVOKE: bad context");
    /* args: event (or the error that parsing it threw), whether it threw, then the fields of the context record */
    JSValue args[8];
    int n = 2;
    while (n < 8 && next_field(&r, &f)) args[n++] = field_value(&f);
    if (n < 8) {
        while (n > 2) JS_FreeValue(ctx, args[--n]);
        return fault("INVOKE: bad context");
    }
    char saved = ptr[16 + e]; /* inside the buffer: c >= 4 */
    ptr[16 + e] = 0;
    args[0] = JS_ParseJSON(ctx, ptr + 16, e, "<event>");
    ptr[16 + e] = saved;
    args[1] = JS_NewBool(ctx, JS_IsException(args[0]));
    if (JS_IsException(args[0])) args[0] = JS_GetException(ctx);
    uint64_t result = verdict(JS_Call(ctx, on_invoke, JS_UNDEFINED, n, (JSValueConst *)args));
    while (n > 0) JS_FreeValue(ctx, args[--n]);
    return result;
}

static uint64_t op_turn(uint32_t flags) {
    if (!initialised) return fault("TURN before INIT");
    JSValue arg = JS_NewInt32(ctx, flags);
    return verdict(JS_Call(ctx, on_turn, JS_UNDEFINED, 1, (JSValueConst *)&arg));
}

/* A file of the package, compiled and not run. */
static uint64_t op_compile(const char *ptr, size_t len) {
    record r;
    field f;
    if (!initialised) return fault("COMPILE before INIT");
    if (!open_record(&r, ptr, len) || !next_field(&r, &f) || !f.present) return fault("COMPILE: bad record");
    JSValue path = field_value(&f), code = JS_Call(ctx, on_compile, JS_UNDEFINED, 1, (JSValueConst *)&path);
    JS_FreeValue(ctx, path);
    bytes b;
    if (JS_IsException(code) || view_bytes(ctx, code, &b)) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        JS_FreeValue(ctx, code);
        return answer(ERROR, "{}", 2);
    }
    uint64_t result = answer(DONE, (char *)b.ptr, b.len);
    JS_FreeValue(ctx, code);
    return result;
}

static uint64_t op_trim(void) {
    if (!initialised) return fault("TRIM before INIT");
    JSValue v = JS_Call(ctx, on_trim, JS_UNDEFINED, 0, NULL);
    if (JS_IsException(v)) JS_FreeValue(ctx, JS_GetException(ctx));
    else JS_FreeValue(ctx, v);
    JS_RunGC(rt);
    clear_buffers();
    clear_unused();
    return answer(DONE, "", 0);
}

static const struct { uint32_t version, flags, interrupts, at; } info = {1, INFO_EVENT_LOOP, 0, 0};

__attribute__((export_name("thaw_call"))) uint64_t thaw_call(uint32_t op, uint32_t a, uint32_t b) {
    char *ptr = (char *)(uintptr_t)a;
    switch (op) {
    case OP_INFO: return (uint64_t)DONE << 32 | (uint32_t)(uintptr_t)&info;
    case OP_ALLOC: return (uint64_t)DONE << 32 | alloc_input(a);
    case OP_INIT: return op_init(ptr, b);
    case OP_RESTORE: return op_restore(ptr, b);
    case OP_LOAD: return op_load(ptr, b);
    case OP_INVOKE: return op_invoke(ptr, b);
    case OP_TURN: return op_turn(a);
    case OP_TRIM: return op_trim();
    case OP_COMPILE: return op_compile(ptr, b);
    default: return fault("unknown operation");
    }
}
