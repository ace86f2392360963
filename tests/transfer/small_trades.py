"""Vendors as files have them, with texts, times and clocks that files get wrong, for Hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

Record = dict[str, Any]

ZONES = (
    *("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("Pacific/Apia", "Africa/Monrovia", "UTC"),
)
# Twice the same hour in Berlin, an hour that it skips, half an hour twice in Lord Howe, a day that
# Apia left out, and an ordinary day to come.
BEGINNINGS = tuple(
    datetime.fromisoformat(one).replace(tzinfo=UTC)
    for one in (
        *("2040-10-28T00:00", "2040-03-25T00:30", "2040-04-01T14:30", "2011-12-30T09:00"),
        "2040-06-01T08:00",
    )
)
_NASTY = st.sampled_from(
    [
        *('"', "'", ";", ",", "|", "=", "+", "-", "@", "[", "{", "#", "\\", "=1+1", "'="),
        *("\uff1d", "\u3000", "a", "Ö", "ß", "漢", "ع", "\U0001f487\u200d\u2640\ufe0f", "e\u0301"),
        *("  ", "null", "true", "=cmd|' /C calc'!A0", "1e5"),
    ]
)
_LINES = st.sampled_from(["\n", "\r\n", "\r", "\t", "\n\n"])


def _of(*pieces: st.SearchStrategy[str], most: int = 6) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(*pieces), min_size=1, max_size=most).map("".join).map(str.strip)


WORDS = _of(_NASTY).filter(bool)
PROSE = st.none() | _of(_NASTY, _LINES, most=10).map(lambda text: text or None)
# What a person is called holds nothing that cannot be seen.
NAMES = WORDS.filter(lambda name: "\ufe0f" not in name and "\u200d" not in name)
PRICES = st.none() | st.tuples(st.integers(0, 10**10), st.sampled_from(["EUR", "JPY"]))
# What is too great to be written without an exponent comes back as a whole number; none is -0.0.
_FLOATS = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda number: number + 0.0)
_VALUES = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | WORDS | _FLOATS
METADATA = st.none() | st.dictionaries(
    WORDS, _VALUES | st.lists(_VALUES, max_size=2), min_size=1, max_size=2
)


def shown(moment: datetime, zone: str) -> str:
    """The moment by the clock there; where that is off by seconds, in UTC."""
    local = moment.astimezone(ZoneInfo(zone))
    if local.utcoffset() % timedelta(minutes=1):
        return moment.isoformat()
    return local.isoformat()


def _price(price: tuple[int, str] | None) -> Record:
    amount, currency = price or (None, None)
    return {"price_amount": amount, "price_currency": currency}


def _refs(draw: st.DrawFn, least: int, most: int) -> list[str]:
    return draw(st.lists(WORDS, min_size=least, max_size=most, unique=True))


@st.composite
def trades(draw: st.DrawFn) -> dict[str, list[Record]]:
    """The records of each kind, as an export has them."""
    locations = [_location(draw, ref) for ref in _refs(draw, 1, 2)]
    providers = [_provider(draw, ref, locations) for ref in _refs(draw, 1, 3)]
    services = [_service(draw, ref) for ref in _refs(draw, 0, 2)]
    customers = [_customer(draw, *one) for one in enumerate(_refs(draw, 0, 2))]
    slots = [slot for provider in providers for slot in _slots(draw, provider, locations)]
    bookings = [one for slot in slots for one in _bookings(draw, slot, services, customers)]
    for ref, one in zip(_refs(draw, len(bookings), len(bookings)), bookings, strict=True):
        one["ref"] = ref
    time_off = [one for provider in providers for one in _time_off(draw, provider, locations)]
    return {
        "settings": [_settings(draw)],
        "locations": locations,
        "channels": _channels(draw, locations),
        "providers": providers,
        "services": services,
        "needs": [_need(draw, one, providers) for one in services if draw(st.booleans())],
        "schedules": [_schedule(draw, ref, providers) for ref in _refs(draw, 0, 1)],
        "exceptions": [_exception(draw, ref, providers) for ref in _refs(draw, 0, 2)],
        "time_off": time_off,
        "slots": [{k: v for k, v in one.items() if k[0] != "_"} for one in slots],
        "customers": customers,
        "bookings": bookings,
    }


def _settings(draw: st.DrawFn) -> Record:
    return {
        "name": draw(WORDS),
        "time_zone": draw(st.sampled_from(ZONES)),
        "public_booking": draw(st.booleans()),
        "availability_numbers": draw(st.sampled_from(["exact", "few_left", "hidden"])),
        "open_bookings_max": draw(st.none() | st.integers(1, 10_000)),
        "hold_minutes": draw(st.integers(1, 10_080)),
        "service_required": draw(st.booleans()),
    }


def _location(draw: st.DrawFn, ref: str) -> Record:
    return {
        "ref": ref,
        "name": draw(WORDS),
        "address": draw(PROSE),
        "time_zone": draw(st.sampled_from(ZONES)),
        "archived": False,
    }


def _channels(draw: st.DrawFn, locations: list[Record]) -> list[Record]:
    places = st.dictionaries(WORDS, st.none() | st.sampled_from(locations), max_size=2)
    return [
        {
            "channel": name,
            "location": place["ref"] if place else None,
            "preference": 1 if place else None,
        }
        for name, place in draw(places).items()
    ]


def _provider(draw: st.DrawFn, ref: str, locations: list[Record]) -> Record:
    return {
        "ref": ref,
        "name": draw(WORDS),
        "location": draw(st.sampled_from(locations))["ref"],
        "archived": False,
    }


def _customer(draw: st.DrawFn, number: int, ref: str) -> Record:
    return {
        "ref": ref,
        "name": draw(st.none() | NAMES),
        "email": f"={number}@example.org" if draw(st.booleans()) else None,
        "phone": f"-{number}23 456",
        "note": draw(PROSE),
        "banned": draw(st.booleans()),
    }


def _need(draw: st.DrawFn, service: Record, providers: list[Record]) -> Record:
    return {
        "service": service["ref"],
        "need": 1,
        "role": draw(WORDS),
        "provider": draw(st.sampled_from(providers))["ref"],
        "preference": draw(st.integers(1, 1000)),
    }


def _exception(draw: st.DrawFn, ref: str, providers: list[Record]) -> Record:
    kind = draw(st.sampled_from(["closed", "extra", "other"]))
    return {
        "ref": ref,
        "provider": draw(st.sampled_from(providers))["ref"],
        "schedule": None,
        "starts_on": "2041-10-27",
        "ends_on": "2041-10-28",
        "kind": kind,
        "hours": "" if kind == "closed" else "02:30-03:30 22:00-06:00",
        "reason": draw(st.none() | WORDS),
    }


def _service(draw: st.DrawFn, ref: str) -> Record:
    duration = draw(st.none() | st.integers(1, 600))
    least = draw(st.integers(1, 5))
    return {
        "ref": ref,
        "name": draw(WORDS),
        "duration_minutes": duration,
        "buffer_before_minutes": draw(st.integers(0, 60)) if duration else 0,
        "buffer_after_minutes": draw(st.integers(0, 60)) if duration else 0,
        "start_step_minutes": draw(st.integers(1, 60)),
        "notice_minutes": draw(st.integers(0, 1000)),
        "window_days": draw(st.none() | st.integers(10, 3650)),
        "quantity_min": least,
        "quantity_max": draw(st.none() | st.integers(least, 100)),
        **_price(draw(PRICES)),
        "archived": False,
    }


def _schedule(draw: st.DrawFn, ref: str, providers: list[Record]) -> Record:
    """One of a year whose slots nobody publishes yet."""
    hours = st.sampled_from(["", "02:00-03:30", "09:00-12:00 13:00-17:30", "22:00-06:00"])
    days = ("monday", "wednesday", "friday", "sunday")
    weekly = dict.fromkeys(("tuesday", "thursday", "saturday"), "")
    return {
        "ref": ref,
        "provider": draw(st.sampled_from(providers))["ref"],
        "location": None,
        "valid_from": "2041-01-01",
        "valid_until": draw(st.none() | st.just("2041-12-31")),
        **weekly,
        **{day: draw(hours) for day in days},
        "slot_minutes": draw(st.none() | st.integers(5, 60)),
        "gap_minutes": 0,
        "capacity": draw(st.integers(1, 9)),
        **_price(draw(PRICES)),
        "archived": False,
    }


def _time_off(draw: st.DrawFn, provider: Record, locations: list[Record]) -> list[Record]:
    """At most one leave, and one event of a calendar, over whatever is booked by then."""
    zone = next(one["time_zone"] for one in locations if one["ref"] == provider["location"])
    made = []
    for calendar in draw(st.lists(st.none() | WORDS, max_size=2, unique=True)):
        start = draw(st.sampled_from(BEGINNINGS))
        end = start + timedelta(minutes=draw(st.integers(1, 300)))
        made.append(
            {
                "provider": provider["ref"],
                "start": shown(start, zone),
                "end": shown(end, zone),
                "reason": draw(st.none() | WORDS),
                "calendar": calendar,
                "event": calendar and calendar.encode().hex()[:2] * 32,
            }
        )
    return made


def _slots(draw: st.DrawFn, provider: Record, locations: list[Record]) -> list[Record]:
    """Slots one after another, each with what a booking needs to know of it behind a _."""
    at = draw(st.sampled_from(BEGINNINGS))
    slots = []
    for minutes in draw(st.lists(st.sampled_from([15, 30, 60, 150]), max_size=3)):
        start, at = at, at + timedelta(minutes=minutes, seconds=draw(st.sampled_from([0, 0, 1])))
        place = draw(st.sampled_from(locations))
        zone = place["time_zone"]
        slots.append(
            {
                "provider": provider["ref"],
                "start": shown(start, zone),
                "end": shown(at, zone),
                "capacity": draw(st.integers(1, 4)),
                "location": place["ref"],
                **_price(draw(PRICES)),
                "schedule": None,
                "_to_come": start > datetime.now(UTC),
            }
        )
    return slots


def _bookings(
    draw: st.DrawFn, slot: Record, services: list[Record], customers: list[Record]
) -> list[Record]:
    """At most one that is cancelled, and one that stands, of the whole slot."""
    cancelled = st.just("cancelled")
    standing = st.sampled_from(["confirmed", "completed", "no_show"])
    made = []
    for status in draw(st.tuples(st.none() | cancelled, st.none() | standing)):
        if status is None:
            continue
        block = status in {"confirmed", "cancelled"} and draw(st.booleans())
        customer = draw(st.none() | st.sampled_from(customers)) if customers and not block else None
        service = draw(st.none() | st.sampled_from(services)) if services and not block else None
        who = ["vendor", "system"] + ["customer"] * slot["_to_come"]
        by_hand = status == "cancelled" and not block
        made.append(
            {
                "kind": "block" if block else "appointment",
                "status": status,
                "provider": slot["provider"],
                "other_providers": [],
                "service": service and service["ref"],
                "start": slot["start"],
                "end": slot["end"],
                "quantity": draw(st.integers(1, slot["capacity"])),
                "guests": draw(st.none() | st.integers(0, 9)),
                "customer": customer and customer["ref"],
                "customer_name": customer and customer["name"],
                "customer_email": customer and customer["email"],
                "customer_phone": customer and customer["phone"],
                **_price(None if block else draw(PRICES)),
                "buffer_before_minutes": 0,
                "buffer_after_minutes": 0,
                "hold_expires_at": None,
                "cancelled_by": draw(st.sampled_from(who))
                if by_hand
                else "system"
                if status == "cancelled"
                else None,
                "cancellation_reason": draw(PROSE) if by_hand else None,
                "channel": draw(st.none() | WORDS),
                "notes": draw(PROSE),
                "internal_notes": draw(PROSE),
                "metadata": draw(METADATA),
            }
        )
    return made
