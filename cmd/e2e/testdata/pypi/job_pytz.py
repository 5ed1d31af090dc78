# requires: pytz
"""Zones with their history."""

import datetime
import pytz


def handler(event, context):
    zone = pytz.timezone("America/New_York")
    local = zone.localize(datetime.datetime(2016, 11, 6, 1, 30), is_dst=False)
    try:
        zone.localize(datetime.datetime(2016, 3, 13, 2, 30), is_dst=None)
        gap = None
    except pytz.NonExistentTimeError:
        gap = "does not exist"
    return [local.isoformat(), zone.normalize(local - datetime.timedelta(hours=1)).isoformat(), gap, len(pytz.all_timezones) > 500, pytz.country_timezones["ch"]]
