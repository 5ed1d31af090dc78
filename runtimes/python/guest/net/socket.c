/* The functions of <sys/socket.h> over the host's. */
#include "host.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

/* Options of sock_get and sock_set. */
enum {
    OPT_ERROR = 1, OPT_TYPE, OPT_NODELAY, OPT_KEEPALIVE, OPT_SNDBUF, OPT_RCVBUF, OPT_REUSEADDR, OPT_BROADCAST, OPT_LINGER,
    OPT_KEEPIDLE, OPT_KEEPINTVL, OPT_KEEPCNT, OPT_FAMILY, OPT_V6ONLY,
};

static int result(int error) {
    if (error == 0) return 0;
    errno = error;
    return -1;
}

/* to_host returns the length of the host's form, 0 if the family is unknown or the address cut off. */
static uint32_t to_host(struct net_address *to, const struct sockaddr *from, socklen_t len) {
    if (len >= sizeof(struct sockaddr_in) && from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        to->family = NET_INET4;
        to->port = ntohs(in->sin_port);
        memcpy(to->ip, &in->sin_addr, 4);
        return 8;
    }
    if (len >= sizeof(struct sockaddr_in6) && from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)from;
        to->family = NET_INET6;
        to->port = ntohs(in->sin6_port);
        memcpy(to->ip, &in->sin6_addr, 16);
        to->scope = in->sin6_scope_id;
        return 24;
    }
    return 0;
}

/* from_host writes as much as there is room for and the whole length to len, as the calls of POSIX do. */
static void from_host(const struct net_address *from, uint32_t from_len, struct sockaddr *to, socklen_t *len) {
    struct sockaddr_in6 any;
    socklen_t n = 0;
    if (!to || !len) return;
    memset(&any, 0, sizeof any);
    if (from_len >= 8 && from->family == NET_INET4) {
        struct sockaddr_in *in = (struct sockaddr_in *)&any;
        in->sin_family = AF_INET;
        in->sin_port = htons(from->port);
        memcpy(&in->sin_addr, from->ip, 4);
        n = sizeof *in;
    } else if (from_len >= 24 && from->family == NET_INET6) {
        any.sin6_family = AF_INET6;
        any.sin6_port = htons(from->port);
        memcpy(&any.sin6_addr, from->ip, 16);
        any.sin6_scope_id = from->scope;
        n = sizeof any;
    }
    memcpy(to, &any, *len < n ? *len : n);
    *len = n;
}

int socket(int domain, int type, int protocol) {
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC), fd, error;
    type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (domain != AF_INET && domain != AF_INET6) return result(EAFNOSUPPORT);
    if (type != SOCK_STREAM && type != SOCK_DGRAM) return result(type == SOCK_RAW ? EPERM : EPROTOTYPE);
    if (protocol != 0 && protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP)) return result(EPROTONOSUPPORT);
    error = net_open(domain == AF_INET ? NET_INET4 : NET_INET6, type == SOCK_STREAM ? NET_STREAM : NET_DATAGRAM, &fd);
    if (error) return result(error);
    if (flags & SOCK_NONBLOCK && (error = __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_NONBLOCK))) {
        close(fd);
        return result(error);
    }
    return fd;
}

int connect(int fd, const struct sockaddr *address, socklen_t len) {
    struct net_address a = {0};
    uint32_t n = to_host(&a, address, len);
    if (n == 0) return result(len >= sizeof(sa_family_t) && address->sa_family == AF_UNSPEC ? EOPNOTSUPP : EAFNOSUPPORT);
    return result(net_connect(fd, &a, n));
}

int bind(int fd, const struct sockaddr *address, socklen_t len) {
    struct net_address a = {0};
    uint32_t n = to_host(&a, address, len);
    return n ? result(net_bind(fd, &a, n)) : result(EAFNOSUPPORT);
}

/* Nothing can connect to a function. */
int listen(int fd, int backlog) { return result(EOPNOTSUPP); }
int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict len, int flags) { return result(EINVAL); }
int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict len) { return result(EINVAL); }

static int name(int fd, int which, struct sockaddr *address, socklen_t *len) {
    struct net_address a;
    uint32_t n = 0;
    int error = net_name(fd, which, &a, sizeof a, &n);
    if (error) return result(error);
    from_host(&a, n, address, len);
    return 0;
}

int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict len) { return name(fd, 0, address, len); }
int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict len) { return name(fd, 1, address, len); }

