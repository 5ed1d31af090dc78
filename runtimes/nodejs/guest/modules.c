/* Code: the built-in library's bytecode, users' CommonJS and ES modules. Look-up is in node/modules.js; here is only what needs
 * the engine. */

/* One file of the built-in library, compiled at build time: the value of its wrapper function's expression. */
static JSValue load_builtin(const char *id) {
    char path[256];
    size_t n;
    if (snprintf(path, sizeof path, "/var/runtime/node/%s.qbc", id) >= (int)sizeof path) return JS_ThrowRangeError(ctx, "module name too long");
    char *code = slurp(path, &n);
    if (!code) return JS_ThrowReferenceError(ctx, "No such built-in module: %s", id);
    JSValue v = JS_ReadObject(ctx, (uint8_t *)code, n, JS_READ_OBJ_BYTECODE);
    free(code);
    return JS_IsException(v) ? v : JS_EvalFunction(ctx, v);
}

static JSValue modules_builtin(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    const char *id = JS_ToCString(c, argv[0]);
    if (!id) return JS_EXCEPTION;
    JSValue v = load_builtin(id);
    JS_FreeCString(c, id);
    return v;
}

/* script(source, filename, line) -> completion value; the source may be a wrapper function in parentheses. line is the number of
 * its first line. */
static JSValue modules_script(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    size_t n;
    int32_t line = 1;
    if (argc > 2 && JS_ToInt32(c, &line, argv[2])) return JS_EXCEPTION;
    const char *source = JS_ToCStringLen(c, &n, argv[0]), *name = source ? JS_ToCString(c, argv[1]) : NULL;
    /* JS_Eval2 would take line 0, which a wrapper on a line of its own has, for "not given". */
    JSValue v = name ? JS_EvalInternal(c, c->global_obj, source, n, name, line, JS_EVAL_TYPE_GLOBAL, -1) : JS_EXCEPTION;
    if (source) JS_FreeCString(c, source);
    if (name) JS_FreeCString(c, name);
    return v;
}

/* Bytecode that this guest's own compiler wrote: kept by the host for a package's files (abi/README.md, COMPILE), or part of the
 * runtime's image. No other may be read: the engine doesn't check it. */

static JSValue write_code(JSContext *c, JSValue code) {
    if (JS_IsException(code)) return code;
    size_t n;
    uint8_t *bytes = JS_WriteObject(c, &n, code, JS_WRITE_OBJ_BYTECODE);
    JS_FreeValue(c, code);
    if (!bytes) return JS_EXCEPTION;
    JSValue v = new_uint8array(c, bytes, n);
    js_free(c, bytes);
    return v;
}

/* compile(source, filename, first line; -1 = it is an ES module) -> Uint8Array */
static JSValue modules_compile(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    size_t n;
    int32_t line;
    if (JS_ToInt32(c, &line, argv[2])) return JS_EXCEPTION;
    const char *source = JS_ToCStringLen(c, &n, argv[0]), *name = source ? JS_ToCString(c, argv[1]) : NULL;
    JSValue v = JS_EXCEPTION;
    if (name && line >= 0) v = JS_EvalInternal(c, c->global_obj, source, n, name, line, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY, -1);
    else if (name) v = JS_EvalInternal(c, c->global_obj, source, n, name, 1, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY, -1);
    if (source) JS_FreeCString(c, source);
    if (name) JS_FreeCString(c, name);
    return write_code(c, v);
}

static JSValue read_code(JSContext *c, const char *path) {
    size_t n;
    char *code = slurp(path, &n);
    if (!code) return JS_UNDEFINED;
    JSValue v = JS_ReadObject(c, (uint8_t *)code, n, JS_READ_OBJ_BYTECODE);
    free(code);
    return v;
}

/* compiled(path) -> completion value of a script, undefined if there is no such file */
static JSValue modules_compiled(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    const char *path = JS_ToCString(c, argv[0]);
    if (!path) return JS_EXCEPTION;
    JSValue v = read_code(c, path);
    JS_FreeCString(c, path);
    return JS_IsException(v) || JS_IsUndefined(v) ? v : JS_EvalFunction(c, v);
}

