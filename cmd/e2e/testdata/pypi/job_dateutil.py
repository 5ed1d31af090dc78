# requires: python_dateutil six
"""Parsing, recurrence and time zones."""

import datetime
from dateutil import parser, relativedelta, rrule, tz


def handler(event, context):
    start = parser.parse("Thu Sep 25 10:36:28 2003 BRST", tzinfos={"BRST": -10800})
    rule = rrule.rrulestr("DTSTART:20160829T090000\nRRULE:FREQ=MONTHLY;COUNT=4;BYDAY=-1FR")
    berlin = datetime.datetime(2016, 7, 1, 12, tzinfo=tz.UTC).astimezone(tz.tzstr("CET-1CEST,M3.5.0,M10.5.0/3"))
    delta = relativedelta.relativedelta(datetime.date(2016, 2, 29), datetime.date(2015, 1, 31))
    return [start.isoformat(), [d.isoformat() for d in rule], berlin.isoformat(), [delta.years, delta.months, delta.days]]
