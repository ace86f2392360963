"""Customers, as requests and answers hold them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from app.wire.contacts import EMAIL_MAX, NAME_MAX, EmailAddress, PersonName, PhoneNumber
from app.wire.fields import Pattern, Text, Time, YesOrNo
from app.wire.pages import PageQuery

NOTE_MAX, SEARCH_MAX = 10_000, 254
DETAILS = ("name", "email", "phone")
_ZONE = {"description": "Of that booking's location.", "example": "Europe/Berlin"}


class CustomerDetailsSchema(Schema):
    """What is known of a person. `note` is the vendor's own: no customer ever sees it."""

    name = PersonName(allow_none=True, metadata={"example": "Ada Lovelace"})
    email = EmailAddress(allow_none=True, metadata={"example": "ada@example.org"})
    phone = PhoneNumber(allow_none=True, metadata={"example": "+44 20 7946 1"})
    note = Text(NOTE_MAX, shortest=0, allow_none=True)


class NewCustomerSchema(CustomerDetailsSchema):
    """A customer to make: at least one of name, e-mail address and telephone number."""

    @validates_schema(skip_on_field_errors=True)
    def say_who(self, data: dict[str, Any], **_: Any) -> None:
        if not any(data.get(name) for name in DETAILS):
            raise ValidationError({"name": ["Give a name, an e-mail address or a number."]})


class CustomerPatchSchema(CustomerDetailsSchema):
    """What to change of a customer (JSON merge patch); all their bookings show it."""

    banned = YesOrNo(
        metadata={
            "description": "true: the public cannot book with this e-mail address or telephone"
            " number any more; the vendor's keys can."
        }
    )


class CustomerRecordSchema(Schema):
    """A customer."""

    id = fields.UUID()
    name = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    banned = fields.Boolean()
    banned_at = Time(allow_none=True)
    version = fields.Integer()
    created_at = Time()
    updated_at = Time()


class CustomersBookingsSchema(Schema):
    """How many bookings a customer has. `open`: still to come, or going on."""

    total = fields.Integer()
    open = fields.Integer()
    completed = fields.Integer()
    no_show = fields.Integer()
    cancelled = fields.Integer()
    next_start = Time(allow_none=True, metadata={"description": "Of the open ones."})
    next_time_zone = fields.String(allow_none=True, metadata=_ZONE)
    last_start = Time(allow_none=True, metadata={"description": "Of those that took place."})
    last_time_zone = fields.String(allow_none=True, metadata=_ZONE)


class CustomerWithBookingsSchema(CustomerRecordSchema):
    """A customer, and how many bookings they have. The ETag is the customer's alone."""

    bookings = fields.Nested(CustomersBookingsSchema())


class CustomerQuery(PageQuery):
    """Whom to list: everybody, or who matches all that is asked."""

    q = Text(
        SEARCH_MAX,
        metadata={
            "description": "A part of the name, or the beginning of the e-mail address or of the"
            " telephone number."
        },
    )
    name = Text(NAME_MAX, metadata={"description": "A part of the name, in any case."})
    email = Text(EMAIL_MAX, metadata={"description": "How the e-mail address begins, in any case."})
    phone = PhoneNumber(
        validate=Pattern("^[^0-9]*[0-9].*$", error="Needs a digit."),
        metadata={
            "description": "How the telephone number begins. Only digits are compared, and 00 at"
            " the beginning is as good as a plus."
        },
    )
    banned = fields.Boolean(metadata={"description": "Only those who are banned, or are not."})
