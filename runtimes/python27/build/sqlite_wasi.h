/* What SQLite's Unix layer takes for granted and WASI's C library lacks. Included before sqlite3.c. There is one process
 * and one owner, so that nothing is lost by these being without effect; locks are not taken at all (VFS "unix-none"). */
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>
static inline int fchmod(int fd, mode_t mode) { (void)fd; (void)mode; return 0; }
static inline int fchown(int fd, uid_t u, gid_t g) { (void)fd; (void)u; (void)g; return 0; }
static inline uid_t geteuid(void) { return 0; }
