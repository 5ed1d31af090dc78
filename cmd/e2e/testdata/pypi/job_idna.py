# requires: idna
"""International domain names."""

import idna


def handler(event, context):
    try:
        idna.encode("a" * 64)
        long = None
    except idna.IDNAError as exc:
        long = str(exc)
    return [idna.encode("bücher.example").decode(), idna.decode("xn--bcher-kva.example"), idna.encode("ドメイン.テスト").decode(), long]
