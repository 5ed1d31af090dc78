/* The functions of <netdb.h> over the host's resolver. Answers live in static buffers where POSIX says so: there is one
 * thread. */
#include "host.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int h_errno;

/* ---- services: what /etc/services would be asked for ---- */

static struct servent services[] = {
    {"ftp", NULL, 21, "tcp"},    {"ssh", NULL, 22, "tcp"},      {"telnet", NULL, 23, "tcp"}, {"smtp", NULL, 25, "tcp"},
    {"domain", NULL, 53, "udp"}, {"domain", NULL, 53, "tcp"},   {"http", NULL, 80, "tcp"},   {"pop3", NULL, 110, "tcp"},
    {"ntp", NULL, 123, "udp"},   {"imap2", NULL, 143, "tcp"},   {"snmp", NULL, 161, "udp"},  {"ldap", NULL, 389, "tcp"},
    {"https", NULL, 443, "tcp"}, {"submissions", NULL, 465, "tcp"}, {"syslog", NULL, 514, "udp"}, {"submission", NULL, 587, "tcp"},
    {"ldaps", NULL, 636, "tcp"}, {"imaps", NULL, 993, "tcp"},   {"pop3s", NULL, 995, "tcp"}, {"mysql", NULL, 3306, "tcp"},
    {"postgresql", NULL, 5432, "tcp"}, {"amqps", NULL, 5671, "tcp"}, {"amqp", NULL, 5672, "tcp"}, {"redis", NULL, 6379, "tcp"},
};
static char *no_aliases[] = {NULL};

static struct servent *service(const char *name, int port, const char *protocol) {
    static struct servent found;
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        const struct servent *s = &services[i];
        if (name ? strcmp(s->s_name, name) != 0 : s->s_port != port) continue;
        if (protocol && strcmp(s->s_proto, protocol) != 0) continue;
        found = *s;
        found.s_aliases = no_aliases;
        found.s_port = htons((uint16_t)s->s_port);
        return &found;
    }
    return NULL;
}

struct servent *getservbyname(const char *name, const char *protocol) { return service(name, 0, protocol); }
struct servent *getservbyport(int port, const char *protocol) { return service(NULL, ntohs((uint16_t)port), protocol); }

struct protoent *getprotobyname(const char *name) {
    static const struct { char *name; int number; } known[] = {{"ip", IPPROTO_IP}, {"icmp", IPPROTO_ICMP}, {"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"ipv6", IPPROTO_IPV6}};
    static struct protoent found;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, name) != 0) continue;
        found.p_name = known[i].name;
        found.p_aliases = no_aliases;
        found.p_proto = known[i].number;
        return &found;
    }
    return NULL;
}

/* ---- questions ---- */

typedef struct {
    uint32_t count;
    struct { const char *ptr; uint32_t len; } at[64]; /* more addresses than that are no use */
    char *bytes;
} dns_answer;

/* ask returns 0 or a number of EAI_. The caller frees bytes. */
static int ask(const char *name, int kind, dns_answer *a) {
    size_t cap = 4096, len = 0;
    int fd, error = net_dns(name, (uint32_t)strlen(name), kind, &fd);
    memset(a, 0, sizeof *a);
    if (error) {
        errno = error;
        return EAI_SYSTEM;
    }
    for (;;) {
        if (len == cap || !a->bytes) {
            char *more = realloc(a->bytes, a->bytes ? cap *= 2 : cap);
            if (!more) goto memory;
            a->bytes = more;
        }
        ssize_t n = read(fd, a->bytes + len, cap - len);
        if (n < 0) { /* interrupted */
            error = errno;
            close(fd);
            errno = error;
            return EAI_SYSTEM;
        }
        if (n == 0) break;
        len += (size_t)n;
    }
    close(fd);
    uint32_t status = DNS_NO_NAME, count = 0;
    if (len < 8) return EAI_FAIL;
    memcpy(&status, a->bytes, 4);
    memcpy(&count, a->bytes + 4, 4);
    switch (status) {
    case DNS_OK: break;
    case DNS_NO_NAME: case DNS_MALFORMED: return EAI_NONAME;
    case DNS_TEMPORARY: return EAI_AGAIN;
    default: return EAI_FAIL;
    }
    const char *p = a->bytes + 8, *end = a->bytes + len;
    while (count-- && a->count < sizeof a->at / sizeof *a->at && end - p >= 4) {
        uint32_t n;
        memcpy(&n, p, 4);
        p += 4;
        if (n > (size_t)(end - p)) break;
        a->at[a->count].ptr = p;
        a->at[a->count++].len = n;
        p += n;
    }
    return a->count ? 0 : EAI_NONAME;
memory:
    close(fd);
    return EAI_MEMORY;
}

/* ---- getaddrinfo ---- */

/* node is an element of a list with the room for its address. */
struct node {
    struct addrinfo info;
    struct sockaddr_in6 address;
};

static const struct { int type, protocol; } kinds[] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}};

