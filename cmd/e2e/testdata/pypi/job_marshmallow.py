# requires: marshmallow
"""Schemas in both directions."""

import datetime
from marshmallow import Schema, ValidationError, fields, post_load, validate


class Item(Schema):
    sku = fields.Str(required=True, validate=validate.Regexp(r"^[A-Z]+$"))
    price = fields.Decimal(as_string=True)
    made = fields.Date()

    @post_load
    def build(self, data, **kwargs):
        return tuple(sorted(data))


def handler(event, context):
    try:
        Item(many=True).load([{"sku": "a"}, {"price": "x"}])
        errors = None
    except ValidationError as exc:
        errors = {str(k): v for k, v in exc.messages.items()}
    return [Item().load({"sku": "A", "price": "1.5"}), Item().dump({"sku": "A", "price": 1, "made": datetime.date(2016, 8, 29)}), errors]
