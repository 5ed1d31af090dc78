# requires: pydantic typing_extensions
"""Models of version 1, which is pure Python."""

from datetime import date
from typing import List, Optional
from pydantic import BaseModel, Field, ValidationError, validator


class Line(BaseModel):
    sku: str = Field(..., regex=r"^[A-Z]{3}\d+$")
    count: int = 1


class Order(BaseModel):
    id: int
    when: date
    lines: List[Line]
    note: Optional[str] = None

    @validator("lines")
    def some(cls, v):
        if not v:
            raise ValueError("an order needs a line")
        return v


def handler(event, context):
    order = Order.parse_obj({"id": "7", "when": "2016-08-29", "lines": [{"sku": "ABC1", "count": "2"}]})
    try:
        Order.parse_raw('{"id": "x", "when": "no", "lines": []}')
        errors = None
    except ValidationError as exc:
        errors = [[".".join(map(str, e["loc"])), e["type"]] for e in exc.errors()]
    return [order.json(), Order.schema()["required"], errors]
