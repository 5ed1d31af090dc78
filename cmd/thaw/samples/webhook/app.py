"""Checks the signature of a webhook delivery, as an API behind a gateway would."""

import hashlib
import hmac
import json
import os

SECRET = os.environ["WEBHOOK_SECRET"].encode()


def handler(event, context):
    expected = "sha256=" + hmac.new(SECRET, event["body"].encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, event["headers"].get("x-signature", "")):
        return {"statusCode": 401, "body": "bad signature"}
    action = json.loads(event["body"])["action"]
    return {"statusCode": 200, "body": "accepted " + action}
