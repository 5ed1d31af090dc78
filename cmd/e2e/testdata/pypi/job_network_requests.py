# requires: requests urllib3 certifi idna charset_normalizer
"""requests and urllib3 against a server of the test: sessions, redirects, streams, timeouts."""

import os

import requests
import urllib3

BASE = os.environ["THAW_TEST_SERVER"]


def handler(event, context):
    with requests.Session() as s:
        posted = s.post(BASE + "/echo", params={"q": "ü"}, json={"n": [1, None]}, headers={"X-Test": "1"}).json()
        moved = s.get(BASE + "/redirect")
        stream = b"".join(s.get(BASE + "/large", stream=True).iter_content(8192))
        try:
            s.get(BASE + "/slow", timeout=0.3)
            slow = None
        except requests.exceptions.ReadTimeout:
            slow = "ReadTimeout"
    try:
        requests.get("http://127.0.0.1:1/", timeout=2)
        refused = None
    except requests.exceptions.ConnectionError:
        refused = "ConnectionError"
    pool = urllib3.PoolManager()
    answers = [pool.request("PUT", BASE + "/echo", body=b"x" * n).json()["length"] for n in (0, 1, 100000)]
    return [posted, moved.url.removeprefix(BASE), len(moved.history), len(stream), slow, refused, answers]
