"""What nobody may do, not even the owner of the tables: each with the refusals it must meet."""

from __future__ import annotations

from dataclasses import dataclass

# All of a correct booking but for the words in braces.
_BOOKING = """
    WITH slot AS (
        SELECT * FROM slots WHERE vendor_id = %(vendor)s AND id = %(slot)s
    ), booking AS (
        INSERT INTO bookings (vendor_id, status, quantity, claim_count, provider_id, location_id,
                              slot_ids, during, metadata)
        SELECT vendor_id, 'confirmed', 1, {count}, provider_id, location_id, {slots}, during,
               jsonb_build_object('chaos', %(token)s::text)
        FROM slot RETURNING vendor_id, id
    ), event AS (
        INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)
        SELECT vendor_id, id, 1, 'confirmed', '{{"type": "system"}}', '{{}}' FROM booking
    ){claim} SELECT id FROM booking
"""
_CLAIM = """, claim AS (
        INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id,
                            provider_id, slot_during, slot_capacity, during, units)
        SELECT slot.vendor_id, booking.id, 1, {count}, 1, slot.id, slot.provider_id, slot.during,
               slot.capacity, {during}, {units}
        FROM slot, booking
    )"""
_OURS = "vendor_id = %(vendor)s AND id = %(booking)s"
_ITS_CLAIMS = "vendor_id = %(vendor)s AND booking_id = %(booking)s"
_TAKEN = (
    "vendor_id = %(vendor)s AND id = %(slot)s AND EXISTS (SELECT FROM claims c"
    " WHERE c.vendor_id = slots.vendor_id AND c.slot_id = slots.id)"
)

_OTHER_SLOT = (
    "SELECT s.id FROM slots s WHERE s.vendor_id = claims.vendor_id AND s.id <> claims.slot_id"
    " ORDER BY s.id LIMIT 1"
)
# A NULL would open every law: a key skips it, a check passes it, an exclusion ignores it.
_NEVER_NULL = {
    "claims": (
        _ITS_CLAIMS,
        *("units", "during", "quantity", "claim_count", "booking_occupying"),
        *("slot_id", "provider_id", "slot_during", "slot_capacity"),
    ),
    "bookings": (_OURS, "status", "quantity", "claim_count", "during", "slot_ids"),
    "slots": ("vendor_id = %(vendor)s AND id = %(slot)s", "during", "capacity"),
}


def _wrong_booking(
    *,
    units: str = "'{[1,2)}'",
    during: str = "slot.during",
    count: int = 1,
    claimed: bool = True,
) -> str:
    claim = _CLAIM.format(count=count, during=during, units=units) if claimed else ""
    slots = f"array_fill(id, ARRAY[{count}])"
    return _BOOKING.format(count=count, slots=slots, claim=claim)


@dataclass(frozen=True, slots=True)
class Trespass:
    """A statement that a law forbids. It knows %(vendor)s, %(slot)s, %(booking)s and %(token)s.

    `refusals`: the SQLSTATEs of the laws that stand against it. `always`: forbidden whatever the
    moment; else only while somebody holds the slot, and then it is undone even if it succeeds.
    `weight`: how often it is tried, beside the others.
    """

    name: str
    statement: str
    refusals: frozenset[str]
    always: bool = True
    weight: float = 1.0


def _trespass(
    name: str, statement: str, refusals: str, *, always: bool = True, weight: float = 1.0
) -> Trespass:
    return Trespass(name, statement, frozenset(refusals.split()), always, weight)