static JSValue resolve_module, fetch_module; /* functions of node/modules.js, by setModuleHooks */

/* The module loader's resolve step: resolve_module(specifier, base) -> name */
static char *module_name(JSContext *c, const char *base, const char *specifier, JSValueConst attributes, void *opaque) {
    JSValue args[] = {JS_NewString(c, specifier), JS_NewString(c, base)};
    JSValue v = JS_Call(c, resolve_module, JS_UNDEFINED, 2, (JSValueConst *)args);
    JS_FreeValue(c, args[0]);
    JS_FreeValue(c, args[1]);
    if (JS_IsException(v)) return NULL;
    const char *s = JS_ToCString(c, v);
    char *copy = s ? js_strdup(c, s) : NULL;
    if (s) JS_FreeCString(c, s);
    JS_FreeValue(c, v);
    return copy;
}

/* A module made of an object's properties (CommonJS, JSON, built-in): fills its exports when it is evaluated. */
static int fill_synthetic(JSContext *c, JSModuleDef *m) {
    JSValue o = JS_GetModulePrivateValue(c, m);
    JSPropertyEnum *tab;
    uint32_t len;
    int r = 0;
    if (JS_GetOwnPropertyNames(c, &tab, &len, o, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY)) { JS_FreeValue(c, o); return -1; }
    for (uint32_t i = 0; i < len && !r; i++) {
        JSValue v = JS_GetProperty(c, o, tab[i].atom);
        const char *name = JS_IsException(v) ? NULL : JS_AtomToCString(c, tab[i].atom);
        if (!name) { JS_FreeValue(c, v); r = -1; break; }
        r = JS_SetModuleExport(c, m, name, v);
        JS_FreeCString(c, name);
    }
    JS_FreePropertyEnum(c, tab, len);
    JS_FreeValue(c, o);
    return r;
}

static JSModuleDef *synthetic(JSContext *c, const char *name, JSValueConst exports) {
    JSPropertyEnum *tab;
    uint32_t len;
    if (JS_GetOwnPropertyNames(c, &tab, &len, exports, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY)) return NULL;
    JSModuleDef *m = JS_NewCModule(c, name, fill_synthetic);
    for (uint32_t i = 0; m && i < len; i++) {
        const char *s = JS_AtomToCString(c, tab[i].atom);
        if (!s || JS_AddModuleExport(c, m, s)) m = NULL;
        if (s) JS_FreeCString(c, s);
    }
    JS_FreePropertyEnum(c, tab, len);
    if (m) JS_SetModulePrivateValue(c, m, js_dup(exports));
    return m;
}

/* The module loader's load step: fetch_module(name) -> source text, or the path of its bytecode, with import.meta's properties, or
 * an object of exports: {source, meta}, {code, meta} or {exports}. */
