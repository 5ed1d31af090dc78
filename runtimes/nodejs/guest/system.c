/* The rest of the world: log, clocks, jobs, rejections, memory, exit. */

static JSValue rejection_callback; /* function (type, promise, reason) */

static JSValue system_log(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    int32_t level;
    size_t n;
    if (JS_ToInt32(c, &level, argv[0])) return JS_EXCEPTION;
    const char *s = string_utf8(c, argv[1], &n);
    if (!s) return JS_EXCEPTION;
    host_log(level, s, n);
    JS_FreeCString(c, s);
    return JS_UNDEFINED;
}

static JSValue system_remaining(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    return JS_NewInt64(c, host_remaining_time());
}

/* monotonic() -> ms; monotonicBigInt() -> ns */
static JSValue system_clock(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int big) {
    return big ? JS_NewBigUint64(c, js__hrtime_ns()) : JS_NewFloat64(c, js__hrtime_ns() / 1e6);
}

/* timeOrigin() -> ms on the monotonic clock that performance.now() counts from */
static JSValue system_time_origin(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    return JS_NewFloat64(c, c->time_origin);
}

/* cpuTime() -> ms that this invocation has computed: WASI's clock 2, which the C library doesn't name */
static double cpu_time_ms(void) {
    __wasi_timestamp_t t = 0;
    return __wasi_clock_time_get((__wasi_clockid_t){2}, 1, &t) ? 0 : t / 1e6;
}

static JSValue system_cpu(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    return JS_NewFloat64(c, cpu_time_ms());
}

static JSValue system_sleep(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    double ms;
    if (JS_ToFloat64(c, &ms, argv[0])) return JS_EXCEPTION;
    if (!(ms > 0)) return JS_UNDEFINED;
    struct timespec ts = {(time_t)(ms / 1000), (long)(fmod(ms, 1000) * 1e6)};
    nanosleep(&ts, NULL);
    return JS_UNDEFINED;
}

/* Runs promise jobs until there are none. Jobs catch what their callbacks throw; only queueMicrotask's don't, and those are
 * wrapped by the library. */
static void run_jobs(void) {
    JSContext *c;
    int r;
    while ((r = JS_ExecutePendingJob(rt, &c)) != 0)
        if (r < 0) JS_FreeValue(c, JS_GetException(c));
}

static JSValue system_run_microtasks(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    run_jobs();
    return JS_UNDEFINED;
}

static JSValue call_job(JSContext *c, int argc, JSValueConst *argv) { return JS_Call(c, argv[0], JS_UNDEFINED, 0, NULL); }

static JSValue system_enqueue(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    return JS_EnqueueJob(c, call_job, 1, argv) ? JS_EXCEPTION : JS_UNDEFINED;
}

/* Types as V8's PromiseRejectEvent: 0 rejected without handler, 1 handler added later. */
static void on_rejection(JSContext *c, JSValueConst promise, JSValueConst reason, bool handled, void *opaque) {
    if (!JS_IsFunction(c, rejection_callback)) return;
    JSValue type = JS_NewInt32(c, handled);
    JSValueConst args[] = {type, promise, reason};
    JSValue v = JS_Call(c, rejection_callback, JS_UNDEFINED, 3, args);
    if (JS_IsException(v)) JS_FreeValue(c, JS_GetException(c));
    else JS_FreeValue(c, v);
}

static JSValue system_on_rejection(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JS_FreeValue(c, rejection_callback);
    rejection_callback = js_dup(argv[0]);
    return JS_UNDEFINED;
}

/* Asynchronous contexts: setContextHooks(capture, enter, leave). What a reaction of a promise runs in is captured when then() or
 * await is called, as an object that capture() returns; enter and leave get it around the reaction. */
static JSValue context_hooks[3];
static bool contexts;

static void context_hook(JSContext *c, int which, JSValueConst token) {
    JSValue v = JS_Call(c, context_hooks[which], JS_UNDEFINED, 1, &token);
    if (JS_IsException(v)) JS_FreeValue(c, JS_GetException(c));
    else JS_FreeValue(c, v);
}