/* option translates those that the host knows; 0 = unknown. */
static int option(int level, int name) {
    if (level == SOL_SOCKET) {
        switch (name) {
        case SO_ERROR: return OPT_ERROR;
        case SO_TYPE: return OPT_TYPE;
        case SO_KEEPALIVE: return OPT_KEEPALIVE;
        case SO_SNDBUF: return OPT_SNDBUF;
        case SO_RCVBUF: return OPT_RCVBUF;
        case SO_REUSEADDR: case SO_REUSEPORT: return OPT_REUSEADDR;
        case SO_BROADCAST: return OPT_BROADCAST;
        case SO_LINGER: return OPT_LINGER;
        case SO_DOMAIN: return OPT_FAMILY;
        }
    } else if (level == IPPROTO_TCP) {
        switch (name) {
        case TCP_NODELAY: return OPT_NODELAY;
        case TCP_KEEPIDLE: return OPT_KEEPIDLE;
        case TCP_KEEPINTVL: return OPT_KEEPINTVL;
        case TCP_KEEPCNT: return OPT_KEEPCNT;
        }
    } else if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY) {
        return OPT_V6ONLY;
    }
    return 0;
}

static int answer(const void *value, socklen_t size, void *to, socklen_t *len) {
    if (*len > size) *len = size;
    memcpy(to, value, *len);
    return 0;
}

int getsockopt(int fd, int level, int optname, void *restrict value, socklen_t *restrict len) {
    uint32_t v = 0;
    int number = 0, error;
    if (level == SOL_SOCKET && optname == SO_ACCEPTCONN) return answer(&number, sizeof number, value, len);
    int protocol = level == SOL_SOCKET && optname == SO_PROTOCOL;
    int host = protocol ? OPT_TYPE : option(level, optname);
    if (host == 0) return result(ENOPROTOOPT);
    if ((error = net_get(fd, host, &v))) return result(error);
    if (host == OPT_LINGER) {
        struct linger l = {v != 0, v ? (int)v - 1 : 0};
        return answer(&l, sizeof l, value, len);
    }
    number = (int)v;
    if (protocol) number = v == NET_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    else if (host == OPT_TYPE) number = v == NET_STREAM ? SOCK_STREAM : SOCK_DGRAM;
    else if (host == OPT_FAMILY) number = v == NET_INET4 ? AF_INET : AF_INET6;
    return answer(&number, sizeof number, value, len);
}

int setsockopt(int fd, int level, int optname, const void *value, socklen_t len) {
    int number = 0, host = option(level, optname);
    if (host == 0) return result(ENOPROTOOPT);
    if (host == OPT_LINGER) {
        struct linger l;
        if (len < sizeof l) return result(EINVAL);
        memcpy(&l, value, sizeof l);
        return result(net_set(fd, host, l.l_onoff ? (uint32_t)l.l_linger + 1 : 0));
    }
    if (len < sizeof number) return result(EINVAL);
    memcpy(&number, value, sizeof number);
    return result(net_set(fd, host, (uint32_t)number));
}

/* The host's flags of receiving; those that change nothing here are dropped. */
static int receive_flags(int flags, int *host) {
    if (flags & ~(MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT | MSG_NOSIGNAL | MSG_TRUNC)) return -1;
    *host = (flags & MSG_PEEK ? 1 : 0) | (flags & MSG_WAITALL ? 2 : 0) | (flags & MSG_DONTWAIT ? 4 : 0);
    return 0;
}

ssize_t recv(int fd, void *data, size_t cap, int flags) { return recvfrom(fd, data, cap, flags, NULL, NULL); }

ssize_t recvfrom(int fd, void *restrict data, size_t cap, int flags, struct sockaddr *restrict address, socklen_t *restrict len) {
    struct { uint32_t len, flags, address_len; struct net_address address; } r;
    int host, error;
    if (receive_flags(flags, &host) < 0) return result(EOPNOTSUPP);
    if ((error = net_recvfrom(fd, data, (uint32_t)cap, host, &r))) return result(error);
    from_host(&r.address, r.address_len, address, len);
    return (ssize_t)r.len;
}

ssize_t send(int fd, const void *data, size_t n, int flags) { return sendto(fd, data, n, flags, NULL, 0); }

ssize_t sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *address, socklen_t len) {
    uint32_t sent = 0, address_len = 0;
    int error;
    struct net_address a = {0};
    if (flags & ~(MSG_NOSIGNAL | MSG_MORE)) return result(EOPNOTSUPP);
    if (address && len) {
        uint32_t type = 0;
        if ((error = net_get(fd, OPT_TYPE, &type))) return result(error);
        if (type == NET_STREAM) return result(EISCONN);
        if ((address_len = to_host(&a, address, len)) == 0) return result(EAFNOSUPPORT);
    }
    if (address_len) {
        error = net_sendto(fd, data, (uint32_t)n, 0, &a, address_len, &sent);
    } else {
        __wasi_ciovec_t part = {data, n};
        __wasi_size_t size = 0;
        error = __wasi_sock_send(fd, &part, 1, 0, &size);
        sent = size;
    }
    return error ? result(error) : (ssize_t)sent;
}

int shutdown(int fd, int how) {
    if (how < SHUT_RD || how > SHUT_RDWR) return result(EINVAL);
    return result(__wasi_sock_shutdown(fd, (how != SHUT_WR ? __WASI_SDFLAGS_RD : 0) | (how != SHUT_RD ? __WASI_SDFLAGS_WR : 0)));
}
