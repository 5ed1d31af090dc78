# requires: pyparsing
"""A calculator's grammar."""

import pyparsing as pp

number = pp.common.number()
operations = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b}


def fold(tokens):
    t = tokens[0].as_list() if hasattr(tokens[0], "as_list") else tokens[0]
    value = t[0]
    for op, x in zip(t[1::2], t[2::2]):
        value = operations[op](value, x)
    return value


expression = pp.infix_notation(number, [(pp.one_of("* /"), 2, pp.OpAssoc.LEFT, fold), (pp.one_of("+ -"), 2, pp.OpAssoc.LEFT, fold)])


def handler(event, context):
    try:
        expression.parse_string("1 + * 2", parse_all=True)
        error = None
    except pp.ParseException as exc:
        error = [exc.lineno, exc.column]
    return [expression.parse_string("2 + 3 * (4 - 1) / 2", parse_all=True)[0], error]
