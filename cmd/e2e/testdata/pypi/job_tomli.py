# requires: tomli
"""Reads TOML, by the package's Python."""

import tomli

TEXT = """
title = "Ünï"
[owner]
born = 1979-05-27T07:32:00-08:00
[[product]]
name = 'Hammer'
tags = [1, 0x1f, 1_000, inf]
[[product]]
"""


def handler(event, context):
    try:
        tomli.loads("a = ")
        error = None
    except tomli.TOMLDecodeError as exc:
        error = str(exc)
    d = tomli.loads(TEXT)
    return [d["title"], d["owner"]["born"].isoformat(), d["product"][0]["tags"][:3], len(d["product"]), error]
