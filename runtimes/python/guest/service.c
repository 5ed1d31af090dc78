/* The module _thaw_service: the host's services (abi/README.md, section 5.5), and hash objects that use them.
 *
 * A hash object keeps little data and hands it to CPython's own implementation in the end; once there is more, it is a hash on
 * the host, which is several times faster. Objects that hold little lie in memory alone, so that they may be in a snapshot.
 */
#define PY_SSIZE_T_CLEAN
#include "thaw.h"
#include <stdint.h>

#define IMPORT(name) __attribute__((import_module("thaw"), import_name(name)))
IMPORT("service") uint64_t host_service(uint32_t op, uint32_t handle, const void *ptr, uint32_t len, void *out, uint32_t cap);
IMPORT("service_result") int32_t host_service_result(void *out, uint32_t cap);

enum { OP_CLOSE = 1, OP_HASH_NEW = 16, OP_HMAC_NEW, OP_UPDATE, OP_FINAL, OP_SUM, OP_COPY, OP_DIGEST, OP_HMAC };
enum { KIND_BYTES, KIND_ERROR, KIND_VALUE };

static PyObject *service_error; /* Error(code, message) */

/* answer makes a result of what service returned: bytes, int, or an exception. */
static PyObject *answer(uint64_t r, const char *small, uint32_t cap) {
    uint32_t kind = (uint32_t)(r >> 32), n = (uint32_t)r;
    if (kind == KIND_VALUE) return PyLong_FromUnsignedLong(n);
    PyObject *bytes = PyBytes_FromStringAndSize(n <= cap ? small : NULL, n);
    if (!bytes) return NULL;
    if (n > cap && host_service_result(PyBytes_AS_STRING(bytes), n) != (int32_t)n) {
        Py_DECREF(bytes);
        PyErr_SetString(PyExc_SystemError, "service: result lost");
        return NULL;
    }
    if (kind == KIND_BYTES) return bytes;
    const char *p = PyBytes_AS_STRING(bytes);
    uint32_t code = 0, message = 0;
    if (n >= 8) memcpy(&code, p + 4, 4);
    if (n >= 12 && code <= n - 12) memcpy(&message, p + 8 + code, 4);
    if (n < 12 || code > n - 12 || message > n - 12 - code) {
        PyErr_SetString(PyExc_SystemError, "service: malformed error");
    } else {
        PyObject *args = Py_BuildValue("(s#s#)", p + 8, (Py_ssize_t)code, p + 12 + code, (Py_ssize_t)message);
        if (args) PyErr_SetObject(service_error, args);
        Py_XDECREF(args);
    }
    Py_DECREF(bytes);
    return NULL;
}

static PyObject *call(uint32_t op, uint32_t handle, const void *data, size_t len) {
    char small[256];
    return answer(host_service(op, handle, data, (uint32_t)len, small, sizeof small), small, sizeof small);
}

static PyObject *call_record(uint32_t op, uint32_t handle, PyObject *fields) {
    PyObject *record = thaw_record(fields);
    if (!record) return NULL;
    PyObject *result = call(op, handle, PyBytes_AS_STRING(record), (size_t)PyBytes_GET_SIZE(record));
    Py_DECREF(record);
    return result;
}

static PyObject *service(PyObject *self, PyObject *args) {
    unsigned op, handle;
    PyObject *fields;
    if (!PyArg_ParseTuple(args, "IIO:service", &op, &handle, &fields)) return NULL;
    return call_record(op, handle, fields);
}

/* ---- hash objects ---- */

typedef struct {
    const char *name, *host; /* Python's and the host's name */
    const char *module, *constructor; /* CPython's own implementation; NULL = there is none */
    int digest_size, block_size;
} algorithm;

static const algorithm algorithms[] = {
    {"md5", "md5", "_md5", "md5", 16, 64},
    {"sha1", "sha1", "_sha1", "sha1", 20, 64},
    {"sha224", "sha224", "_sha2", "sha224", 28, 64},
    {"sha256", "sha256", "_sha2", "sha256", 32, 64},
    {"sha384", "sha384", "_sha2", "sha384", 48, 128},
    {"sha512", "sha512", "_sha2", "sha512", 64, 128},
    {"sha3_224", "sha3-224", "_sha3", "sha3_224", 28, 144},
    {"sha3_256", "sha3-256", "_sha3", "sha3_256", 32, 136},
    {"sha3_384", "sha3-384", "_sha3", "sha3_384", 48, 104},
    {"sha3_512", "sha3-512", "_sha3", "sha3_512", 64, 72},
    {"sha512_224", "sha512-224", NULL, NULL, 28, 128},
    {"sha512_256", "sha512-256", NULL, NULL, 32, 128},
    {"ripemd160", "ripemd160", NULL, NULL, 20, 64},
};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };
static PyObject *own[ALGORITHMS]; /* CPython's own constructors, once used */

