# requires: markupsafe
"""Escaping, by the package's Python since its C can't run."""

import markupsafe


def handler(event, context):
    return [str(markupsafe.escape("<a href='x'>&\"")), str(markupsafe.Markup("<b>%s</b>") % "<i>"), markupsafe.Markup("<p>a &amp; b</p>").striptags()]
