# requires: jsonschema attrs pyrsistent
"""Validation with references and formats (4.17, the last without native code)."""

import jsonschema

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "definitions": {"item": {"type": "object", "required": ["sku"], "properties": {"sku": {"pattern": "^[A-Z]+$"}, "n": {"minimum": 1}}}},
    "type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/definitions/item"}, "uniqueItems": True}, "day": {"format": "date"}},
}


def handler(event, context):
    v = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    errors = v.iter_errors({"items": [{"sku": "ok"}, {"n": 0}, {"n": 0}], "day": "2016-13-01"})
    return [sorted([list(map(str, e.absolute_path)), e.validator] for e in errors), v.is_valid({"items": [{"sku": "OK", "n": 3}]})]
