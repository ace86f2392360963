"""Writes of bookings and blocks: one Python function a SQL function, of the same name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from app import db, metrics
from app.auth import Visit
from app.bookings.queries import describe_booking, show_block, show_booking
from app.bookings.requests import by_service_and_start
from app.errors import InvalidRequest, Problem
from app.errors.refusals import refusal
from app.idempotency import IdempotencyKey, remember
from app.wire.shown_numbers import may_ask, told_facts

ALTERNATIVES = 3
_DETAILS = ("guests", "channel", "notes", "internal_notes", "metadata")
_CHECKED = ("provider_id", "location_id")
# What slots that have changed meanwhile are refused for.
_OF_SLOTS = frozenset({"outside_slot", "not_adjacent", "gap"})
# What a customer may undo or do alone; the vendor's judgement (no_show, completed) is not theirs.
_CUSTOMER_MAY_CONFIRM = frozenset({"held", "confirmed", "cancelled", "expired"})

Move = Literal["confirm_booking", "cancel_booking", "complete_booking", "mark_no_show"]


def claim_slot_and_create_booking(
    visit: Visit, wanted: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    """The new booking with its manage_token and False; on a replay, as it is now, and True.

    `wanted`: what BookingRequestSchema loads. Raises every refusal of booking.
    """
    require_customer(visit, wanted)
    row = _claim(visit, wanted, key)
    if row.booking_id is None and _may_lie_elsewhere(wanted, row):
        # Once, and only here: whoever is booked at once pays nothing for it.
        row = _claim(visit, wanted, key)
    if row.booking_id is None:
        raise refusal(row.outcome, told_facts(row.facts, visit.numbers), **_named(wanted))
    if not row.replayed:
        metrics.count_bookings(row.outcome.lower())
    booking = show_booking(row.facts, internal=visit.caller.is_vendor)
    token = visit.manage_token(row.booking_id, row.facts["token_version"])
    return {**booking, "manage_token": token}, row.replayed


def _claim(visit: Visit, wanted: dict[str, Any], key: IdempotencyKey) -> db.Row:
    time: dict[str, Any]
    if by_service_and_start(wanted):
        function = "claim_service_and_create_booking"
        places = [wanted["location_id"]] if "location_id" in wanted else wanted.get("location_ids")
        time = {"p_provider_id": wanted.get("provider_id"), "p_location_ids": places}
    else:
        function = "claim_slot_and_create_booking"
        time = {"p_slot_ids": _slot_ids(visit.vendor_id, wanted)}
    return db.call(
        function,
        p_vendor_id=visit.vendor_id,
        **time,
        p_start=wanted.get("start"),
        p_end=wanted.get("end"),
        p_quantity=wanted["quantity"],
        p_customer_id=wanted.get("customer_id"),
        p_service_id=wanted.get("service_id"),
        p_hold_for=timedelta(minutes=visit.settings.hold_minutes) if wanted["hold"] else None,
        p_idempotency_key=key.key,
        p_fingerprint=key.fingerprint,
        p_details=_details(wanted),
        p_actor=visit.actor,
        p_alternatives=ALTERNATIVES if may_ask(wanted["quantity"], visit.numbers) else 0,
    )


def change_status(
    visit: Visit,
    move: Move,
    booking_id: UUID,
    key: IdempotencyKey,
    expected_version: int | None,
    *,
    reason: str | None = None,
) -> tuple[dict[str, Any], bool]:
    """The booking after the move, and whether this was a replay; doing it again changes nothing.

    `reason` is of a cancellation.

    Raises BOOKING_NOT_FOUND, BOOKING_STATE_CONFLICT, HOLD_EXPIRED, PRECONDITION_FAILED, and the
    refusals of booking when a cancelled booking is confirmed.
    """
    if move == "confirm_booking" and not visit.caller.is_vendor:
        _require_customers_move(visit, booking_id)
    arguments: dict[str, Any] = {
        "p_booking_id": booking_id,
        "p_expected_version": expected_version,
    }
    if reason is not None:
        arguments["p_reason"] = reason
    if key.key is None:
        return _moved(visit, _move(visit, move, arguments)), False
    return db.persist(lambda: _move_once(visit, move, arguments, key), repeatable=True)


def block_time(
    visit: Visit, wanted: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    """The new block and False, or the block as it is now and True on a replay.

    Raises BOOKING_CONFLICT and INSUFFICIENT_INVENTORY with the bookings in the way.
    """
    row = db.call(
        "block_time",
        p_vendor_id=visit.vendor_id,
        p_provider_id=wanted["provider_id"],
        p_start=wanted["start"],
        p_end=wanted["end"],
        p_quantity=wanted.get("quantity"),
        p_reason=wanted.get("reason"),
        p_idempotency_key=key.key,
        p_fingerprint=key.fingerprint,
        p_actor=visit.actor,
    )
    if row.booking_id is None:
        raise refusal(row.outcome, row.facts, provider_id=str(wanted["provider_id"]))
    if not row.replayed:
        metrics.count_bookings("blocked")
    return show_block(row.facts), row.replayed


def unblock_time(visit: Visit, block_id: UUID, expected_version: int | None) -> None:
    """The block is lifted; doing it again changes nothing. Raises BLOCK_NOT_FOUND."""
    row = db.call(
        "unblock_time",
        p_vendor_id=visit.vendor_id,
        p_booking_id=block_id,
        p_actor=visit.actor,
        p_expected_version=expected_version,
    )
    if row.outcome == "BOOKING_NOT_FOUND":
        raise Problem("BLOCK_NOT_FOUND", f"There is no block {block_id}.")
    if row.outcome != "CANCELLED":
        raise refusal(row.outcome, row.facts, booking_id=str(block_id))
    if row.changed:
        metrics.count_bookings("unblocked")


def require_customer(visit: Visit, wanted: dict[str, Any]) -> None:
    """A public caller says who comes; a vendor need not. Raises InvalidRequest."""
    if visit.caller.is_vendor:
        return
    if wanted.get("internal_notes") is not None:
        raise InvalidRequest({"internal_notes": "Only the vendor writes these, with an API key."})
    if wanted.get("customer_id") is not None:
        raise InvalidRequest({"customer_id": "Only the vendor names a customer, with an API key."})
    customer = wanted.get("customer") or {}
    errors = {}
    if not customer.get("name"):
        errors["customer.name"] = "Say who is coming."
    if not customer.get("email") and not customer.get("phone"):
        errors["customer.email"] = "Give an e-mail address or a telephone number."
    if errors:
        raise InvalidRequest(errors)


def _slot_ids(vendor_id: UUID, wanted: dict[str, Any]) -> list[UUID] | db.Nested:
    if "slot_id" in wanted:
        return [wanted["slot_id"]]
    if "slot_ids" in wanted:
        ids: list[UUID] = wanted["slot_ids"]
        return ids
    # Looked up in the statement that claims them: still one round trip.
    return db.Nested(
        "slots_covering",
        (
            ("p_vendor_id", vendor_id),
            ("p_provider_id", wanted["provider_id"]),
            ("p_start", wanted["start"]),
            ("p_end", wanted["end"]),
            # Its buffers are claimed with it.
            ("p_service_id", wanted.get("service_id")),
        ),
    )


def _may_lie_elsewhere(wanted: dict[str, Any], row: db.Row) -> bool:
    """Whether a claim by provider and time was refused over slots that may be others by now.

    They were looked up before the claim waited for them, and meanwhile a schedule may have cut or
    replaced them: the time is there, in slots that nobody has named.
    """
    if {"slot_id", "slot_ids"} & wanted.keys() or by_service_and_start(wanted):
        return False
    if row.outcome == "SLOT_NOT_FOUND":
        return "slot_id" in row.facts
    return row.outcome == "VALIDATION_ERROR" and row.facts.get("reason") in _OF_SLOTS


def _details(wanted: dict[str, Any]) -> dict[str, Any]:
    details = {name: wanted[name] for name in _DETAILS if wanted.get(name) is not None}
    details |= {name: str(wanted[name]) for name in _CHECKED if name in wanted}
    customer = {name: value for name, value in (wanted.get("customer") or {}).items() if value}
    return {**details, "customer": customer} if customer else details


def _named(wanted: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, as the log keeps it: ids and numbers only."""
    ids = [wanted["slot_id"]] if "slot_id" in wanted else wanted.get("slot_ids", [])
    return {
        "slot_ids": [str(slot_id) for slot_id in ids] or None,
        "provider_id": str(wanted["provider_id"]) if "provider_id" in wanted else None,
        "quantity": wanted["quantity"],
    }


