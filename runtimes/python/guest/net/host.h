/* The network's host functions, abi/README.md section 5.4, and what the files of this folder share. */
#ifndef THAW_NET_HOST_H
#define THAW_NET_HOST_H

#include <stdint.h>
#include <netinet/in.h>

#define NET(name) __attribute__((import_module("thaw"), import_name(name)))
NET("sock_open") int net_open(int family, int type, int *fd);
NET("sock_bind") int net_bind(int fd, const void *address, uint32_t len);
NET("sock_connect") int net_connect(int fd, const void *address, uint32_t len);
NET("sock_name") int net_name(int fd, int which, void *address, uint32_t cap, uint32_t *len);
NET("sock_get") int net_get(int fd, int option, uint32_t *value);
NET("sock_set") int net_set(int fd, int option, uint32_t value);
NET("sock_sendto") int net_sendto(int fd, const void *data, uint32_t len, int flags, const void *address, uint32_t address_len, uint32_t *sent);
NET("sock_recvfrom") int net_recvfrom(int fd, void *data, uint32_t cap, int flags, void *result);
NET("dns_open") int net_dns(const char *name, uint32_t len, int kind, int *fd);
NET("tls_start") int net_tls_start(int fd, const void *record, uint32_t len);
NET("tls_open") int net_tls_open(const void *record, uint32_t len, int *fd);
NET("tls_feed") int net_tls_feed(int fd, const void *data, uint32_t len, uint32_t *taken);
NET("tls_drain") int net_tls_drain(int fd, void *data, uint32_t cap, uint32_t *got);
NET("tls_info") int net_tls_info(int fd, void *buf, uint32_t cap, uint32_t *len);

enum { NET_INET4 = 1, NET_INET6 = 2, NET_DATAGRAM = 5, NET_STREAM = 6 };
enum { DNS_ANY = 0, DNS_INET4 = 1, DNS_NAMES = 12, DNS_INET6 = 28 };
enum { DNS_OK, DNS_NO_NAME, DNS_TEMPORARY, DNS_MALFORMED };

/* An address as the host writes it. */
struct net_address {
    uint16_t family, port; /* in this machine's order */
    uint8_t ip[16];
    uint32_t scope;
};

#endif
