/* Stack traces as V8's: every error has an own, hidden property `stack`, whose text is written when it is first read, by
 * Error.prepareStackTrace if the program has set one.
 *
 * The engine offers a hook of its own at the moment an error is made; it is set to keep_frames, which only stores the call
 * sites, and what a program sees as Error.prepareStackTrace is a plain property, as in V8. */

static JSAtom frames_key; /* private symbol: the call sites of an error whose text isn't written yet */
static JSValue stack_getter, stack_setter, error_constructor;
static JSValue prepare_callback; /* function (global, error, call sites) -> text: Node's, which also asks Error.prepareStackTrace */

static int define_stack(JSContext *c, JSValueConst target, JSValueConst frames) {
    if (JS_DefinePropertyValue(c, target, frames_key, js_dup(frames), JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE) < 0) return -1;
    return JS_DefineProperty(c, target, JS_ATOM_stack, JS_UNDEFINED, stack_getter, stack_setter,
                             JS_PROP_HAS_GET | JS_PROP_HAS_SET | JS_PROP_HAS_CONFIGURABLE | JS_PROP_CONFIGURABLE | JS_PROP_HAS_ENUMERABLE);
}

/* The engine's hook: (error, call sites). Its result is what the engine would make the stack. */
static JSValue keep_frames(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSClassID k = class_of(argv[0]);
    /* It is called again for an error that is thrown again; the first stack stays. */
    if ((k == JS_CLASS_ERROR || k == JS_CLASS_DOM_EXCEPTION) && !find_own_property1(JS_VALUE_GET_OBJ(argv[0]), JS_ATOM_stack)) {
        if (define_stack(c, argv[0], argv[1]) < 0) JS_FreeValue(c, JS_GetException(c));
    }
    return js_dup(argv[1]);
}

static void append_value(JSContext *c, DynBuf *out, JSValueConst v) {
    const char *s = JS_ToCString(c, v);
    if (!s) { JS_FreeValue(c, JS_GetException(c)); return; }
    dbuf_putstr(out, s);
    JS_FreeCString(c, s);
}

static bool is_text(JSValueConst v) { return JS_IsString(v) && !JS_IsEmptyString(v); }

static void append_site(JSContext *c, DynBuf *out, const JSCallSiteData *s) {
    bool named = is_text(s->func_name);
    if (named) {
        if (s->constructor) dbuf_putstr(out, "new ");
        append_value(c, out, s->func_name);
    }
    if (s->native || !JS_IsString(s->filename)) {
        dbuf_putstr(out, named ? " (<anonymous>)" : "<anonymous>");
        return;
    }
    if (named) dbuf_putstr(out, " (");
    append_value(c, out, s->filename);
    if (s->line_num >= 0) dbuf_printf(out, ":%d:%d", s->line_num, s->col_num);
    if (named) dbuf_putc(out, ')');
}

/* CallSite.prototype.toString */
static JSValue site_to_string(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSCallSiteData *s = JS_GetOpaque2(c, self, JS_CLASS_CALL_SITE);
    if (!s) return JS_EXCEPTION;
    DynBuf out;
    js_dbuf_init(c, &out);
    append_site(c, &out, s);
    JSValue v = JS_NewStringLen(c, (char *)out.buf, out.size);
    dbuf_free(&out);
    return v;
}

static JSValue write_stack(JSContext *c, JSValueConst error, JSValueConst frames) {
    if (JS_IsFunction(c, prepare_callback)) {
        JSValueConst args[] = {c->global_obj, error, frames};
        return JS_Call(c, prepare_callback, JS_UNDEFINED, 3, args);
    }
    JSValue header = JS_ToString(c, error);
    if (JS_IsException(header)) return header;
    DynBuf out;
    js_dbuf_init(c, &out);
    append_value(c, &out, header);
    JS_FreeValue(c, header);
    int64_t n = 0;
    JS_GetLength(c, frames, &n);
    for (int64_t i = 0; i < n; i++) {
        JSValue site = JS_GetPropertyInt64(c, frames, i);
        JSCallSiteData *s = JS_GetOpaque(site, JS_CLASS_CALL_SITE);
        dbuf_putstr(&out, "\n    at ");
        if (s) append_site(c, &out, s);
        else append_value(c, &out, site);
        JS_FreeValue(c, site);
    }
    JSValue v = dbuf_error(&out) ? JS_ThrowOutOfMemory(c) : JS_NewStringLen(c, (char *)out.buf, out.size);
    dbuf_free(&out);
    return v;
}

