/* The byte work below Node's buffer library: internalBinding('buffer') and what TextEncoder and TextDecoder need.
 * Encodings are numbered as in Node (src/node.h, enum encoding). */

enum { ENC_ASCII, ENC_UTF8, ENC_BASE64, ENC_UCS2, ENC_LATIN1, ENC_HEX, ENC_BUFFER, ENC_BASE64URL };

typedef struct { uint8_t *ptr; size_t len; } bytes;

/* The bytes of a typed array, DataView or ArrayBuffer. They stay where they are only until JavaScript runs again. */
static int view_bytes(JSContext *c, JSValueConst v, bytes *b) {
    if (JS_IsObject(v)) {
        JSObject *p = JS_VALUE_GET_OBJ(v);
        if (p->class_id == JS_CLASS_UINT8_ARRAY) {
            b->ptr = p->u.array.u.uint8_ptr;
            b->len = p->u.array.count;
            return 0;
        }
        if (p->class_id == JS_CLASS_ARRAY_BUFFER || p->class_id == JS_CLASS_SHARED_ARRAY_BUFFER) {
            b->ptr = JS_GetArrayBuffer(c, &b->len, v);
            return b->ptr || b->len == 0 ? 0 : -1;
        }
        if (p->class_id == JS_CLASS_DATAVIEW || JS_GetTypedArrayType(v) >= 0) {
            JSTypedArray *t = p->u.typed_array;
            JSArrayBuffer *buffer = t->buffer->u.array_buffer;
            if (t->offset > (uint32_t)buffer->byte_length) { b->ptr = NULL; b->len = 0; return 0; }
            size_t left = buffer->byte_length - t->offset;
            b->ptr = buffer->data + t->offset;
            b->len = t->track_rab || t->length > left ? left : t->length;
            return 0;
        }
    }
    JS_ThrowTypeError(c, "argument must be a buffer");
    return -1;
}

static JSValue new_uint8array(JSContext *c, const uint8_t *ptr, size_t len) { return JS_NewUint8ArrayCopy(c, ptr, len); }

/* ---- UTF-8 ---- */

