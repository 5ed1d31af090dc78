# requires: tomlkit
"""Edits TOML and keeps its comments."""

import tomlkit


def handler(event, context):
    d = tomlkit.parse("# top\n[a]\nx = 1 # one\n")
    d["a"]["y"] = [1, 2]
    d["b"] = tomlkit.table()
    d["b"]["when"] = "now"
    return tomlkit.dumps(d)
