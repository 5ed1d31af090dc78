/* What CPython's configure would find if WASI's C library had the functions of this folder. Included before
 * Modules/socketmodule.c, which is compiled once more with it. */
#include "pyconfig.h"
#define ENABLE_IPV6 1
#define HAVE_ADDRINFO 1
#define HAVE_BIND 1
#define HAVE_CONNECT 1
#define HAVE_GAI_STRERROR 1
#define HAVE_GETADDRINFO 1
#define HAVE_GETHOSTBYADDR 1
#define HAVE_GETHOSTBYNAME 1
#define HAVE_GETHOSTNAME 1
#define HAVE_GETNAMEINFO 1
#define HAVE_GETPEERNAME 1
#define HAVE_GETPROTOBYNAME 1
#define HAVE_GETSERVBYNAME 1
#define HAVE_GETSERVBYPORT 1
#define HAVE_GETSOCKNAME 1
#define HAVE_HSTRERROR 1
#define HAVE_INET_NTOA 1
#define HAVE_LISTEN 1
#define HAVE_NETDB_H 1
#define HAVE_RECVFROM 1
#define HAVE_SENDTO 1
#define HAVE_SETSOCKOPT 1
#define HAVE_SOCKET 1
