/* What CPython 2.7's modules take for granted and WASI's C library lacks; included before every source file of CPython. The
 * functions are in posix.c. */
#ifndef THAW_POSIX_H
#define THAW_POSIX_H
#include "pyconfig.h" /* first: its feature macros decide what the headers declare */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/types.h>

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8
#define POLLPRI 0 /* no such event ever comes */

int dup(int fd);
int dup2(int fd, int to);
int execv(const char *path, char *const argv[]);
int execve(const char *path, char *const argv[], char *const envp[]);
int flock(int fd, int operation);
int fork(void);
gid_t getegid(void);
uid_t geteuid(void);
gid_t getgid(void);
pid_t getppid(void);
uid_t getuid(void);
int kill(pid_t pid, int sig);
int pclose(FILE *stream);
int pipe(int fd[2]);
FILE *popen(const char *command, const char *mode);
int system(const char *command);
char *ttyname(int fd);
mode_t umask(mode_t mask);
int wait(int *status);
pid_t waitpid(pid_t pid, int *status, int options);
#endif
