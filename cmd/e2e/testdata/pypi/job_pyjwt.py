# requires: pyjwt
"""Tokens by shared secret."""

import jwt


def handler(event, context):
    key = "a secret that is long enough, as it should be"
    token = jwt.encode({"sub": "ada", "exp": 4102444800, "aud": "x"}, key, algorithm="HS256", headers={"kid": "1"})
    errors = []
    for t, k, options in ((token, "another secret that is long enough for it", {"audience": "x"}), (token, key, {"audience": "y"}), (jwt.encode({"exp": 1}, key), key, {})):
        try:
            jwt.decode(t, k, algorithms=["HS256"], **options)
        except jwt.InvalidTokenError as exc:
            errors.append(type(exc).__name__)
    return [token, jwt.decode(token, key, algorithms=["HS256"], audience="x"), jwt.get_unverified_header(token), errors]