static JSValue get_stack(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    if (!JS_IsObject(self)) return JS_UNDEFINED;
    JSValue frames = JS_GetProperty(c, self, frames_key);
    if (!JS_IsArray(frames)) return frames; /* written already, or an object without */
    JSValue v = write_stack(c, self, frames);
    JS_FreeValue(c, frames);
    if (JS_IsException(v)) return v;
    /* An array must not be taken for unwritten frames: prepareStackTrace may return one. */
    if (JS_IsArray(v)) JS_DefinePropertyValue(c, self, JS_ATOM_stack, js_dup(v), JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE);
    else JS_DefinePropertyValue(c, self, frames_key, js_dup(v), JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE);
    return v;
}

static JSValue set_stack(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    if (!JS_IsObject(self)) return JS_UNDEFINED;
    int flags = JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE | JS_PROP_HAS_ENUMERABLE | JS_PROP_HAS_VALUE | JS_PROP_HAS_WRITABLE | JS_PROP_HAS_CONFIGURABLE;
    if (JS_DefineProperty(c, self, JS_ATOM_stack, argv[0], JS_UNDEFINED, JS_UNDEFINED, flags) < 0) return JS_EXCEPTION;
    return JS_UNDEFINED;
}

static JSValue capture_stack_trace(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    if (!JS_IsObject(argv[0])) return JS_ThrowTypeErrorNotAnObject(c);
    if (!JS_IsExtensible(c, argv[0])) return JS_ThrowTypeError(c, "Cannot define property stack, object is not extensible");
    /* Captured on an object of our own, then handed over: the engine would write the text at once. */
    JSValue holder = JS_NewObject(c);
    JSValueConst until = argc > 1 && JS_IsFunction(c, argv[1]) ? argv[1] : JS_UNDEFINED;
    build_backtrace(c, holder, until, NULL, 0, 0, JS_BACKTRACE_FLAG_SKIP_FIRST_LEVEL | JS_BACKTRACE_FLAG_FILTER_FUNC);
    JSValue frames = JS_GetProperty(c, holder, JS_ATOM_stack);
    JS_FreeValue(c, holder);
    if (!JS_IsArray(frames)) { JS_FreeValue(c, frames); frames = JS_NewArray(c); }
    int r = define_stack(c, argv[0], frames);
    JS_FreeValue(c, frames);
    return r < 0 ? JS_EXCEPTION : JS_UNDEFINED;
}

static JSValue set_prepare(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JS_FreeValue(c, prepare_callback);
    prepare_callback = js_dup(argv[0]);
    return JS_UNDEFINED;
}

static JSValue site_prototype(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    return js_dup(c->class_proto[JS_CLASS_CALL_SITE]);
}

static const JSCFunctionListEntry errors_funcs[] = {JS_CFUNC_DEF("callSitePrototype", 0, site_prototype), JS_CFUNC_DEF("setPrepareStackTrace", 1, set_prepare)};
static const JSCFunctionListEntry error_statics[] = {JS_CFUNC_DEF("captureStackTrace", 2, capture_stack_trace)};
static const JSCFunctionListEntry site_funcs[] = {JS_CFUNC_DEF("toString", 0, site_to_string)};

static int errors_init(JSValueConst host) {
    prepare_callback = JS_UNDEFINED;
    JSValue key = JS_NewPrivateSymbol(ctx, "frames");
    frames_key = JS_ValueToAtom(ctx, key);
    JS_FreeValue(ctx, key);
    stack_getter = JS_NewCFunction(ctx, get_stack, "get stack", 0);
    stack_setter = JS_NewCFunction(ctx, set_stack, "set stack", 1);
    JSValue global = JS_GetGlobalObject(ctx);
    error_constructor = JS_GetPropertyStr(ctx, global, "Error");
    JS_FreeValue(ctx, global);
    static const char *const replaced[] = {"prepareStackTrace", "captureStackTrace"};
    for (size_t i = 0; i < countof(replaced); i++) {
        JSAtom name = JS_NewAtom(ctx, replaced[i]);
        JS_DeleteProperty(ctx, error_constructor, name, 0);
        JS_FreeAtom(ctx, name);
    }
    JS_DeleteProperty(ctx, ctx->class_proto[JS_CLASS_ERROR], JS_ATOM_stack, 0);
    JS_SetPropertyFunctionList(ctx, error_constructor, error_statics, countof(error_statics));
    JS_SetPropertyFunctionList(ctx, ctx->class_proto[JS_CLASS_CALL_SITE], site_funcs, countof(site_funcs));
    JS_FreeValue(ctx, ctx->error_prepare_stack);
    ctx->error_prepare_stack = JS_NewCFunction(ctx, keep_frames, "", 2);
    return JS_SetPropertyFunctionList(ctx, host, errors_funcs, countof(errors_funcs));
}
