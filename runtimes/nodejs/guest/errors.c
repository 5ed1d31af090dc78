/* Stack traces in V8's form.
 *
 * The engine keeps the frames without a header, V8 shows "Name: message" above them, written when `stack` is first read. So
 * does the getter that replaces the engine's; until then a trace costs what it costs in the engine. */

static JSValue header_of; /* function (error) -> string: set by Node's library, which shows codes ("TypeError [ERR_X]: ...") */

/* "    at <anonymous> (file:1:2)\n" -> "\n    at file:1:2", "(native)" -> "(<anonymous>)" */
static void append_frames(DynBuf *out, const char *raw, size_t len) {
    static const char anonymous[] = "    at <anonymous> (", native[] = " (native)";
    const char *end = raw + len;
    while (raw < end) {
        const char *stop = memchr(raw, '\n', end - raw);
        if (!stop) stop = end;
        size_t n = stop - raw;
        dbuf_putc(out, '\n');
        if (n > sizeof native - 1 && !memcmp(stop - (sizeof native - 1), native, sizeof native - 1)) {
            dbuf_put(out, (const uint8_t *)raw, n - (sizeof native - 1));
            dbuf_putstr(out, " (<anonymous>)");
        } else if (n > sizeof anonymous && !memcmp(raw, anonymous, sizeof anonymous - 1)) {
            dbuf_putstr(out, "    at ");
            dbuf_put(out, (const uint8_t *)raw + sizeof anonymous - 1, n - sizeof anonymous);
        } else {
            dbuf_put(out, (const uint8_t *)raw, n);
        }
        raw = stop + 1;
    }
}

/* The full trace of an error with the given raw frames. */
static JSValue compose_stack(JSContext *c, JSValueConst error, JSValueConst raw) {
    JSValue header = JS_IsFunction(c, header_of) ? JS_Call(c, header_of, JS_UNDEFINED, 1, &error) : JS_ToString(c, error);
    if (JS_IsException(header)) return header;
    size_t hn, rn;
    const char *h = JS_ToCStringLen(c, &hn, header), *r = JS_ToCStringLen(c, &rn, raw);
    JSValue v = JS_EXCEPTION;
    if (h && r) {
        DynBuf out;
        js_dbuf_init(c, &out);
        dbuf_put(&out, (const uint8_t *)h, hn);
        append_frames(&out, r, rn);
        v = dbuf_error(&out) ? JS_ThrowOutOfMemory(c) : JS_NewStringLen(c, (char *)out.buf, out.size);
        dbuf_free(&out);
    }
    if (h) JS_FreeCString(c, h);
    if (r) JS_FreeCString(c, r);
    JS_FreeValue(c, header);
    return v;
}

/* Raw traces start with a frame or are empty; composed ones start with a header. */
static bool is_raw_stack(JSContext *c, JSValueConst v) {
    if (!JS_IsString(v)) return false;
    size_t n;
    const char *s = JS_ToCStringLen(c, &n, v);
    if (!s) return false;
    bool raw = n == 0 || (n > 7 && !memcmp(s, "    at ", 7));
    JS_FreeCString(c, s);
    return raw;
}

static JSValue get_stack(JSContext *c, JSValueConst self) {
    if (!JS_IsObject(self)) return JS_UNDEFINED;
    JSObject *p = JS_VALUE_GET_OBJ(self);
    if (p->class_id != JS_CLASS_ERROR) return JS_UNDEFINED;
    if (is_raw_stack(c, p->u.object_data)) {
        JSValue v = compose_stack(c, self, p->u.object_data);
        if (JS_IsException(v)) return v;
        JS_FreeValue(c, p->u.object_data);
        p->u.object_data = v;
    }
    return js_dup(p->u.object_data);
}

/* As V8's, the stack may be set to anything; it becomes the object's own. */
static JSValue set_stack(JSContext *c, JSValueConst self, JSValueConst value) {
    if (!JS_IsObject(self)) return JS_UNDEFINED;
    JSObject *p = JS_VALUE_GET_OBJ(self);
    if (p->class_id == JS_CLASS_ERROR) {
        JSValue old = p->u.object_data;
        p->u.object_data = js_dup(value);
        JS_FreeValue(c, old);
        return JS_UNDEFINED;
    }
    if (JS_DefinePropertyValue(c, self, JS_ATOM_stack, js_dup(value), JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) < 0) return JS_EXCEPTION;
    return JS_UNDEFINED;
}

static JSValue capture_stack_trace(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSValueConst target = argv[0];
    if (!JS_IsObject(target)) return JS_ThrowTypeErrorNotAnObject(c);
    bool filter = argc > 1 && JS_IsFunction(c, argv[1]);
    build_backtrace(c, target, filter ? argv[1] : JS_UNDEFINED, NULL, 0, 0,
                    JS_BACKTRACE_FLAG_SKIP_FIRST_LEVEL | JS_BACKTRACE_FLAG_FILTER_FUNC);
    JSObject *p = JS_VALUE_GET_OBJ(target);
    JSPropertyDescriptor d;
    int own = JS_GetOwnProperty(c, &d, target, JS_ATOM_stack);
    if (own < 0) return JS_EXCEPTION;
    if (!own) return JS_UNDEFINED;
    JSValue v = is_raw_stack(c, d.value) ? js_dup(d.value) : JS_UNDEFINED;
    bool raw = JS_IsString(v);
    JS_FreeValue(c, d.value);
    JS_FreeValue(c, d.getter);
    JS_FreeValue(c, d.setter);
    if (!raw) return JS_UNDEFINED;
    if (p->class_id == JS_CLASS_ERROR) { /* stays lazy: the header may change until it is read */
        if (JS_DeleteProperty(c, target, JS_ATOM_stack, 0) < 0) { JS_FreeValue(c, v); return JS_EXCEPTION; }
        JS_FreeValue(c, p->u.object_data);
        p->u.object_data = v;
        return JS_UNDEFINED;
    }
    JSValue full = compose_stack(c, target, v);
    JS_FreeValue(c, v);
    if (JS_IsException(full)) return full;
    if (JS_DefinePropertyValue(c, target, JS_ATOM_stack, full, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) < 0) return JS_EXCEPTION;
    return JS_UNDEFINED;
}

static JSValue set_error_header(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JS_FreeValue(c, header_of);
    header_of = js_dup(argv[0]);
    return JS_UNDEFINED;
}

static const JSCFunctionListEntry errors_funcs[] = {JS_CFUNC_DEF("setErrorHeader", 1, set_error_header)};
static const JSCFunctionListEntry stack_accessor[] = {JS_CGETSET_DEF("stack", get_stack, set_stack)};
static const JSCFunctionListEntry capture[] = {JS_CFUNC_DEF("captureStackTrace", 2, capture_stack_trace)};

static int errors_init(JSValueConst host) {
    header_of = JS_UNDEFINED;
    JSValue global = JS_GetGlobalObject(ctx), error = JS_GetPropertyStr(ctx, global, "Error");
    JS_SetPropertyFunctionList(ctx, ctx->class_proto[JS_CLASS_ERROR], stack_accessor, 1);
    JS_SetPropertyFunctionList(ctx, error, capture, 1);
    JS_FreeValue(ctx, error);
    JS_FreeValue(ctx, global);
    return JS_SetPropertyFunctionList(ctx, host, errors_funcs, countof(errors_funcs));
}
