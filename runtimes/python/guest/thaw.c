/* The entry point of the Python guest: implements abi/README.md on top of CPython's C API.
 *
 * What runs once per invocation is here in C (frames, strings, environment); what a Lambda user can see (handler look-up,
 * context object, errors, logging) is in thaw_bootstrap.py, which this file calls.
 */
#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE 1
#include "thaw.h"
#include "internal/pycore_ceval.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_pystate.h"
#include "internal/pycore_runtime.h"
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMPORT(name) __attribute__((import_module("thaw"), import_name(name)))
IMPORT("log") void host_log(uint32_t level, const char *ptr, uint32_t len);
IMPORT("remaining_time") int64_t host_remaining_time(void);

enum { OP_INFO, OP_ALLOC, OP_INIT, OP_RESTORE, OP_LOAD, OP_INVOKE, OP_TURN, OP_TRIM, OP_COMPILE };
enum { DONE = 0, PENDING = 1, ERROR = 2, FAULT = 3, HANDLED = 4 };
enum { LOG_ERROR = 5 };
#define ABSENT 0xFFFFFFFFu
#define INFO_SOFT_INTERRUPT 2

extern char **environ;

static int initialised;
static PyObject *restore_fn, *load_fn, *invoke_fn, *compile_fn;

/* ---- results: one frame {u32 length, bytes}, reused; a large one is given back at the next call ---- */

static char *frame;
static size_t frame_cap;
static const size_t frame_keep = 64 << 10;

static uint64_t answer(uint32_t status, const char *bytes, size_t len) {
    if (frame_cap < len + 4 || (frame_cap > frame_keep && len + 4 <= frame_keep)) {
        size_t cap = len + 4 <= 4096 ? 4096 : len + 4;
        free(frame);
        frame = malloc(cap);
        frame_cap = frame ? cap : 0;
        if (!frame) return (uint64_t)FAULT << 32;
    }
    uint32_t n = (uint32_t)len;
    memcpy(frame, &n, 4);
    memcpy(frame + 4, bytes, len);
    return (uint64_t)status << 32 | (uint32_t)(uintptr_t)frame;
}

static uint64_t fault(const char *text) { return answer(FAULT, text, strlen(text)); }

/* A Python exception where none may occur: the bootstrap catches all that a function can cause. */
static uint64_t fault_from_exception(void) {
    PyObject *exc = PyErr_GetRaisedException(), *text = exc ? PyObject_Repr(exc) : NULL;
    const char *utf8 = text ? PyUnicode_AsUTF8(text) : NULL;
    uint64_t r = fault(utf8 ? utf8 : "Python error");
    Py_XDECREF(text);
    Py_XDECREF(exc);
    PyErr_Clear();
    return r;
}

/* ---- the input buffer ---- */

static char *input;
static size_t input_cap;
static const size_t input_keep = 64 << 10;

static uint32_t alloc_input(uint32_t size) {
    if (size > input_cap || (input_cap > input_keep && size <= input_keep)) {
        size_t cap = size <= 4096 ? 4096 : size;
        free(input);
        input = malloc(cap);
        input_cap = input ? cap : 0;
    }
    return (uint32_t)(uintptr_t)input;
}

/* ---- records ---- */

typedef struct { const char *at, *end; uint32_t left; } record;
typedef struct { const char *ptr; uint32_t len; int present; } field;

static uint32_t u32(const char *p) { uint32_t v; memcpy(&v, p, 4); return v; }

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
    if (!f->present) { f->len = 0; return 1; }
    if ((size_t)(r->end - r->at) < f->len) return 0;
    r->at += f->len;
    return 1;
}

/* A field as str, or None if absent; bytes that are not UTF-8 survive as surrogates, as in os.environ. */
static PyObject *field_str(const field *f) {
    if (!f->present) Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(f->ptr, f->len, "surrogateescape");
}

/* ---- the module _thaw: what the bootstrap needs of the host ---- */

static PyObject *thaw_log(PyObject *self, PyObject *args) {
    int level;
    const char *text;
    Py_ssize_t len;
    if (!PyArg_ParseTuple(args, "iy#:log", &level, &text, &len)) return NULL;
    host_log((uint32_t)level, text, (uint32_t)len);
    Py_RETURN_NONE;
}

