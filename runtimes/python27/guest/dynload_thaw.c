/* What CPython does with a file that holds an extension module, put into its own dynload_*.c's place by build.sh: it says why
 * such a module can't be imported, instead of that there is none. */
#include "Python.h"
#include "importdl.h"

const struct filedescr _PyImport_DynLoadFiletab[] = {
    {".so", "rb", C_EXTENSION},
    {"module.so", "rb", C_EXTENSION},
    {0, 0},
};

dl_funcptr _PyImport_GetDynLoadFunc(const char *fqname, const char *shortname, const char *pathname, FILE *fp) {
    PyErr_Format(PyExc_ImportError, "%s is native code, which can't run in this sandbox; a pure Python version of the package is needed", pathname);
    return NULL;
}
