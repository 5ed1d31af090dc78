# requires: cattrs attrs typing_extensions
"""From dictionaries to objects and back."""

from datetime import date
from typing import Dict, List, Optional, Union
import attrs
import cattrs
from cattrs.preconf.json import make_converter


@attrs.define
class A:
    x: int
    d: Optional[date] = None


@attrs.define
class B:
    items: List[A]
    by: Dict[str, Union[int, None]]


def handler(event, context):
    c = make_converter()
    b = c.structure({"items": [{"x": "1", "d": "2016-08-29"}, {"x": 2}], "by": {"k": None}}, B)
    try:
        c.structure({"items": [{"x": "no"}], "by": {}}, B)
        errors = None
    except cattrs.ClassValidationError as exc:
        errors = cattrs.transform_error(exc)
    return [repr(b), c.unstructure(b), c.dumps(b), errors]