static PyObject *thaw_remaining_time(PyObject *self, PyObject *ignored) { return PyLong_FromLongLong(host_remaining_time()); }
static PyObject *thaw_memory_size(PyObject *self, PyObject *ignored) { return PyLong_FromSize_t(__builtin_wasm_memory_size(0) << 16); }

static int getentropy_all(void *to, size_t n) {
    for (size_t at = 0; at < n; at += 256) /* getentropy's limit */
        if (getentropy((char *)to + at, n - at < 256 ? n - at : 256) < 0) return -1;
    return 0;
}

/* random.Random's state as _randommodule.c lays it out; reseed checks it. Seeding through Python hashes 2.5 KB of entropy
 * into the state, which costs more than a whole invocation: here the entropy is the state. */
typedef struct {
    PyObject_HEAD
    int index;
    uint32_t state[624];
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
    {"memory_size", thaw_memory_size, METH_NOARGS, "bytes of linear memory"},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef thaw_module = {PyModuleDef_HEAD_INIT, "_thaw", NULL, 0, thaw_methods};
static PyObject *init_thaw_module(void) { return PyModule_Create(&thaw_module); }

/* ---- INIT ---- */

static PyObject *bootstrap_function(PyObject *module, const char *name) { return PyObject_GetAttrString(module, name); }

static uint64_t op_init(const char *ptr, size_t len) {
    if (initialised) return fault("INIT twice");
    record r;
    field k, preload = {"", 0, 1}, v;
    if (!open_record(&r, ptr, len)) return fault("INIT: bad record");
    while (next_field(&r, &k) && next_field(&r, &v))
        if (k.len == 7 && memcmp(k.ptr, "preload", 7) == 0) preload = v;
    if (PyImport_AppendInittab("_thaw", init_thaw_module) < 0 || PyImport_AppendInittab("_thaw_net", thaw_net_init) < 0 ||
        PyImport_AppendInittab("_thaw_service", thaw_service_init) < 0) return fault("inittab");

    PyPreConfig pre;
    PyPreConfig_InitIsolatedConfig(&pre);
    pre.utf8_mode = 1;
    PyStatus st = Py_PreInitialize(&pre);
    if (PyStatus_Exception(st)) return fault(st.err_msg ? st.err_msg : "preinitialisation failed");

    PyConfig c;
    PyConfig_InitIsolatedConfig(&c);
    c.install_signal_handlers = 0;
    c.site_import = 0;
    c.write_bytecode = 0;
    c.buffered_stdio = 1;
    c.use_hash_seed = 0; /* the hash secret comes from random_get, once per node: see abi/README.md section 6 */
    c.module_search_paths_set = 1;
    st = PyConfig_SetString(&c, &c.program_name, L"/var/lang/bin/python3.13");
    if (!PyStatus_Exception(st)) st = PyConfig_SetString(&c, &c.executable, L"/var/lang/bin/python3.13");
    if (!PyStatus_Exception(st)) st = PyConfig_SetString(&c, &c.prefix, L"/var/lang");
    if (!PyStatus_Exception(st)) st = PyConfig_SetString(&c, &c.exec_prefix, L"/var/lang");
    if (!PyStatus_Exception(st)) st = PyConfig_SetString(&c, &c.stdlib_dir, L"/var/runtime/lib/python3.13");
    if (!PyStatus_Exception(st)) st = PyConfig_SetString(&c, &c.platlibdir, L"lib");
    if (!PyStatus_Exception(st)) st = PyWideStringList_Append(&c.module_search_paths, L"/var/runtime/lib/python3.13");
    if (!PyStatus_Exception(st)) st = Py_InitializeFromConfig(&c);
    PyConfig_Clear(&c);
    if (PyStatus_Exception(st)) return fault(st.err_msg ? st.err_msg : "initialisation failed");

    PyObject *module = PyImport_ImportModule("thaw_bootstrap");
    if (!module) { PyErr_Print(); return fault("thaw_bootstrap could not be imported"); }
    restore_fn = bootstrap_function(module, "restore");
    load_fn = bootstrap_function(module, "load");
    invoke_fn = bootstrap_function(module, "invoke");
    compile_fn = bootstrap_function(module, "compile_file");
    PyObject *done = PyObject_CallMethod(module, "init", "s#", preload.ptr, (Py_ssize_t)preload.len);
    Py_DECREF(module);
    if (!restore_fn || !load_fn || !invoke_fn || !compile_fn || !done) { PyErr_Print(); return fault("thaw_bootstrap.init failed"); }
    Py_DECREF(done);
    if (thaw_immortalise(preload.len > 0) < 0) return fault("out of memory for the snapshot's objects");
    initialised = 1;
    alloc_input(1);
    answer(DONE, "", 0);
    thaw_fill_holes();
    return answer(DONE, "", 0);
}

/* ---- RESTORE: the environment, for C as one block and for Python as os.environ's own dictionary ---- */

static char **environ_block;

static uint64_t op_restore(const char *ptr, size_t len) {
    record r;
    field k, v;
    if (!initialised) return fault("RESTORE before INIT");
    if (!open_record(&r, ptr, len) || r.left > len / 4) return fault("RESTORE: bad record");
    uint32_t pairs = r.left / 2;
    char **block = malloc((pairs + 1) * sizeof(char *) + len + 2 * pairs);
    PyObject *dict = PyDict_New();
    if (!block || !dict) { free(block); Py_XDECREF(dict); PyErr_Clear(); return fault("RESTORE: out of memory"); }
    char *text = (char *)(block + pairs + 1);
    for (uint32_t i = 0; i < pairs; i++) {
        if (!next_field(&r, &k) || !next_field(&r, &v)) { free(block); Py_DECREF(dict); return fault("RESTORE: bad record"); }
        PyObject *key = PyBytes_FromStringAndSize(k.ptr, k.len), *value = PyBytes_FromStringAndSize(v.ptr, v.len);
        if (!key || !value || PyDict_SetItem(dict, key, value) < 0) {
            Py_XDECREF(key); Py_XDECREF(value); Py_DECREF(dict); free(block);
            return fault_from_exception();
        }
        Py_DECREF(key);
        Py_DECREF(value);
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
    PyObject *result = PyObject_CallOneArg(restore_fn, dict);
    Py_DECREF(dict);
    if (!result) return fault_from_exception();
    Py_DECREF(result);
    return answer(DONE, "", 0);
}

/* ---- LOAD and INVOKE: the bootstrap returns None, bytes (an error), or (for INVOKE) str (the result) ---- */

static uint64_t result_frame(PyObject *result) {
    if (!result) {
        if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
            PyErr_Clear();
            static const char text[] = "{\"errorMessage\": \"\", \"errorType\": \"MemoryError\", \"requestId\": \"\", \"stackTrace\": []}";
            return answer(ERROR, text, sizeof text - 1);
        }
        return fault_from_exception();
    }
    uint64_t r;
    if (result == Py_None) {
        r = answer(DONE, "null", 4);
    } else if (PyBytes_Check(result)) {
        r = answer(ERROR, PyBytes_AS_STRING(result), PyBytes_GET_SIZE(result));
    } else {
        Py_ssize_t n;
        const char *utf8 = PyUnicode_AsUTF8AndSize(result, &n);
        r = utf8 ? answer(DONE, utf8, n) : fault_from_exception();
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
        if (!s) { Py_DECREF(args); PyErr_Clear(); return fault("LOAD: bad record"); }
        PyTuple_SET_ITEM(args, i, s);
    }
    PyObject *result = PyObject_Call(load_fn, args, NULL);
    Py_DECREF(args);
    return result_frame(result);
}

static uint64_t op_invoke(const char *ptr, size_t len) {
    if (!initialised || len < 16) return fault("INVOKE: bad frame");
    int64_t deadline;
    memcpy(&deadline, ptr, 8);
    uint64_t e = u32(ptr + 8), c = u32(ptr + 12);
    if (16 + e + c != len) return fault("INVOKE: bad frame");
    record r;
    field f;
    if (!open_record(&r, ptr + 16 + e, c)) return fault("INVOKE: bad context");
    PyObject *args[9] = {NULL};
    size_t n = 0;
    /* The event stays bytes if it isn't UTF-8; the bootstrap reports it. */
    args[n] = PyUnicode_DecodeUTF8(ptr + 16, e, NULL);
    if (!args[n]) {
        PyErr_Clear();
        args[n] = PyBytes_FromStringAndSize(ptr + 16, e);
    }
    n++;
    args[n++] = PyLong_FromLongLong(deadline);
    for (int i = 0; i < 6; i++) args[n++] = next_field(&r, &f) ? field_str(&f) : NULL;
    int bad = 0;
    for (size_t i = 0; i < n; i++) bad |= args[i] == NULL;
    PyObject *result = NULL;
    if (!bad) result = PyObject_Vectorcall(invoke_fn, args, n, NULL);
    for (size_t i = 0; i < n; i++) Py_XDECREF(args[i]);
    if (bad) { PyErr_Clear(); return fault("INVOKE: bad context"); }
    return result_frame(result);
}

/* ---- COMPILE ---- */

static uint64_t op_compile(const char *ptr, size_t len) {
    record r;
    field path;
    if (!initialised) return fault("COMPILE before INIT");
    if (!open_record(&r, ptr, len) || !next_field(&r, &path)) return fault("COMPILE: bad record");
    PyObject *result = PyObject_CallFunction(compile_fn, "s#", path.ptr, (Py_ssize_t)path.len);
    if (!result) return fault_from_exception();
    uint64_t code = result == Py_None ? answer(ERROR, "", 0) : answer(DONE, PyBytes_AS_STRING(result), PyBytes_GET_SIZE(result));
    Py_DECREF(result);
    return code;
}

/* ---- INFO: the words by which the host trips SIGALRM from outside, as trip_signal() in signalmodule.c would ---- */

static struct { uint32_t version, flags, interrupts, at; uint32_t words[6]; } info;

static uint64_t op_info(void) {
    info.version = 1;
    if (initialised) {
        PyThreadState *ts = PyThreadState_Get();
        info.flags = INFO_SOFT_INTERRUPT;
        info.interrupts = 3;
        info.at = (uint32_t)(uintptr_t)info.words;
        info.words[0] = (uint32_t)(uintptr_t)&_PyRuntime.signals.handlers[SIGALRM].tripped;
        info.words[1] = 1;
        info.words[2] = (uint32_t)(uintptr_t)&_PyRuntime.signals.is_tripped;
        info.words[3] = 1;
        info.words[4] = (uint32_t)(uintptr_t)&ts->eval_breaker;
        info.words[5] = _PY_SIGNALS_PENDING_BIT;
    }
    return (uint64_t)DONE << 32 | (uint32_t)(uintptr_t)&info;
}

static void clear_interrupt(void) {
    _PyRuntime.signals.handlers[SIGALRM].tripped = 0;
    _PyRuntime.signals.is_tripped = 0;
    _Py_unset_eval_breaker_bit(PyThreadState_Get(), _PY_SIGNALS_PENDING_BIT);
}

static void flush(const char *name) {
    PyObject *stream = PySys_GetObject(name);
    if (!stream || stream == Py_None) return;
    PyObject *exc = PyErr_GetRaisedException();
    PyObject *r = PyObject_CallMethod(stream, "flush", NULL);
    if (!r) PyErr_Clear();
    Py_XDECREF(r);
    PyErr_SetRaisedException(exc);
}

__attribute__((export_name("thaw_call"))) uint64_t thaw_call(uint32_t op, uint32_t a, uint32_t b) {
    const char *ptr = (const char *)(uintptr_t)a;
    uint64_t r;
    switch (op) {
    case OP_INFO: return op_info();
    case OP_ALLOC: return (uint64_t)DONE << 32 | alloc_input(a);
    case OP_INIT: r = op_init(ptr, b); break;
    case OP_RESTORE: return op_restore(ptr, b);
    case OP_LOAD: r = op_load(ptr, b); break;
    case OP_INVOKE: r = op_invoke(ptr, b); break;
    case OP_COMPILE: return op_compile(ptr, b);
    case OP_TRIM:
        if (!initialised) return fault("TRIM before INIT");
        PyGC_Collect();
        return answer(DONE, "", 0);
    default: return fault("unknown operation");
    }
    if (initialised) {
        clear_interrupt();
        flush("stdout");
        flush("stderr");
    }
    return r;
}
