"""The OpenAPI 3.1 description of every call, at /api/v1/openapi.json."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cached_property
from typing import Any

import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response, current_app, request

from app.wire.blueprint import ProblemSchema
from app.wire.description import complete
from app.wire.fields import Time

DESCRIPTION = """
Providers of a vendor publish **slots**; a **booking** claims places in them. The database makes
double booking impossible: a 201 is final, and a 409 tells what to take instead.

* Times are RFC 3339 with an offset, answered in UTC. Money is in minor units. Ids are UUIDs.
* Lists are `{"items": [...], "next_cursor": ...}`; send `next_cursor` back as `cursor`.
* Every resource has a `version`, sent as its ETag; send it in `If-Match` to be refused with 412
  when somebody else changed it meanwhile.
* Every POST takes an `Idempotency-Key`: repeating a request with its key is always safe.
* What is not a success is `application/problem+json` with a `code`; [all codes](/docs/errors).
"""


def describe_api(app: Flask) -> Any:
    """The API to which blueprints are registered, and its description."""
    app.config.update(
        API_TITLE="Slotkeeper",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {
                "description": DESCRIPTION.strip(),
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/", "description": "This server."}],
            "components": {
                "securitySchemes": {
                    "api_key": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A vendor's API key: sk_…",
                    },
                    "manage_token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A booking's manage_token: mt_…",
                    },
                    "operator_key": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A key of those who run this server: op_…",
                    },
                }
            },
        },
    )
    api = _Api(app, spec_kwargs={"marshmallow_plugin": _plugin()})
    api.register_field(Time, "string", "date-time")
    return api


class _Api(flask_smorest.Api):  # type: ignore[misc]  # Ships no types.
    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    @cached_property
    def _written(self) -> dict[str, tuple[bytes, str]]:
        """By encoding, the bytes and their ETag; made once, since no call is added later."""
        description = complete(self.spec.to_dict(), current_app.config["PUBLIC_URL"])
        plain = json.dumps(description, ensure_ascii=False, separators=(",", ":")).encode()
        written = {"identity": plain, "gzip": gzip.compress(plain, mtime=0)}
        return {name: (text, hashlib.sha256(text).hexdigest()) for name, text in written.items()}

    def _openapi_json(self) -> Response:
        encoding = "gzip" if request.accept_encodings["gzip"] > 0 else "identity"
        text, etag = self._written[encoding]
        response = Response(text, mimetype="application/json")
        if encoding != "identity":
            response.headers["Content-Encoding"] = encoding
        response.headers["Vary"] = "Accept-Encoding"
        # Everybody may keep it, and asks by its ETag whether it is still the same.
        response.headers["Cache-Control"] = "public, no-cache"
        response.set_etag(etag)
        response.make_conditional(request)
        return response

    def _register_error_handlers(self) -> None:
        """Nothing: errors/problems.py answers for the whole application."""


def _plugin() -> Any:
    return MarshmallowPlugin(schema_name_resolver=_schema_name)


def _schema_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    # A merge patch takes the same members, none of them required.
    change = "Change" if getattr(schema, "partial", None) else ""
    return kind.__name__.removesuffix("Schema") + change
