# requires: charset_normalizer
"""Guesses encodings."""

from charset_normalizer import from_bytes


def handler(event, context):
    text = "Это довольно длинный русский текст, который нужно распознать. Он содержит несколько предложений, чтобы хватило букв."
    return [str(from_bytes(text.encode(e)).best()) == text for e in ("utf-8", "cp1251", "utf-16")]
