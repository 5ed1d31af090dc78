"""What concurrency and processes mean in a sandbox with one thread, no processes and sockets that only connect.

asyncio works, with timers, sockets and TLS: its event loop waits by poll and needs no pipe to wake itself up, since there
is no thread that could. What would run in another thread by way of an executor runs at once, in the caller's place: results
are the same, nothing overlaps. threading.Thread.start raises RuntimeError, since what it starts may be meant never to end.
What can't be says why.
"""

import asyncio
import asyncio.unix_events
import concurrent.futures.thread
import errno
import os
import selectors
import socket
import time


class Selector(selectors.PollSelector):
    """Waits for sockets and the next timer. With neither nothing can happen any more: it waits for the invocation's deadline."""

    def select(self, timeout=None):
        if self._fd_to_key:
            return super().select(timeout)
        if timeout is None:
            while True:
                time.sleep(3600)
        if timeout > 0:
            time.sleep(timeout)
        return []


class EventLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector=None):
        super().__init__(selector or Selector())

    def _make_self_pipe(self):
        self._ssock = self._csock = None

    def _close_self_pipe(self):
        pass

    def _write_to_self(self):
        pass

    def run_in_executor(self, executor, func, *args):
        self._check_closed()
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as exc:
            future.set_exception(exc)
        return future

    def add_signal_handler(self, sig, callback, *args):
        raise NotImplementedError("a function gets no signals")


def _submit(self, fn, /, *args, **kwargs):
    if self._shutdown:
        raise RuntimeError("cannot schedule new futures after shutdown")
    if self._initializer is not None:
        initializer, self._initializer = self._initializer, None
        initializer(*self._initargs)
    future = concurrent.futures.Future()
    future.set_running_or_notify_cancel()
    try:
        future.set_result(fn(*args, **kwargs))
    except Exception as exc:
        future.set_exception(exc)
    return future


def _no_process(name):
    def refuse(*args, **kwargs):
        raise OSError(errno.ENOTSUP, "os.{} is for several processes, which a function in a WebAssembly sandbox can't have".format(name))

    refuse.__name__ = refuse.__qualname__ = name
    return refuse


_PROCESSES = ("fork", "forkpty", "pipe", "system", "execv", "execve", "posix_spawn", "posix_spawnp", "spawnv", "spawnve")


def _listen(self, backlog=0):
    raise OSError(errno.EOPNOTSUPP, "a function can't listen: nothing can connect to it")


def _bind(self, address):
    try:
        return _plain_bind(self, address)
    except PermissionError as exc:
        text = "a function may bind a socket to 0.0.0.0 or ::, with port 0 or one from 1024 on, and to nothing else"
        raise PermissionError(exc.errno, text) from None


_plain_bind = socket.socket.bind


def install():
    asyncio.unix_events._UnixDefaultEventLoopPolicy._loop_factory = EventLoop
    for module in (asyncio, asyncio.unix_events):  # for who makes one by its class
        module.SelectorEventLoop = module.EventLoop = EventLoop
    concurrent.futures.thread.ThreadPoolExecutor.submit = _submit
    for name in _PROCESSES:
        if not hasattr(os, name):
            setattr(os, name, _no_process(name))
    if not hasattr(os, "WNOHANG"):  # multiprocessing can't say why if it can't be imported
        os.WNOHANG = 1
    if not hasattr(os, "register_at_fork"):  # asked for by those who find a fork
        os.register_at_fork = lambda **when: None
    socket.socket.listen = _listen
    socket.socket.bind = _bind
