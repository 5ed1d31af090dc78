# requires: urllib3 idna
"""Retries, URLs and multipart bodies."""

import urllib3
from urllib3.filepost import encode_multipart_formdata
from urllib3.util import Retry, make_headers, parse_url


def handler(event, context):
    retry = Retry(total=3, backoff_factor=0.5, status_forcelist=[503]).increment("GET", "/", error=OSError("x"))
    url = parse_url("http://user:pw@EXAMPLE.com:8080/a%20b?q=1#f")
    body, kind = encode_multipart_formdata({"a": "1", "b": ("n", "data")}, boundary="B")
    try:
        urllib3.PoolManager(retries=False).request("GET", "http://127.0.0.1:9/")
        failure = None
    except urllib3.exceptions.HTTPError as exc:
        failure = isinstance(exc, urllib3.exceptions.NewConnectionError)
    return [retry.total, retry.get_backoff_time(), url.url, url.host, body.decode(), kind, make_headers(basic_auth="a:b", keep_alive=True), failure]
