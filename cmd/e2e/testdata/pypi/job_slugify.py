# requires: python_slugify text_unidecode
"""Slugs."""

from slugify import slugify


def handler(event, context):
    return [slugify("Ünïcode & <Größe> 影師嗎"), slugify("a b c d", max_length=5, word_boundary=True), slugify("x_y", separator="_")]
