# requires: tenacity
"""Tries again."""

import asyncio
from tenacity import RetryError, retry, retry_if_exception_type, stop_after_attempt, wait_fixed

tries = []


@retry(stop=stop_after_attempt(3), wait=wait_fixed(0.01), retry=retry_if_exception_type(OSError))
def flaky(n):
    tries.append(n)
    if len(tries) < n:
        raise OSError("again")
    return len(tries)


@retry(stop=stop_after_attempt(2), wait=wait_fixed(0.01))
async def never():
    raise ValueError("no")


def handler(event, context):
    tries.clear()
    ok = flaky(3)
    try:
        asyncio.run(never())
        error = None
    except RetryError as exc:
        error = str(exc.last_attempt.exception())
    return [ok, error]
