/* What wait answers: nothing ever does, but CPython's modules look for the names. */
#ifndef THAW_SYS_WAIT_H
#define THAW_SYS_WAIT_H
#define WNOHANG 1
#define WUNTRACED 2
#define WEXITSTATUS(s) (((s) & 0xff00) >> 8)
#define WTERMSIG(s) ((s) & 0x7f)
#define WSTOPSIG(s) WEXITSTATUS(s)
#define WCOREDUMP(s) ((s) & 0x80)
#define WIFEXITED(s) (!WTERMSIG(s))
#define WIFSTOPPED(s) (((s) & 0xff) == 0x7f)
#define WIFSIGNALED(s) (WTERMSIG(s) != 0 && !WIFSTOPPED(s))
#define WIFCONTINUED(s) ((s) == 0xffff)
#endif
