"""Uses packages of other people. TestRealPackages runs it in a sandbox and natively, and compares."""

import datetime
import hashlib

import colorama
import dateutil.parser
import dateutil.rrule
import docutils.core
import jmespath
import rsa
import yaml

MANUAL = """
Title
=====

A *list* of ``things``:

- one [#]_
- two, with a `link <https://example.com/>`_

.. table:: Squares

   === ======
   n   n * n
   === ======
   2   4
   3   9
   === ======

.. [#] A footnote, ünïcode.
"""


def handler(event, context):
    html = docutils.core.publish_parts(MANUAL, writer_name="html5", settings_overrides={"_disable_config": True})["html_body"]
    first = dateutil.parser.parse("Thu, 25 Sep 2003 10:49:41 -0300")
    rule = dateutil.rrule.rrule(dateutil.rrule.MONTHLY, count=5, byweekday=dateutil.rrule.FR(-1), dtstart=datetime.datetime(2016, 8, 29))
    key = rsa.PrivateKey(int(event["n"], 16), 65537, int(event["d"], 16), int(event["p"], 16), int(event["q"], 16))
    document = {"name": "Ünï", "list": [1, 2.5, None, True], "nested": {"text": "two\nlines", "when": datetime.date(2016, 8, 29)}}
    text = yaml.safe_dump(document, allow_unicode=True)
    return {
        "query": jmespath.search("Records[?eventName=='ObjectCreated:Put'].s3.object.{key: key, size: size} | sort_by(@, &size)", event),
        "date": [first.isoformat(), first.utctimetuple()[:6]],
        "rule": [d.isoformat() for d in rule],
        "html": [len(html), hashlib.sha256(html.encode()).hexdigest(), html[:200]],
        "signature": rsa.sign(b"message", key, "SHA-256").hex(),
        "yaml": [text, yaml.safe_load(text) == document],
        "colour": colorama.Fore.GREEN + "ok" + colorama.Style.RESET_ALL,
        "versions": [jmespath.__version__, yaml.__version__, docutils.__version__],
    }
