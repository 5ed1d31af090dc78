"""What concurrency means in a sandbox with one thread and no processes.

asyncio works: its event loop gets a selector that needs no sockets and no pipe to wake itself up, since there is no thread
that could. What would run in another thread by way of an executor runs at once, in the caller's place: results are the same,
nothing overlaps. threading.Thread.start raises RuntimeError, since what it starts may be meant never to end.
"""

import asyncio
import asyncio.unix_events
import concurrent.futures.thread
import selectors
import time


class Selector(selectors._BaseSelectorImpl):
    """Waits for the next timer. Without one nothing can happen any more: it waits for the invocation's deadline."""

    def select(self, timeout=None):
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


def install():
    asyncio.unix_events._UnixDefaultEventLoopPolicy._loop_factory = EventLoop
    concurrent.futures.thread.ThreadPoolExecutor.submit = _submit
