"""File locks, which are always free: nobody else sees an instance's files. What else C's fcntl and ioctl do is not there."""

import errno
import os

LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 1, 2, 4, 8
F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW = 0, 1, 2, 3, 4, 5, 6, 7
FD_CLOEXEC = 1


def _descriptor(fd):
    fd = fd if isinstance(fd, int) else fd.fileno()
    os.fstat(fd)  # raises EBADF
    return fd


def flock(fd, operation, /):
    _descriptor(fd)


def lockf(fd, cmd, len=0, start=0, whence=0, /):
    _descriptor(fd)


def fcntl(fd, cmd, arg=0, /):
    fd = _descriptor(fd)
    if cmd == F_GETFL:
        return os.O_RDWR | (0 if os.get_blocking(fd) else os.O_NONBLOCK)
    if cmd == F_SETFL and isinstance(arg, int):
        os.set_blocking(fd, not arg & os.O_NONBLOCK)
        return 0
    if cmd == F_GETFD:
        return 0 if os.get_inheritable(fd) else FD_CLOEXEC
    if cmd in (F_SETFD, F_SETLK, F_SETLKW):
        return 0
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def ioctl(fd, request, arg=0, mutate_flag=True, /):
    _descriptor(fd)
    raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
