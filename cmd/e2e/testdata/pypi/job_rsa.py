# requires: rsa pyasn1
"""Keys, signatures and encryption in pure Python."""

import rsa


def handler(event, context):
    public, private = rsa.newkeys(512)
    signature = rsa.sign(b"message", private, "SHA-256")
    try:
        rsa.verify(b"other", signature, public)
        forged = True
    except rsa.VerificationError:
        forged = False
    again = rsa.PrivateKey.load_pkcs1(private.save_pkcs1())
    return [rsa.verify(b"message", signature, public), forged, rsa.decrypt(rsa.encrypt(b"x", public), again).decode()]
