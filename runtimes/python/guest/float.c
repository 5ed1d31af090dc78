/* Floats to text and back, where CPython takes David Gay's arithmetic of arbitrary length: yyjson has today's algorithms
 * (Schubfach, Eisel-Lemire), five times as fast, with the same digits. The linker puts these in the place of _Py_dg_dtoa and
 * the like (--wrap); whatever is not plain goes on to CPython's own. */
#undef __SIZEOF_INT128__ /* a call of the compiler's library in WebAssembly, slower than four multiplications */
#include "yyjson.c"

char *__real__Py_dg_dtoa(double d, int mode, int digits, int *point, int *sign, char **end);
void __real__Py_dg_freedtoa(char *s);
double __real__Py_dg_strtod(const char *s, char **end);

static char shortest[24]; /* of the last call: every caller is done with it before the next */

char *__wrap__Py_dg_dtoa(double d, int mode, int digits, int *point, int *sign, char **end) {
    u64 raw, sig_raw, sig, value;
    memcpy(&raw, &d, sizeof raw);
    sig_raw = raw & F64_SIG_MASK;
    u32 exp_raw = (u32)((raw & F64_EXP_MASK) >> F64_SIG_BITS);
    if (mode != 0 || exp_raw == ((u32)1 << F64_EXP_BITS) - 1 || raw << 1 == 0) return __real__Py_dg_dtoa(d, mode, digits, point, sign, end);
    i32 exp = 1 - F64_EXP_BIAS - F64_SIG_BITS, exp10;
    sig = sig_raw;
    if (exp_raw != 0) {
        sig |= (u64)1 << F64_SIG_BITS;
        exp += (i32)exp_raw - 1;
    }
    f64_bin_to_dec(sig_raw, exp_raw, sig, exp, &value, &exp10);
    char *at = shortest + sizeof shortest - 1, *last = at;
    *at = 0;
    for (; value; value /= 10) *--at = (char)('0' + value % 10);
    *point = (int)(last - at) + exp10;
    while (last[-1] == '0') *--last = 0;
    *sign = (int)(raw >> (F64_BITS - 1));
    if (end) *end = last;
    return at;
}

void __wrap__Py_dg_freedtoa(char *s) {
    if (s < shortest || s >= shortest + sizeof shortest) __real__Py_dg_freedtoa(s);
}

double __wrap__Py_dg_strtod(const char *s, char **end) {
    yyjson_val v;
    const char *behind = NULL, *digit = s + (*s == '-');
    if (*digit >= '0' && *digit <= '9') behind = yyjson_read_number(s, &v, 0, NULL, NULL);
    if (!behind) return __real__Py_dg_strtod(s, end); /* signs, spellings and sizes that JSON has not */
    if (end) *end = (char *)behind;
    double d = yyjson_is_real(&v) ? yyjson_get_real(&v) : yyjson_is_uint(&v) ? (double)yyjson_get_uint(&v) : (double)yyjson_get_sint(&v);
    return *s == '-' && d == 0 ? -0.0 : d;
}
