/* The entry point of the Python 2.7 guest: implements abi/README.md on top of CPython's C API.
 *
 * What runs once per invocation is here in C (frames, strings, environment); what a Lambda user can see (handler look-up,
 * context object, errors, logging) is in thaw_bootstrap.py, which this file calls.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "frames.h"

#include <unistd.h>

IMPORT("log") void host_log(uint32_t level, const char *ptr, uint32_t len);
IMPORT("remaining_time") int64_t host_remaining_time(void);

extern char **environ;

void init_thaw_net(void); /* net.c */
void init_socket(void);   /* socketmodule.c, see build.sh */

static int initialised;
static PyObject *restore_fn, *load_fn, *invoke_fn, *timeout_class;

/* ---- where Python is: in place of getpath.c, which would search the file system for it ---- */

#define HOME "/var/lang"
#define LIBRARY "/var/runtime/lib/python2.7"

char *Py_GetPath(void) { return LIBRARY; }
char *Py_GetPrefix(void) { return HOME; }
char *Py_GetExecPrefix(void) { return HOME; }
char *Py_GetProgramFullPath(void) { return HOME "/bin/python2.7"; }

/* ---- exceptions ---- */

/* A Python exception where none may occur: the bootstrap catches all that a function can cause. */
static uint64_t fault_from_exception(void) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject *text = value ? PyObject_Repr(value) : type ? PyObject_Repr(type) : NULL;
    uint64_t r = fault(text && PyString_Check(text) ? PyString_AS_STRING(text) : "Python error");
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    PyErr_Clear();
    return r;
}

/* A field as str, or None if absent. */
static PyObject *field_str(const field *f) {
    if (!f->present) Py_RETURN_NONE;
    return PyString_FromStringAndSize(f->ptr, f->len);
}

/* ---- the soft interrupt ----
 *
 * The host sets three words (see op_info): `interrupted`, and CPython's own flag that a pending call waits, which the evaluation
 * loop looks at when its ticker is spent. The call that waits is queued before an invocation, with the flag cleared. */

extern volatile int pendingcalls_to_do; /* ceval.c; build.sh makes it visible */
static volatile int interrupted, queued;

static int check_interrupt(void *ignored) {
    queued = 0;
    if (!interrupted) return 0;
    interrupted = 0;
    PyErr_SetString(timeout_class ? timeout_class : PyExc_KeyboardInterrupt, "Task timed out");
    return -1;
}

static void arm_interrupt(void) {
    interrupted = 0;
    if (!queued && Py_AddPendingCall(check_interrupt, NULL) == 0) queued = 1;
    pendingcalls_to_do = 0;
}

/* ---- the module _thaw: what the bootstrap needs of the host ---- */

static PyObject *thaw_log(PyObject *self, PyObject *args) {
    int level;
    const char *text;
    Py_ssize_t len;
    if (!PyArg_ParseTuple(args, "is#:log", &level, &text, &len)) return NULL;
    host_log((uint32_t)level, text, (uint32_t)len);
    Py_RETURN_NONE;
}

static PyObject *thaw_remaining_time(PyObject *self, PyObject *ignored) { return PyInt_FromLong((long)host_remaining_time()); }

static int getentropy_all(void *to, size_t n) {
    for (size_t at = 0; at < n; at += 256) /* getentropy's limit */
        if (getentropy((char *)to + at, n - at < 256 ? n - at : 256) < 0) return -1;
    return 0;
}

/* random.Random's state as _randommodule.c lays it out; the bootstrap checks it. Seeding through Python hashes 2.5 KB of entropy
 * into the state, which costs more than a whole invocation: here the entropy is the state. */
typedef struct {
    PyObject_HEAD
    unsigned long state[624];
    int index;
} mersenne_twister;

static PyObject *thaw_reseed(PyObject *self, PyObject *generator) {
    mersenne_twister *mt = (mersenne_twister *)generator;
    if (Py_TYPE(generator)->tp_basicsize < (Py_ssize_t)sizeof *mt) {
        PyErr_SetString(PyExc_TypeError, "random.Random expected");
        return NULL;
    }
    if (getentropy_all(mt->state, sizeof mt->state) < 0) return PyErr_SetFromErrno(PyExc_OSError);
    mt->index = 624; /* all used up: the next number makes a new generation */
    Py_RETURN_NONE;
}

static PyMethodDef thaw_methods[] = {
    {"reseed", thaw_reseed, METH_O, "reseed(random.Random): fill its state with entropy"},
    {"log", thaw_log, METH_VARARGS, "log(level, utf8): write one log record"},
    {"remaining_time", thaw_remaining_time, METH_NOARGS, "milliseconds until the invocation's deadline"},
    {NULL, NULL, 0, NULL},
};

