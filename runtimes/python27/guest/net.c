/* The module _thaw_net: the host's TLS for _ssl.py. Errors are socket.error with the host's number. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "host.h"

#include <errno.h>
#include <sys/socket.h>

static PyObject *failed(int error) {
    errno = error;
    PyObject *module = PyImport_ImportModule("_socket"), *kind = module ? PyObject_GetAttrString(module, "error") : NULL;
    if (kind) PyErr_SetFromErrno(kind);
    Py_XDECREF(kind);
    Py_XDECREF(module);
    return NULL;
}

/* tls_start(fd, record): make a connected socket a TLS client; the record is one of abi/README.md, section 4.2. */
static PyObject *tls_start(PyObject *self, PyObject *args) {
    int fd;
    const char *record;
    Py_ssize_t len;
    if (!PyArg_ParseTuple(args, "is#:tls_start", &fd, &record, &len)) return NULL;
    int error = net_tls_start(fd, record, (uint32_t)len);
    if (error) return failed(error);
    Py_RETURN_NONE;
}

/* tls_info(fd): the info record, as it is. */
static PyObject *tls_info(PyObject *self, PyObject *args) {
    int fd, error;
    uint32_t cap = 8192, len = 0;
    if (!PyArg_ParseTuple(args, "i:tls_info", &fd)) return NULL;
    for (;;) {
        PyObject *out = PyString_FromStringAndSize(NULL, cap);
        if (!out) return NULL;
        error = net_tls_info(fd, PyString_AS_STRING(out), cap, &len);
        if (!error && len <= cap) {
            _PyString_Resize(&out, len);
            return out;
        }
        Py_DECREF(out);
        if (error) return failed(error);
        cap = len; /* it may have grown meanwhile: look again */
    }
}

/* sock_get(fd, option): one of abi/README.md, section 5.4. */
static PyObject *sock_get(PyObject *self, PyObject *args) {
    int fd, option;
    uint32_t value = 0;
    if (!PyArg_ParseTuple(args, "ii:sock_get", &fd, &option)) return NULL;
    int error = net_get(fd, option, &value);
    return error ? failed(error) : PyInt_FromLong((long)value);
}

static PyMethodDef methods[] = {
    {"tls_start", tls_start, METH_VARARGS, "tls_start(fd, record): make a connected socket a TLS client"},
    {"tls_info", tls_info, METH_VARARGS, "tls_info(fd): the info record"},
    {"sock_get", sock_get, METH_VARARGS, "sock_get(fd, option): an option of the host's"},
    {NULL, NULL, 0, NULL},
};

void init_thaw_net(void) { Py_InitModule("_thaw_net", methods); }
