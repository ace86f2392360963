"""Close published time, list what is closed, and open it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.auth import VendorBlueprint, current_visit, vendor_read, vendor_write
from app.bookings import actions, queries
from app.bookings.schemas import BlockQuery, BlockRequestSchema, BlockSchema
from app.idempotency import idempotency_key
from app.wire.answers import answer, created, expected_version, nothing
from app.wire.pages import page_of

blueprint = VendorBlueprint("blocks", "Time that the vendor closes: breaks, leave, imported time.")

VENDOR, BLOCK = "VENDOR_NOT_FOUND", "BLOCK_NOT_FOUND"


@blueprint.call(
    "POST",
    "/blocks",
    body=BlockRequestSchema(),
    answers=(201, BlockSchema()),
    refuses=[
        VENDOR,
        "SLOT_NOT_FOUND",
        "BOOKING_CONFLICT",
        "INSUFFICIENT_INVENTORY",
        "INVALID_DATE_RANGE",
    ],
    guard=vendor_write,
    keyed=True,
)
def block_time(wanted: dict[str, Any]) -> Response:
    """Close the published time of a provider; refused while bookings are in the way."""
    visit = current_visit()
    key = idempotency_key(visit.caller.identity)
    block, replayed = actions.block_time(visit, wanted, key)
    location = f"/api/v1/vendors/{visit.vendor}/blocks/{block['id']}"
    return created(block, location, replayed=replayed)


@blueprint.call(
    "GET",
    "/blocks",
    query=BlockQuery(),
    answers=(200, page_of(BlockSchema)),
    refuses=[VENDOR, "INVALID_DATE_RANGE"],
    guard=vendor_read,
)
def list_blocks(query: dict[str, Any]) -> Response:
    """List the blocks that stand, by start."""
    return answer(queries.list_blocks(current_visit().vendor_id, **query))


@blueprint.call(
    "GET",
    "/blocks/<uuid:block_id>",
    answers=(200, BlockSchema()),
    refuses=[VENDOR, BLOCK],
    guard=vendor_read,
)
def get_block(block_id: UUID) -> Response:
    """Get a block."""
    # The time zone is the location's, which can be corrected.
    return answer(queries.get_block(current_visit().vendor_id, block_id), unchanging=False)


@blueprint.call(
    "DELETE",
    "/blocks/<uuid:block_id>",
    answers=(204, None),
    refuses=[VENDOR, BLOCK, "BOOKING_STATE_CONFLICT"],
    guard=vendor_write,
    versioned=True,
)
def unblock_time(block_id: UUID) -> Response:
    """Open the time again."""
    visit = current_visit()
    actions.unblock_time(visit, block_id, expected_version())
    return nothing()
