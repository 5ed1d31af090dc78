"""The module thread of an interpreter with one thread, in place of CPython's C module.

threading and its locks work; starting a thread raises thread.error, since what it starts may be meant never to end and nothing
could overlap with it anyway.
"""

__all__ = ["error", "start_new_thread", "exit", "get_ident", "allocate_lock", "interrupt_main", "LockType", "stack_size"]


class error(Exception):
    """What the C module raises."""


def start_new_thread(function, args, kwargs=None):
    raise error("can't start new thread: a sandbox has one thread")


start_new = start_new_thread


def exit():
    raise SystemExit


exit_thread = exit


def get_ident():
    return 1


def _count():
    return 0


def stack_size(size=None):
    if size:
        raise error("setting stack size not supported")
    return 0


def interrupt_main():
    raise KeyboardInterrupt


class LockType(object):
    """A lock. Nobody else could release one that is held: waiting for it would be for ever, and raises an error."""

    __slots__ = ("_held", "__weakref__")

    def __init__(self):
        self._held = False

    def acquire(self, waitflag=1):
        if not self._held:
            self._held = True
            return True
        if waitflag:
            raise error("deadlock: the lock is held, and there is no other thread that could release it")
        return False

    def release(self):
        if not self._held:
            raise error("release unlocked lock")
        self._held = False

    def locked(self):
        return self._held

    acquire_lock, release_lock, locked_lock = acquire, release, locked

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *ignored):
        self.release()


allocate_lock = allocate = LockType


class _local(object):
    """Attributes of the one thread; subclasses call __init__ once, as with the C class."""


