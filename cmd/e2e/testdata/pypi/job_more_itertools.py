# requires: more_itertools
"""Iteration."""

import more_itertools as mi


def handler(event, context):
    p = mi.peekable(iter("abc"))
    return [p.peek(), list(mi.chunked(range(5), 2)), [list(w) for w in mi.windowed("abcd", 3)], mi.first_true([0, 2]), list(mi.collapse([1, [2, [3]]])), mi.ilen(x for x in "xy"), [list(s) for s in mi.split_at("a-b", lambda c: c == "-")], sorted(map(list, mi.set_partitions("abc", 2)))]
