"""The statements that list a vendor's bookings, each of which reads an index in its order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.wire.windows import require_order

Statement = tuple[str, *tuple[Any, ...]]
# A condition, and the values of its %s.
Condition = tuple[str, tuple[Any, ...]]
# `at` and id of the last booking shown; None at the start.
After = Sequence[Any] | None

# As the index bookings_long has it.
_LONG = "upper(b.during) - lower(b.during) > interval '12 hours'"
_SHORT = "upper(b.during) - lower(b.during) <= interval '12 hours'"
# As the view booking_descriptions has it, and the index bookings_lapsing can search for it.
_LAPSED = "(b.status = 'held' AND b.hold_expires_at <= now())"


def by_start(vendor_id: UUID, wanted: dict[str, Any], after: After) -> Statement:
    """Bookings that overlap the time from `start` to `end`, by start; `at` is the start.

    Raises INVALID_DATE_RANGE.
    """
    start, end = _window(wanted)
    conditions = _conditions(wanted)
    if end is not None:
        conditions.append(("lower(b.during) < %s", (end,)))
    if after is not None:
        conditions.append(("(lower(b.during), b.id) > (%s, %s)", tuple(after)))
    order = "lower(b.during), b.id"
    if start is None:
        return _statement(vendor_id, wanted, order, [conditions])
    # Three searches of one index each: what begins in the window; what is short and began a little
    # before it; what is long. Together they would read everything that ever began before. Of what
    # is long, "began before" is said so that only the index of times can be searched for it.
    near = ("lower(b.during) < %s AND lower(b.during) > %s - interval '12 hours'", (start, start))
    short = (f"upper(b.during) > %s AND {_SHORT}", (start,))
    begun = ("NOT b.during &> tstzrange(%s, NULL)", (start,))
    long = (f"b.during && tstzrange(%s, %s, '[]') AND {_LONG}", (start, start))
    return _statement(
        vendor_id,
        wanted,
        order,
        [
            [*conditions, ("lower(b.during) >= %s", (start,))],
            [*conditions, near, short],
            [*conditions, begun, long],
        ],
    )


def by_change(
    vendor_id: UUID, wanted: dict[str, Any], after: After, settled: datetime
) -> Statement:
    """Bookings changed since `updated_since` and before `settled`, by change; `at` is when.

    Raises INVALID_DATE_RANGE.
    """
    start, end = _window(wanted)
    conditions = _conditions(wanted)
    conditions.append(
        ("b.updated_at >= %s AND b.updated_at < %s", (wanted["updated_since"], settled))
    )
    if start is not None or end is not None:
        conditions.append(("b.during && tstzrange(%s, %s)", (start, end)))
    if after is not None:
        conditions.append(("(b.updated_at, b.id) > (%s, %s)", tuple(after)))
    return _statement(vendor_id, wanted, "b.updated_at, b.id", [conditions])


def _window(wanted: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    start, end = wanted.get("start"), wanted.get("end")
    require_order(start, end)
    return start, end


def _conditions(wanted: dict[str, Any]) -> list[Condition]:
    """What every booking of the list has in common."""
    conditions: list[Condition] = []
    # Kinds and statuses are words of ours, and written out: so the planner sees a partial index.
    if wanted["kind"] != "all":
        conditions.append((f"b.kind = '{wanted['kind']}'", ()))
    if wanted.get("status"):
        conditions.append((_of_statuses(set(wanted["status"])), ()))
    conditions.extend(
        (f"b.{name} = %s", (wanted[name],))
        for name in ("provider_id", "location_id", "customer_id")
        if wanted.get(name) is not None
    )
    return conditions


def _of_statuses(wanted: set[str]) -> str:
    """That a booking is shown with one of these statuses: a hold that has lapsed, as expired."""
    named = ", ".join(f"'{status}'" for status in sorted(wanted))
    condition = f"b.status IN ({named})"
    if wanted.issuperset({"held", "expired"}):
        return condition
    if "held" in wanted:
        return f"{condition} AND (b.status <> 'held' OR NOT {_LAPSED})"
    if "expired" in wanted:
        return f"({condition} OR {_LAPSED})"
    return condition


def _of_customers(wanted: dict[str, Any]) -> list[Condition]:
    """Which customers' bookings, when they are asked for by address or number."""
    conditions: list[Condition] = []
    if wanted.get("email") is not None:
        conditions.append(("folded(c.email) = folded(%s)", (wanted["email"],)))
    if wanted.get("phone") is not None:
        conditions.append(("phone_digits(c.phone) = phone_digits(%s)", (wanted["phone"],)))
    return conditions


def _statement(
    vendor_id: UUID, wanted: dict[str, Any], order: str, branches: Iterable[list[Condition]]
) -> Statement:
    """The first `limit` + 1 of all branches together, described."""
    of_customers = _of_customers(wanted)
    at = order.split(", b.id", maxsplit=1)[0]
    limit = wanted["limit"] + 1
    texts: list[str] = []
    values: list[Any] = []
    for conditions in branches:
        where, given = _joined([("b.vendor_id = %s", (vendor_id,)), *conditions])
        branch = f"SELECT b.vendor_id, b.id, {at} AS at FROM bookings b WHERE {where}"  # noqa: S608
        if of_customers:
            # For each customer their bookings by key: whatever the planner thinks there are.
            who, named = _joined([("c.vendor_id = %s", (vendor_id,)), *of_customers])
            branch = (
                "SELECT b.* FROM customers c CROSS JOIN LATERAL ("  # noqa: S608
                f"{branch} AND b.customer_id = c.id OFFSET 0) b WHERE {who} ORDER BY b.at, b.id"
            )
            given = [*given, *named]
        elif any(_LONG in text for text, _ in conditions):
            branch = f"SELECT * FROM ({branch} OFFSET 0) b ORDER BY at, id"  # noqa: S608
        else:
            branch = f"{branch} ORDER BY {order}"
        texts.append(f"({branch} LIMIT %s)")
        values += [*given, limit]
    each = f"SELECT * FROM ({' UNION ALL '.join(texts)}) each_branch ORDER BY at, id LIMIT %s"  # noqa: S608
    described = "found.at, found.id, describe_booking(found.vendor_id, found.id) AS facts"
    # Described outside the LIMIT: no more of them than are shown.
    text = f"SELECT {described} FROM ({each}) found ORDER BY found.at, found.id"  # noqa: S608
    return text, *values, limit


def _joined(conditions: Iterable[Condition]) -> tuple[str, list[Any]]:
    texts, values = zip(*conditions, strict=True)
    return " AND ".join(texts), [value for given in values for value in given]
