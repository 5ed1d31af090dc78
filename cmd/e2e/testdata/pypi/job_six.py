# requires: six
"""One source for two languages."""

import six
from six.moves import urllib, range as xrange


@six.add_metaclass(type("Meta", (type,), {"made": "by Meta"}))
class A(object):
    pass


def handler(event, context):
    return [six.PY3, A.made, urllib.parse.quote("ü"), sum(xrange(4)), six.ensure_str(b"x"), sorted(six.viewkeys({"a": 1}))]
