# requires: ecdsa six
"""Signatures on curves."""

import hashlib
from ecdsa import NIST256p, Ed25519, SigningKey, BadSignatureError


def handler(event, context):
    key = SigningKey.from_secret_exponent(12345678901234567890, NIST256p, hashfunc=hashlib.sha256)
    signature = key.sign_deterministic(b"message")
    try:
        key.verifying_key.verify(signature, b"other")
        forged = True
    except BadSignatureError:
        forged = False
    ed = SigningKey.from_string(bytes(range(32)), curve=Ed25519)
    return [signature.hex(), key.verifying_key.verify(signature, b"message"), forged, ed.sign(b"m").hex(), key.verifying_key.to_pem().decode()]
