# requires: attrs
"""Classes with converters, validators and slots."""

import attrs


@attrs.define(order=True)
class Point:
    x: int = attrs.field(converter=int, validator=attrs.validators.instance_of(int))
    y: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    tags: list = attrs.field(factory=list, eq=False, order=False)


def handler(event, context):
    p = Point("3")
    try:
        Point(1, -1)
        error = None
    except ValueError as exc:
        error = str(exc)
    return [repr(p), attrs.asdict(attrs.evolve(p, y=2)), Point(1) < Point(2), error, [a.name for a in attrs.fields(Point)]]
