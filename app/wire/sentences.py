"""What marshmallow says of a wrong value, in our words: what it should have been."""

from __future__ import annotations

from marshmallow import fields, validate

UNKNOWN_FIELD = "Unknown field."
# What schemas, which have no public place for other sentences, say themselves.
BY_SCHEMA = {"Invalid input type.": "Must be a JSON object."}

_BY_FIELD: dict[type[fields.Field], dict[str, str]] = {  # type: ignore[type-arg]
    fields.Field: {"required": "Is required.", "null": "May not be null."},
    fields.String: {"invalid": "Must be a text.", "invalid_utf8": "Must be a text in UTF-8."},
    fields.Number: {"invalid": "Must be a number.", "too_large": "The number is too large."},
    fields.Integer: {"invalid": "Must be a whole number, such as 2."},
    fields.Boolean: {"invalid": "Must be true or false."},
    fields.UUID: {
        "invalid_uuid": "Must be an id (UUID), such as 01980000-0000-7000-8000-000000000001."
    },
    fields.Email: {"invalid": "Must be an e-mail address, such as ada@example.org."},
    fields.Date: {"invalid": "Must be a day, such as 2031-03-03."},
    fields.List: {"invalid": "Must be a JSON list."},
    fields.Nested: {"type": "Must be a JSON object."},
    fields.Mapping: {"invalid": "Must be a JSON object."},
}


def speak_plainly() -> None:
    """Let every schema made from now on say these sentences."""
    for kind, sentences in _BY_FIELD.items():
        kind.default_error_messages = {**kind.default_error_messages, **sentences}
    validate.Range.message_all = "Must be between {{min}} and {{max}}."
    validate.Range.message_min = "Must be at least {{min}}."
    validate.Range.message_max = "Must be at most {{max}}."
