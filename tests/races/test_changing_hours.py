"""Over HTTP the week changes and time off comes and goes, while people book that very day."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.types.range import TimestamptzRange

from tests.clients import Answer, Client, HttpClient
from tests.leave import Leave
from tests.patience import PATIENT, wait_until
from tests.racing import SERVER, Arena
from tests.rota import Rota
from tests.shop import Row, at

# Where tests.shop has its vendors.
PLACE = ZoneInfo("Europe/Rome")
DAY = datetime.now(PLACE).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
WEEKDAY = f"{DAY:%A}".lower()
FOR_GOOD = float("inf")
BOOKERS, TURNS_MAX = 6, 40
Hours = tuple[float, float]
# As weekly hours, and how long a slot is: the last is what holds in the end.
WEEKS: list[tuple[list[Hours], int | None]] = [
    ([(9, 12), (14, 17)], None),
    ([(9, 17)], 30),
    ([(10, 15)], None),
    ([(9, 17)], None),
    ([(9, 12), (14, 17)], None),
]
LEAVES: list[Hours] = [(10, 11), (15, 16.5), (9.5, 12), (10, 11)]
# What somebody has from before the race on, in time that the last week leaves out.
IN_THE_GAP: Hours = (12.5, 13.5)
REFUSALS = {"BOOKING_CONFLICT", "SLOT_NOT_FOUND", "VALIDATION_ERROR"}
TRY_AGAIN = {"CONCURRENCY_ABORT", "INVENTORY_LOCKED"}


def _at(hour: float) -> datetime:
    return DAY.replace(hour=int(hour), minute=round(hour % 1 * 60))


def _overlap(first: Hours, second: Hours) -> bool:
    return first[0] < second[1] and second[0] < first[1]


@dataclass
class Try:
    """Somebody wanted these hours, from `began` to `ended`; the provider's own, or anybody's."""

    hours: Hours
    by_service: bool
    began: float
    ended: float
    answer: Answer


@dataclass
class Day:
    """One day of a provider whose week and leave the vendor changes, and what was told of it."""

    arena: Arena
    vendor: HttpClient
    service: uuid.UUID = field(init=False)
    schedule: str = field(init=False)
    tries: list[Try] = field(default_factory=list)
    cancelled: set[uuid.UUID] = field(default_factory=set)
    # Hours that were closed throughout, from when to when: the vendor had been told so, and had
    # not yet asked for anything else.
    closed: list[tuple[Hours, float, float]] = field(default_factory=list)
    changing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        shop = self.arena.shop
        self.provider = shop.provider_id
        # Whoever finds no time of the first may have this one's: it never changes.
        other = shop.provider()
        shop.slot(_at(9), _at(17), provider_id=other)
        self.service = shop.service(60, {self.provider: 1, other: 2}, start_step_minutes=30)
        made = self.manage(
            "POST",
            f"/providers/{self.provider}/schedules",
            {
                "weekly": {WEEKDAY: [["09:00", "17:00"]]},
                "slot_minutes": None,
                "capacity": 3,
                "valid_from": f"{DAY:%Y-%m-%d}",
                "valid_until": f"{DAY:%Y-%m-%d}",
            },
        )
        self.schedule = f"/schedules/{made['id']}"

    def slots(self) -> list[Row]:
        """The provider's slots that day."""
        return self.arena.shop.rows(
            "SELECT id, during FROM slots WHERE vendor_id = %s AND provider_id = %s", self.provider
        )

    def manage(self, method: str, path: str, body: Any = None, client: Any = None) -> Row:
        """What the vendor is answered, who tries again when told that others were in the way."""
        for _ in range(20):
            answer = (client or self.vendor).manage(method, path, body)
            if answer.code not in TRY_AGAIN:
                break
        assert answer.status in {200, 201}, answer
        return answer.body

    def change_the_week(self, client: HttpClient) -> list[Answer]:
        """The weeks, one after the other."""
        told: list[tuple[list[Hours], float]] = []
        try:
            for hours, minutes in WEEKS:
                self._over(told)
                self.publish(hours, minutes, client)
                edges = [9.0, *(edge for pair in hours for edge in pair), 17.0]
                shut = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
                told = [(shut, time.monotonic())]
        finally:
            self.changing.set()
        self._over(told, FOR_GOOD)
        return []

    def publish(self, hours: list[Hours], minutes: int | None, client: Any = None) -> Row:
        """This is the week now; what publishing it answers."""
        clocks = [[f"{_at(start):%H:%M}", f"{_at(end):%H:%M}"] for start, end in hours]
        week = {"weekly": {WEEKDAY: clocks}, "slot_minutes": minutes}
        found: Row = self.manage("PATCH", self.schedule, week, client)["publishing"]
        return found

    def come_and_go(self, client: HttpClient) -> list[Answer]:
        """Leave after leave; the last one stays."""
        for number, hours in enumerate(LEAVES):
            times = {"start": _at(hours[0]).isoformat(), "end": _at(hours[1]).isoformat()}
            made = self.manage("POST", f"/providers/{self.provider}/time-off", times, client)
            told = [([hours], time.monotonic())]
            if number == len(LEAVES) - 1:
                self._over(told, FOR_GOOD)
            else:
                self._over(told)
                self.manage("DELETE", f"/time-off/{made['id']}", None, client)
        return []

    def _over(self, told: list[tuple[list[Hours], float]], until: float | None = None) -> None:
        for shut, since in told:
            self.closed += [(hours, since, until or time.monotonic()) for hours in shut]

    def book_on_and_on(self, client: Client, first: int) -> list[Answer]:
        """Parts and by service, here and there, while the vendor is at it; and give back."""
        answers = []
        for turn in count():
            if turn >= 4 and (self.changing.is_set() or turn >= TURNS_MAX):
                break
            start = 9 + (5 * first + 3 * turn) % 15 / 2
            tried = self.try_to_book(
                client, (start, start + 1), by_service=bool((first // 2 + turn) % 2)
            )
            answers.append(tried.answer)
            if tried.answer.code == "CONFIRMED" and turn % 2:
                answers.append(self.cancel(client, tried.answer))
        return answers

    def cancel(self, client: Client, booking: Answer) -> Answer:
        """Give the booking back."""
        self.cancelled.add(booking.booking_id)
        return client.move("cancel_booking", booking.booking_id)

    def try_to_book(self, client: Client, hours: Hours, *, by_service: bool, **wish: Any) -> Try:
        """Book these hours of whichever slot holds them, or the service."""
        start, end = _at(hours[0]), _at(hours[1])
        there = [] if by_service else self.slots()
        holding = [
            s["id"] for s in there if s["during"].lower <= start and end <= s["during"].upper
        ]
        began = time.monotonic()
        if by_service or not holding:
            by_service = True
            answer = client.book_service(self.service, start, **wish)
        else:
            answer = client.book(holding[0], start=start.isoformat(), end=end.isoformat())
        done = Try(hours, by_service, began, time.monotonic(), answer)
        self.tries.append(done)
        return done

    def booked_in_closed_time(self) -> Iterator[tuple[Try, Hours]]:
        """Whoever got hours that were closed before they began, and until they had them."""
        for one in self.tries:
            if one.answer.code == "CONFIRMED" and self.is_here(one.answer):
                for hours, since, until in self.closed:
                    if since < one.began and one.ended < until and _overlap(one.hours, hours):
                        yield one, hours

    def standing(self, hours: Hours) -> list[Try]:
        """Whoever has the provider's time there, as far as they were told."""
        return [
            one
            for one in self.tries
            if one.answer.code == "CONFIRMED"
            and one.answer.booking_id not in self.cancelled
            and self.is_here(one.answer)
            and _overlap(one.hours, hours)
        ]

    def assert_what_was_acknowledged_stands(self) -> None:
        """Each booking is when it was made for, and there is no other."""
        stands = self.arena.shop.rows(
            "SELECT id, during FROM bookings WHERE vendor_id = %s AND occupying AND kind <> 'block'"
        )
        assert {row["id"]: row["during"] for row in stands} == {
            one.answer.booking_id: TimestamptzRange(_at(one.hours[0]), _at(one.hours[1]))
            for one in self.tries
            if one.answer.code == "CONFIRMED" and one.answer.booking_id not in self.cancelled
        }

    def is_here(self, answer: Answer) -> bool:
        """Whether the booking is with the provider whose hours change."""
        return bool(answer.body["provider_id"] == str(self.provider))


@pytest.mark.parametrize("way", ["http", "mixed"])
def test_nobody_is_booked_in_time_that_the_vendor_was_told_is_closed(arena, way):
    (vendor,) = arena.http()
    day, before = Day(arena, vendor), arena.deadlocks()
    for hours in (IN_THE_GAP, LEAVES[-1]):
        assert day.try_to_book(vendor, hours, by_service=False).answer.code == "CONFIRMED"
    bookers = arena.crowd(way, BOOKERS)
    weekly, leaving = arena.http(2)
    racers: list[tuple[Client, Callable[[], list[Answer]]]] = [
        (one, lambda one=one, n=n: day.book_on_and_on(one, n)) for n, one in enumerate(bookers)
    ]
    racers += [(weekly, lambda: day.change_the_week(weekly))]
    racers += [(leaving, lambda: day.come_and_go(leaving))]
    held = [slot["id"] for slot in arena.shop.rows("SELECT id FROM slots WHERE vendor_id = %s")]
    answers = [
        one for found in arena.race_all(racers, *held, refusals={400, 404, 409}) for one in found
    ]
    ways = Counter((one.by_service, one.answer.code) for one in day.tries)
    print(ways)
    assert {answer.code for answer in answers} <= {"CONFIRMED", "CANCELLED"} | REFUSALS
    assert min(ways[False, "CONFIRMED"], ways[True, "CONFIRMED"]) > 0
    assert arena.deadlocks() == before
    day.assert_what_was_acknowledged_stands()

    # Whoever stands in what the last week leaves out is named; nothing is left to publish.
    told = day.publish(*WEEKS[-1])
    again = day.publish(*WEEKS[-1])
    assert (again["published"], again["removed"], again["resized"]) == (0, 0, 0)
    in_the_way = {one.answer.booking_id for one in day.standing((12, 14))}
    assert in_the_way
    assert in_the_way <= {uuid.UUID(one["booking_id"]) for one in told["in_the_way"]}

    # What they give back there, or in the last leave, nobody gets.
    for one in [*day.standing((12, 14)), *day.standing(LEAVES[-1])]:
        day.cancel(vendor, one.answer)
    for client in bookers[:2]:
        for hours in [LEAVES[-1], (9.5, 10.5), IN_THE_GAP, (13.5, 14.5)]:
            day.try_to_book(client, hours, by_service=False)
            day.try_to_book(client, hours, by_service=True, provider_id=str(day.provider))
    assert list(day.booked_in_closed_time()) == []
    day.assert_what_was_acknowledged_stands()
    Leave(arena.shop).assert_closed()
    assert arena.shop.violations() == []
    arena.sweep()


@pytest.mark.parametrize("was", [[(9, 17)], [(9, 10), (11.5, 14.5), (16, 17)]], ids=["cut", "gone"])
def test_who_names_provider_and_time_and_waits_for_a_new_week_is_booked_in_its_slots(arena, was):
    """Who named no slot hears nothing of one that was cut meanwhile."""
    rota = Rota(arena.shop)
    rota.apply(rota.wanted(*was, whole=False, capacity=2))
    rota.book(9, 10)
    rota.book(16, 17)
    (customer,) = arena.http()

    def book(start: float, end: float) -> Answer:
        times = {"start": at(start).isoformat(), "end": at(end).isoformat()}
        wanted = {"provider_id": str(arena.shop.provider_id), **times}
        return customer.manage("POST", "/bookings", wanted)

    def waits() -> bool:
        (found,) = arena.monitor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s AND wait_event_type = 'Lock'",
            [SERVER],
        ).fetchone()
        return bool(found)

    url = arena.server.database.app_url
    with (
        ThreadPoolExecutor(1) as thread,
        psycopg.connect(url, autocommit=True, options=PATIENT) as publisher,
    ):
        with publisher.transaction():
            week = rota.wanted((9, 11), (11.5, 13), (13, 17), whole=False, capacity=2)
            rota.apply(week, publisher)
            booking = thread.submit(book, 11.5, 14)
            wait_until(lambda: waits() or booking.done(), "nobody waits for the new week")
            assert not booking.done(), booking.result()
        answer = booking.result()
    assert (answer.status, answer.code) == (201, "CONFIRMED"), answer
    assert answer.body["slot_ids"] == [str(rota.slot_at(11.5)), str(rota.slot_at(13))]
    assert (book(10, 12).status, book(10, 12).code) == (400, "VALIDATION_ERROR")
    arena.sweep()
