"""Small vendors as Hypothesis draws them, made in the database, and what is asked of them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from psycopg.types.range import TimestamptzRange

from tests.shop import Row, Shop
from tests.times_model import Claim, Service, Slot, Span, Vendor

ZONES = ["Europe/Rome", "America/New_York"]
PRICES = [None, None, None, (1000, "EUR"), (700, "USD")]

# Moments hit exactly, or missed by as little as there is, in microseconds.
by = st.sampled_from([0, 0, 1, -1])
minutes = st.integers(2, 18).map(lambda tens: tens * 10)
# Where a provider's days lie, from the last full hour: now, with its notice, and the window's end.
beginnings = st.sampled_from([2, 2, 2, 22, 22, 23, 1, -1])
# Parts of a slot: from which ten minutes of it, and for how long.
parts = st.fixed_dictionaries(
    {"start": st.integers(0, 12), "minutes": st.sampled_from([10, 20, 30, 60])}
)
stretches = st.fixed_dictionaries(
    {
        "gap": st.sampled_from([0, 0, 0, 10, 30]),
        "minutes": minutes,
        "capacity": st.sampled_from([2, 3, 1]),
        "place": st.sampled_from([0, 0, 0, 0, 0, 1]),
        "price": st.sampled_from(PRICES),
        # What its schedule gives no more.
        "closed": st.one_of(*[st.just([])] * 3, st.lists(parts, max_size=2)),
    }
)
which = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 8])
# When the provider of a slot is not to be had.
busy_times = st.tuples(which, parts)
claims = st.fixed_dictionaries(
    {
        "slot": which,
        "start": st.integers(0, 8),
        "minutes": st.sampled_from([10, 20, 30, 60]),
        "quantity": st.sampled_from([1, 1, 1, 2, 3]),
        "how": st.sampled_from(
            ["lapsed in busy time", "confirmed", "held", "lapsed in busy time", "lapsed", "block"]
        ),
    }
)
left = st.sampled_from([0, 0, 5_400_000_000, -1])
# How far beside the edge of a rule it starts, and from where to where its slot then goes: the steps
# before it, beside those that a buffer needs, and what is left after it.
brinks = st.fixed_dictionaries(
    {
        "by": by,
        "steps": st.sampled_from([0, 0, 1, 2, -1]),
        "left": st.tuples(left, left),
    }
)
worlds = st.fixed_dictionaries(
    {
        "providers": st.lists(
            st.fixed_dictionaries(
                {
                    "begins": beginnings,
                    "slots": st.lists(stretches, min_size=1, max_size=4),
                    "preference": st.integers(1, 2),
                    "need": st.sampled_from([0, 0, 0, 1]),
                    "archived": st.sampled_from([False] * 7 + [True]),
                }
            ),
            min_size=2,
            max_size=4,
        ),
        "no_needs": st.booleans(),
        "closed_place": st.sampled_from([False] * 7 + [True]),
        "minutes": st.sampled_from([30, None, 20, None, 60, 90]),
        "together": st.sampled_from([True, True, False]),
        "before": st.sampled_from([0, 0, 10, 25]),
        "after": st.sampled_from([0, 0, 5, 20]),
        "step": st.sampled_from([5, 15, 20, 30, 60]),
        "notice": st.sampled_from([0, 45, 120]),
        "window_days": st.sampled_from([1, 1, None]),
        "least": st.sampled_from([1, 1, 1, 2]),
        "most": st.sampled_from([None, None, 2, 3]),
        "price": st.sampled_from(PRICES),
        "claims": st.lists(claims, min_size=1, max_size=10),
        "busy": st.lists(busy_times, max_size=2),
        "channels": st.sampled_from(
            [{}, {}, {}, {"web": [0]}, {"web": [1, 0], "partner": [1]}, {"partner": [0]}]
        ),
        # Starts of one provider more: as early and as late as the rules allow.
        "brinks": st.fixed_dictionaries({"earliest": brinks, "latest": brinks}),
    }
)
# A moment of the vendor that was drawn: a bookable start, or where anything begins or ends.
edges = st.none() | st.fixed_dictionaries(
    {"bookable": st.sampled_from([True, True, False]), "which": st.integers(0, 60), "by": by}
)
questions = st.fixed_dictionaries(
    {
        "quantity": st.sampled_from([None, None, None, 1, 2, 3]),
        "provider": st.sampled_from([None, None, None, None, 0, 1]),
        "places": st.sampled_from([None, None, None, [0], [1, 0]]),
        "channel": st.sampled_from([None, None, "web", "partner"]),
        "from": st.sampled_from([-2, -2, -2, 2, 3]),
        "hours": st.sampled_from([48, 48, 48, 5]),
        # Instead of these.
        "since": edges,
        "until": edges,
        "limit": st.sampled_from([1, 3, 500]),
    }
)


class Small:
    """A small vendor as it was drawn, made in the database; `vendor` is what the model knows."""

    def __init__(self, app, owner, drawn: dict[str, Any]) -> None:
        self.shop, self.drawn = Shop(app, owner), drawn
        self.places = [self.shop.location_id, self.shop.location()]
        self._set("locations", self.places[1], "time_zone", ZONES[1])
        self._set("locations", self.places[0], "time_zone", ZONES[0])
        self.base = self.one("SELECT date_trunc('hour', now())")
        self.providers = [self.shop.provider(self.places[0]) for _ in drawn["providers"]]
        # One for each need: the second only where others fill that, too.
        self.brink = [self.shop.provider(self.places[0]) for _ in range(2)]
        self.slots: list[tuple[uuid.UUID, datetime, datetime, int]] = []
        self.of_provider: dict[uuid.UUID, list[uuid.UUID]] = {}
        self.busy: dict[uuid.UUID, list[Span]] = {}
        self._fill_calendars(drawn)
        self._make_service()
        channels = {
            name: [str(self.places[place]) for place in places]
            for name, places in drawn["channels"].items()
        }
        self.shop.owner.execute(
            "UPDATE vendors SET channels = %s WHERE id = %s",
            [Jsonb(channels), self.shop.vendor_id],
        )
        for provider, of_provider in zip(self.providers, drawn["providers"], strict=True):
            if of_provider["archived"]:
                self._set("providers", provider, "archived_at", self.base)
        if drawn["closed_place"]:
            self._set("locations", self.places[1], "archived_at", self.base)

    def _fill_calendars(self, drawn: dict[str, Any]) -> None:
        """Publish, book, close and be busy, in the order in which these leave one another alone."""
        for provider, of_provider in zip(self.providers, drawn["providers"], strict=True):
            self._publish(provider, of_provider)
        lapsing = [self._claim(claim) for claim in drawn["claims"]]
        for provider, of_provider in zip(self.providers, drawn["providers"], strict=True):
            self._close(provider, of_provider)
        for number, part in drawn["busy"]:
            self._be_busy(number, part)
        for claim in drawn["claims"]:
            if claim["how"] == "lapsed in busy time":
                self._be_busy(claim["slot"], claim)
        # Last, so that what they leave in busy time is still theirs when that is closed.
        for booking in lapsing:
            if booking is not None:
                self._set("bookings", booking, "hold_expires_at", self.base)

    def one(self, statement: str, *values: Any) -> Any:
        return self.shop.owner.execute(statement, values).fetchone()[0]

    def _set(self, table: str, row: uuid.UUID, column: str, value: Any) -> None:
        self.shop.owner.execute(
            f"UPDATE {table} SET {column} = %s WHERE vendor_id = %s AND id = %s",
            [value, self.shop.vendor_id, row],
        )

    def _publish(self, provider: uuid.UUID, drawn: dict[str, Any]) -> None:
        # Whole slots that begin together and end at different times are different things to book.
        together = self.drawn["minutes"] is None and self.drawn["together"]
        start = self.base + timedelta(hours=4 if together else drawn["begins"])
        for number, one in enumerate(drawn["slots"]):
            if number or not together:
                start += timedelta(minutes=one["gap"])
            end = start + timedelta(minutes=one["minutes"])
            price = one["price"] and {"amount": one["price"][0], "currency": one["price"][1]}
            slot = self.shop.slot(
                start,
                end,
                capacity=one["capacity"],
                provider_id=provider,
                location_id=str(self.places[one["place"]]),
                price=price,
            )
            self.slots.append((slot, start, end, one["capacity"]))
            self.of_provider.setdefault(provider, []).append(slot)
            start = end

    def _claim(self, drawn: dict[str, Any]) -> uuid.UUID | None:
        """Book a part of a slot as the vendor does, if there is room for it; a hold to lapse."""
        slot, start, end, capacity = self.slots[drawn["slot"] % len(self.slots)]
        since, until = _part(drawn, start, end)
        more: dict[str, Any] = {}
        lapses = drawn["how"].startswith("lapsed")
        if drawn["how"] == "held" or lapses:
            more["hold_for"] = timedelta(hours=1)
        if drawn["how"] == "block":
            more["details"] = Jsonb({"kind": "block"})
        quantity = min(drawn["quantity"], capacity)
        made = self.shop.claim(slot, start=since, end=until, quantity=quantity, **more)
        return made["booking_id"] if lapses else None

    def _close(self, provider: uuid.UUID, drawn: dict[str, Any]) -> None:
        """Give some of the provider's slots to a schedule that gives not all of their time."""
        own = [slot for slot in self.slots if slot[0] in self.of_provider[provider]]
        for (slot, start, end, _), stretch in zip(own, drawn["slots"], strict=True):
            if stretch["closed"]:
                shut = [TimestamptzRange(*_part(one, start, end)) for one in stretch["closed"]]
                schedule = self.shop.insert(
                    "schedules", provider_id=provider, valid_from=self.base.date(), weekly=Jsonb({})
                )
                self._set("slots", slot, "schedule_id", schedule)
                self.shop.owner.execute(
                    "UPDATE slots SET closed = (SELECT range_agg(one) FROM unnest(%s) AS one)"
                    " WHERE vendor_id = %s AND id = %s",
                    [shut, self.shop.vendor_id, slot],
                )

    def _be_busy(self, number: int, drawn: dict[str, Any]) -> None:
        """The provider of a slot is not to be had in a part of it; what is over is left alone."""
        slot, start, end, _ = self.slots[number % len(self.slots)]
        since, until = _part(drawn, start, end)
        if until <= self.base + timedelta(hours=1):
            return
        (provider,) = (one for one, slots in self.of_provider.items() if slot in slots)
        self.shop.insert(
            "busy_times",
            provider_id=provider,
            during=TimestamptzRange(since, until),
            source="time_off",
        )
        self.shop.call("close_busy_time", provider_id=provider)
        self.busy.setdefault(provider, []).append((since, until))

    def _make_service(self) -> None:
        drawn = self.drawn
        whole = drawn["minutes"] is None
        price = drawn["price"] or (None, None)
        needs: list[dict[uuid.UUID, int]] = [{}, {}]
        for provider, of_provider in zip(self.providers, drawn["providers"], strict=True):
            needs[of_provider["need"]][provider] = of_provider["preference"]
        needs[0][self.brink[0]] = 1
        if needs[1]:
            needs[1][self.brink[1]] = 1
        self.needs = [] if drawn["no_needs"] else [one for one in needs if one]
        self.service = self.shop.service(
            drawn["minutes"],
            *self.needs,
            buffer_before_minutes=0 if whole else drawn["before"],
            buffer_after_minutes=0 if whole else drawn["after"],
            start_step_minutes=drawn["step"],
            notice_minutes=drawn["notice"],
            window_days=drawn["window_days"],
            quantity_min=drawn["least"],
            quantity_max=drawn["most"],
            price_amount=price[0],
            price_currency=price[1],
        )

    def go_to_the_brink(self, now: datetime) -> None:
        """Publish slots that have a start just where the rules begin, and cease, to allow it."""
        rules = self.drawn
        minute = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        edges = {
            "earliest": max(minute, now + timedelta(minutes=rules["notice"])),
            "latest": now + timedelta(hours=24 * (rules["window_days"] or 1)),
        }
        length, step = timedelta(minutes=rules["minutes"] or 60), timedelta(minutes=rules["step"])
        for name, edge in edges.items():
            drawn = rules["brinks"][name]
            start = edge + timedelta(microseconds=drawn["by"])
            for provider, spare in zip(self.brink, drawn["left"], strict=True):
                first, end = start, start + length
                if rules["minutes"] is not None:
                    end += timedelta(minutes=rules["after"], microseconds=spare)
                    first -= step * max(0, -(-rules["before"] // rules["step"]) + drawn["steps"])
                slot = self.one(
                    "INSERT INTO slots (vendor_id, provider_id, location_id, during, capacity)"
                    " VALUES (%s, %s, %s, tstzrange(%s, %s), 3) RETURNING id",
                    *(self.shop.vendor_id, provider, self.places[0], first, end),
                )
                self.slots.append((slot, first, end, 3))

    def vendor(self, now: datetime) -> Vendor:
        """What the model is told: rows as they are, and no function's word."""
        drawn, whole = self.drawn, self.drawn["minutes"] is None
        slots = self.shop.rows("SELECT * FROM slots WHERE vendor_id = %s")
        standing = self.shop.rows(
            "SELECT c.provider_id, c.during, c.quantity FROM claims c"
            " JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id"
            " WHERE c.vendor_id = %s AND NOT (b.status = 'held' AND b.hold_expires_at <= %s)",
            now,
        )
        closed = {self.places[1]} if drawn["closed_place"] else set()
        kept = zip(self.providers, drawn["providers"], strict=True)
        return Vendor(
            now,
            {p: z for p, z in zip(self.places, ZONES, strict=True) if p not in closed},
            {*self.brink} | {one for one, of_provider in kept if not of_provider["archived"]},
            [_slot(row) for row in slots],
            [
                Claim(c["provider_id"], c["during"].lower, c["during"].upper, c["quantity"])
                for c in standing
            ],
            Service(
                drawn["minutes"],
                0 if whole else drawn["before"],
                0 if whole else drawn["after"],
                drawn["step"],
                drawn["notice"],
                drawn["window_days"],
                drawn["least"],
                drawn["most"],
                drawn["price"],
                tuple(self.needs),
            ),
            self.busy,
        )

    def reach(self, asked: dict[str, Any]) -> tuple[uuid.UUID, ...] | None:
        """Where a public booking may land that asks so; the documentation's table."""
        channels = self.drawn["channels"]
        mapped = channels.get(asked["channel"] or "web")
        wished = asked["places"]
        if wished is not None and mapped is not None:
            wished = [place for place in wished if place in mapped]
        elif wished is None:
            wished = mapped
        return None if wished is None else tuple(self.places[place] for place in wished)


def _slot(row: Row) -> Slot:
    price = row["price_amount"] and (row["price_amount"], row["price_currency"])
    during, closed = row["during"], tuple((one.lower, one.upper) for one in row["closed"])
    where = row["provider_id"], row["location_id"]
    return Slot(*where, during.lower, during.upper, row["capacity"], price, closed)


def _part(drawn: dict[str, Any], start: datetime, end: datetime) -> Span:
    """The part of a slot that was drawn: ten minutes of it at least."""
    since = min(start + timedelta(minutes=10 * drawn["start"]), end - timedelta(minutes=10))
    return since, min(since + timedelta(minutes=drawn["minutes"]), end)
