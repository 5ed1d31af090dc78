# requires: xmltodict
"""XML to dictionaries and back."""

import xmltodict


def handler(event, context):
    d = xmltodict.parse("<a x='1'><b>1</b><b>ü</b><c/></a>")
    return [d, xmltodict.unparse(d, pretty=True)]
