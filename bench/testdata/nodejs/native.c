/* The engine of the Node.js guest, built for this machine: native FILE NAME ROUNDS runs globalThis.workloads[NAME] and prints the
 * best time of a round in ms. */
#define _GNU_SOURCE
#include "quickjs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    FILE *f = fopen(argv[1], "rb");
    static char source[1 << 20];
    size_t n = fread(source, 1, sizeof source - 1, f);
    JSRuntime *rt = JS_NewRuntime();
    JSContext *ctx = JS_NewContext(rt);
    JSValue v = JS_Eval(ctx, source, n, argv[1], JS_EVAL_TYPE_GLOBAL);
    JSValue global = JS_GetGlobalObject(ctx), all = JS_GetPropertyStr(ctx, global, "workloads"), fn = JS_GetPropertyStr(ctx, all, argv[2]);
    double best = 1e9;
    for (int i = 0; i < atoi(argv[3]); i++) {
        double begin = now();
        JSValue r = JS_Call(ctx, fn, JS_UNDEFINED, 0, NULL);
        if (JS_IsException(v) || JS_IsException(r)) {
            fprintf(stderr, "%s\n", JS_ToCString(ctx, JS_GetException(ctx)));
            return 1;
        }
        double took = now() - begin;
        if (took < best) best = took;
        JS_FreeValue(ctx, r);
    }
    printf("%f\n", best);
    return 0;
}
