/* Permission bits, which WASI's files have not: programs copy them into the archives that they make. The linker puts these in
 * the place of libc's functions (--wrap). */
#include <sys/stat.h>

static int permitted(int result, struct stat *st) {
    if (result == 0 && (st->st_mode & 07777) == 0) {
        if (S_ISDIR(st->st_mode)) st->st_mode |= 0755;
        else if (S_ISLNK(st->st_mode)) st->st_mode |= 0777;
        else if (S_ISREG(st->st_mode)) st->st_mode |= 0644;
        else st->st_mode |= 0666;
    }
    return result;
}

int __real_stat(const char *path, struct stat *st);
int __real_lstat(const char *path, struct stat *st);
int __real_fstat(int fd, struct stat *st);
int __real_fstatat(int fd, const char *path, struct stat *st, int flags);

int __wrap_stat(const char *path, struct stat *st) { return permitted(__real_stat(path, st), st); }
int __wrap_lstat(const char *path, struct stat *st) { return permitted(__real_lstat(path, st), st); }
int __wrap_fstat(int fd, struct stat *st) { return permitted(__real_fstat(fd, st), st); }
int __wrap_fstatat(int fd, const char *path, struct stat *st, int flags) { return permitted(__real_fstatat(fd, path, st, flags), st); }