def _require_customers_move(visit: Visit, booking_id: UUID) -> None:
    facts = describe_booking(visit.vendor_id, booking_id)
    if facts is not None and facts["status"] not in _CUSTOMER_MAY_CONFIRM:
        raise refusal(
            "BOOKING_STATE_CONFLICT",
            {"status": facts["status"], "wanted": "confirmed"},
            booking_id=str(booking_id),
        )


def _move_once(
    visit: Visit, move: Move, arguments: dict[str, Any], key: IdempotencyKey
) -> tuple[dict[str, Any], bool]:
    booking_id: UUID = arguments["p_booking_id"]
    with db.transaction() as session:
        before = remember(session, visit.vendor_id, key, {"booking_id": str(booking_id)})
        if before is None:
            row = _move(visit, move, arguments, within=session)
    if before is None:
        return _moved(visit, row), False
    facts = describe_booking(visit.vendor_id, booking_id)
    if facts is None:
        raise Problem("BOOKING_NOT_FOUND", f"There is no booking {booking_id}.")
    return show_booking(facts, internal=visit.caller.is_vendor), True


def _moved(visit: Visit, row: db.Row) -> dict[str, Any]:
    """The booking that a committed move leaves, counted if the move changed it."""
    if row.changed:
        metrics.count_bookings(row.outcome.lower())
    return show_booking(row.facts, internal=visit.caller.is_vendor)


def _move(
    visit: Visit, move: Move, arguments: dict[str, Any], within: Session | None = None
) -> db.Row:
    row = db.call(
        move, within=within, p_vendor_id=visit.vendor_id, p_actor=visit.actor, **arguments
    )
    if row.outcome not in {"CONFIRMED", "CANCELLED", "COMPLETED", "NO_SHOW"}:
        facts = told_facts(row.facts, visit.numbers)
        raise refusal(row.outcome, facts, booking_id=str(arguments["p_booking_id"]))
    return row
