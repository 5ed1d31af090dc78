# requires: lark
"""A parser generator, LALR and Earley."""

from lark import Lark, Transformer, UnexpectedInput

GRAMMAR = """
?value: object | array | string | SIGNED_NUMBER -> number | "true" -> true | "null" -> null
array: "[" [value ("," value)*] "]"
object: "{" [pair ("," pair)*] "}"
pair: string ":" value
string: ESCAPED_STRING
%import common.ESCAPED_STRING
%import common.SIGNED_NUMBER
%import common.WS
%ignore WS
"""


class Build(Transformer):
    array, object, pair = list, dict, tuple
    number = lambda self, x: float(x[0])
    string = lambda self, x: x[0][1:-1]
    true = lambda self, x: True
    null = lambda self, x: None


def handler(event, context):
    out = []
    for parser in ("lalr", "earley"):
        lark = Lark(GRAMMAR, start="value", parser=parser)
        out.append(Build().transform(lark.parse('{"a": [1, -2.5, null], "b": true}')))
    try:
        lark.parse("[1,")
    except UnexpectedInput as exc:
        out.append(exc.line)
    return out