/* From here on data goes to the host: below, crossing over costs more than it saves. */
enum { LITTLE = 1024 };

typedef struct {
    PyObject_HEAD
    const algorithm *a;
    PyObject *key;  /* of an HMAC; NULL = a plain hash */
    char *data;     /* what is kept, as long as handle and plain are not there */
    size_t len, cap;
    uint32_t handle; /* of the host's hash */
    PyObject *plain; /* CPython's own object, where the host had no room */
} hash_object;

static PyTypeObject hash_type;

static PyObject *own_constructor(const algorithm *a) {
    PyObject **f = &own[a - algorithms];
    if (!*f) {
        PyObject *module = PyImport_ImportModule(a->module);
        if (!module) return NULL;
        *f = PyObject_GetAttrString(module, a->constructor);
        Py_DECREF(module);
    }
    return *f;
}

static int keep(hash_object *h, const void *data, size_t len) {
    if (h->len + len > h->cap) {
        size_t cap = h->cap ? h->cap : 64;
        while (cap < h->len + len) cap *= 2;
        char *more = PyMem_Realloc(h->data, cap);
        if (!more) {
            PyErr_NoMemory();
            return -1;
        }
        h->data = more;
        h->cap = cap;
    }
    memcpy(h->data + h->len, data, len);
    h->len += len;
    return 0;
}

static void drop(hash_object *h) {
    PyMem_Free(h->data);
    h->data = NULL;
    h->len = h->cap = 0;
}

