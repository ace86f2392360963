"""What a person could do about a damaged row, as SQL with the offender's values filled in."""

from __future__ import annotations

import json
from typing import Any

from psycopg import sql

Offender = dict[str, Any]
SYSTEM = '{"type": "system"}'

_CANCEL = (
    "SELECT outcome, facts FROM cancel_booking(p_vendor_id => {vendor_id},"
    " p_booking_id => {booking_id}, p_actor => {actor});"
)
_CONFIRM = _CANCEL.replace("cancel_booking", "confirm_booking")
_LOOK_AT_CLAIM = (
    "SELECT * FROM claims WHERE vendor_id = {vendor_id} AND booking_id = {booking_id}"
    " AND ordinal IS NOT DISTINCT FROM {ordinal};"
)
_DELETE_CLAIM = _LOOK_AT_CLAIM.replace("SELECT * FROM", "DELETE FROM")
_REPEAT_SHAPES = (
    "UPDATE claims c SET slot_during = s.during, slot_capacity = s.capacity,"
    " quantity = b.quantity, booking_occupying = true FROM slots s, bookings b"
    " WHERE s.vendor_id = c.vendor_id AND s.id = c.slot_id"
    " AND b.vendor_id = c.vendor_id AND b.id = c.booking_id"
    " AND c.vendor_id = {vendor_id} AND c.booking_id = {booking_id} AND c.ordinal = {ordinal};"
)
_LOOK_AT_UNIT = (
    "SELECT c.booking_id, c.during, c.units, b.status, b.kind, b.created_at FROM claims c"
    " JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id"
    " WHERE c.vendor_id = {vendor_id} AND c.provider_id = {provider_id}"
    " AND c.during && tstzrange({start}, {busy_until}) AND c.units @> {unit}::integer"
    " ORDER BY b.created_at;"
)
_LOOK_AT_MOMENT = (
    "SELECT b.id, b.quantity, b.status, b.kind, b.created_at FROM claims c"
    " JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id"
    " WHERE c.vendor_id = {vendor_id} AND c.slot_id = {slot_id}"
    " AND c.during @> {at}::timestamptz ORDER BY b.created_at;"
)
_ENLARGE = (
    "-- SELECT outcome, facts FROM resize_slot({vendor_id}, {slot_id}, p_capacity => {places});"
)
_TELL_AS_CLAIMED = """\
WITH claimed AS (
    SELECT min(lower(during)) AS starts, max(upper(during)) AS ends,
           array_agg(slot_id ORDER BY ordinal) AS slot_ids,
           (array_agg(provider_id ORDER BY ordinal))[1] AS provider_id
    FROM claims WHERE vendor_id = {vendor_id} AND booking_id = {booking_id} HAVING count(*) > 0
), mended AS (
    UPDATE bookings SET slot_ids = claimed.slot_ids,
           during = tstzrange(starts + make_interval(mins => buffer_before_minutes),
                              ends - make_interval(mins => buffer_after_minutes)),
           provider_id = claimed.provider_id, version = version + 1, updated_at = clock_timestamp()
    FROM claimed WHERE vendor_id = {vendor_id} AND id = {booking_id}
    RETURNING vendor_id, id, version
)
INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)
SELECT vendor_id, id, version, 'changed', {actor}, {changes} FROM mended;"""
_LOOK_AT_SLOTS = (
    "SELECT s.*, (SELECT count(*) FROM claims c WHERE c.vendor_id = s.vendor_id"
    " AND c.slot_id = s.id) AS claims FROM slots s WHERE s.vendor_id = {vendor_id}"
    " AND s.provider_id = {provider_id} AND s.during && tstzrange({start}, {busy_until});"
)
_CLOSE_WITHIN = (
    "UPDATE slots SET closed = CASE WHEN schedule_id IS NULL THEN '{{}}'"
    " ELSE closed * tstzmultirange(during) END, version = version + 1, updated_at = now()"
    " WHERE vendor_id = {vendor_id} AND id = {slot_id};"
)
_DELETE_SLOT = "SELECT outcome, facts FROM delete_slot({vendor_id}, {slot_id});"
_TELL_ONCE_MORE = """\
WITH told AS (
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)
    VALUES ({vendor_id}, {booking_id}, {next}, {kind}, {actor}, {changes}) ON CONFLICT DO NOTHING
)
UPDATE bookings SET version = {next}, updated_at = clock_timestamp()
WHERE vendor_id = {vendor_id} AND id = {booking_id};"""
_FORGET_KEY = (
    "DELETE FROM idempotency_keys WHERE vendor_id = {vendor_id}"
    " AND encode(sha256(convert_to(key, 'UTF8')), 'hex') = {key_sha256};"
)
_CLOSE = "SELECT changed, facts FROM close_busy_time({vendor_id}, {provider_id});"
_FORGET_BUSY = (
    "DELETE FROM busy_blocks WHERE vendor_id = {vendor_id} AND booking_id = {booking_id};"
)
_RETELL_BUSY = (
    "UPDATE busy_blocks k SET provider_id = b.provider_id, ends = upper(b.during) FROM bookings b"
    " WHERE b.vendor_id = k.vendor_id AND b.id = k.booking_id AND k.vendor_id = {vendor_id}"
    " AND k.booking_id = {booking_id};"
)
# Made in one transaction, a booking and its key are of one moment.
_WHEN_MADE = {
    "bookings": (
        "COALESCE((SELECT k.created_at FROM idempotency_keys k WHERE k.vendor_id = {vendor_id} AND"
        " k.booking_id = {id} AND isfinite(k.created_at)), (SELECT min(e.occurred_at) FROM events e"
        " WHERE e.vendor_id = {vendor_id} AND e.booking_id = {id} AND isfinite(e.occurred_at)),"
        " now())"
    ),
    "idempotency_keys": (
        "COALESCE((SELECT b.created_at FROM bookings b WHERE b.vendor_id = {vendor_id}"
        " AND b.id = booking_id AND isfinite(b.created_at)), now())"
    ),
}
_EXPIRE = "SELECT expire_holds({vendor_id});"
_END_HOLD = (
    "UPDATE bookings SET hold_expires_at = now() WHERE vendor_id = {vendor_id}"
    " AND id = {booking_id} AND status = 'held'"
    " AND hold_expires_at > now() + interval '7 days 1 hour';"
)
_WHERE_IT_IS = (
    "UPDATE bookings b SET location_id = s.location_id FROM slots s"
    " WHERE s.vendor_id = b.vendor_id AND s.id = {slot_id}"
    " AND b.vendor_id = {vendor_id} AND b.id = {booking_id};"
)


