"""What a person could do about a damaged row, as SQL with the offender's values filled in."""

from __future__ import annotations

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
_REPEAT_SHAPE = (
    "UPDATE claims c SET slot_during = s.during, slot_capacity = s.capacity FROM slots s"
    " WHERE s.vendor_id = c.vendor_id AND s.id = c.slot_id AND c.vendor_id = {vendor_id}"
    " AND c.booking_id = {booking_id} AND c.ordinal = {ordinal};"
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
    FROM claims WHERE vendor_id = {vendor_id} AND booking_id = {booking_id}
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
_DELETE_SLOT = "SELECT outcome, facts FROM delete_slot({vendor_id}, {slot_id});"
_TELL_ONCE_MORE = """\
WITH told AS (
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)
    VALUES ({vendor_id}, {booking_id}, {next}, {status}, {actor}, '{{}}')
)
UPDATE bookings SET version = {next}, updated_at = clock_timestamp()
WHERE vendor_id = {vendor_id} AND id = {booking_id};"""
_FORGET_KEY = (
    "DELETE FROM idempotency_keys WHERE vendor_id = {vendor_id}"
    " AND encode(sha256(convert_to(key, 'UTF8')), 'hex') = {key_sha256};"
)
_EXPIRE = "SELECT expire_holds({vendor_id});"
# Several rows may lack the same one.
_OF_BOOKING = " FROM bookings WHERE vendor_id = {vendor_id} AND id = {id} ON CONFLICT DO NOTHING;"
_STAND_INS = {
    ("booking", "location"): (
        "INSERT INTO locations (vendor_id, id, name, time_zone, archived_at)"
        " SELECT vendor_id, location_id, 'Lost', 'UTC', now()" + _OF_BOOKING
    ),
    ("booking", "provider"): (
        "INSERT INTO providers (vendor_id, id, location_id, name, archived_at)"
        " SELECT vendor_id, provider_id, location_id, 'Lost', now()" + _OF_BOOKING
    ),
    ("booking", "service"): (
        "UPDATE bookings SET service_id = NULL WHERE vendor_id = {vendor_id} AND id = {id};"
    ),
    ("booking", "customer"): (
        "UPDATE bookings SET customer_id = NULL WHERE vendor_id = {vendor_id} AND id = {id};"
    ),
}
_STAND_INS |= {
    (kind, missing): statement.replace("FROM bookings", f"FROM {kind}s")
    for (_, missing), statement in list(_STAND_INS.items())
    for kind in ("slot", "provider")
    if statement.startswith("INSERT")
}
_STAND_IN_VENDOR = (
    "INSERT INTO vendors (id, slug, name, time_zone, archived_at)"
    " VALUES ({vendor_id}, {slug}, 'Lost', 'UTC', now()) ON CONFLICT DO NOTHING;"
)


def mend_misfit(offender: Offender) -> list[str]:
    """Let a claim of nothing go; repeat the slot's shape; otherwise look and cancel."""
    if {"booking_missing", "booking_does_not_occupy"} & set(offender["reasons"]):
        return [_filled(_DELETE_CLAIM, offender)]
    if offender["reasons"] == ["slot_shape"]:
        return [_filled(_REPEAT_SHAPE, offender)]
    return [_filled(_LOOK_AT_CLAIM, offender), _filled(_CANCEL, offender)]


def mend_twice(offender: Offender) -> list[str]:
    """See who has the place, then cancel one."""
    return [_filled(_LOOK_AT_UNIT, offender), _filled(_CANCEL, offender)]


def mend_half(offender: Offender) -> list[str]:
    """Free what it has, then claim all of it again."""
    return [_filled(_CANCEL, offender), _filled(_CONFIRM, offender)]


def mend_crowd(offender: Offender) -> list[str]:
    """See who is there, then cancel some, or make room if there is any."""
    return [_filled(_LOOK_AT_MOMENT, offender), _filled(_ENLARGE, offender)]


def mend_times(offender: Offender) -> list[str]:
    """Let the booking, and an event, tell what it claims."""
    changes = '{"start": {}, "end": {}, "slot_ids": {}, "provider_id": {}}'
    return [_filled(_TELL_AS_CLAIMED, offender, changes=changes)]


def mend_slots(offender: Offender) -> list[str]:
    """See which of the two is claimed, then delete the other; a malformed one goes."""
    look = [_filled(_LOOK_AT_SLOTS, offender)] if offender["reason"] == "overlap" else []
    return [*look, _filled(_DELETE_SLOT, offender)]


def mend_history(offender: Offender) -> list[str]:
    """Tell the state once more, numbered after the last event there is."""
    if {"no_booking", "gap"} & set(offender["reasons"]) or not offender["events"]:
        return ["-- Events that are lost, or whose booking is, come back from a backup alone."]
    return [_filled(_TELL_ONCE_MORE, offender, next=offender["events"] + 1)]


def mend_key(offender: Offender) -> list[str]:
    """Forget the key."""
    return [_filled(_FORGET_KEY, offender)]


def mend_orphan(offender: Offender) -> list[str]:
    """A stand-in for each missing row, or NULL where that may be."""
    if "vendor" in offender["missing"]:
        slug = f"lost-{str(offender['vendor_id'])[-12:]}"
        return [_filled(_STAND_IN_VENDOR, offender, slug=slug)]
    # A provider's stand-in refers to its location: that one first.
    missing = sorted(offender["missing"])
    return [_filled(_STAND_INS[offender["kind"], name], offender) for name in missing]


def mend_hold(offender: Offender) -> list[str]:
    """Do now what the worker would do."""
    return [_filled(_EXPIRE, offender)]


def _filled(template: str, offender: Offender, **more: Any) -> str:
    """The statement with values as literals where their names stand in braces."""
    values = {"actor": SYSTEM, **offender, **more}
    literals = {name: sql.Literal(_scalar(value)) for name, value in values.items()}
    return sql.SQL(template).format(**literals).as_string()


def _scalar(value: Any) -> Any:
    """Lists (of reasons) stand in no statement."""
    return str(value) if isinstance(value, (list, dict)) else value
