# requires: httpx httpcore h11 anyio certifi idna typing_extensions
"""httpx against a server of the test, one after the other and many at once."""

import asyncio
import os
import time

import httpx

BASE = os.environ["THAW_TEST_SERVER"]


async def many():
    async with httpx.AsyncClient(base_url=BASE) as client:
        begin = time.monotonic()
        answers = await asyncio.gather(*(client.get("/wait", params={"n": n}) for n in range(5)))
        return [a.json()["query"] for a in answers], time.monotonic() - begin < 2


def handler(event, context):
    with httpx.Client(base_url=BASE, follow_redirects=True) as client:
        moved = client.get("/redirect")
        with client.stream("GET", "/large") as r:
            size = sum(len(part) for part in r.iter_bytes())
        try:
            client.get("/slow", timeout=0.3)
            slow = None
        except httpx.ReadTimeout:
            slow = "ReadTimeout"
    return [moved.status_code, size, slow, asyncio.run(many())]
