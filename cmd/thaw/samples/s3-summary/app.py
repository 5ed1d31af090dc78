"""Summarises the S3 notifications that it is triggered with."""

import urllib.parse
from collections import Counter


def handler(event, context):
    sizes, buckets = [], Counter()
    for record in event["Records"]:
        s3 = record["s3"]
        key = urllib.parse.unquote_plus(s3["object"]["key"])
        print("{} {}/{}".format(record["eventName"], s3["bucket"]["name"], key))
        sizes.append(s3["object"].get("size", 0))
        buckets[s3["bucket"]["name"]] += 1
    return {"objects": len(sizes), "bytes": sum(sizes), "buckets": dict(buckets)}
