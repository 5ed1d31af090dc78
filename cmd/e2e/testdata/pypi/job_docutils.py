# requires: docutils
"""reStructuredText to HTML."""

import docutils.core


def handler(event, context):
    text = "T\n=\n\nA *b* ``c`` `link <https://example.com>`_.\n\n.. table::\n\n   = =\n   a b\n   = =\n"
    return docutils.core.publish_parts(text, writer="html5", settings_overrides={"_disable_config": True, "report_level": 5})["html_body"]
