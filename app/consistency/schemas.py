"""A vendor's consistency, as requests and answers hold it."""

from __future__ import annotations

from datetime import UTC, datetime

from marshmallow import Schema, ValidationError, fields, validate

from app.consistency.checks import OF_DATA
from app.wire.fields import Time


def _is_past(moment: datetime) -> None:
    if moment > datetime.now(UTC):
        raise ValidationError("Must not be in the future.")


class ConsistencyQuery(Schema):
    """Which bookings are looked at."""

    since = Time(
        validate=_is_past,
        metadata={"description": "Only bookings changed since; otherwise all, if they are few."},
    )


class CheckSchema(Schema):
    """What one check found."""

    check_name = fields.String(required=True, metadata={"enum": list(OF_DATA)})
    status = fields.String(required=True, validate=validate.OneOf(["PASS", "FAIL"]))
    violations = fields.Integer(required=True)
    offenders = fields.List(
        fields.Dict(), required=True, metadata={"description": "The first ten, as ids and facts."}
    )


class ConsistencySchema(Schema):
    """What all checks of the vendor's data found, at one moment."""

    status = fields.String(required=True, validate=validate.OneOf(["clean", "findings"]))
    at = Time(required=True, metadata={"description": "The moment that was looked at."})
    since = Time(required=True, allow_none=True)
    checks = fields.List(fields.Nested(CheckSchema), required=True)
