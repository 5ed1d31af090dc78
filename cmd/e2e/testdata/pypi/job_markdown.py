# requires: markdown
"""Markdown with extensions."""

import markdown


def handler(event, context):
    return markdown.markdown("# T\n\n| a | b |\n|---|---|\n| 1 | *2* |\n\n```\nx < y\n```\n\n[^1]\n\n[^1]: note", extensions=["tables", "fenced_code", "footnotes", "toc"])
