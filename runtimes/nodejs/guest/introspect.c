/* What JavaScript can't see of its own values: internalBinding('types') and the like. */

static JSClassID class_of(JSValueConst v) { return JS_IsObject(v) ? JS_VALUE_GET_OBJ(v)->class_id : JS_INVALID_CLASS_ID; }

enum {
    IS_DATE, IS_ARGUMENTS, IS_BIGINT_OBJECT, IS_BOOLEAN_OBJECT, IS_NUMBER_OBJECT, IS_STRING_OBJECT, IS_SYMBOL_OBJECT, IS_NATIVE_ERROR,
    IS_REGEXP, IS_ASYNC_FUNCTION, IS_GENERATOR_FUNCTION, IS_GENERATOR_OBJECT, IS_PROMISE, IS_MAP, IS_SET, IS_MAP_ITERATOR,
    IS_SET_ITERATOR, IS_WEAK_MAP, IS_WEAK_SET, IS_ARRAY_BUFFER, IS_DATA_VIEW, IS_SHARED_ARRAY_BUFFER, IS_PROXY,
    IS_MODULE_NAMESPACE, IS_ANY_ARRAY_BUFFER, IS_BOXED_PRIMITIVE, IS_EXTERNAL,
};

static JSValue is_type(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int what) {
    JSClassID k = class_of(argv[0]);
    bool r = false;
    switch (what) {
    case IS_DATE: r = k == JS_CLASS_DATE; break;
    case IS_ARGUMENTS: r = k == JS_CLASS_ARGUMENTS || k == JS_CLASS_MAPPED_ARGUMENTS; break;
    case IS_BIGINT_OBJECT: r = k == JS_CLASS_BIG_INT; break;
    case IS_BOOLEAN_OBJECT: r = k == JS_CLASS_BOOLEAN; break;
    case IS_NUMBER_OBJECT: r = k == JS_CLASS_NUMBER; break;
    case IS_STRING_OBJECT: r = k == JS_CLASS_STRING; break;
    case IS_SYMBOL_OBJECT: r = k == JS_CLASS_SYMBOL; break;
    case IS_NATIVE_ERROR: r = k == JS_CLASS_ERROR; break;
    case IS_REGEXP: r = k == JS_CLASS_REGEXP; break;
    case IS_ASYNC_FUNCTION: r = k == JS_CLASS_ASYNC_FUNCTION || k == JS_CLASS_ASYNC_GENERATOR_FUNCTION; break;
    case IS_GENERATOR_FUNCTION: r = k == JS_CLASS_GENERATOR_FUNCTION || k == JS_CLASS_ASYNC_GENERATOR_FUNCTION; break;
    case IS_GENERATOR_OBJECT: r = k == JS_CLASS_GENERATOR || k == JS_CLASS_ASYNC_GENERATOR; break;
    case IS_PROMISE: r = k == JS_CLASS_PROMISE; break;
    case IS_MAP: r = k == JS_CLASS_MAP; break;
    case IS_SET: r = k == JS_CLASS_SET; break;
    case IS_MAP_ITERATOR: r = k == JS_CLASS_MAP_ITERATOR; break;
    case IS_SET_ITERATOR: r = k == JS_CLASS_SET_ITERATOR; break;
    case IS_WEAK_MAP: r = k == JS_CLASS_WEAKMAP; break;
    case IS_WEAK_SET: r = k == JS_CLASS_WEAKSET; break;
    case IS_ARRAY_BUFFER: r = k == JS_CLASS_ARRAY_BUFFER; break;
    case IS_DATA_VIEW: r = k == JS_CLASS_DATAVIEW; break;
    case IS_SHARED_ARRAY_BUFFER: r = k == JS_CLASS_SHARED_ARRAY_BUFFER; break;
    case IS_PROXY: r = k == JS_CLASS_PROXY; break;
    case IS_MODULE_NAMESPACE: r = k == JS_CLASS_MODULE_NS; break;
    case IS_ANY_ARRAY_BUFFER: r = k == JS_CLASS_ARRAY_BUFFER || k == JS_CLASS_SHARED_ARRAY_BUFFER; break;
    case IS_BOXED_PRIMITIVE:
        r = k == JS_CLASS_BIG_INT || k == JS_CLASS_BOOLEAN || k == JS_CLASS_NUMBER || k == JS_CLASS_STRING || k == JS_CLASS_SYMBOL;
        break;
    }
    return JS_NewBool(c, r);
}