static JSValue call_in_context(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int magic, JSValueConst *data) {
    bool on = contexts;
    if (on) context_hook(c, 1, data[0]);
    JSValue v = JS_Call(c, data[1], self, argc, argv);
    if (on) {
        JSValue pending = JS_IsException(v) ? JS_GetException(c) : JS_UNDEFINED;
        context_hook(c, 2, data[0]);
        if (JS_IsException(v)) JS_Throw(c, pending);
    }
    return v;
}

static JSValue in_context(JSContext *c, JSValueConst handler) {
    if (!contexts || !JS_IsFunction(c, handler)) return js_dup(handler);
    JSValue token = JS_Call(c, context_hooks[0], JS_UNDEFINED, 0, NULL);
    if (JS_IsException(token)) {
        JS_FreeValue(c, JS_GetException(c));
        return js_dup(handler);
    }
    JSValueConst data[] = {token, handler};
    JSValue f = JS_NewCFunctionData(c, call_in_context, 1, 0, 2, data);
    JS_FreeValue(c, token);
    if (!JS_IsException(f)) return f;
    JS_FreeValue(c, JS_GetException(c));
    return js_dup(handler);
}

/* args: promise, thenable, its then */
static void enqueue_thenable(JSContext *c, JSValueConst *args) {
    JSValue then = in_context(c, args[2]);
    JSValueConst with[] = {args[0], args[1], then};
    JS_EnqueueJob(c, js_promise_resolve_thenable_job, 3, with);
    JS_FreeValue(c, then);
}

static JSValue system_context_hooks(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    for (int i = 0; i < 3; i++) {
        JSValue old = context_hooks[i];
        context_hooks[i] = i < argc ? js_dup(argv[i]) : JS_UNDEFINED;
        JS_FreeValue(c, old);
    }
    contexts = JS_IsFunction(c, context_hooks[0]);
    return JS_UNDEFINED;
}

/* memory() -> [bytes of linear memory, bytes that the engine has allocated] */
static JSValue system_memory(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JSValue pair[] = {JS_NewInt64(c, (int64_t)__builtin_wasm_memory_size(0) * 65536), JS_NewInt64(c, c->rt->malloc_state.malloc_size)};
    return JS_NewArrayFrom(c, 2, pair);
}

static JSValue system_gc(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    JS_RunGC(rt);
    return JS_UNDEFINED;
}

static JSValue system_exit(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    int32_t code = 0;
    JS_ToInt32(c, &code, argv[0]);
    _Exit(code);
}

static const JSCFunctionListEntry system_funcs[] = {
    JS_CFUNC_DEF("log", 2, system_log),
    JS_CFUNC_DEF("remainingTime", 0, system_remaining),
    JS_CFUNC_MAGIC_DEF("monotonic", 0, system_clock, 0),
    JS_CFUNC_MAGIC_DEF("monotonicBigInt", 0, system_clock, 1),
    JS_CFUNC_DEF("timeOrigin", 0, system_time_origin),
    JS_CFUNC_DEF("cpuTime", 0, system_cpu),
    JS_CFUNC_DEF("sleep", 1, system_sleep),
    JS_CFUNC_DEF("runMicrotasks", 0, system_run_microtasks),
    JS_CFUNC_DEF("enqueueMicrotask", 1, system_enqueue),
    JS_CFUNC_DEF("onRejection", 1, system_on_rejection),
    JS_CFUNC_DEF("setContextHooks", 3, system_context_hooks),
    JS_CFUNC_DEF("memory", 0, system_memory),
    JS_CFUNC_DEF("gc", 0, system_gc),
    JS_CFUNC_DEF("exit", 1, system_exit),
};

static int system_init(JSValueConst host) {
    rejection_callback = JS_UNDEFINED;
    for (int i = 0; i < 3; i++) context_hooks[i] = JS_UNDEFINED;
    JS_SetHostPromiseRejectionTracker(rt, on_rejection, NULL);
    return JS_SetPropertyFunctionList(ctx, host, system_funcs, countof(system_funcs));
}