/* add appends the elements of one address; size is 4 or 16. */
static int add(struct addrinfo ***tail, const void *ip, size_t size, uint32_t scope, uint16_t port, const struct addrinfo *hints) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (hints->ai_socktype && hints->ai_socktype != kinds[i].type) continue;
        if (hints->ai_protocol && hints->ai_protocol != kinds[i].protocol) continue;
        struct node *n = calloc(1, sizeof *n);
        if (!n) return EAI_MEMORY;
        n->info.ai_socktype = kinds[i].type;
        n->info.ai_protocol = kinds[i].protocol;
        n->info.ai_addr = (struct sockaddr *)&n->address;
        if (size == 4) {
            struct sockaddr_in *in = (struct sockaddr_in *)&n->address;
            n->info.ai_family = in->sin_family = AF_INET;
            n->info.ai_addrlen = sizeof *in;
            in->sin_port = htons(port);
            memcpy(&in->sin_addr, ip, 4);
        } else {
            n->info.ai_family = n->address.sin6_family = AF_INET6;
            n->info.ai_addrlen = sizeof n->address;
            n->address.sin6_port = htons(port);
            n->address.sin6_scope_id = scope;
            memcpy(&n->address.sin6_addr, ip, 16);
        }
        **tail = &n->info;
        *tail = &n->info.ai_next;
    }
    return 0;
}

static int service_port(const char *name, const struct addrinfo *hints, uint16_t *port) {
    char *end;
    *port = 0;
    if (!name || !*name) return 0;
    unsigned long n = strtoul(name, &end, 10);
    if (*end == 0) {
        if (n > 65535) return EAI_SERVICE;
        *port = (uint16_t)n;
        return 0;
    }
    if (hints->ai_flags & AI_NUMERICSERV) return EAI_NONAME;
    const char *protocol = hints->ai_socktype == SOCK_STREAM ? "tcp" : hints->ai_socktype == SOCK_DGRAM ? "udp" : NULL;
    struct servent *s = service(name, 0, protocol);
    if (!s) return EAI_SERVICE;
    *port = ntohs((uint16_t)s->s_port);
    return 0;
}

/* numeric parses an address with an optional scope id; the size is 0 if it is none. */
static size_t numeric(const char *host, uint8_t ip[16], uint32_t *scope) {
    char text[INET6_ADDRSTRLEN + 1];
    const char *percent = strchr(host, '%');
    *scope = 0;
    struct in_addr v4;
    if (!percent && inet_aton(host, &v4)) { /* also the short forms, like 127.1 */
        memcpy(ip, &v4, 4);
        return 4;
    }
    size_t n = percent ? (size_t)(percent - host) : strlen(host);
    if (n >= sizeof text) return 0;
    memcpy(text, host, n);
    text[n] = 0;
    if (inet_pton(AF_INET6, text, ip) != 1) return 0;
    if (percent) {
        char *end;
        *scope = (uint32_t)strtoul(percent + 1, &end, 10);
        if (*end || !percent[1]) return 0;
    }
    return 16;
}

int getaddrinfo(const char *restrict host, const char *restrict serv, const struct addrinfo *restrict want, struct addrinfo **restrict to) {
    static const struct addrinfo none;
    static const uint8_t any[16], loopback4[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
    const struct addrinfo *hints = want ? want : &none;
    struct addrinfo *list = NULL, **tail = &list;
    uint16_t port;
    uint8_t ip[16];
    uint32_t scope;
    int family = hints->ai_family, error;

    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6) return EAI_FAMILY;
    if (hints->ai_socktype && hints->ai_socktype != SOCK_STREAM && hints->ai_socktype != SOCK_DGRAM) return EAI_SOCKTYPE;
    if (!host && !serv) return EAI_NONAME;
    if ((error = service_port(serv, hints, &port))) return error;
    if (!host) {
        int passive = hints->ai_flags & AI_PASSIVE;
        error = family == AF_INET ? 0 : add(&tail, passive ? any : loopback6, 16, 0, port, hints);
        if (!error && family != AF_INET6) error = add(&tail, passive ? any : loopback4, 4, 0, port, hints);
    } else {
        size_t size = numeric(host, ip, &scope);
        if (size) {
            if (family != AF_UNSPEC && family != (size == 4 ? AF_INET : AF_INET6)) return EAI_ADDRFAMILY;
            error = add(&tail, ip, size, scope, port, hints);
        } else if (hints->ai_flags & AI_NUMERICHOST) {
            error = EAI_NONAME;
        } else {
            dns_answer a;
            error = ask(host, family == AF_INET ? DNS_INET4 : family == AF_INET6 ? DNS_INET6 : DNS_ANY, &a);
            for (uint32_t i = 0; !error && i < a.count; i++)
                if (a.at[i].len == 4 || a.at[i].len == 16) error = add(&tail, a.at[i].ptr, a.at[i].len, 0, port, hints);
            int kept = errno;
            free(a.bytes);
            errno = kept;
        }
    }
    if (!error && !list) error = EAI_SOCKTYPE; /* type and protocol contradict each other */
    if (!error && host && hints->ai_flags & AI_CANONNAME && !(list->ai_canonname = strdup(host))) error = EAI_MEMORY;
    if (error) {
        freeaddrinfo(list);
        return error;
    }
    *to = list;
    return 0;
}

