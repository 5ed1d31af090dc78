/* The module _thaw_net: the host's TLS and socket options for _ssl.py and thaw_net.py. Errors are OSError with the host's number. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "../thaw.h"
#include "host.h"
#include <errno.h>

static PyObject *failed(int error) {
    errno = error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

/* thaw_record encodes a sequence of str, bytes and None as a record (abi/README.md, section 4.2). */
PyObject *thaw_record(PyObject *fields) {
    PyObject *seq = PySequence_Fast(fields, "a sequence of str, bytes and None expected"), *out = NULL;
    if (!seq) return NULL;
    uint32_t count = (uint32_t)PySequence_Fast_GET_SIZE(seq);
    Py_ssize_t size = 4, n;
    const char *ptr;
    char *at = NULL;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < count; i++) {
            PyObject *f = PySequence_Fast_GET_ITEM(seq, i);
            uint32_t len = 0xFFFFFFFFu;
            ptr = NULL;
            n = 0;
            if (PyUnicode_Check(f)) {
                if (!(ptr = PyUnicode_AsUTF8AndSize(f, &n))) goto end;
            } else if (PyBytes_Check(f)) {
                ptr = PyBytes_AS_STRING(f);
                n = PyBytes_GET_SIZE(f);
            } else if (f != Py_None) {
                PyErr_SetString(PyExc_TypeError, "str, bytes or None expected");
                goto end;
            }
            if (ptr) len = (uint32_t)n;
            if (pass == 0) {
                size += 4 + n;
            } else {
                memcpy(at, &len, 4);
                if (ptr) memcpy(at + 4, ptr, (size_t)n);
                at += 4 + n;
            }
        }
        if (pass == 0) {
            if (!(out = PyBytes_FromStringAndSize(NULL, size))) goto end;
            at = PyBytes_AS_STRING(out);
            memcpy(at, &count, 4);
            at += 4;
        }
    }
    Py_DECREF(seq);
    return out;
end:
    Py_DECREF(seq);
    Py_XDECREF(out);
    return NULL;
}

static PyObject *tls_start(PyObject *self, PyObject *args) {
    int fd;
    PyObject *fields, *r;
    if (!PyArg_ParseTuple(args, "iO:tls_start", &fd, &fields) || !(r = thaw_record(fields))) return NULL;
    int error = net_tls_start(fd, PyBytes_AS_STRING(r), (uint32_t)PyBytes_GET_SIZE(r));
    Py_DECREF(r);
    if (error) return failed(error);
    Py_RETURN_NONE;
}

static PyObject *tls_open(PyObject *self, PyObject *fields) {
    int fd;
    PyObject *r = thaw_record(fields);
    if (!r) return NULL;
    int error = net_tls_open(PyBytes_AS_STRING(r), (uint32_t)PyBytes_GET_SIZE(r), &fd);
    Py_DECREF(r);
    return error ? failed(error) : PyLong_FromLong(fd);
}

static PyObject *tls_feed(PyObject *self, PyObject *args) {
    int fd;
    Py_buffer data;
    uint32_t taken = 0;
    if (!PyArg_ParseTuple(args, "iy*:tls_feed", &fd, &data)) return NULL;
    int error = net_tls_feed(fd, data.buf, (uint32_t)data.len, &taken);
    PyBuffer_Release(&data);
    return error ? failed(error) : PyLong_FromUnsignedLong(taken);
}

static PyObject *tls_drain(PyObject *self, PyObject *args) {
    int fd;
    unsigned cap;
    uint32_t got = 0;
    if (!PyArg_ParseTuple(args, "iI:tls_drain", &fd, &cap)) return NULL;
    PyObject *out = PyBytes_FromStringAndSize(NULL, cap);
    if (!out) return NULL;
    int error = net_tls_drain(fd, PyBytes_AS_STRING(out), cap, &got);
    if (error) {
        Py_DECREF(out);
        return failed(error);
    }
    if (got < cap) _PyBytes_Resize(&out, got);
    return out;
}

/* The info record as a list of bytes and None. */
static PyObject *tls_info(PyObject *self, PyObject *arg) {
    int fd = PyLong_AsInt(arg), error;
    uint32_t cap = 8192, len = 0;
    char *buf = NULL;
    if (fd == -1 && PyErr_Occurred()) return NULL;
    for (;;) {
        char *more = PyMem_Realloc(buf, cap);
        if (!more) {
            PyMem_Free(buf);
            return PyErr_NoMemory();
        }
        buf = more;
        if ((error = net_tls_info(fd, buf, cap, &len))) {
            PyMem_Free(buf);
            return failed(error);
        }
        if (len <= cap) break;
        cap = len; /* it may have grown meanwhile: look again */
    }
    PyObject *list = PyList_New(0);
    uint32_t count = 0, at = 4, n;
    if (len >= 4) memcpy(&count, buf, 4);
    while (list && count-- && len - at >= 4) {
        memcpy(&n, buf + at, 4);
        at += 4;
        PyObject *f = Py_None;
        if (n != 0xFFFFFFFFu) {
            if (n > len - at) break;
            f = PyBytes_FromStringAndSize(buf + at, n);
            at += n;
        }
        if (!f || PyList_Append(list, f) < 0) Py_CLEAR(list);
        Py_XDECREF(f);
    }
    PyMem_Free(buf);
    return list;
}

static PyObject *sock_get(PyObject *self, PyObject *args) {
    int fd, option;
    uint32_t value = 0;
    if (!PyArg_ParseTuple(args, "ii:sock_get", &fd, &option)) return NULL;
    int error = net_get(fd, option, &value);
    return error ? failed(error) : PyLong_FromUnsignedLong(value);
}

static PyObject *sock_shutdown(PyObject *self, PyObject *args) {
    int fd, how;
    if (!PyArg_ParseTuple(args, "ii:sock_shutdown", &fd, &how)) return NULL;
    if (shutdown(fd, how) < 0) return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"tls_start", tls_start, METH_VARARGS, "tls_start(fd, fields): make a connected socket a TLS client"},
    {"tls_open", tls_open, METH_O, "tls_open(fields): a TLS client session without a socket"},
    {"tls_feed", tls_feed, METH_VARARGS, "tls_feed(fd, data): bytes from the peer; how many were taken"},
    {"tls_drain", tls_drain, METH_VARARGS, "tls_drain(fd, cap): bytes for the peer"},
    {"tls_info", tls_info, METH_O, "tls_info(fd): the fields of the info record"},
    {"sock_get", sock_get, METH_VARARGS, "sock_get(fd, option): an option of the host's"},
    {"sock_shutdown", sock_shutdown, METH_VARARGS, "sock_shutdown(fd, how)"},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_thaw_net", NULL, 0, methods};
PyObject *thaw_net_init(void) { return PyModule_Create(&module); }