def mend_misfit(offender: Offender) -> list[str]:
    """Let a claim of nothing go; repeat what it should; otherwise look and cancel."""
    if {"booking_missing", "booking_does_not_occupy"} & set(offender["reasons"]):
        return [filled(_DELETE_CLAIM, offender)]
    if set(offender["reasons"]) <= {"slot_shape", "booking_shape"}:
        return [filled(_REPEAT_SHAPES, offender)]
    if offender["reasons"] == ["other_place"]:
        return [filled(_WHERE_IT_IS, offender)]
    return [filled(_LOOK_AT_CLAIM, offender), filled(_CANCEL, offender)]


def mend_twice(offender: Offender) -> list[str]:
    """See who has the place, then cancel one."""
    return [filled(_LOOK_AT_UNIT, offender), filled(_CANCEL, offender)]


def mend_half(offender: Offender) -> list[str]:
    """Free what it has, then claim all of it again."""
    return [filled(_CANCEL, offender), filled(_CONFIRM, offender)]


def mend_crowd(offender: Offender) -> list[str]:
    """See who is there, then cancel some, or make room if there is any."""
    return [filled(_LOOK_AT_MOMENT, offender), filled(_ENLARGE, offender)]


def mend_times(offender: Offender) -> list[str]:
    """Let the booking, and an event, tell what it claims; or claim again what was left out."""
    if "time_left_out" in offender["reasons"]:
        return mend_half(offender)
    changes = '{"start": {}, "end": {}, "slot_ids": {}, "provider_id": {}}'
    return [filled(_TELL_AS_CLAIMED, offender, changes=changes)]