static JSModuleDef *module_load(JSContext *c, const char *name, void *opaque, JSValueConst attributes) {
    JSValue arg = JS_NewString(c, name), v = JS_Call(c, fetch_module, JS_UNDEFINED, 1, (JSValueConst *)&arg);
    JS_FreeValue(c, arg);
    if (JS_IsException(v)) return NULL;
    JSModuleDef *m = NULL;
    JSValue source = JS_GetPropertyStr(c, v, "source"), compiled = JS_GetPropertyStr(c, v, "code");
    if (JS_IsString(source) || JS_IsString(compiled)) {
        size_t n;
        const char *text = JS_ToCStringLen(c, &n, JS_IsString(source) ? source : compiled);
        JSValue code = JS_EXCEPTION;
        if (text && JS_IsString(source)) code = JS_Eval(c, text, n, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
        else if (text) code = read_code(c, text);
        if (text) JS_FreeCString(c, text);
        if (JS_IsUndefined(code)) code = JS_ThrowReferenceError(c, "%s is gone", name);
        if (!JS_IsException(code)) {
            m = JS_VALUE_GET_PTR(code);
            JSValue meta = JS_GetImportMeta(c, m), wanted = JS_GetPropertyStr(c, v, "meta");
            if (JS_IsObject(meta) && JS_IsObject(wanted)) JS_CopyDataProperties(c, meta, wanted, JS_UNDEFINED, true);
            JS_FreeValue(c, meta);
            JS_FreeValue(c, wanted);
            JS_FreeValue(c, code);
        }
    } else {
        JSValue exports = JS_GetPropertyStr(c, v, "exports");
        m = JS_IsException(exports) ? NULL : synthetic(c, name, exports);
        JS_FreeValue(c, exports);
    }
    JS_FreeValue(c, source);
    JS_FreeValue(c, compiled);
    JS_FreeValue(c, v);
    return m;
}

/* Attributes other than the ones Node knows are refused by Node; "type" is all there is. */
static int module_attributes(JSContext *c, void *opaque, JSValueConst attributes) { return 0; }

static JSValue modules_hooks(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JS_FreeValue(c, resolve_module);
    JS_FreeValue(c, fetch_module);
    resolve_module = js_dup(argv[0]);
    fetch_module = js_dup(argv[1]);
    return JS_UNDEFINED;
}

/* importModule(specifier, base) -> promise of the namespace */
static JSValue modules_import(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    const char *specifier = JS_ToCString(c, argv[0]), *base = specifier ? JS_ToCString(c, argv[1]) : NULL;
    JSValue v = base ? JS_LoadModule(c, base, specifier) : JS_EXCEPTION;
    if (specifier) JS_FreeCString(c, specifier);
    if (base) JS_FreeCString(c, base);
    return v;
}

/* requireModule(specifier, base) -> [promise of the evaluation, namespace]: as importModule, but what needs no await has run
 * when it returns. */
static JSValue modules_require(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    const char *specifier = JS_ToCString(c, argv[0]), *base = specifier ? JS_ToCString(c, argv[1]) : NULL;
    JSModuleDef *m = base ? js_host_resolve_imported_module(c, base, specifier, JS_UNDEFINED) : NULL;
    if (specifier) JS_FreeCString(c, specifier);
    if (base) JS_FreeCString(c, base);
    if (!m) return JS_EXCEPTION;
    if (js_resolve_module(c, m) < 0) {
        js_free_modules(c, JS_FREE_MODULE_NOT_RESOLVED);
        return JS_EXCEPTION;
    }
    JSValue promise = JS_EvalFunction(c, JS_NewModuleValue(c, m));
    if (JS_IsException(promise)) return promise;
    JSValue namespace = JS_GetModuleNamespace(c, m), pair = JS_IsException(namespace) ? JS_EXCEPTION : JS_NewArray(c);
    if (JS_IsException(pair)) {
        JS_FreeValue(c, promise);
        JS_FreeValue(c, namespace);
        return JS_EXCEPTION;
    }
    JS_SetPropertyUint32(c, pair, 0, promise);
    JS_SetPropertyUint32(c, pair, 1, namespace);
    return pair;
}

static const JSCFunctionListEntry modules_funcs[] = {
    JS_CFUNC_DEF("builtin", 1, modules_builtin),
    JS_CFUNC_DEF("script", 3, modules_script),
    JS_CFUNC_DEF("compile", 3, modules_compile),
    JS_CFUNC_DEF("compiled", 1, modules_compiled),
    JS_CFUNC_DEF("setModuleHooks", 2, modules_hooks),
    JS_CFUNC_DEF("importModule", 2, modules_import),
    JS_CFUNC_DEF("requireModule", 2, modules_require),
};

static int modules_init(JSValueConst host) {
    resolve_module = fetch_module = JS_UNDEFINED;
    JS_SetModuleLoaderFunc2(rt, NULL, module_load, module_attributes, NULL);
    JS_SetModuleNormalizeFunc2(rt, module_name);
    return JS_SetPropertyFunctionList(ctx, host, modules_funcs, countof(modules_funcs));
}
