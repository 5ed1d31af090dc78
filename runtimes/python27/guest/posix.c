/* The functions that CPython 2.7's posixmodule.c and its like call without asking configure, and WASI's C library lacks. There are no
 * processes, no users and no terminals here: most fail with ENOSYS, which Python shows as "Function not implemented". */
#include "posix.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#define MISSING(name, parameters)                                                                                                                          \
    int name parameters {                                                                                                                                  \
        errno = ENOSYS;                                                                                                                                    \
        return -1;                                                                                                                                         \
    }

MISSING(dup, (int fd))
MISSING(dup2, (int fd, int to))
MISSING(execv, (const char *path, char *const argv[]))
MISSING(execve, (const char *path, char *const argv[], char *const envp[]))
MISSING(fork, (void))
MISSING(kill, (pid_t pid, int sig))
MISSING(pipe, (int fd[2]))
MISSING(system, (const char *command))
MISSING(wait, (int *status))
MISSING(waitpid, (pid_t pid, int *status, int options))
MISSING(pclose, (FILE *stream))

FILE *popen(const char *command, const char *mode) {
    errno = ENOSYS;
    return NULL;
}

char *ttyname(int fd) {
    errno = ENOTTY;
    return NULL;
}

/* Locks are between processes, and there is one: they succeed. */
int flock(int fd, int operation) {
    if (fcntl(fd, F_GETFD) < 0) return -1;
    return 0;
}

/* One user, the same that pwd.py knows. */
uid_t getuid(void) { return 0; }
uid_t geteuid(void) { return 0; }
gid_t getgid(void) { return 0; }
gid_t getegid(void) { return 0; }
pid_t getppid(void) { return 0; }
mode_t umask(mode_t mask) { return 022; }