/* Length of the well-formed sequence at p, or 0; *skip is then how many bytes one U+FFFD replaces (WHATWG Encoding). */
static unsigned utf8_sequence(const uint8_t *p, const uint8_t *end, uint32_t *code, unsigned *skip) {
    uint8_t b = p[0], low = 0x80, high = 0xBF;
    unsigned n;
    *skip = 1;
    if (b < 0x80) { *code = b; return 1; }
    if (b >= 0xC2 && b <= 0xDF) { n = 2; *code = b & 0x1F; }
    else if (b >= 0xE0 && b <= 0xEF) { n = 3; *code = b & 0x0F; if (b == 0xE0) low = 0xA0; if (b == 0xED) high = 0x9F; }
    else if (b >= 0xF0 && b <= 0xF4) { n = 4; *code = b & 0x07; if (b == 0xF0) low = 0x90; if (b == 0xF4) high = 0x8F; }
    else return 0;
    for (unsigned i = 1; i < n; i++) {
        if (p + i >= end || p[i] < low || p[i] > high) { *skip = i; return 0; }
        *code = *code << 6 | (p[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    return n;
}

static size_t ascii_prefix(const uint8_t *p, size_t n) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        if (w & 0x8080808080808080ull) break;
    }
    while (i < n && p[i] < 0x80) i++;
    return i;
}

static bool utf8_valid(const uint8_t *p, size_t n) {
    const uint8_t *end = p + n;
    while (p < end) {
        p += ascii_prefix(p, end - p);
        if (p == end) break;
        uint32_t code;
        unsigned skip, k = utf8_sequence(p, end, &code, &skip);
        if (!k) return false;
        p += k;
    }
    return true;
}

static JSValue utf8_to_string(JSContext *c, const uint8_t *p, size_t n) {
    if (n > JS_STRING_LEN_MAX) return JS_ThrowRangeError(c, "Invalid string length");
    if (ascii_prefix(p, n) == n) return js_new_string8_len(c, (const char *)p, n);
    uint16_t *out = js_malloc(c, n * 2 + 2), *o = out;
    if (!out) return JS_EXCEPTION;
    const uint8_t *end = p + n;
    while (p < end) {
        uint32_t code;
        unsigned skip, k = utf8_sequence(p, end, &code, &skip);
        if (!k) { *o++ = 0xFFFD; p += skip; continue; }
        p += k;
        if (code >= 0x10000) { *o++ = 0xD800 + ((code - 0x10000) >> 10); *o++ = 0xDC00 + (code & 0x3FF); }
        else *o++ = code;
    }
    JSValue v = JS_NewStringUTF16(c, out, o - out);
    js_free(c, out);
    return v;
}

/* The UTF-8 of a string; lone surrogates become U+FFFD, in place (both are three bytes long). */
static const char *string_utf8(JSContext *c, JSValueConst v, size_t *len) {
    char *s = (char *)JS_ToCStringLen(c, len, v);
    if (s) {
        for (char *p = s, *end = s + *len; (p = memchr(p, 0xED, end - p)) && p + 2 < end; p += 3)
            if ((uint8_t)p[1] >= 0xA0) memcpy(p, "\xEF\xBF\xBD", 3);
    }
    return s;
}

/* ---- base64 and hex ---- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static JSValue base64_to_string(JSContext *c, const uint8_t *p, size_t n, bool url) {
    const char *digits = url ? base64url_digits : base64_digits;
    size_t cap = (n + 2) / 3 * 4;
    char *out = js_malloc(c, cap + 1), *o = out;
    if (!out) return JS_EXCEPTION;
    size_t i = 0;
    for (; i + 3 <= n; i += 3) {
        uint32_t w = p[i] << 16 | p[i + 1] << 8 | p[i + 2];
        *o++ = digits[w >> 18]; *o++ = digits[w >> 12 & 63]; *o++ = digits[w >> 6 & 63]; *o++ = digits[w & 63];
    }
    if (n - i == 1) {
        *o++ = digits[p[i] >> 2]; *o++ = digits[(p[i] & 3) << 4];
        if (!url) { *o++ = '='; *o++ = '='; }
    } else if (n - i == 2) {
        *o++ = digits[p[i] >> 2]; *o++ = digits[(p[i] & 3) << 4 | p[i + 1] >> 4]; *o++ = digits[(p[i + 1] & 15) << 2];
        if (!url) *o++ = '=';
    }
    JSValue v = js_new_string8_len(c, out, o - out);
    js_free(c, out);
    return v;
}

static int base64_value(uint8_t ch) {
    if (ch >= 'A' && ch <= 'Z') return ch - 'A';
    if (ch >= 'a' && ch <= 'z') return ch - 'a' + 26;
    if (ch >= '0' && ch <= '9') return ch - '0' + 52;
    if (ch == '+' || ch == '-') return 62;
    if (ch == '/' || ch == '_') return 63;
    return -1;
}

/* Both alphabets, anything else skipped, ends at '=': as Node decodes. */
static size_t base64_decode(uint8_t *out, size_t cap, const char *s, size_t n) {
    uint32_t acc = 0;
    unsigned bits = 0;
    size_t o = 0;
    for (size_t i = 0; i < n && s[i] != '=' && o < cap; i++) {
        int d = base64_value(s[i]);
        if (d < 0) continue;
        acc = acc << 6 | d;
        bits += 6;
        if (bits >= 8) { bits -= 8; out[o++] = acc >> bits; }
    }
    return o;
}

static int hex_value(uint8_t ch) {
    if (ch >= '0' && ch <= '9') return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* ---- strings <-> bytes in any encoding ---- */

static JSValue decode_bytes(JSContext *c, const uint8_t *p, size_t n, int encoding) {
    if (n == 0) return js_empty_string(c->rt);
    if (n > JS_STRING_LEN_MAX) return JS_ThrowRangeError(c, "Invalid string length");
    char *out;
    JSValue v;
    switch (encoding) {
    case ENC_LATIN1: return js_new_string8_len(c, (const char *)p, n);
    case ENC_ASCII:
        if (ascii_prefix(p, n) == n) return js_new_string8_len(c, (const char *)p, n);
        if (!(out = js_malloc(c, n))) return JS_EXCEPTION;
        for (size_t i = 0; i < n; i++) out[i] = p[i] & 0x7F;
        v = js_new_string8_len(c, out, n);
        js_free(c, out);
        return v;
    case ENC_UCS2: {
        uint16_t *wide = js_malloc(c, n);
        if (!wide) return JS_EXCEPTION;
        memcpy(wide, p, n & ~(size_t)1);
        v = JS_NewStringUTF16(c, wide, n / 2);
        js_free(c, wide);
        return v;
    }
    case ENC_HEX:
        if (!(out = js_malloc(c, n * 2))) return JS_EXCEPTION;
        for (size_t i = 0; i < n; i++) { out[2 * i] = "0123456789abcdef"[p[i] >> 4]; out[2 * i + 1] = "0123456789abcdef"[p[i] & 15]; }
        v = js_new_string8_len(c, out, n * 2);
        js_free(c, out);
        return v;
    case ENC_BASE64: return base64_to_string(c, p, n, false);
    case ENC_BASE64URL: return base64_to_string(c, p, n, true);
    default: return utf8_to_string(c, p, n);
    }
}

/* Writes at most cap bytes of the string; out may be NULL to allocate (*fresh then holds them, with its full length). */
static int encode_string(JSContext *c, JSValueConst v, int encoding, uint8_t *out, size_t cap, uint8_t **fresh, size_t *written) {
    size_t n;
    if (encoding == ENC_UCS2 || encoding == ENC_LATIN1 || encoding == ENC_ASCII) {
        const uint16_t *w = JS_ToCStringLenUTF16(c, &n, v);
        if (!w) return -1;
        size_t unit = encoding == ENC_UCS2 ? 2 : 1;
        if (fresh) { cap = n * unit; out = *fresh = js_malloc(c, cap + 1); }
        if (out) {
            size_t k = cap / unit < n ? cap / unit : n;
            if (unit == 2) memcpy(out, w, k * 2);
            else for (size_t i = 0; i < k; i++) out[i] = w[i];
            *written = k * unit;
        }
        JS_FreeCStringUTF16(c, w);
        return out ? 0 : -1;
    }
    const char *s = string_utf8(c, v, &n);
    if (!s) return -1;
    if (fresh) { cap = n; out = *fresh = js_malloc(c, cap + 1); }
    if (out) {
        switch (encoding) {
        case ENC_HEX: {
            size_t o = 0;
            while (o < cap && 2 * o + 1 < n) {
                int a = hex_value(s[2 * o]), b = hex_value(s[2 * o + 1]);
                if (a < 0 || b < 0) break;
                out[o++] = a << 4 | b;
            }
            *written = o;
            break;
        }
        case ENC_BASE64: case ENC_BASE64URL: *written = base64_decode(out, cap, s, n); break;
        default: {
            size_t k = n < cap ? n : cap;
            if (k < n) while (k > 0 && ((uint8_t)s[k] & 0xC0) == 0x80) k--; /* no half characters */
            memcpy(out, s, k);
            *written = k;
        }
        }
    }
    JS_FreeCString(c, s);
    return out ? 0 : -1;
}

/* buffer.<encoding>Slice(start, end) */
static JSValue buffer_slice(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int encoding) {
    bytes b;
    if (view_bytes(c, self, &b)) return JS_EXCEPTION;
    double start = 0, end = b.len;
    if (argc > 0 && !JS_IsUndefined(argv[0]) && JS_ToFloat64(c, &start, argv[0])) return JS_EXCEPTION;
    if (argc > 1 && !JS_IsUndefined(argv[1]) && JS_ToFloat64(c, &end, argv[1])) return JS_EXCEPTION;
    if (view_bytes(c, self, &b)) return JS_EXCEPTION; /* conversions may have run code */
    if (!(start >= 0)) start = 0;
    if (!(end <= b.len)) end = b.len;
    if (end <= start) return js_empty_string(c->rt);
    return decode_bytes(c, b.ptr + (size_t)start, (size_t)end - (size_t)start, encoding);
}

/* buffer.<encoding>Write(string, offset, length) -> bytes written */
static JSValue buffer_write(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int encoding) {
    bytes b;
    if (view_bytes(c, self, &b)) return JS_EXCEPTION;
    if (!JS_IsString(argv[0])) return JS_ThrowTypeError(c, "argument must be a string");
    double offset = 0, length = INFINITY;
    if (argc > 1 && !JS_IsUndefined(argv[1]) && JS_ToFloat64(c, &offset, argv[1])) return JS_EXCEPTION;
    if (argc > 2 && !JS_IsUndefined(argv[2]) && JS_ToFloat64(c, &length, argv[2])) return JS_EXCEPTION;
    if (view_bytes(c, self, &b)) return JS_EXCEPTION;
    if (!(offset >= 0 && offset <= b.len)) return JS_ThrowRangeError(c, "\"offset\" is outside of buffer bounds");
    size_t room = b.len - (size_t)offset, written = 0;
    if (length < room) room = length > 0 ? (size_t)length : 0;
    if (room == 0) return JS_NewInt32(c, 0);
    if (encode_string(c, argv[0], encoding, b.ptr + (size_t)offset, room, NULL, &written)) return JS_EXCEPTION;
    return JS_NewInt64(c, written);
}

/* createFromString(string, encoding) -> Uint8Array */
static JSValue buffer_from_string(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    int32_t encoding = ENC_UTF8;
    if (argc > 1 && JS_ToInt32(c, &encoding, argv[1])) return JS_EXCEPTION;
    uint8_t *out = NULL;
    size_t n = 0;
    if (encode_string(c, argv[0], encoding, NULL, 0, &out, &n)) return JS_EXCEPTION;
    JSValue v = new_uint8array(c, out, n);
    js_free(c, out);
    return v;
}

static JSValue buffer_decode(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes b;
    int32_t encoding = ENC_UTF8;
    if (argc > 1 && JS_ToInt32(c, &encoding, argv[1])) return JS_EXCEPTION;
    if (view_bytes(c, argv[0], &b)) return JS_EXCEPTION;
    return decode_bytes(c, b.ptr, b.len, encoding);
}

static JSValue buffer_byte_length_utf8(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    if (!JS_IsString(argv[0])) return JS_ThrowTypeError(c, "argument must be a string");
    size_t n;
    const char *s = JS_ToCStringLen(c, &n, argv[0]);
    if (!s) return JS_EXCEPTION;
    JS_FreeCString(c, s);
    return JS_NewInt64(c, n);
}

/* encodeInto(string, Uint8Array) -> [read UTF-16 units, written bytes] */
static JSValue buffer_encode_into(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes b;
    size_t n, written = 0, units = 0;
    if (view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    const char *s = string_utf8(c, argv[0], &n);
    if (!s) return JS_EXCEPTION;
    while (written < n) {
        uint8_t lead = s[written];
        unsigned k = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (written + k > b.len) break;
        written += k;
        units += k == 4 ? 2 : 1;
    }
    memcpy(b.ptr, s, written);
    JS_FreeCString(c, s);
    JSValue pair[] = {JS_NewInt64(c, units), JS_NewInt64(c, written)};
    return JS_NewArrayFrom(c, 2, pair);
}

/* ---- comparing and searching ---- */

static int order(const uint8_t *a, size_t an, const uint8_t *b, size_t bn) {
    int r = memcmp(a, b, an < bn ? an : bn);
    if (r == 0) r = an < bn ? -1 : an > bn;
    return r < 0 ? -1 : r > 0;
}

static JSValue buffer_compare(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes a, b;
    if (view_bytes(c, argv[0], &a) || view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    return JS_NewInt32(c, order(a.ptr, a.len, b.ptr, b.len));
}

/* compareOffset(source, target, targetStart, sourceStart, targetLength, sourceLength) */
static JSValue buffer_compare_offset(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes a, b;
    int64_t n[4];
    for (int i = 0; i < 4; i++) if (JS_ToInt64(c, &n[i], argv[2 + i])) return JS_EXCEPTION;
    if (view_bytes(c, argv[0], &a) || view_bytes(c, argv[1], &b)) return JS_EXCEPTION;
    int64_t ts = n[0], ss = n[1];
    if (ss < 0 || ss > (int64_t)a.len) return JS_ThrowRangeError(c, "The value of \"sourceStart\" is out of range.");
    if (ts < 0 || ts > (int64_t)b.len) return JS_ThrowRangeError(c, "The value of \"targetStart\" is out of range.");
    int64_t tl = n[2] < (int64_t)b.len - ts ? n[2] : (int64_t)b.len - ts, sl = n[3] < (int64_t)a.len - ss ? n[3] : (int64_t)a.len - ss;
    return JS_NewInt32(c, order(a.ptr + ss, sl < 0 ? 0 : sl, b.ptr + ts, tl < 0 ? 0 : tl));
}

/* Position of needle in hay from offset on, forwards or backwards, on multiples of step; -1 = not there. */
static int64_t search(bytes hay, const uint8_t *needle, size_t n, int64_t offset, bool forward, size_t step) {
    int64_t len = hay.len;
    if (offset < 0) offset += len;
    if (offset < 0) { if (!forward) return -1; offset = 0; }
    if (offset > len) { if (forward && n) return -1; offset = len; }
    if (n == 0) return offset;
    if (n > hay.len) return -1;
    if (forward) {
        for (int64_t i = offset; i + (int64_t)n <= len; i++) {
            const uint8_t *at = memchr(hay.ptr + i, needle[0], len - n + 1 - i);
            if (!at) return -1;
            i = at - hay.ptr;
            if ((i - offset) % step == 0 && !memcmp(at, needle, n)) return i;
        }
        return -1;
    }
    if (offset > len - (int64_t)n) offset = len - n;
    for (int64_t i = offset; i >= 0; i--)
        if (i % step == 0 && !memcmp(hay.ptr + i, needle, n)) return i;
    return -1;
}

/* indexOf*(buffer, value, byteOffset, encoding, forward) */
static JSValue buffer_index_of(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int what) {
    bytes hay, needle;
    double offset;
    int32_t encoding = ENC_UTF8;
    int dir = what == 2 ? 3 : 4;
    if (JS_ToFloat64(c, &offset, argv[2])) return JS_EXCEPTION;
    if (what != 2 && JS_ToInt32(c, &encoding, argv[3])) return JS_EXCEPTION;
    bool forward = argc > dir && JS_ToBool(c, argv[dir]);
    size_t step = encoding == ENC_UCS2 ? 2 : 1;
    int64_t at = isnan(offset) ? 0 : offset < -9e15 ? INT32_MIN : offset > 9e15 ? INT32_MAX : (int64_t)offset;
    if (what == 2) { /* number */
        uint32_t n;
        if (JS_ToUint32(c, &n, argv[1]) || view_bytes(c, argv[0], &hay)) return JS_EXCEPTION;
        uint8_t byte = n;
        return JS_NewInt64(c, search(hay, &byte, 1, at, forward, 1));
    }
    if (what == 1) { /* buffer */
        if (view_bytes(c, argv[0], &hay) || view_bytes(c, argv[1], &needle)) return JS_EXCEPTION;
        if (step == 2 && (needle.len < 2 || hay.len < 2)) return JS_NewInt32(c, -1);
        return JS_NewInt64(c, search(hay, needle.ptr, needle.len, at, forward, step));
    }
    uint8_t *text = NULL;
    size_t n = 0;
    if (encode_string(c, argv[1], encoding, NULL, 0, &text, &n)) return JS_EXCEPTION;
    int64_t r = view_bytes(c, argv[0], &hay) ? -2 : search(hay, text, n, at, forward, step);
    js_free(c, text);
    return r == -2 ? JS_EXCEPTION : JS_NewInt64(c, r);
}

/* fill(buffer, string or view or number, start, end, encoding): -1 = nothing to fill with, -2 = out of bounds */
static JSValue buffer_fill(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes b, with = {NULL, 0};
    int64_t start, end;
    int32_t encoding = ENC_UTF8;
    if (JS_ToInt64(c, &start, argv[2]) || JS_ToInt64(c, &end, argv[3])) return JS_EXCEPTION;
    if (argc > 4 && JS_IsNumber(argv[4]) && JS_ToInt32(c, &encoding, argv[4])) return JS_EXCEPTION;
    uint8_t one, *text = NULL;
    if (JS_IsString(argv[1])) {
        if (encode_string(c, argv[1], encoding, NULL, 0, &text, &with.len)) return JS_EXCEPTION;
        with.ptr = text;
    } else if (JS_IsObject(argv[1])) {
        if (view_bytes(c, argv[1], &with)) return JS_EXCEPTION;
    } else {
        uint32_t n;
        if (JS_ToUint32(c, &n, argv[1])) return JS_EXCEPTION;
        one = n;
        with.ptr = &one;
        with.len = 1;
    }
    int32_t r = 0;
    if (view_bytes(c, argv[0], &b)) { js_free(c, text); return JS_EXCEPTION; }
    if (start < 0 || end > (int64_t)b.len) r = -2;
    else if (start < end && with.len == 0) r = -1;
    else for (int64_t i = start, k = 0; i < end; i++) { b.ptr[i] = with.ptr[k]; if (++k == (int64_t)with.len) k = 0; }
    js_free(c, text);
    return r ? JS_NewInt32(c, r) : JS_UNDEFINED;
}

static JSValue buffer_check(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int what) {
    bytes b;
    if (view_bytes(c, argv[0], &b)) return JS_EXCEPTION;
    return JS_NewBool(c, what ? utf8_valid(b.ptr, b.len) : ascii_prefix(b.ptr, b.len) == b.len);
}

static JSValue buffer_swap(JSContext *c, JSValueConst self, int argc, JSValueConst *argv, int width) {
    bytes b;
    if (view_bytes(c, argv[0], &b)) return JS_EXCEPTION;
    for (size_t i = 0; i + width <= b.len; i += width)
        for (int k = 0; k < width / 2; k++) {
            uint8_t t = b.ptr[i + k];
            b.ptr[i + k] = b.ptr[i + width - 1 - k];
            b.ptr[i + width - 1 - k] = t;
        }
    return js_dup(argv[0]);
}

static JSValue buffer_random(JSContext *c, JSValueConst self, int argc, JSValueConst *argv) {
    bytes b;
    if (view_bytes(c, argv[0], &b)) return JS_EXCEPTION;
    for (size_t i = 0; i < b.len; i += 256) getentropy(b.ptr + i, b.len - i < 256 ? b.len - i : 256);
    return js_dup(argv[0]);
}

static const JSCFunctionListEntry buffer_funcs[] = {
    JS_CFUNC_MAGIC_DEF("asciiSlice", 2, buffer_slice, ENC_ASCII),
    JS_CFUNC_MAGIC_DEF("utf8Slice", 2, buffer_slice, ENC_UTF8),
    JS_CFUNC_MAGIC_DEF("base64Slice", 2, buffer_slice, ENC_BASE64),
    JS_CFUNC_MAGIC_DEF("base64urlSlice", 2, buffer_slice, ENC_BASE64URL),
    JS_CFUNC_MAGIC_DEF("ucs2Slice", 2, buffer_slice, ENC_UCS2),
    JS_CFUNC_MAGIC_DEF("latin1Slice", 2, buffer_slice, ENC_LATIN1),
    JS_CFUNC_MAGIC_DEF("hexSlice", 2, buffer_slice, ENC_HEX),
    JS_CFUNC_MAGIC_DEF("asciiWrite", 3, buffer_write, ENC_LATIN1),
    JS_CFUNC_MAGIC_DEF("utf8Write", 3, buffer_write, ENC_UTF8),
    JS_CFUNC_MAGIC_DEF("base64Write", 3, buffer_write, ENC_BASE64),
    JS_CFUNC_MAGIC_DEF("base64urlWrite", 3, buffer_write, ENC_BASE64URL),
    JS_CFUNC_MAGIC_DEF("ucs2Write", 3, buffer_write, ENC_UCS2),
    JS_CFUNC_MAGIC_DEF("latin1Write", 3, buffer_write, ENC_LATIN1),
    JS_CFUNC_MAGIC_DEF("hexWrite", 3, buffer_write, ENC_HEX),
    JS_CFUNC_DEF("createFromString", 2, buffer_from_string),
    JS_CFUNC_DEF("decodeBytes", 2, buffer_decode),
    JS_CFUNC_DEF("byteLengthUtf8", 1, buffer_byte_length_utf8),
    JS_CFUNC_DEF("encodeInto", 2, buffer_encode_into),
    JS_CFUNC_DEF("compare", 2, buffer_compare),
    JS_CFUNC_DEF("compareOffset", 6, buffer_compare_offset),
    JS_CFUNC_MAGIC_DEF("indexOfString", 5, buffer_index_of, 0),
    JS_CFUNC_MAGIC_DEF("indexOfBuffer", 5, buffer_index_of, 1),
    JS_CFUNC_MAGIC_DEF("indexOfNumber", 4, buffer_index_of, 2),
    JS_CFUNC_DEF("fill", 5, buffer_fill),
    JS_CFUNC_MAGIC_DEF("isAscii", 1, buffer_check, 0),
    JS_CFUNC_MAGIC_DEF("isUtf8", 1, buffer_check, 1),
    JS_CFUNC_MAGIC_DEF("swap16", 1, buffer_swap, 2),
    JS_CFUNC_MAGIC_DEF("swap32", 1, buffer_swap, 4),
    JS_CFUNC_MAGIC_DEF("swap64", 1, buffer_swap, 8),
    JS_CFUNC_DEF("randomFill", 1, buffer_random),
};

static int buffer_init(JSValueConst host) {
    JSValue o = JS_NewObject(ctx);
    JS_SetPropertyFunctionList(ctx, o, buffer_funcs, countof(buffer_funcs));
    return JS_SetPropertyStr(ctx, host, "buffer", o) < 0 ? -1 : 0;
}
