# requires: requests urllib3 certifi idna charset_normalizer
"""Prepares and sends requests through an adapter of its own, and reads answers in several encodings."""

import io
import requests
from requests.adapters import BaseAdapter
from requests.auth import HTTPBasicAuth


class Canned(BaseAdapter):
    def send(self, request, **kwargs):
        r = requests.Response()
        r.status_code, r.url, r.request = 200, request.url, request
        r.headers["Content-Type"] = "text/plain"
        r.raw = io.BytesIO("grüße".encode("latin-1") * 20 if "latin" in request.url else b'{"ok": true}')
        return r

    def close(self):
        pass


def handler(event, context):
    session = requests.Session()
    session.mount("https://", Canned())
    r = session.post("https://api.example/items", params={"q": ["a b", "ü"]}, json={"n": 1}, auth=HTTPBasicAuth("u", "p"), headers={"X-A": "1"})
    latin = session.get("https://api.example/latin")
    multi = requests.Request("POST", "https://x.example/", files={"f": ("n.txt", b"data")}, data={"k": "v"}).prepare()
    return {
        "url": r.request.url, "body": r.request.body.decode(), "auth": r.request.headers["Authorization"], "json": r.json(),
        "encoding": latin.apparent_encoding is not None, "text": latin.text[:5], "multipart": multi.headers["Content-Type"][:30], "agent": r.request.headers["User-Agent"],
    }