static const JSCFunctionListEntry types_funcs[] = {
    JS_CFUNC_MAGIC_DEF("isDate", 1, is_type, IS_DATE),
    JS_CFUNC_MAGIC_DEF("isArgumentsObject", 1, is_type, IS_ARGUMENTS),
    JS_CFUNC_MAGIC_DEF("isBigIntObject", 1, is_type, IS_BIGINT_OBJECT),
    JS_CFUNC_MAGIC_DEF("isBooleanObject", 1, is_type, IS_BOOLEAN_OBJECT),
    JS_CFUNC_MAGIC_DEF("isNumberObject", 1, is_type, IS_NUMBER_OBJECT),
    JS_CFUNC_MAGIC_DEF("isStringObject", 1, is_type, IS_STRING_OBJECT),
    JS_CFUNC_MAGIC_DEF("isSymbolObject", 1, is_type, IS_SYMBOL_OBJECT),
    JS_CFUNC_MAGIC_DEF("isNativeError", 1, is_type, IS_NATIVE_ERROR),
    JS_CFUNC_MAGIC_DEF("isRegExp", 1, is_type, IS_REGEXP),
    JS_CFUNC_MAGIC_DEF("isAsyncFunction", 1, is_type, IS_ASYNC_FUNCTION),
    JS_CFUNC_MAGIC_DEF("isGeneratorFunction", 1, is_type, IS_GENERATOR_FUNCTION),
    JS_CFUNC_MAGIC_DEF("isGeneratorObject", 1, is_type, IS_GENERATOR_OBJECT),
    JS_CFUNC_MAGIC_DEF("isPromise", 1, is_type, IS_PROMISE),
    JS_CFUNC_MAGIC_DEF("isMap", 1, is_type, IS_MAP),
    JS_CFUNC_MAGIC_DEF("isSet", 1, is_type, IS_SET),
    JS_CFUNC_MAGIC_DEF("isMapIterator", 1, is_type, IS_MAP_ITERATOR),
    JS_CFUNC_MAGIC_DEF("isSetIterator", 1, is_type, IS_SET_ITERATOR),
    JS_CFUNC_MAGIC_DEF("isWeakMap", 1, is_type, IS_WEAK_MAP),
    JS_CFUNC_MAGIC_DEF("isWeakSet", 1, is_type, IS_WEAK_SET),
    JS_CFUNC_MAGIC_DEF("isArrayBuffer", 1, is_type, IS_ARRAY_BUFFER),
    JS_CFUNC_MAGIC_DEF("isDataView", 1, is_type, IS_DATA_VIEW),
    JS_CFUNC_MAGIC_DEF("isSharedArrayBuffer", 1, is_type, IS_SHARED_ARRAY_BUFFER),
    JS_CFUNC_MAGIC_DEF("isProxy", 1, is_type, IS_PROXY),
    JS_CFUNC_MAGIC_DEF("isModuleNamespaceObject", 1, is_type, IS_MODULE_NAMESPACE),
    JS_CFUNC_MAGIC_DEF("isAnyArrayBuffer", 1, is_type, IS_ANY_ARRAY_BUFFER),
    JS_CFUNC_MAGIC_DEF("isBoxedPrimitive", 1, is_type, IS_BOXED_PRIMITIVE),
    JS_CFUNC_MAGIC_DEF("isExternal", 1, is_type, IS_EXTERNAL),
};

