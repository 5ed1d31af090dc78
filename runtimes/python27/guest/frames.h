/* The frames of abi/README.md: what a guest written in C needs to read requests and to write answers. */
#ifndef THAW_FRAMES_H
#define THAW_FRAMES_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define IMPORT(name) __attribute__((import_module("thaw"), import_name(name)))

enum { OP_INFO, OP_ALLOC, OP_INIT, OP_RESTORE, OP_LOAD, OP_INVOKE, OP_TURN, OP_TRIM };
enum { DONE = 0, PENDING = 1, ERROR = 2, FAULT = 3, HANDLED = 4 };
#define ABSENT 0xFFFFFFFFu
#define INFO_SOFT_INTERRUPT 2

/* ---- buffers: reused; a large one is given back at the next call ---- */

typedef struct {
    char *at;
    size_t cap;
} buffer;

enum { BUFFER_LEAST = 4 << 10, BUFFER_KEEP = 64 << 10 };

static char *reserve(buffer *b, size_t size) {
    if (size > b->cap || (b->cap > BUFFER_KEEP && size <= BUFFER_KEEP)) {
        size_t cap = size <= BUFFER_LEAST ? BUFFER_LEAST : size;
        free(b->at);
        b->at = malloc(cap);
        b->cap = b->at ? cap : 0;
    }
    return b->at;
}

static buffer request, response;

/* A result frame: u32 length, bytes. */
static uint64_t answer(uint32_t status, const char *bytes, size_t len) {
    char *frame = reserve(&response, len + 4);
    if (!frame) return (uint64_t)FAULT << 32;
    uint32_t n = (uint32_t)len;
    memcpy(frame, &n, 4);
    memcpy(frame + 4, bytes, len);
    return (uint64_t)status << 32 | (uint32_t)(uintptr_t)frame;
}

static uint64_t fault(const char *text) { return answer(FAULT, text, strlen(text)); }

/* ---- records ---- */

typedef struct { const char *at, *end; uint32_t left; } record;
typedef struct { const char *ptr; uint32_t len; int present; } field;

static uint32_t u32(const char *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static int open_record(record *r, const char *ptr, size_t len) {
    if (len < 4) return 0;
    r->left = u32(ptr);
    r->at = ptr + 4;
    r->end = ptr + len;
    return 1;
}

static int next_field(record *r, field *f) {
    if (r->left == 0 || r->end - r->at < 4) return 0;
    r->left--;
    f->len = u32(r->at);
    r->at += 4;
    f->present = f->len != ABSENT;
    f->ptr = r->at;
    if (!f->present) {
        f->len = 0;
        return 1;
    }
    if ((size_t)(r->end - r->at) < f->len) return 0;
    r->at += f->len;
    return 1;
}
#endif
