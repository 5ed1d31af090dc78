# requires: cachetools
"""Caches with limits."""

from cachetools import LRUCache, TTLCache, cached


def handler(event, context):
    calls = []
    cache = LRUCache(maxsize=2)

    @cached(cache)
    def f(x):
        calls.append(x)
        return x * x

    values = [f(n) for n in (1, 2, 1, 3, 2, 1)]
    clock = [0]
    ttl = TTLCache(10, ttl=5, timer=lambda: clock[0])
    ttl["a"] = 1
    clock[0] = 6
    return [values, calls, sorted(map(list, cache)), "a" in ttl]