void freeaddrinfo(struct addrinfo *list) {
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_canonname);
        free(list);
        list = next;
    }
}

const char *gai_strerror(int error) {
    switch (error) {
    case 0: return "Success";
    case EAI_BADFLAGS: return "Bad value for ai_flags";
    case EAI_NONAME: return "Name or service not known";
    case EAI_AGAIN: return "Temporary failure in name resolution";
    case EAI_FAIL: return "Non-recoverable failure in name resolution";
    case EAI_NODATA: return "No address associated with hostname";
    case EAI_FAMILY: return "ai_family not supported";
    case EAI_SOCKTYPE: return "ai_socktype not supported";
    case EAI_SERVICE: return "Servname not supported for ai_socktype";
    case EAI_ADDRFAMILY: return "Address family for hostname not supported";
    case EAI_MEMORY: return "Memory allocation failure";
    case EAI_SYSTEM: return "System error";
    case EAI_OVERFLOW: return "Argument buffer overflow";
    }
    return "Unknown error";
}

/* ---- addresses to names ---- */

static int put(char *to, socklen_t cap, const char *text, size_t n) {
    if (!to || cap == 0) return 0;
    if (n >= cap) return EAI_OVERFLOW;
    memcpy(to, text, n);
    to[n] = 0;
    return 0;
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t len, char *restrict host, socklen_t host_cap, char *restrict serv, socklen_t serv_cap, int flags) {
    char text[INET6_ADDRSTRLEN + 16];
    int port, error = EAI_NONAME;
    if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        port = in->sin_port;
    } else if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        if (in->sin6_scope_id) sprintf(text + strlen(text), "%%%u", (unsigned)in->sin6_scope_id);
        port = in->sin6_port;
    } else {
        return EAI_FAMILY;
    }
    if (host && host_cap) {
        if (!(flags & NI_NUMERICHOST)) {
            dns_answer a;
            error = ask(text, DNS_NAMES, &a);
            if (!error) error = put(host, host_cap, a.at[0].ptr, a.at[0].len);
            free(a.bytes);
            if (error == EAI_OVERFLOW) return error;
        }
        if (error && flags & NI_NAMEREQD) return error == EAI_SYSTEM ? error : EAI_NONAME;
        if (error && (error = put(host, host_cap, text, strlen(text)))) return error;
    }
    if (serv && serv_cap) {
        struct servent *s = flags & NI_NUMERICSERV ? NULL : service(NULL, ntohs((uint16_t)port), flags & NI_DGRAM ? "udp" : "tcp");
        sprintf(text, "%u", ntohs((uint16_t)port));
        const char *name = s ? s->s_name : text;
        return put(serv, serv_cap, name, strlen(name));
    }
    return 0;
}

static struct hostent host;
static char host_name[NI_MAXHOST + 1];
static uint8_t host_ips[64][16];
static char *host_list[65];

static int host_error(int error) {
    return error == EAI_AGAIN || error == EAI_SYSTEM ? TRY_AGAIN : error == EAI_FAIL || error == EAI_MEMORY ? NO_RECOVERY : HOST_NOT_FOUND;
}

struct hostent *gethostbyname(const char *name) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
    int error = getaddrinfo(name, NULL, &hints, &list), n = 0;
    if (error || put(host_name, sizeof host_name, name, strlen(name))) {
        h_errno = host_error(error);
        return NULL;
    }
    for (struct addrinfo *i = list; i && n < 64; i = i->ai_next, n++) {
        memcpy(host_ips[n], &((struct sockaddr_in *)i->ai_addr)->sin_addr, 4);
        host_list[n] = (char *)host_ips[n];
    }
    freeaddrinfo(list);
    host_list[n] = NULL;
    host = (struct hostent){host_name, no_aliases, AF_INET, 4, host_list};
    return &host;
}

struct hostent *gethostbyaddr(const void *ip, socklen_t len, int family) {
    char text[INET6_ADDRSTRLEN];
    dns_answer a;
    if ((family == AF_INET ? len != 4 : len != 16) || !inet_ntop(family, ip, text, sizeof text)) {
        h_errno = NO_RECOVERY;
        return NULL;
    }
    int error = ask(text, DNS_NAMES, &a);
    if (!error) error = put(host_name, sizeof host_name, a.at[0].ptr, a.at[0].len);
    free(a.bytes);
    if (error) {
        h_errno = host_error(error);
        return NULL;
    }
    memcpy(host_ips[0], ip, len);
    host_list[0] = (char *)host_ips[0];
    host_list[1] = NULL;
    host = (struct hostent){host_name, no_aliases, family, (int)len, host_list};
    return &host;
}

const char *hstrerror(int error) {
    switch (error) {
    case HOST_NOT_FOUND: return "Unknown host";
    case TRY_AGAIN: return "Host name lookup failure";
    case NO_RECOVERY: return "Unknown server error";
    case NO_DATA: return "No address associated with name";
    }
    return "Resolver error";
}

int gethostname(char *to, size_t cap) {
    static const char name[] = "localhost";
    if (cap < sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to, name, sizeof name);
    return 0;
}
