/* Realms, for vm: another set of built-in objects and another global object. */

static JSClassID realm_class;
static int64_t run_deadline; /* of the script that runs under a limit, ms on the monotonic clock; 0 = none */
static bool run_over;

static JSContext *realm_of(JSValueConst v) { return JS_GetOpaque(v, realm_class); }

static void realm_finalizer(JSRuntime *r, JSValueConst v) {
    JSContext *c = realm_of(v);
    if (c) JS_FreeContext(c);
}

static void realm_mark(JSRuntime *r, JSValueConst v, JS_MarkFunc *mark) {
    JSContext *c = realm_of(v);
    if (c) mark(r, &c->header);
}

static JSValue realms_make(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSValue o = JS_NewObjectClass(c, realm_class);
    if (JS_IsException(o)) return o;
    JSContext *realm = JS_NewContext(rt);
    if (!realm) { JS_FreeValue(c, o); return JS_ThrowOutOfMemory(c); }
    getentropy(&realm->random_state, sizeof realm->random_state);
    JS_SetOpaque(o, realm);
    return o;
}

static JSValue realms_global(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSContext *realm = realm_of(argv[0]);
    return realm ? JS_GetGlobalObject(realm) : JS_ThrowTypeError(c, "not a realm");
}

static int interrupt(JSRuntime *r, void *opaque) {
    if (!run_deadline || (int64_t)(js__hrtime_ns() / 1000000) < run_deadline) return 0;
    run_over = true;
    return 1;
}

static JSValue eval_in(JSContext *c, JSContext *realm, JSValueConst *argv, int flags) {
    size_t n;
    int32_t line;
    if (JS_ToInt32(c, &line, argv[2])) return JS_EXCEPTION;
    const char *source = JS_ToCStringLen(c, &n, argv[0]), *name = source ? JS_ToCString(c, argv[1]) : NULL;
    JSValue v = name ? JS_EvalInternal(realm, realm->global_obj, source, n, name, line, flags, -1) : JS_EXCEPTION;
    if (source) JS_FreeCString(c, source);
    if (name) JS_FreeCString(c, name);
    return v;
}

/* check(source, filename, line): throws if it does not compile */
static JSValue realms_check(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSValue v = eval_in(c, c, argv, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(v)) return v;
    JS_FreeValue(c, v);
    return JS_UNDEFINED;
}

/* run(realm or undefined, source, filename, line, ms or 0) -> completion value, or timedOut */
static JSValue realms_run(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSContext *realm = realm_of(argv[0]);
    int32_t limit;
    if (JS_ToInt32(c, &limit, argv[4])) return JS_EXCEPTION;
    int64_t outer = run_deadline;
    if (limit > 0) {
        int64_t end = (int64_t)(js__hrtime_ns() / 1000000) + limit;
        if (!outer || end < outer) run_deadline = end;
        JS_SetInterruptHandler(rt, interrupt, NULL);
    }
    run_over = false;
    JSValue v = eval_in(c, realm ? realm : c, argv + 1, JS_EVAL_TYPE_GLOBAL);
    run_deadline = outer;
    if (!outer) JS_SetInterruptHandler(rt, NULL, NULL);
    if (limit > 0 && run_over && JS_IsException(v)) {
        run_over = false;
        JS_FreeValue(c, JS_GetException(c));
        return JS_GetPropertyStr(c, self, "timedOut");
    }
    return v;
}

static const JSCFunctionListEntry realms_funcs[] = {
    JS_CFUNC_DEF("make", 0, realms_make),
    JS_CFUNC_DEF("global", 1, realms_global),
    JS_CFUNC_DEF("check", 3, realms_check),
    JS_CFUNC_DEF("run", 5, realms_run),
};

static int realms_init(JSValueConst host) {
    static const JSClassDef realm_def = {"Realm", .finalizer = realm_finalizer, .gc_mark = realm_mark};
    JS_NewClassID(rt, &realm_class);
    if (JS_NewClass(rt, realm_class, &realm_def)) return -1;
    JS_SetClassProto(ctx, realm_class, JS_NewObject(ctx));
    JSValue o = JS_NewObject(ctx);
    if (JS_SetPropertyFunctionList(ctx, o, realms_funcs, countof(realms_funcs))) return -1;
    JS_SetPropertyStr(ctx, o, "timedOut", JS_NewSymbol(ctx, "timedOut", false));
    return JS_SetPropertyStr(ctx, host, "realms", o) < 0 ? -1 : 0;
}
