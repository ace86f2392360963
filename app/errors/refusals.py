"""From the outcome and facts that a SQL function returned to the Refusal that explains them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.errors import Refusal
from app.errors.moments import said_moment, said_span
from app.errors.reasons import Facts, count, sentence

_CONFLICT_MEMBERS = (
    "reason",
    "requested",
    "available",
    "slot_id",
    "start",
    "end",
    "time_zone",
    "index",
    "other_start",
    "other_end",
    "bookings",
    "services",
    "status",
    "wanted",
    "busy_time_id",
    "hold_expires_at",
    "version",
    "customer_id",
    "most",
    "schedule_id",
    "date",
)
_IN_THE_WAY = {
    "booked": "it has been booked",
    "held": "somebody is booking it right now",
    "blocked": "the vendor has closed it",
    "capacity": "there were never so many",
}
# The second where a service was asked for, and not a provider.
_NOTHING_PUBLISHED = (
    "The provider has published nothing in this time.",
    "Of those who do this service at the places in question, nobody has published this time.",
)
# Where some places are left: what is with the others.
_WITH_THE_OTHERS = {
    "held": ", and somebody is booking others right now",
    "blocked": ", the vendor has closed the others",
    "capacity": ", and there were never so many",
}
_OTHERS = "`alternatives` names some, where there are any; the availability list has all."
# What to do about a time that is taken, by what is in the way. The code's own hint is for `booked`.
_HINTS = {
    "held": "Another customer is booking this time right now. If they do not finish, it comes back"
    " when their hold lapses: try again in a few minutes, or select a different time:"
    f" {_OTHERS}",
    "blocked": f"The vendor has closed this time. Select a different time: {_OTHERS}",
    "capacity": "There were never so many places at this time: ask for fewer, and select a"
    f" different time: {_OTHERS}",
}
_SOME_HELD = (
    "Ask for as many places as `conflict.available` says. Others are held and may come back when"
    " their holds lapse: try again in a few minutes, or select a different time: `alternatives`"
    " names some, where there are any."
)
_SELECT_PUBLISHED = (
    "Select a time that is published and open: GET …/availability lists them, and GET …/times those"
    " of a service."
)
_CHANGE_OTHERWISE = (
    "Choose times that leave the other slot alone, or move or delete that one first. Nothing was"
    " changed."
)
_CLOSE_OTHERWISE = (
    "Cancel the bookings or lift the blocks named in `conflict.bookings` first, or close another"
    " time, or fewer places."
)


def refusal(outcome: str, facts: Facts | None, **ids: Any) -> Refusal:
    """The Refusal that says `outcome`, one of CODES, in words, with its facts as members.

    `ids` name what was asked for in the log.
    """
    facts = facts or {}
    members: dict[str, Any] = {}
    if outcome in {"VALIDATION_ERROR", "INVALID_DATE_RANGE"}:
        field, message = _field(outcome, facts), sentence(facts)
        members["errors"] = [{"field": field, "message": message}]
        return Refusal(outcome, f"{field}: {message}", facts, ids, **members)
    conflict = {name: facts[name] for name in _CONFLICT_MEMBERS if name in facts}
    if conflict:
        members["conflict"] = conflict
    if "alternatives" in facts:
        members["alternatives"] = facts["alternatives"]
    if outcome in {"BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY"}:
        members.setdefault("alternatives", [])
    members["hint"] = _hint(outcome, facts)
    return Refusal(outcome, _detail(outcome, facts), facts, ids, **members)


def _hint(outcome: str, facts: Facts) -> str | None:
    """What to do about what is in the way; None where that is what the code always says."""
    if outcome == "SLOT_NOT_FOUND" and ("slot_id" not in facts or facts.get("reason") == "closed"):
        return _SELECT_PUBLISHED
    if outcome == "SLOT_OVERLAP" and "index" not in facts:
        return _CHANGE_OTHERWISE
    if outcome in {"BOOKING_CONFLICT", "INSUFFICIENT_INVENTORY"}:
        return _hint_of_conflict(outcome, facts)
    return None


def _hint_of_conflict(outcome: str, facts: Facts) -> str | None:
    if facts.get("available", 0) is None:
        return "Ask for fewer places, or select a different time."
    if facts.get("bookings"):
        return _CLOSE_OTHERWISE
    reason = str(facts.get("reason"))
    if outcome == "BOOKING_CONFLICT":
        return _HINTS.get(reason)
    return _SOME_HELD if reason == "held" else None


def _field(outcome: str, facts: Facts) -> str:
    field = facts.get("field", "end" if outcome == "INVALID_DATE_RANGE" else "request")
    if "index" not in facts:
        return str(field)
    return f"slots.{facts['index']}" + (f".{field}" if field in {"start", "end"} else "")


def _detail(outcome: str, facts: Facts) -> str | None:  # noqa: C901, PLR0911  # One sentence a case.
    match outcome:
        case "BOOKING_CONFLICT" | "INSUFFICIENT_INVENTORY" if "requested" in facts:
            return _conflict(facts)
        case "SLOT_OVERLAP":
            return _overlap(facts)
        case "SLOT_IN_USE":
            return f"{count(len(facts.get('bookings', [])), 'booking')} would no longer fit."
        case "BOOKING_STATE_CONFLICT":
            return _state(facts)
        case "BOOKING_LIMIT_REACHED":
            return f"The vendor allows {count(facts['most'], 'open booking')} for each customer."
        case "HOLD_EXPIRED":
            expired = said_moment(facts["hold_expires_at"], facts.get("time_zone"))
            return f"The hold expired at {expired}."
        case "PRECONDITION_FAILED":
            return f"The version is now {facts.get('version')}, not the one in If-Match."
        case "SLOT_NOT_FOUND" if facts.get("reason") == "closed":
            return "The vendor has closed this time."
        case "SLOT_NOT_FOUND" if "slot_id" not in facts:
            return _NOTHING_PUBLISHED["requested" in facts]
        case "LOCATION_NOT_FOUND" if "index" in facts:
            return f"slots.{facts['index']}: there is no such location."
        case _:
            return _other(outcome, facts)


def _needed(bookings: list[dict[str, Any]]) -> str:
    """How many bookings to come need it, as far as they are named, and when the first begins."""
    many = "100 bookings or more" if len(bookings) >= 100 else count(len(bookings), "booking")
    first = min(bookings, key=_begins)
    return f"{many} to come, the first at {said_moment(first['start'], first.get('time_zone'))}."


def _begins(booking: Mapping[str, Any]) -> datetime:
    start = booking["start"]
    return (datetime.fromisoformat(start) if isinstance(start, str) else start).astimezone(UTC)


def _state(facts: Facts) -> str:
    match facts.get("reason"):
        case "not_begun":
            begins = said_moment(facts["start"], facts.get("time_zone"))
            return f"The booking begins at {begins}: only then can it be {facts['wanted']}."
        case "has_begun":
            begun = said_moment(facts["start"], facts.get("time_zone"))
            return f"The booking has begun at {begun}: only the vendor can change it now."
        case "cancelled_by_vendor":
            return "The vendor has cancelled the booking, and alone can confirm it again."
        case "busy_time":
            return (
                "The block stands for busy time of its provider, and goes with that: end the time"
                " off, or import the calendar again."
            )
        case "closed_to_customers":
            return f"The booking is {facts['status']}: only the vendor can change it now."
        case _:
            return f"The booking is {facts['status']} and cannot become {facts['wanted']}."


def _conflict(facts: Facts) -> str:
    places = count(facts["requested"], "place")
    available = facts["available"]
    why = _IN_THE_WAY.get(facts["reason"], "it has been booked")
    if available is None:
        why = "fewer are left"
    elif available:
        verb = "is" if available == 1 else "are"
        why = f"{available} {verb} left{_WITH_THE_OTHERS.get(facts['reason'], '')}"
    when = said_span(facts["start"], facts["end"], facts.get("time_zone"))
    return f"{when} is no longer available for {places}: {why}."


def _overlap(facts: Facts) -> str:
    zone = facts.get("time_zone")
    other = said_span(facts["other_start"], facts["other_end"], zone)
    if "index" not in facts:
        return f"Another slot of the provider is there already: {other}."
    this = f"slots.{facts['index']}, {said_span(facts['start'], facts['end'], zone)},"
    if facts.get("slot_id") is None:
        return f"{this} overlaps another slot of this request: {other}."
    return f"{this} overlaps the published slot {facts['slot_id']}: {other}."


def _other(outcome: str, facts: Facts) -> str | None:
    if outcome == "IDEMPOTENCY_CONFLICT":
        return "This Idempotency-Key came before with another method, path, body or caller."
    if outcome == "SCHEDULE_OVERLAP":
        return f"On {facts['date']} the hours overlap those of schedule {facts['schedule_id']}."
    if outcome.endswith("_IN_USE") and facts.get("bookings"):
        return _needed(facts["bookings"])
    if outcome == "PROVIDER_IN_USE" and facts.get("services"):
        needing = [f"{one['name']} ({one['role']})" for one in facts["services"]]
        return f"Nobody else does it for {', '.join(needing)}."
    named = [str(value) for name, value in facts.items() if name.endswith("_id")]
    if outcome.endswith("_NOT_FOUND") and named:
        kind = outcome.removesuffix("_NOT_FOUND").lower()
        erased = ", or it has been erased" if kind == "customer" else ""
        return f"There is no {kind} {named[0]}{erased}."
    return None
