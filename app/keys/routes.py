"""The API keys of a vendor: list, get, make, revoke."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.auth import VendorBlueprint, current_visit, vendor_admin_or_operator
from app.idempotency import idempotency_key
from app.keys import actions, queries
from app.keys.schemas import ApiKeySchema, NewApiKeySchema
from app.wire.answers import answer, created, expected_version, nothing
from app.wire.pages import PageQuery, page_of

blueprint = VendorBlueprint("keys", "Who may act for the vendor.")

VENDOR, KEY = "VENDOR_NOT_FOUND", "API_KEY_NOT_FOUND"


@blueprint.call(
    "GET",
    "/keys",
    query=PageQuery(),
    answers=(200, page_of(ApiKeySchema)),
    refuses=[VENDOR],
    guard=vendor_admin_or_operator,
)
def list_api_keys(query: dict[str, Any]) -> Response:
    """List the API keys, revoked ones included; their texts are not known."""
    return answer(queries.list_keys(current_visit().vendor_id, **query))


@blueprint.call(
    "POST",
    "/keys",
    body=NewApiKeySchema(),
    answers=(201, NewApiKeySchema()),
    refuses=[VENDOR],
    guard=vendor_admin_or_operator,
    keyed=True,
    example={"name": "The website", "scope": "write"},
)
def create_api_key(values: dict[str, Any]) -> Response:
    """Make an API key.

    Its text, `key`, is in this answer and never again. A repetition with the same Idempotency-Key
    makes no second key and answers with `"key": null`: if the first answer was lost, revoke that
    key and make another.
    """
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    row, replayed = actions.create_key(visit.vendor_id, values, key)
    response = created(row, f"/api/v1/vendors/{visit.vendor}/keys/{row['id']}", replayed=replayed)
    # It holds a secret: nothing between us and the caller may keep it.
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.call(
    "GET",
    "/keys/<uuid:key_id>",
    answers=(200, ApiKeySchema()),
    refuses=[VENDOR, KEY],
    guard=vendor_admin_or_operator,
)
def get_api_key(key_id: UUID) -> Response:
    """Get an API key, without its text."""
    # Its last use is no change of the key.
    return answer(queries.get_key(current_visit().vendor_id, key_id), unchanging=False)


@blueprint.call(
    "DELETE",
    "/keys/<uuid:key_id>",
    answers=(204, None),
    refuses=[VENDOR, KEY],
    guard=vendor_admin_or_operator,
    versioned=True,
)
def revoke_api_key(key_id: UUID) -> Response:
    """Revoke an API key: it is refused from the next request on, and stays in the list.

    A vendor can revoke its last key. The operator can make it a new one.
    """
    actions.revoke_key(current_visit().vendor_id, key_id, expected_version())
    return nothing()
