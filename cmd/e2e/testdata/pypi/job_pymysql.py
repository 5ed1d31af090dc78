# requires: pymysql
"""The client of a database that is not there: escaping works, connecting says why not."""

import pymysql


def handler(event, context):
    try:
        pymysql.connect(host="127.0.0.1", port=9, connect_timeout=2)
        error = None
    except pymysql.err.OperationalError as exc:
        error = exc.args[0]
    return [pymysql.converters.escape_string("a'b\n"), error]