static void init_thaw_module(void) { Py_InitModule("_thaw", thaw_methods); }

/* ---- INIT ---- */

/* The heap that INIT leaves is full of holes. Filling one means dirtying its page, which all instances share until then, so
 * that a few dozen objects would cost as many private pages. What malloc has free is taken for good instead. */
static void fill_holes(void) {
    enum { LEAST = 512, MOST = 64 << 10, STEP = 16 };
    char *top = malloc(MOST * 2);
    for (size_t size = MOST; size > LEAST; size -= STEP) {
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

static uint64_t op_init(const char *ptr, size_t len) {
    record pairs;
    field key, value, preload = {"", 0, 0};
    if (initialised) return fault("INIT twice");
    if (len && !open_record(&pairs, ptr, len)) return fault("INIT: bad record");
    while (len && next_field(&pairs, &key) && next_field(&pairs, &value))
        if (key.len == 7 && memcmp(key.ptr, "preload", 7) == 0) preload = value;
    static struct _inittab modules[] = {{"_thaw", init_thaw_module}, {"_thaw_net", init_thaw_net}, {"_socket", init_socket}, {NULL, NULL}};
    if (PyImport_ExtendInittab(modules) < 0) return fault("inittab");
    Py_NoSiteFlag = 1;
    Py_IgnoreEnvironmentFlag = 1;
    Py_DontWriteBytecodeFlag = 1;
    Py_SetProgramName("python2.7");
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    Py_InitializeEx(0);
    char *argv[] = {"/var/runtime/bootstrap", NULL};
    PySys_SetArgvEx(1, argv, 0);

    PyObject *module = PyImport_ImportModule("thaw_bootstrap");
    if (!module) return fault_from_exception();
    restore_fn = PyObject_GetAttrString(module, "restore");
    load_fn = PyObject_GetAttrString(module, "load");
    invoke_fn = PyObject_GetAttrString(module, "invoke");
    timeout_class = PyObject_GetAttrString(module, "Timeout");
    PyObject *r = PyObject_CallMethod(module, "init", "s#", preload.ptr, (Py_ssize_t)preload.len);
    Py_DECREF(module);
    if (!restore_fn || !load_fn || !invoke_fn || !timeout_class || !r) return fault_from_exception();
    Py_DECREF(r);
    initialised = 1;
    reserve(&request, 1);
    answer(DONE, "", 0);
    fill_holes();
    return answer(DONE, "", 0);
}

/* ---- RESTORE: the environment, for C as one block and for Python as the dictionary of os.environ ---- */

static char **environ_block;

static uint64_t op_restore(const char *ptr, size_t len) {
    record r;
    field k, v;
    if (!initialised) return fault("RESTORE before INIT");
    if (!open_record(&r, ptr, len) || r.left > len / 4) return fault("RESTORE: bad record");
    uint32_t pairs = r.left / 2;
    char **block = malloc((pairs + 1) * sizeof(char *) + len + 2 * pairs);
    PyObject *dict = PyDict_New();
    if (!block || !dict) {
        free(block);
        Py_XDECREF(dict);
        PyErr_Clear();
        return fault("RESTORE: out of memory");
    }
    char *text = (char *)(block + pairs + 1);
    for (uint32_t i = 0; i < pairs; i++) {
        if (!next_field(&r, &k) || !next_field(&r, &v)) {
            free(block);
            Py_DECREF(dict);
            return fault("RESTORE: bad record");
        }
        PyObject *key = field_str(&k), *value = field_str(&v);
        int failed = !key || !value || PyDict_SetItem(dict, key, value) < 0;
        Py_XDECREF(key);
        Py_XDECREF(value);
        if (failed) {
            free(block);
            Py_DECREF(dict);
            return fault_from_exception();
        }
        block[i] = text;
        memcpy(text, k.ptr, k.len);
        text += k.len;
        *text++ = '=';
        memcpy(text, v.ptr, v.len);
        text += v.len;
        *text++ = 0;
    }
    block[pairs] = NULL;
    free(environ_block);
    environ = environ_block = block;
    PyObject *result = PyObject_CallFunctionObjArgs(restore_fn, dict, NULL);
    Py_DECREF(dict);
    if (!result) return fault_from_exception();
    Py_DECREF(result);
    return answer(DONE, "", 0);
}

/* ---- LOAD and INVOKE: the bootstrap returns None (null), str (the result), or a tuple with one str (an error) ---- */

static uint64_t result_frame(PyObject *result) {
    if (!result) {
        if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
            PyErr_Clear();
            static const char text[] = "{\"errorMessage\": \"\", \"errorType\": \"MemoryError\", \"stackTrace\": []}";
            return answer(ERROR, text, sizeof text - 1);
        }
        if (PyErr_ExceptionMatches(timeout_class)) { /* while the bootstrap was at work, before or after the handler */
            PyErr_Clear();
            static const char text[] = "{\"errorMessage\": \"Task timed out\", \"errorType\": \"Sandbox.Timedout\"}";
            return answer(ERROR, text, sizeof text - 1);
        }
        return fault_from_exception();
    }
    uint64_t r;
    if (result == Py_None) {
        r = answer(DONE, "null", 4);
    } else if (PyTuple_Check(result)) {
        PyObject *text = PyTuple_GET_ITEM(result, 0);
        r = answer(ERROR, PyString_AS_STRING(text), PyString_GET_SIZE(text));
    } else {
        r = answer(DONE, PyString_AS_STRING(result), PyString_GET_SIZE(result));
    }
    Py_DECREF(result);
    return r;
}

static uint64_t op_load(const char *ptr, size_t len) {
    record r;
    field f;
    if (!initialised) return fault("LOAD before INIT");
    if (!open_record(&r, ptr, len)) return fault("LOAD: bad record");
    PyObject *args = PyTuple_New(9);
    if (!args) return fault_from_exception();
    for (int i = 0; i < 9; i++) {
        PyObject *s = next_field(&r, &f) ? field_str(&f) : NULL;
        if (!s) {
            Py_DECREF(args);
            PyErr_Clear();
            return fault("LOAD: bad record");
        }
        PyTuple_SET_ITEM(args, i, s);
    }
    arm_interrupt();
    PyObject *result = PyObject_Call(load_fn, args, NULL);
    Py_DECREF(args);
    return result_frame(result);
}

static uint64_t op_invoke(const char *ptr, size_t len) {
    if (!initialised || len < 16) return fault("INVOKE: bad frame");
    uint64_t e = u32(ptr + 8), c = u32(ptr + 12);
    if (16 + e + c != len) return fault("INVOKE: bad frame");
    record r;
    field f;
    if (!open_record(&r, ptr + 16 + e, c)) return fault("INVOKE: bad context");
    PyObject *args = PyTuple_New(7);
    if (!args) return fault_from_exception();
    for (int i = 0; i < 7; i++) {
        PyObject *s = i == 0 ? PyString_FromStringAndSize(ptr + 16, e) : next_field(&r, &f) ? field_str(&f) : NULL;
        if (!s) {
            Py_DECREF(args);
            PyErr_Clear();
            return fault("INVOKE: bad context");
        }
        PyTuple_SET_ITEM(args, i, s);
    }
    arm_interrupt();
    PyObject *result = PyObject_Call(invoke_fn, args, NULL);
    Py_DECREF(args);
    return result_frame(result);
}

/* ---- INFO ---- */

static struct { uint32_t version, flags, interrupts, at; uint32_t words[6]; } info;

static uint64_t op_info(void) {
    info.version = 1;
    if (initialised) {
        info.flags = INFO_SOFT_INTERRUPT;
        info.interrupts = 3;
        info.at = (uint32_t)(uintptr_t)info.words;
        info.words[0] = (uint32_t)(uintptr_t)&interrupted;
        info.words[1] = 1;
        info.words[2] = (uint32_t)(uintptr_t)&pendingcalls_to_do;
        info.words[3] = 1;
        info.words[4] = (uint32_t)(uintptr_t)&_Py_Ticker; /* negative: the loop looks at once */
        info.words[5] = 0x80000000u;
    }
    return (uint64_t)DONE << 32 | (uint32_t)(uintptr_t)&info;
}

__attribute__((export_name("thaw_call"))) uint64_t thaw_call(uint32_t op, uint32_t a, uint32_t b) {
    const char *ptr = (const char *)(uintptr_t)a;
    uint64_t r;
    switch (op) {
    case OP_INFO: return op_info();
    case OP_ALLOC: return (uint64_t)DONE << 32 | (uint32_t)(uintptr_t)reserve(&request, a);
    case OP_INIT: r = op_init(ptr, b); break;
    case OP_RESTORE: return op_restore(ptr, b);
    case OP_LOAD: r = op_load(ptr, b); break;
    case OP_INVOKE: r = op_invoke(ptr, b); break;
    case OP_TRIM:
        if (!initialised) return fault("TRIM before INIT");
        PyGC_Collect();
        return answer(DONE, "", 0);
    default: return fault("unknown operation");
    }
    interrupted = 0;
    fflush(stdout);
    fflush(stderr);
    return r;
}
