"""Functions of os and time that programs expect of Linux and WASI's C library has not, where a sandbox has an answer."""

import errno
import os
import time

_UID, _GID = 993, 990  # of the one user: see pwd.py
_mask = 0o22


def _umask(mask):
    global _mask
    old, _mask = _mask, mask & 0o777
    return old


def _chown(path, uid, gid, *, dir_fd=None, follow_symlinks=True):
    """There is one owner."""
    os.stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)


def _get_terminal_size(fd=1):
    raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))


def _kill(pid, sig):
    """Signal 0 asks whether a process is there."""
    if pid != os.getpid():
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    if sig:
        raise OSError(errno.ENOTSUP, "signals end nobody in a WebAssembly sandbox: use sys.exit")


_FUNCTIONS = {
    "chown": _chown,
    "get_terminal_size": _get_terminal_size,
    "getegid": lambda: _GID,
    "geteuid": lambda: _UID,
    "getgid": lambda: _GID,
    "getgroups": lambda: [_GID],
    "getloadavg": lambda: (0.0, 0.0, 0.0),
    "getpgrp": lambda: os.getpid(),
    "getppid": lambda: 1,
    "getrandom": lambda size, flags=0: os.urandom(size),
    "getuid": lambda: _UID,
    "kill": _kill,
    "lchown": lambda path, uid, gid: _chown(path, uid, gid, follow_symlinks=False),
    "nice": lambda increment: 0,
    "sched_getaffinity": lambda pid: {0},
    "sync": lambda: None,
    "umask": _umask,
}


def install():
    for name, function in _FUNCTIONS.items():
        if not hasattr(os, name):
            function.__name__ = function.__qualname__ = name
            setattr(os, name, function)
    if not hasattr(time, "thread_time"):  # there is one thread
        time.thread_time, time.thread_time_ns = time.process_time, time.process_time_ns
