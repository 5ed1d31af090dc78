# requires: certifi
"""The bundle of root certificates is readable from the package."""

import certifi


def handler(event, context):
    text = certifi.contents()
    return [text.count("BEGIN CERTIFICATE") > 100, certifi.where().endswith("certifi/cacert.pem")]