static int discard(PyObject *result) {
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* open_host makes a hash on the host and gives it what is kept; 0 = it has no room. */
static int open_host(hash_object *h) {
    PyObject *fields = h->key ? Py_BuildValue("(sO)", h->a->host, h->key) : Py_BuildValue("(s)", h->a->host);
    PyObject *record = fields ? thaw_record(fields) : NULL;
    Py_XDECREF(fields);
    if (!record) return -1;
    char small[256];
    uint64_t r = host_service(h->key ? OP_HMAC_NEW : OP_HASH_NEW, 0, PyBytes_AS_STRING(record), (uint32_t)PyBytes_GET_SIZE(record), small, sizeof small);
    Py_DECREF(record);
    if (r >> 32 != KIND_VALUE) return 0;
    h->handle = (uint32_t)r;
    if (h->len && discard(call(OP_UPDATE, h->handle, h->data, h->len)) < 0) return -1;
    drop(h);
    return 1;
}

static int update(hash_object *h, const void *data, size_t len) {
    if (h->handle) return discard(call(OP_UPDATE, h->handle, data, len));
    if (h->plain) return discard(PyObject_CallMethod(h->plain, "update", "y#", data, (Py_ssize_t)len));
    if (h->len + len <= LITTLE) return keep(h, data, len);
    int opened = open_host(h);
    if (opened < 0) return -1;
    if (opened) return update(h, data, len);
    if (h->key || !h->a->module) return keep(h, data, len);
    PyObject *f = own_constructor(h->a);
    if (!f || !(h->plain = PyObject_CallFunction(f, "y#", h->data ? h->data : "", (Py_ssize_t)h->len))) return -1;
    drop(h);
    return update(h, data, len);
}

static PyObject *digest(hash_object *h) {
    if (h->handle) return call(OP_SUM, h->handle, NULL, 0);
    if (h->plain) return PyObject_CallMethod(h->plain, "digest", NULL);
    const char *data = h->data ? h->data : "";
    if (!h->key && h->a->module) {
        PyObject *f = own_constructor(h->a), *o = f ? PyObject_CallFunction(f, "y#", data, (Py_ssize_t)h->len) : NULL;
        PyObject *d = o ? PyObject_CallMethod(o, "digest", NULL) : NULL;
        Py_XDECREF(o);
        return d;
    }
    PyObject *fields = h->key ? Py_BuildValue("(sOy#)", h->a->host, h->key, data, (Py_ssize_t)h->len) : Py_BuildValue("(sy#)", h->a->host, data, (Py_ssize_t)h->len);
    PyObject *d = fields ? call_record(h->key ? OP_HMAC : OP_DIGEST, 0, fields) : NULL;
    Py_XDECREF(fields);
    return d;
}

/* buffer takes what may be hashed, with the words that CPython has for what may not. */
static int buffer(PyObject *o, Py_buffer *view) {
    if (PyUnicode_Check(o)) {
        PyErr_SetString(PyExc_TypeError, "Strings must be encoded before hashing");
        return -1;
    }
    if (!PyObject_CheckBuffer(o)) {
        PyErr_SetString(PyExc_TypeError, "object supporting the buffer API required");
        return -1;
    }
    if (PyObject_GetBuffer(o, view, PyBUF_SIMPLE) < 0) return -1;
    if (view->ndim > 1) {
        PyErr_SetString(PyExc_BufferError, "Buffer must be single dimension");
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

static PyObject *new_hash(const algorithm *a, PyObject *key, PyObject *data) {
    hash_object *h = PyObject_New(hash_object, &hash_type);
    if (!h) return NULL;
    h->a = a;
    h->key = Py_XNewRef(key);
    h->data = NULL;
    h->len = h->cap = 0;
    h->handle = 0;
    h->plain = NULL;
    if (data && data != Py_None) {
        Py_buffer view;
        int failed = buffer(data, &view);
        if (!failed) {
            failed = update(h, view.buf, (size_t)view.len);
            PyBuffer_Release(&view);
        }
        if (failed) {
            Py_DECREF(h);
            return NULL;
        }
    }
    return (PyObject *)h;
}

static void hash_dealloc(PyObject *self) {
    hash_object *h = (hash_object *)self;
    if (h->handle) host_service(OP_CLOSE, h->handle, NULL, 0, NULL, 0);
    PyMem_Free(h->data);
    Py_XDECREF(h->key);
    Py_XDECREF(h->plain);
    PyObject_Free(h);
}

static PyObject *hash_update(PyObject *self, PyObject *data) {
    Py_buffer view;
    if (buffer(data, &view) < 0) return NULL;
    int failed = update((hash_object *)self, view.buf, (size_t)view.len);
    PyBuffer_Release(&view);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *hash_digest(PyObject *self, PyObject *ignored) { return digest((hash_object *)self); }

static PyObject *hash_hexdigest(PyObject *self, PyObject *ignored) {
    static const char digits[] = "0123456789abcdef";
    PyObject *d = digest((hash_object *)self);
    if (!d) return NULL;
    Py_ssize_t n = PyBytes_GET_SIZE(d);
    PyObject *text = PyUnicode_New(2 * n, 127);
    if (text) {
        Py_UCS1 *to = PyUnicode_1BYTE_DATA(text);
        for (Py_ssize_t i = 0; i < n; i++) {
            unsigned char b = (unsigned char)PyBytes_AS_STRING(d)[i];
            to[2 * i] = (Py_UCS1)digits[b >> 4];
            to[2 * i + 1] = (Py_UCS1)digits[b & 15];
        }
    }
    Py_DECREF(d);
    return text;
}

static PyObject *hash_copy(PyObject *self, PyObject *ignored) {
    hash_object *h = (hash_object *)self;
    hash_object *c = (hash_object *)new_hash(h->a, h->key, NULL);
    if (!c) return NULL;
    if (h->handle) {
        PyObject *v = call(OP_COPY, h->handle, NULL, 0);
        if (v) c->handle = (uint32_t)PyLong_AsUnsignedLong(v);
        if (discard(v) < 0) Py_CLEAR(c);
    } else if (h->plain) {
        if (!(c->plain = PyObject_CallMethod(h->plain, "copy", NULL))) Py_CLEAR(c);
    } else if (h->len && keep(c, h->data, h->len) < 0) {
        Py_CLEAR(c);
    }
    return (PyObject *)c;
}

static PyObject *hash_name(PyObject *self, void *ignored) {
    hash_object *h = (hash_object *)self;
    return h->key ? PyUnicode_FromFormat("hmac-%s", h->a->name) : PyUnicode_FromString(h->a->name);
}
static PyObject *hash_digest_size(PyObject *self, void *ignored) { return PyLong_FromLong(((hash_object *)self)->a->digest_size); }
static PyObject *hash_block_size(PyObject *self, void *ignored) { return PyLong_FromLong(((hash_object *)self)->a->block_size); }
static PyObject *hash_repr(PyObject *self) {
    hash_object *h = (hash_object *)self;
    return PyUnicode_FromFormat("<%s%s _hashlib.%s object @ %p>", h->a->name, "", h->key ? "HMAC" : "HASH", self);
}

static PyMethodDef hash_methods[] = {
    {"update", hash_update, METH_O, NULL},
    {"digest", hash_digest, METH_NOARGS, NULL},
    {"hexdigest", hash_hexdigest, METH_NOARGS, NULL},
    {"copy", hash_copy, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef hash_getset[] = {
    {"name", hash_name, NULL, NULL, NULL},
    {"digest_size", hash_digest_size, NULL, NULL, NULL},
    {"block_size", hash_block_size, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyTypeObject hash_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_hashlib.HASH",
    .tp_basicsize = sizeof(hash_object),
    .tp_dealloc = hash_dealloc,
    .tp_repr = hash_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .tp_methods = hash_methods,
    .tp_getset = hash_getset,
};

/* ---- constructors: one builtin function for each algorithm, whose self is the algorithm's number ---- */

static PyObject *construct(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    PyObject *data = n > 0 ? args[0] : NULL;
    Py_ssize_t k = names ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < k; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (PyUnicode_CompareWithASCIIString(name, "usedforsecurity") == 0) continue;
        if (!data && (PyUnicode_CompareWithASCIIString(name, "string") == 0 || PyUnicode_CompareWithASCIIString(name, "data") == 0)) {
            data = args[n + i];
            continue;
        }
        return PyErr_Format(PyExc_TypeError, "unexpected keyword argument '%U'", name);
    }
    if (n > 1) return PyErr_Format(PyExc_TypeError, "at most 1 positional argument expected, got %zd", n);
    if (data == Py_None) return PyErr_Format(PyExc_TypeError, "object supporting the buffer API required");
    return new_hash(&algorithms[PyLong_AsLong(self)], NULL, data);
}

static PyMethodDef constructors[ALGORITHMS];
static char constructor_names[ALGORITHMS][24];

/* hmac(name, key, data): an HMAC object. */
static PyObject *hmac(PyObject *self, PyObject *args) {
    const char *name;
    PyObject *key, *data = NULL;
    if (!PyArg_ParseTuple(args, "sS|O:hmac", &name, &key, &data)) return NULL;
    for (int i = 0; i < ALGORITHMS; i++)
        if (strcmp(name, algorithms[i].name) == 0) return new_hash(&algorithms[i], key, data);
    PyErr_SetString(PyExc_ValueError, "unsupported hash type");
    return NULL;
}

static PyMethodDef methods[] = {
    {"service", service, METH_VARARGS, "service(op, handle, fields): bytes or int"},
    {"hmac", hmac, METH_VARARGS, "hmac(name, key, data=None): an HMAC object"},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_thaw_service", NULL, 0, methods};

PyObject *thaw_service_init(void) {
    PyObject *m = PyModule_Create(&module), *table = PyDict_New(), *name = PyUnicode_FromString("_hashlib");
    if (!m || !table || !name || PyType_Ready(&hash_type) < 0) return NULL;
    service_error = PyErr_NewException("_thaw_service.Error", PyExc_ValueError, NULL);
    if (!service_error || PyModule_AddObjectRef(m, "Error", service_error) < 0 || PyModule_AddObjectRef(m, "HASH", (PyObject *)&hash_type) < 0) return NULL;
    for (int i = 0; i < ALGORITHMS; i++) {
        PyOS_snprintf(constructor_names[i], sizeof constructor_names[i], "openssl_%s", algorithms[i].name);
        constructors[i] = (PyMethodDef){constructor_names[i], (PyCFunction)(void (*)(void))construct, METH_FASTCALL | METH_KEYWORDS, NULL};
        PyObject *number = PyLong_FromLong(i), *f = number ? PyCFunction_NewEx(&constructors[i], number, name) : NULL;
        Py_XDECREF(number);
        if (!f || PyDict_SetItemString(table, algorithms[i].name, f) < 0) return NULL;
        Py_DECREF(f);
    }
    Py_DECREF(name);
    if (PyModule_AddObject(m, "constructors", table) < 0) return NULL;
    return m;
}
