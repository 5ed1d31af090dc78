/* What the linked libraries expect of their program. */
#include <stdlib.h>

/* bzip2 without stdio reports a broken invariant here. There is nothing to be saved. */
void bz_internal_error(int code) {
    (void)code;
    abort();
}
