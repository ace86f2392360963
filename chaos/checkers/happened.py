"""What a run of everything must have seen, so that none of its promises is kept by nobody."""

from __future__ import annotations

from chaos.checkers.contended import all_happened

# From so many attempts on; what is rare has had five times the occasion.
SOON, LATE = 5_000, 25_000
WON = "kind = 'book' AND result = 'ok'"
SERVICE = "json_extract(asked, '$.service_id') IS NOT NULL"
# Of a booking by time, which names no slots.
CLAIMED_AGAIN = (
    "kind = 'confirm' AND result = 'ok' AND json_extract(asked, '$.start') IS NOT NULL"
    " AND json_array_length(asked, '$.slots') = 0"
)

EVERYTHING = all_happened(
    "everything_happened",
    "Of 5,000 attempts or more: each kind of act was done and was refused; of 25,000, what is rare"
    " happened, too.",
    {
        "nobody booked over HTTP": (f"{WON} AND door = 'http'", SOON),
        "nobody booked by SQL": (f"{WON} AND door = 'sql'", SOON),
        "nobody held a place": (f"{WON} AND code = 'HELD'", SOON),
        "nobody got a part": (f"{WON} AND json_extract(asked, '$.start') IS NOT NULL", SOON),
        "nobody got several slots": (f"{WON} AND json_array_length(asked, '$.slots') > 1", SOON),
        "nobody got a service": (f"{WON} AND {SERVICE}", SOON),
        "nobody was refused a service": (f"{SERVICE} AND code = 'BOOKING_CONFLICT'", SOON),
        "nobody searched": ("kind = 'search' AND result = 'ok'", SOON),
        "nobody was told again what was done": ("replayed", SOON),
        "nobody was refused for want of a place": ("code = 'BOOKING_CONFLICT'", SOON),
        "nobody found too few places": ("code = 'INSUFFICIENT_INVENTORY'", SOON),
        "no liar was told": ("code = 'IDEMPOTENCY_CONFLICT'", SOON),
        "nobody cancelled": ("kind = 'cancel' AND result = 'ok'", SOON),
        "nobody confirmed": ("kind = 'confirm' AND result = 'ok'", SOON),
        "nothing was completed": ("kind = 'complete' AND result = 'ok'", SOON),
        "nobody stayed away": ("kind = 'no_show' AND result = 'ok'", SOON),
        "nobody changed a booking": ("kind = 'change' AND result = 'ok'", SOON),
        "no slot was resized": ("kind = 'resize' AND result = 'ok'", SOON),
        "no slot in use was left alone": ("code = 'SLOT_IN_USE'", SOON),
        "no list was read": ("kind = 'read' AND result = 'ok'", SOON),
        "no alternative was offered": ("answer LIKE '%\"alternatives\"%'", SOON),
        "nobody came too late for a state": ("code = 'BOOKING_STATE_CONFLICT'", SOON),
        "nothing was blocked": ("kind = 'block' AND result = 'ok'", SOON),
        "nothing was unblocked": ("kind = 'unblock' AND result = 'ok'", SOON),
        "nobody trespassed": ("kind = 'trespass' AND code <> 'NO_ROWS'", SOON),
        "nobody was erased": ("kind = 'erase' AND result = 'ok'", LATE),
        "nobody was needed who was to be erased": ("code = 'CUSTOMER_IN_USE'", LATE),
        "nobody got again what they had cancelled": (CLAIMED_AGAIN, LATE),
        "nobody confirmed too late": ("code = 'HOLD_EXPIRED'", LATE),
        "no slot was published anew": ("kind = 'publish' AND result = 'ok'", LATE),
        "no slot was deleted": ("kind = 'delete_slot' AND result = 'ok'", LATE),
    },
)
