# requires: werkzeug markupsafe
"""Passwords, routing and form parsing."""

from werkzeug.routing import Map, Rule
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request


def handler(event, context):
    h = generate_password_hash("pw", method="pbkdf2:sha256:1000")
    urls = Map([Rule("/a/<int:n>", endpoint="a")]).bind("example.com")
    request = Request(EnvironBuilder(method="POST", data={"f": (__import__("io").BytesIO(b"data"), "n.txt"), "k": "v"}).get_environ())
    return [check_password_hash(h, "pw"), check_password_hash(h, "no"), list(urls.match("/a/5")), urls.build("a", {"n": 6}), request.files["f"].read().decode(), request.form["k"]]
