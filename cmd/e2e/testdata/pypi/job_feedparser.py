# requires: feedparser feedparser_sgmllib
"""Reads a feed."""

import feedparser

FEED = b"""<?xml version="1.0" encoding="iso-8859-1"?><rss version="2.0"><channel><title>T \xfc</title>
<item><title>one</title><link>https://example.com/1</link><pubDate>Mon, 29 Aug 2016 12:00:00 GMT</pubDate><description>&lt;b&gt;x&lt;/b&gt;&lt;script&gt;bad&lt;/script&gt;</description></item></channel></rss>"""


def handler(event, context):
    f = feedparser.parse(FEED)
    e = f.entries[0]
    return [f.version, f.feed.title, e.title, list(e.published_parsed)[:6], e.summary]
