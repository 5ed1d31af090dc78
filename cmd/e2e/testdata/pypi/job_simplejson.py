# requires: simplejson
"""Decimals and big numbers, by the package's Python."""

from decimal import Decimal
import simplejson


def handler(event, context):
    try:
        simplejson.loads('{"a": nope}')
        error = None
    except simplejson.JSONDecodeError as exc:
        error = [exc.msg, exc.pos]
    return [simplejson.dumps({"d": Decimal("1.10"), "n": float("nan")}, ignore_nan=True, use_decimal=True), str(simplejson.loads("1.10", use_decimal=True)), error, simplejson.dumps(iter([1]), iterable_as_array=True)]
