/* HTTP/1 parsing by llhttp, as in Node. node/http_parser.js makes Node's HTTPParser of it, node/undici.js what undici expects. */
#include "llhttp.h"

enum { HTTP_BEGIN, HTTP_URL, HTTP_STATUS, HTTP_FIELD, HTTP_VALUE, HTTP_HEADERS, HTTP_BODY, HTTP_COMPLETE };

typedef struct {
    llhttp_t p; /* first: callbacks get its address */
    JSContext *c; /* while it executes */
    JSValueConst callback;
    const char *base;
    bool threw;
} http_parser;

static JSClassID http_class;

static void http_finalizer(JSRuntime *r, JSValueConst v) { js_free_rt(r, JS_GetOpaque(v, http_class)); }

/* callback(event, offset, length) -> 0, or what llhttp takes a number for */
static int http_tell(llhttp_t *p, int event, const char *at, size_t len) {
    http_parser *h = (http_parser *)p;
    if (h->threw) return HPE_USER;
    JSContext *c = h->c;
    JSValue args[] = {JS_NewInt32(c, event), JS_NewInt64(c, at ? at - h->base : 0), JS_NewInt64(c, len)};
    JSValue v = JS_Call(c, h->callback, JS_UNDEFINED, 3, (JSValueConst *)args);
    int32_t r = HPE_USER;
    if (JS_IsException(v) || JS_ToInt32(c, &r, v)) { h->threw = true; return HPE_USER; }
    JS_FreeValue(c, v);
    return r;
}

static int http_begin(llhttp_t *p) { return http_tell(p, HTTP_BEGIN, NULL, 0); }
static int http_url(llhttp_t *p, const char *at, size_t n) { return http_tell(p, HTTP_URL, at, n); }
static int http_status(llhttp_t *p, const char *at, size_t n) { return http_tell(p, HTTP_STATUS, at, n); }
static int http_field(llhttp_t *p, const char *at, size_t n) { return http_tell(p, HTTP_FIELD, at, n); }
static int http_value(llhttp_t *p, const char *at, size_t n) { return http_tell(p, HTTP_VALUE, at, n); }
static int http_headers(llhttp_t *p) { return http_tell(p, HTTP_HEADERS, NULL, 0); }
static int http_body(llhttp_t *p, const char *at, size_t n) { return http_tell(p, HTTP_BODY, at, n); }
static int http_complete(llhttp_t *p) { return http_tell(p, HTTP_COMPLETE, NULL, 0); }

static const llhttp_settings_t http_settings = {
    .on_message_begin = http_begin, .on_url = http_url, .on_status = http_status, .on_header_field = http_field, .on_header_value = http_value,
    .on_headers_complete = http_headers, .on_body = http_body, .on_message_complete = http_complete,
};

static http_parser *http_of(JSContext *c, JSValueConst v) { return JS_GetOpaque2(c, v, http_class); }

/* open(type: 1 request, 2 response, lenient flags) */
static JSValue http_open(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    INT(0, type);
    INT(1, lenient);
    http_parser *h = js_mallocz(c, sizeof *h);
    if (!h) return JS_EXCEPTION;
    JSValue v = JS_NewObjectClass(c, http_class);
    if (JS_IsException(v)) { js_free(c, h); return v; }
    JS_SetOpaque(v, h);
    llhttp_init(&h->p, type, &http_settings);
    if (lenient & 1) llhttp_set_lenient_headers(&h->p, 1);
    if (lenient & 2) llhttp_set_lenient_chunked_length(&h->p, 1);
    if (lenient & 4) llhttp_set_lenient_keep_alive(&h->p, 1);
    if (lenient & 8) llhttp_set_lenient_transfer_encoding(&h->p, 1);
    if (lenient & 16) llhttp_set_lenient_version(&h->p, 1);
    if (lenient & 32) llhttp_set_lenient_data_after_close(&h->p, 1);
    if (lenient & 64) llhttp_set_lenient_optional_lf_after_cr(&h->p, 1);
    if (lenient & 128) llhttp_set_lenient_optional_crlf_after_chunk(&h->p, 1);
    if (lenient & 256) llhttp_set_lenient_optional_cr_before_lf(&h->p, 1);
    if (lenient & 512) llhttp_set_lenient_spaces_after_chunk_size(&h->p, 1);
    return v;
}

