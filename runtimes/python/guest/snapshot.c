/* What makes snapshots cheap to start from: objects that are never written to, and a heap without holes. */
#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE 1
#include "thaw.h"
#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_obmalloc.h"
#include "internal/pycore_pystate.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- immortal objects: what is in the snapshot is never freed, and its reference counts are never written ----
 *
 * Without this, every use of a shared object dirties a page that instances of a snapshot otherwise share. CPython leaves the
 * count of an object alone that has the reserved value; what an instance would have freed merely stays.
 */

typedef struct {
    PyObject **seen, **todo; /* a hash set of all objects reached, and a stack of those to be looked into */
    size_t mask, count, top, cap;
    int failed;
} walk;

static int walk_visit(PyObject *op, void *arg) {
    walk *w = arg;
    if (!op || w->failed) return 0;
    size_t i = ((uintptr_t)op >> 3) * 2654435761u & w->mask;
    for (; w->seen[i]; i = (i + 1) & w->mask)
        if (w->seen[i] == op) return 0;
    if (w->count * 2 > w->mask || w->top == w->cap) {
        w->failed = 1;
        return 0;
    }
    w->seen[i] = op;
    w->count++;
    w->todo[w->top++] = op;
    return 0;
}

static void walk_into(walk *w, PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    walk_visit((PyObject *)type, w);
    if (PyType_Check(op) && !PyType_HasFeature((PyTypeObject *)op, Py_TPFLAGS_HEAPTYPE)) {
        /* A static type's tp_traverse refuses. */
        PyTypeObject *t = (PyTypeObject *)op;
        PyObject *dict = PyType_GetDict(t);
        walk_visit(dict, w);
        Py_XDECREF(dict);
        walk_visit(t->tp_mro, w);
        walk_visit(t->tp_bases, w);
        return;
    }
    if (PyType_Check(op)) {
        PyHeapTypeObject *t = (PyHeapTypeObject *)op;
        PyObject *parts[] = {t->ht_name, t->ht_qualname, t->ht_slots};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) walk_visit(parts[i], w);
    }
    if (PyCode_Check(op)) { /* takes no part in garbage collection, so can't be traversed */
        PyCodeObject *c = (PyCodeObject *)op;
        PyObject *parts[] = {c->co_consts, c->co_names, c->co_exceptiontable, c->co_localsplusnames, c->co_localspluskinds,
                             c->co_filename, c->co_name, c->co_qualname, c->co_linetable};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) walk_visit(parts[i], w);
    }
    if (type->tp_traverse && PyObject_IS_GC(op)) type->tp_traverse(op, walk_visit, w);
}

int thaw_immortalise(int preloaded) {
    PyInterpreterState *interp = PyInterpreterState_Get();
    /* Room for the objects of the interpreter, and with a preload for four times as many. */
    unsigned bits = preloaded ? 21 : 19;
    walk w = {.mask = (1u << bits) - 1, .cap = 1u << (bits - 1)};
    w.seen = calloc(w.mask + 1, sizeof *w.seen);
    w.todo = calloc(w.cap, sizeof *w.todo);
    if (!w.seen || !w.todo) return -1;
    PyGC_Head *frozen = &interp->gc.permanent_generation.head;
    for (PyGC_Head *gc = _PyGCHead_NEXT(frozen); gc != frozen; gc = _PyGCHead_NEXT(gc)) walk_visit((PyObject *)(gc + 1), &w);
    walk_visit(interp->sysdict, &w);
    walk_visit(interp->builtins, &w);
    while (w.top && !w.failed) walk_into(&w, w.todo[--w.top]);
    for (size_t i = 0; i <= w.mask && !w.failed; i++)
        if (w.seen[i] && !_Py_IsImmortal(w.seen[i])) w.seen[i]->ob_refcnt = _Py_IMMORTAL_REFCNT;
    int failed = w.failed;
    /* Zeros are holes in the snapshot. */
    memset(w.seen, 0, (w.mask + 1) * sizeof *w.seen);
    memset(w.todo, 0, w.cap * sizeof *w.todo);
    free(w.seen);
    free(w.todo);
    return failed ? -1 : 0;
}

/* ---- locality: what an instance allocates comes from fresh pages, side by side ----
 *
 * The heap that INIT leaves is full of holes. Filling one means dirtying its page, so that a few dozen objects would cost as
 * many private pages. All holes are taken for good instead. */

enum { SMALL_MAX = 512, LARGE_MAX = 64 << 10 };

void thaw_fill_holes(void) {
    /* pymalloc: as long as a size class has a pool with room, take a block of it. */
    struct _obmalloc_state *state = PyInterpreterState_Get()->obmalloc;
    for (size_t class = 0; class < SMALL_MAX / ALIGNMENT; class++) {
        for (;;) {
            poolp pool = state->pools.used[class + class];
            if (pool == pool->nextpool || !PyObject_Malloc((class + 1) * ALIGNMENT)) break;
        }
    }
    /* malloc: whatever lies below the end of the heap is a hole. */
    char *top = malloc(LARGE_MAX * 2);
    for (size_t size = LARGE_MAX; size > SMALL_MAX; size -= ALIGNMENT) {
        for (;;) {
            char *p = malloc(size);
            if (!p) break;
            if (p > top) {
                free(p);
                break;
            }
            memset(p, 0, size); /* zeros take no room in the snapshot */
        }
    }
    free(top);
}