def mend_slots(offender: Offender) -> list[str]:
    """See which of two is claimed, delete the other; a malformed one; open what no one closed."""
    if offender["reason"] == "closed":
        return [filled(_CLOSE_WITHIN, offender)]
    look = [filled(_LOOK_AT_SLOTS, offender)] if offender["reason"] == "overlap" else []
    return [*look, filled(_DELETE_SLOT, offender)]


def mend_history(offender: Offender) -> list[str]:
    """Tell once more how it is, numbered after the last event there is."""
    if {"no_booking", "gap"} & set(offender["reasons"]) or not offender["events"]:
        return ["-- Events that are lost, or whose booking is, come back from a backup alone."]
    kind = "changed" if offender["reasons"] == ["fields"] else offender["status"]
    # Named without a value, as what a person sets by hand.
    changes = json.dumps({field: {} for field in offender["fields"]})
    after = offender["events"] + 1
    return [filled(_TELL_ONCE_MORE, offender, next=after, kind=kind, changes=changes)]


def mend_key(offender: Offender) -> list[str]:
    """Forget the key."""
    return [filled(_FORGET_KEY, offender)]


def mend_busy_block(offender: Offender) -> list[str]:
    """Let what is no block go; repeat what the block is; then lift what is explained no more."""
    reasons = set(offender["reasons"])
    if reasons & {"no_block", "does_not_occupy"}:
        return [filled(_FORGET_BUSY, offender)]
    again = [filled(_RETELL_BUSY, offender)] if reasons & {"provider", "end"} else []
    return [*again, filled(_CLOSE, offender)]


def mend_open_time(offender: Offender) -> list[str]:
    """Close it, as whoever publishes does."""
    return [filled(_CLOSE, offender)]


def mend_moment(offender: Offender) -> list[str]:
    """Now, or when the row was made; hours and days are for a person; history stays as it is."""
    table, column = offender["table"], offender["column"]
    if table == "events":
        return ["-- History is append-only: only a superuser who lifts law 6 could correct this."]
    if column == "ends":
        return [filled(_RETELL_BUSY, offender)]
    row = " AND ".join(
        "encode(sha256(convert_to(key, 'UTF8')), 'hex') = {key_sha256}"
        if name == "key_sha256"
        else f"{name} = {{{name}}}"
        for name in ("id", "booking_id", "ordinal", "provider_id", "key_sha256")
        if name in offender
    )
    where = "WHERE " if table == "vendors" else "WHERE vendor_id = {vendor_id} AND "
    if not column.endswith("_at"):
        return [filled(" ".join(("SELECT * FROM", table, where + row + ";")), offender)]
    moment = _WHEN_MADE.get(table, "now()") if column == "created_at" else "now()"
    words = ("UPDATE", table, "SET", column, "=", moment, where + row + ";")
    return [filled(" ".join(words), offender)]


def mend_hold(offender: Offender) -> list[str]:
    """Do now what the worker would do; first with one that nobody would have come to."""
    return [filled(_END_HOLD, offender), filled(_EXPIRE, offender)]


def filled(template: str, offender: Offender, **more: Any) -> str:
    """The statement with values as literals where their names stand in braces."""
    values = {"actor": SYSTEM, **offender, **more}
    literals = {name: sql.Literal(_scalar(value)) for name, value in values.items()}
    return sql.SQL(template).format(**literals).as_string()


def _scalar(value: Any) -> Any:
    """Lists (of reasons) stand in no statement."""
    return str(value) if isinstance(value, (list, dict)) else value
