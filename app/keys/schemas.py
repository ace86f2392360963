"""API keys as requests and answers hold them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.auth.keys import SCOPES
from app.wire.fields import Text, Time


class ApiKeySchema(Schema):
    """An API key, without the text that opens anything."""

    id = fields.UUID(dump_only=True)
    name = Text(200, required=True, metadata={"description": "To tell keys apart in a list."})
    scope = fields.String(
        required=True,
        validate=validate.OneOf(SCOPES),
        metadata={
            "description": "read: look. write: also bookings, blocks, customers and slots."
            " admin: also the catalogue, settings and keys."
        },
    )
    prefix = fields.String(dump_only=True, metadata={"description": "How the key begins."})
    version = fields.Integer(dump_only=True)
    created_at = Time(dump_only=True)
    last_used_at = Time(
        dump_only=True, allow_none=True, metadata={"description": "Give or take ten minutes."}
    )
    revoked_at = Time(dump_only=True, allow_none=True)


class NewApiKeySchema(ApiKeySchema):
    """A key just made, with its text."""

    key = fields.String(
        dump_only=True,
        allow_none=True,
        metadata={
            "description": "The key itself, this once: it cannot be had again. null on a replay,"
            " since nobody knows it any more; revoke that key and make another."
        },
    )
