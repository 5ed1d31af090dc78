/* Compiles JavaScript to the engine's bytecode, at build time, on the build machine: the format does not depend on the size of
 * a word, and every machine that builds here is little-endian, as wasm is.
 *
 * A file with a name of its own that does not compile is copied to OUTDIR, without the last letter of its id.
 *
 * usage: pack OUTDIR <list; each line of the list: id, tab, parameters of the wrapper function, tab, path of the source, and
 * perhaps tab, file name that stack traces show.
 * Writes OUTDIR/id.qbc, or OUTDIR/id if there is a file name, whose value is the wrapper function. Line numbers are kept, the
 * source text is not. */
#include "quickjs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void die(const char *what, const char *which) {
    fprintf(stderr, "pack: %s: %s\n", which, what);
    exit(1);
}

static char *read_all(const char *path, size_t *len) {
    FILE *f = fopen(path, "rb");
    if (!f) die(strerror(errno), path);
    fseek(f, 0, SEEK_END);
    *len = ftell(f);
    rewind(f);
    char *buf = malloc(*len + 1);
    if (!buf || fread(buf, 1, *len, f) != *len) die("read", path);
    fclose(f);
    return buf;
}

static void make_folders(char *path) {
    for (char *p = path + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0777);
        *p = '/';
    }
}

int main(int argc, char **argv) {
    if (argc != 2) die("needs a folder", "usage");
    JSRuntime *rt = JS_NewRuntime();
    JSContext *ctx = JS_NewContext(rt);
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *id = strtok(line, "\t"), *params = strtok(NULL, "\t"), *path = strtok(NULL, "\t"), *shown = path ? strtok(NULL, "\t") : NULL;
        if (!path) die("malformed line", line);
        size_t n;
        char *source = read_all(path, &n), *wrapped = malloc(n + strlen(params) + 64), name[1024], out[2048];
        int head = sprintf(wrapped, "(function (%s) {", params);
        memcpy(wrapped + head, source, n);
        strcpy(wrapped + head + n, "\n})");
        if (shown) snprintf(name, sizeof name, "%s", shown);
        else snprintf(name, sizeof name, "node:%s", id);
        JSValue v = JS_Eval(ctx, wrapped, head + n + 3, name, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
        if (JS_IsException(v) && shown) { /* an ES module or no JavaScript at all: it stays as it is */
            JS_FreeValue(ctx, JS_GetException(ctx));
            snprintf(out, sizeof out, "%s/%.*s", argv[1], (int)strlen(id) - 1, id);
            FILE *f = fopen(out, "wb");
            if (!f || fwrite(source, 1, n, f) != n || fclose(f)) die("write", out);
            free(source);
            free(wrapped);
            continue;
        }
        if (JS_IsException(v)) {
            JSValue e = JS_GetException(ctx);
            JSValue stack = JS_GetPropertyStr(ctx, e, "stack");
            fprintf(stderr, "%s\n", JS_ToCString(ctx, stack));
            die(JS_ToCString(ctx, e), path);
        }
        size_t len;
        uint8_t *code = JS_WriteObject(ctx, &len, v, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
        if (!code) die("bytecode", path);
        snprintf(out, sizeof out, shown ? "%s/%s" : "%s/%s.qbc", argv[1], id);
        make_folders(out);
        FILE *f = fopen(out, "wb");
        if (!f || fwrite(code, 1, len, f) != len || fclose(f)) die("write", out);
        js_free(ctx, code);
        JS_FreeValue(ctx, v);
        free(source);
        free(wrapped);
    }
    return 0;
}
