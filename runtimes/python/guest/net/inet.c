/* Addresses to text and back: WASI's C library has these, for its own numbers of the families. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One to four parts, each decimal, octal or hexadecimal; the last fills what is left. */
int inet_aton(const char *text, struct in_addr *to) {
    unsigned long part[4];
    int n = 0;
    for (;; text++) {
        char *end;
        if (!isdigit((unsigned char)*text)) return 0;
        part[n] = strtoul(text, &end, 0);
        if (end == text) return 0;
        text = end;
        n++;
        if (*text != '.') break;
        if (n == 4) return 0;
    }
    if (*text && !isspace((unsigned char)*text)) return 0;
    uint32_t address = 0;
    for (int i = 0; i < n - 1; i++) {
        if (part[i] > 255) return 0;
        address |= (uint32_t)part[i] << (24 - 8 * i);
    }
    if (n > 1 && part[n - 1] >> (8 * (5 - n))) return 0;
    to->s_addr = htonl(address | (uint32_t)part[n - 1]);
    return 1;
}

in_addr_t inet_addr(const char *text) {
    struct in_addr a;
    return inet_aton(text, &a) ? a.s_addr : INADDR_NONE;
}

char *inet_ntoa(struct in_addr a) {
    static char text[INET_ADDRSTRLEN];
    return (char *)inet_ntop(AF_INET, &a, text, sizeof text);
}

/* Exactly four decimal numbers. */
static int parse4(const char *text, uint8_t to[4]) {
    for (int i = 0; i < 4; i++) {
        int v = 0, digits = 0;
        for (; isdigit((unsigned char)*text) && digits < 3; text++, digits++) v = v * 10 + (*text - '0');
        if (digits == 0 || v > 255 || (digits > 1 && text[-digits] == '0')) return 0;
        to[i] = (uint8_t)v;
        if (*text++ != (i < 3 ? '.' : 0)) return 0;
    }
    return 1;
}

static int parse6(const char *text, uint8_t to[16]) {
    uint16_t word[8] = {0};
    int n = 0, gap = -1;
    if (text[0] == ':' && *++text != ':') return 0;
    for (;;) {
        if (*text == ':') { /* the second one of a pair */
            if (gap >= 0) return 0;
            gap = n;
            text++;
            if (!*text) break;
            if (n == 8) return 0;
            continue;
        }
        unsigned v = 0;
        int digits = 0;
        const char *start = text;
        for (; isxdigit((unsigned char)*text); text++, digits++) {
            if (digits == 4) return 0;
            v = v * 16 + (unsigned)(isdigit((unsigned char)*text) ? *text - '0' : (*text | 32) - 'a' + 10);
        }
        if (digits == 0) return 0;
        if (*text == '.') {
            uint8_t v4[4];
            if (n > 6 || !parse4(start, v4)) return 0;
            word[n++] = (uint16_t)(v4[0] << 8 | v4[1]);
            word[n++] = (uint16_t)(v4[2] << 8 | v4[3]);
            break;
        }
        word[n++] = (uint16_t)v;
        if (!*text) break;
        if (*text++ != ':' || !*text || n == 8) return 0;
    }
    if (gap < 0 ? n != 8 : n == 8) return 0;
    if (gap >= 0) {
        memmove(word + gap + 8 - n, word + gap, (size_t)(n - gap) * sizeof *word);
        memset(word + gap, 0, (size_t)(8 - n) * sizeof *word);
    }
    for (int i = 0; i < 8; i++) {
        to[2 * i] = (uint8_t)(word[i] >> 8);
        to[2 * i + 1] = (uint8_t)word[i];
    }
    return 1;
}

int inet_pton(int family, const char *restrict text, void *restrict to) {
    uint8_t ip[16];
    if (family != AF_INET && family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    if (!(family == AF_INET ? parse4(text, ip) : parse6(text, ip))) return 0;
    memcpy(to, ip, family == AF_INET ? 4 : 16);
    return 1;
}

/* RFC 5952: the longest run of zeros, the first of equals, at least two, becomes "::". */
static void format6(const uint8_t *ip, char *to) {
    unsigned word[8];
    int best = -1, length = 1;
    for (int i = 0; i < 8; i++) word[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && word[i + n] == 0) n++;
        if (n > length) {
            best = i;
            length = n;
        }
    }
    if (best == 0 && (length == 6 || (length == 5 && word[5] == 0xffff))) { /* an IPv4 address in disguise */
        sprintf(to, length == 6 ? "::%u.%u.%u.%u" : "::ffff:%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
        return;
    }
    for (int i = 0; i < 8;) {
        if (i == best) {
            to += sprintf(to, "::");
            i += length;
            continue;
        }
        to += sprintf(to, i && i != best + length ? ":%x" : "%x", word[i]);
        i++;
    }
}

const char *inet_ntop(int family, const void *restrict ip, char *restrict to, socklen_t cap) {
    char text[INET6_ADDRSTRLEN];
    const uint8_t *b = ip;
    if (family == AF_INET) {
        sprintf(text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    } else if (family == AF_INET6) {
        format6(b, text);
    } else {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    if (strlen(text) >= cap) {
        errno = ENOSPC;
        return NULL;
    }
    return strcpy(to, text);
}