/* getPromiseDetails(promise) -> [state, result] */
static JSValue promise_details(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    if (class_of(argv[0]) != JS_CLASS_PROMISE) return JS_UNDEFINED;
    JSPromiseStateEnum state = JS_PromiseState(c, argv[0]);
    JSValue pair[] = {JS_NewInt32(c, state), state == JS_PROMISE_PENDING ? JS_UNDEFINED : JS_PromiseResult(c, argv[0])};
    return JS_NewArrayFrom(c, 2, pair);
}

/* adopt(value): whether it is a promise whose then() is the engine's own; if so, a rejection of it counts as handled. */
static JSValue adopt_promise(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    if (class_of(argv[0]) != JS_CLASS_PROMISE) return JS_FALSE;
    JSObject *p = JS_VALUE_GET_OBJ(argv[0]);
    if (p->shape->prop_count != 0 || p->shape->proto != JS_VALUE_GET_OBJ(c->class_proto[JS_CLASS_PROMISE])) return JS_FALSE;
    JS_PromiseMarkAsHandled(c, argv[0]);
    return JS_TRUE;
}

static JSValue promise_state(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    return JS_NewInt32(c, JS_PromiseState(c, argv[0]));
}

static JSValue promise_result(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) { return JS_PromiseResult(c, argv[0]); }

/* getProxyDetails(proxy, full) -> [target, handler], the target alone, or undefined if it's none */
static JSValue proxy_details(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    if (class_of(argv[0]) != JS_CLASS_PROXY) return JS_UNDEFINED;
    JSProxyData *d = JS_VALUE_GET_OBJ(argv[0])->u.proxy_data;
    if (d->is_revoked) {
        if (argc == 1 || JS_ToBool(c, argv[1])) {
            JSValue pair[] = {JS_NULL, JS_NULL};
            return JS_NewArrayFrom(c, 2, pair);
        }
        return JS_NULL;
    }
    if (argc == 1 || JS_ToBool(c, argv[1])) {
        JSValue pair[] = {js_dup(d->target), js_dup(d->handler)};
        return JS_NewArrayFrom(c, 2, pair);
    }
    return js_dup(d->target);
}

/* previewEntries(collection or iterator, wantKind) -> entries, flat, without advancing anything; with wantKind
 * [entries, are they pairs] */
static JSValue preview_entries(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSClassID k = class_of(argv[0]);
    JSMapState *s = NULL;
    struct list_head *at = NULL;
    bool keys = true, values = false;
    if (k == JS_CLASS_MAP || k == JS_CLASS_SET || k == JS_CLASS_WEAKMAP || k == JS_CLASS_WEAKSET) {
        s = JS_VALUE_GET_OBJ(argv[0])->u.map_state;
        values = k == JS_CLASS_MAP || k == JS_CLASS_WEAKMAP;
        at = s->records.next;
    } else if (k == JS_CLASS_MAP_ITERATOR || k == JS_CLASS_SET_ITERATOR) {
        JSMapIteratorData *it = JS_VALUE_GET_OBJ(argv[0])->u.map_iterator_data;
        if (it && JS_IsObject(it->obj)) {
            s = JS_VALUE_GET_OBJ(it->obj)->u.map_state;
            at = it->cur_record ? it->cur_record->link.next : s->records.next;
            keys = it->kind != JS_ITERATOR_KIND_VALUE || k == JS_CLASS_SET_ITERATOR;
            values = it->kind != JS_ITERATOR_KIND_KEY && (k == JS_CLASS_MAP_ITERATOR || it->kind == JS_ITERATOR_KIND_KEY_AND_VALUE);
        }
    } else {
        return JS_UNDEFINED;
    }
    JSValue list = JS_NewArray(c);
    uint32_t n = 0;
    bool weak = k == JS_CLASS_WEAKMAP || k == JS_CLASS_WEAKSET;
    if (s && !weak) {
        for (; at != &s->records; at = at->next) {
            JSMapRecord *r = list_entry(at, JSMapRecord, link);
            if (r->empty) continue;
            if (keys) JS_SetPropertyUint32(c, list, n++, js_dup(r->key));
            if (values) JS_SetPropertyUint32(c, list, n++, js_dup(k == JS_CLASS_SET_ITERATOR ? r->key : r->value));
        }
    }
    if (argc < 2) return list;
    JSValue pair[] = {list, JS_NewBool(c, keys && values)};
    return JS_NewArrayFrom(c, 2, pair);
}