# A rival on the same unit is met first, if there is one: the exclusion is checked at once.
OWNERS = [
    _trespass("book beyond capacity", _wrong_booking(units="'{[100000,100001)}'"), "23514"),
    _trespass(
        "book outside the slot",
        _wrong_booking(during="tstzrange(lower(slot.during), upper(slot.during) + '1 s')"),
        "23514 23P01",
    ),
    _trespass(
        "book without end", _wrong_booking(during="tstzrange(lower(slot.during), NULL)"), "23514"
    ),
    _trespass("book no unit", _wrong_booking(units="'{}'"), "23514"),
    _trespass("book NULL units", _wrong_booking(units="NULL"), "23502"),
    _trespass("book two units for one", _wrong_booking(units="'{[1,3)}'"), "23514 23P01"),
    _trespass("book half", _wrong_booking(count=2), "23503 23P01"),
    _trespass("book without claims", _wrong_booking(claimed=False), "23503"),
    _trespass(
        "cancel without release",
        f"UPDATE bookings SET status = 'cancelled' WHERE {_OURS} AND occupying RETURNING id",
        "23503",
    ),
    _trespass(
        "change the quantity",
        f"UPDATE bookings SET quantity = quantity + 1 WHERE {_OURS} AND occupying RETURNING id",
        "23503",
    ),
    _trespass("delete a booking", f"DELETE FROM bookings WHERE {_OURS} RETURNING id", "23503"),
    _trespass("lose the claims", f"DELETE FROM claims WHERE {_ITS_CLAIMS} RETURNING 1", "23503"),
    _trespass(
        "move a claim out of its slot",
        "UPDATE claims SET during = tstzrange(lower(slot_during) - '1 s'::interval, upper(during))"
        f" WHERE {_ITS_CLAIMS} RETURNING 1",
        "23514 23P01",
    ),
    _trespass(
        "widen a claim",
        f"UPDATE claims SET units = units + '{{[100000,100001)}}' WHERE {_ITS_CLAIMS} RETURNING 1",
        "23514",
    ),
    _trespass(
        "name another slot in a claim",
        f"UPDATE claims SET slot_id = ({_OTHER_SLOT}) WHERE {_ITS_CLAIMS} RETURNING 1",
        "23503 23502",
    ),
    _trespass(
        "move a claim to another slot",
        "UPDATE claims SET slot_id = s.id, slot_during = s.during, slot_capacity = s.capacity"
        " FROM slots s WHERE claims.vendor_id = %(vendor)s AND claims.booking_id = %(booking)s"
        " AND s.vendor_id = claims.vendor_id AND s.provider_id = claims.provider_id"
        " AND s.id <> claims.slot_id RETURNING 1",
        "23514",
    ),
    _trespass(
        "claim for the cancelled",
        "INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id,"
        " provider_id, slot_during, slot_capacity, during, units)"
        " SELECT b.vendor_id, b.id, 1, b.claim_count, b.quantity, s.id, s.provider_id, s.during,"
        " s.capacity, s.during, int4multirange(int4range(1, b.quantity + 1))"
        " FROM bookings b JOIN slots s ON s.vendor_id = b.vendor_id AND s.id = b.slot_ids[1]"
        " WHERE b.vendor_id = %(vendor)s AND b.id = %(booking)s AND NOT b.occupying"
        " AND s.capacity >= b.quantity RETURNING 1",
        "23503 23505 23P01",
    ),
    _trespass(
        "rewrite history",
        f"UPDATE events SET kind = 'completed' WHERE {_ITS_CLAIMS} RETURNING 1",
        "SK006",
    ),
    _trespass("forget history", f"DELETE FROM events WHERE {_ITS_CLAIMS} RETURNING 1", "SK006"),
    # It waits for everybody who is writing, and everybody behind it waits, too.
    _trespass("forget all history", "TRUNCATE events", "SK006", weight=0.3),
    _trespass(
        "remember what never was",
        "INSERT INTO idempotency_keys (vendor_id, key, fingerprint, booking_id)"
        " VALUES (%(vendor)s, 'nowhere ' || %(token)s, '', uuidv7()) RETURNING 1",
        "23503",
    ),
    _trespass(
        "widen a slot under bookings",
        f"UPDATE slots SET capacity = capacity + 1 WHERE {_TAKEN} RETURNING 1",
        "23503",
        always=False,
    ),
    _trespass(
        "move a slot under bookings",
        "UPDATE slots SET during = tstzrange(lower(during), upper(during) - '1 min'::interval)"
        f" WHERE {_TAKEN} RETURNING 1",
        "23503",
        always=False,
    ),
    _trespass(
        "delete a slot under bookings",
        f"DELETE FROM slots WHERE {_TAKEN} RETURNING 1",
        "23503",
        always=False,
    ),
    _trespass(
        "publish over a slot",
        "INSERT INTO slots (vendor_id, provider_id, location_id, during, capacity)"
        " SELECT vendor_id, provider_id, location_id, during, 5 FROM slots"
        " WHERE vendor_id = %(vendor)s AND id = %(slot)s"
        " AND EXISTS (SELECT FROM claims c"
        " WHERE c.vendor_id = slots.vendor_id AND c.slot_id = slots.id) RETURNING 1",
        "23P01",
        always=False,
    ),
    *(
        _trespass(
            f"leave open {column} of {table}",
            f"UPDATE {table} SET {column} = NULL WHERE {where} RETURNING 1",
            "23502 23514",
            weight=0.2,
        )
        for table, (where, *columns) in _NEVER_NULL.items()
        for column in columns
    ),
]

_DENIED = "42501"
ROLES = [
    _trespass(name, statement, _DENIED)
    for name, statement in {
        "insert a booking": _wrong_booking(),
        "change a booking": f"UPDATE bookings SET status = 'confirmed' WHERE {_OURS} RETURNING 1",
        "remove a booking": f"DELETE FROM bookings WHERE {_OURS} RETURNING 1",
        "change a claim": f"UPDATE claims SET units = '{{[1,2)}}' WHERE {_ITS_CLAIMS} RETURNING 1",
        "remove a claim": f"DELETE FROM claims WHERE {_ITS_CLAIMS} RETURNING 1",
        "change a slot": "UPDATE slots SET capacity = 100000"
        " WHERE vendor_id = %(vendor)s AND id = %(slot)s RETURNING 1",
        "remove a slot": "DELETE FROM slots WHERE vendor_id = %(vendor)s AND id = %(slot)s"
        " RETURNING 1",
        "tell a story": "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
        " VALUES (%(vendor)s, %(booking)s, 1000000, 'confirmed', '{}', '{}') RETURNING 1",
        "forget a key": "DELETE FROM idempotency_keys WHERE vendor_id = %(vendor)s RETURNING 1",
        "empty a table": "TRUNCATE claims",
        "drop a law": "ALTER TABLE claims DROP CONSTRAINT claims_no_overlap",
        "become the owner": "SET ROLE slotkeeper_owner",
        "replace a function": "CREATE OR REPLACE FUNCTION units_count(p_units int4multirange)"
        " RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1'",
        "call an inner function": "SELECT expire_bookings(%(vendor)s, ARRAY[%(booking)s]::uuid[],"
        " '{}')",
    }.items()
]
BY_NAME = {trespass.name: trespass for trespass in [*OWNERS, *ROLES]}
