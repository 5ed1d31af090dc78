# requires: arrow python_dateutil six tzdata
"""Dates for humans."""

import arrow


def handler(event, context):
    a = arrow.get("2016-08-29T12:30:45+02:00")
    return [a.to("UTC").isoformat(), a.shift(months=-6, days=1).format("YYYY-MM-DD dddd"), a.humanize(a.shift(hours=3)), a.to("Asia/Tokyo").format("HH:mm ZZ"), [d.format("DD") for d in arrow.Arrow.range("day", a, limit=3)]]
