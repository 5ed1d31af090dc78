/* What the C files of the guest share. */
#ifndef THAW_H
#define THAW_H

#include <Python.h>

PyObject *thaw_record(PyObject *fields); /* net/tls.c: str, bytes and None to a record, as bytes */

int thaw_immortalise(int preloaded); /* snapshot.c: what exists is never freed; negative = out of memory */
void thaw_fill_holes(void);          /* what is allocated from now on lies on fresh pages */

/* The modules besides _thaw. */
PyObject *thaw_net_init(void);
PyObject *thaw_service_init(void);

#endif
