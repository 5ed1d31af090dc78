# requires: toolz
"""Functions on functions."""

from toolz import compose, curry, groupby, merge_with, partition_all, pipe, sliding_window, valmap


def handler(event, context):
    words = "the quick brown fox jumps over the lazy dog".split()
    return [valmap(len, groupby(len, words)), pipe(range(10), curry(map)(lambda x: x * x), sum), list(sliding_window(2, "abc")), list(partition_all(4, range(6))), merge_with(sum, {"a": 1}, {"a": 2, "b": 3}), compose(str, abs)(-3)]