/* execute(parser, view, callback) -> llhttp's error number; view null = the end of input */
static JSValue http_execute(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    http_parser *h = http_of(c, argv[0]);
    bytes b = {0};
    if (!h) return JS_EXCEPTION;
    if (h->c) return JS_ThrowInternalError(c, "parser is executing");
    if (!JS_IsNull(argv[1]) && view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    h->c = c;
    h->callback = argv[2];
    h->base = (const char *)b.ptr;
    h->threw = false;
    JSValue keep = js_dup(argv[0]), data = js_dup(argv[1]); /* whatever the callback does */
    int e = JS_IsNull(argv[1]) ? llhttp_finish(&h->p) : llhttp_execute(&h->p, h->base, b.len);
    h->c = NULL;
    bool threw = h->threw;
    JS_FreeValue(c, data);
    JS_FreeValue(c, keep);
    return threw ? JS_EXCEPTION : JS_NewInt32(c, e);
}

enum { HTTP_METHOD_OF, HTTP_CODE, HTTP_MAJOR, HTTP_MINOR, HTTP_UPGRADE, HTTP_KEEP_ALIVE, HTTP_POSITION };

/* get(parser, what) */
static JSValue http_get(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    http_parser *h = http_of(c, argv[0]);
    INT(1, what);
    if (!h) return JS_EXCEPTION;
    switch (what) {
    case HTTP_METHOD_OF: return JS_NewInt32(c, h->p.method);
    case HTTP_CODE: return JS_NewInt32(c, h->p.status_code);
    case HTTP_MAJOR: return JS_NewInt32(c, h->p.http_major);
    case HTTP_MINOR: return JS_NewInt32(c, h->p.http_minor);
    case HTTP_UPGRADE: return JS_NewBool(c, h->p.upgrade);
    case HTTP_KEEP_ALIVE: return JS_NewBool(c, llhttp_should_keep_alive(&h->p));
    case HTTP_POSITION: {
        const char *at = llhttp_get_error_pos(&h->p);
        return JS_NewInt64(c, at && h->base ? at - h->base : 0);
    }
    }
    return JS_UNDEFINED;
}

/* reason(parser); errorName(number); methodName(number) */
static JSValue http_reason(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    http_parser *h = http_of(c, argv[0]);
    if (!h) return JS_EXCEPTION;
    const char *r = llhttp_get_error_reason(&h->p);
    return r ? JS_NewString(c, r) : JS_UNDEFINED;
}

static JSValue http_name(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int method) {
    INT(0, n);
    if (n < 0 || n > (method ? 45 : 35)) return JS_UNDEFINED; /* the names that 9.2 has */
    return JS_NewString(c, method ? llhttp_method_name(n) : llhttp_errno_name(n));
}

/* control(parser, 0 pause, 1 resume, 2 resume after upgrade) */
static JSValue http_control(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    http_parser *h = http_of(c, argv[0]);
    INT(1, what);
    if (!h) return JS_EXCEPTION;
    if (what == 0) llhttp_pause(&h->p);
    else if (what == 1) llhttp_resume(&h->p);
    else llhttp_resume_after_upgrade(&h->p);
    return JS_UNDEFINED;
}

static const JSCFunctionListEntry http_funcs[] = {
    JS_CFUNC_DEF("open", 2, http_open),
    JS_CFUNC_DEF("execute", 3, http_execute),
    JS_CFUNC_DEF("get", 2, http_get),
    JS_CFUNC_DEF("reason", 1, http_reason),
    JS_CFUNC_MAGIC_DEF("errorName", 1, http_name, 0),
    JS_CFUNC_MAGIC_DEF("methodName", 1, http_name, 1),
    JS_CFUNC_DEF("control", 2, http_control),
};

static int http_init(JSValueConst host) {
    static const JSClassDef class = {"HTTPParserState", .finalizer = http_finalizer};
    JS_NewClassID(rt, &http_class);
    JSValue v = JS_NewObject(ctx);
    if (JS_NewClass(rt, http_class, &class) || JS_SetPropertyFunctionList(ctx, v, http_funcs, countof(http_funcs))) return -1;
    return JS_DefinePropertyValueStr(ctx, host, "http", v, JS_PROP_C_W_E) < 0;
}
