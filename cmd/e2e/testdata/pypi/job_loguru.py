# requires: loguru
"""Logs into a string with a format of its own."""

import io
from loguru import logger


def handler(event, context):
    out = io.StringIO()
    logger.remove()
    logger.add(out, format="{level}|{extra[id]}|{message}", level="INFO")
    log = logger.bind(id=7)
    log.info("hello {}", "ü")
    log.debug("hidden")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("failed")
    text = out.getvalue()
    return [text.splitlines()[:2], "ZeroDivisionError: division by zero" in text]