/* getOwnNonIndexProperties(object, filter): bit 2 = only enumerable, bit 16 = no symbols (V8's PropertyFilter) */
static JSValue own_non_index_properties(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    int32_t filter = 0;
    if (argc > 1 && JS_ToInt32(c, &filter, argv[1])) return JS_EXCEPTION;
    JSPropertyEnum *tab;
    uint32_t len, n = 0;
    int flags = JS_GPN_STRING_MASK | (filter & 16 ? 0 : JS_GPN_SYMBOL_MASK) | (filter & 2 ? JS_GPN_ENUM_ONLY : 0);
    if (JS_GetOwnPropertyNames(c, &tab, &len, argv[0], flags)) return JS_EXCEPTION;
    JSValue list = JS_NewArray(c);
    for (uint32_t i = 0; i < len; i++) {
        if (__JS_AtomIsTaggedInt(tab[i].atom)) continue;
        JS_SetPropertyUint32(c, list, n++, JS_AtomToValue(c, tab[i].atom));
    }
    JS_FreePropertyEnum(c, tab, len);
    return list;
}

static JSValue is_constructor(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    return JS_NewBool(c, JS_IsConstructor(c, argv[0]));
}

/* The name that the engine knows an object's class by, for objects without a constructor property. */
static JSValue class_name(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSClassID k = class_of(argv[0]);
    if (k == JS_INVALID_CLASS_ID) return js_empty_string(c->rt);
    JSAtom a = JS_GetClassName(c->rt, k);
    JSValue v = a == JS_ATOM_NULL ? js_empty_string(c->rt) : JS_AtomToString(c, a);
    JS_FreeAtom(c, a);
    return v;
}

/* privateSymbol(description): a key that only who holds it can see, as V8's private symbols */
static JSValue private_symbol(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    const char *s = JS_ToCString(c, argv[0]);
    JSValue v = s ? JS_NewPrivateSymbol(c, s) : JS_EXCEPTION;
    if (s) JS_FreeCString(c, s);
    return v;
}

static const JSCFunctionListEntry introspect_funcs[] = {
    JS_CFUNC_DEF("privateSymbol", 1, private_symbol),
    JS_CFUNC_DEF("adopt", 1, adopt_promise),
    JS_CFUNC_DEF("promiseState", 1, promise_state),
    JS_CFUNC_DEF("promiseResult", 1, promise_result),
    JS_CFUNC_DEF("getPromiseDetails", 1, promise_details),
    JS_CFUNC_DEF("getProxyDetails", 2, proxy_details),
    JS_CFUNC_DEF("previewEntries", 2, preview_entries),
    JS_CFUNC_DEF("getOwnNonIndexProperties", 2, own_non_index_properties),
    JS_CFUNC_DEF("isConstructor", 1, is_constructor),
    JS_CFUNC_DEF("className", 1, class_name),
};

static int introspect_init(JSValueConst host) {
    JSValue types = JS_NewObject(ctx);
    JS_SetPropertyFunctionList(ctx, types, types_funcs, countof(types_funcs));
    if (JS_SetPropertyStr(ctx, host, "types", types) < 0) return -1;
    return JS_SetPropertyFunctionList(ctx, host, introspect_funcs, countof(introspect_funcs));
}
