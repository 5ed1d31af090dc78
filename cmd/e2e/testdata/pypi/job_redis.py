# requires: redis
"""The client of a cache that is not there."""

import redis


def handler(event, context):
    client = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=2, retry=None)
    pipe = client.pipeline().set("k", "v").incr("n")
    try:
        pipe.execute()
        error = None
    except redis.exceptions.ConnectionError as exc:
        error = "ConnectionError"
    return [len(pipe.command_stack) in (0, 2), error, redis.Redis.from_url("redis://u:p@h:1/2").connection_pool.connection_kwargs["db"]]
