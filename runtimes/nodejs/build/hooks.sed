# Where asynchronous contexts need to know of the engine: what a promise's reaction is called with, and a thenable's then. Both
# are as they were unless guest/system.c defines them.
1i\
#ifndef THAW_REACTION\
#define THAW_REACTION(ctx, handler) js_dup(handler)\
#define THAW_THENABLE(ctx, args) JS_EnqueueJob(ctx, js_promise_resolve_thenable_job, 3, args)\
#endif
/^static __exception int perform_promise_then/,/^}/s/rd->handler = js_dup(handler);/rd->handler = THAW_REACTION(ctx, handler);/
/^static JSValue js_promise_resolve_function_call/,/^}/s/JS_EnqueueJob(ctx, js_promise_resolve_thenable_job, 3, args);/THAW_THENABLE(ctx, args);/
# The offset that holds at a local time, not at the same figures in UTC.
s/tv += getTimezoneOffset(ti) \* 60000;/tv += getTimezoneOffset(ti + getTimezoneOffset(ti) * 60000LL) * 60000;/
