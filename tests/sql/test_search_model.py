"""Everything shown can be booked as shown, and everything that can be booked is shown.

Hypothesis makes small vendors; what search_times shows of them is compared with a model of the
documentation, booked, and what it does not show is tried, too. More of it on demand:
SLOTKEEPER_EXAMPLES=2000.
"""

from __future__ import annotations

import json
import os
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.shop import Row
from tests.small_vendors import Small, questions, worlds
from tests.times_model import Option, Question

EXAMPLES = int(os.environ.get("SLOTKEEPER_EXAMPLES", "50"))
NEAR_MISSES_MAX = 12
STEP = timedelta(minutes=10)
CUSTOMER = {"name": "Ada", "email": "ada@example.org"}


class Visit:
    """A public caller's calls, in one transaction, whose beginning is `now`."""

    def __init__(self, small: Small, asked: dict[str, Any]) -> None:
        self.small, self.asked = small, asked
        self.now = small.shop.app.execute("SELECT now()").fetchone()[0]
        small.go_to_the_brink(self.now)
        self.vendor = small.vendor(self.now)
        index = asked["provider"]
        self.provider = small.providers[index % len(small.providers)] if index is not None else None
        wished = asked["places"]
        self.places = [small.places[place] for place in wished] if wished else None
        self.quantity = asked["quantity"] or small.drawn["least"]
        since = self._edge("since") or small.base + timedelta(hours=asked["from"])
        until = self._edge("until") or since + timedelta(hours=asked["hours"])
        self.since, self.until = sorted([since, until])

    def _edge(self, name: str) -> datetime | None:
        """A moment at which something happens, as it was drawn; None if none was."""
        drawn = self.asked[name]
        if drawn is None:
            return None
        moments = []
        if drawn["bookable"]:
            base, quantity = self.small.base, self.quantity
            days = (base - timedelta(days=1), base + timedelta(days=3))
            moments = [
                start for start, _ in self.vendor.times(Question(*days, quantity, None, None))
            ]
        moments = moments or self.vendor.moments()
        moment = moments[drawn["which"] % len(moments)]
        return moment + timedelta(microseconds=drawn["by"])

    def question(self) -> Question:
        """What the model is asked."""
        places = self.small.reach(self.asked)
        return Question(self.since, self.until, self.quantity, self.provider, places)

    def shown(self) -> dict[tuple[datetime, datetime], list[Option]] | str:
        """What search_times shows, page by page; or the outcome of a refusal."""
        found: dict[tuple[datetime, datetime], list[Option]] = {}
        after: dict[str, Any] = {}
        while True:
            row = self.small.shop.call(
                "search_times",
                **{"from": self.since, "to": self.until},
                service_id=self.small.service,
                quantity=self.asked["quantity"],
                provider_id=self.provider,
                location_ids=self.places,
                channel=self.asked["channel"],
                limit=self.asked["limit"],
                **after,
            )[0]
            if row["outcome"] != "FOUND":
                return row["outcome"]
            for item in json.loads(f"[{row['items']}]"):
                when = tuple(datetime.fromisoformat(item[name]) for name in ("start", "end"))
                assert when not in found, "shown twice"
                found[when] = [_option(one) for one in item["options"]]
            if row["next_start"] is None:
                return found
            after = {"after_start": row["next_start"], "after_end": row["next_end"]}

    def book(self, start: datetime, **more: Any) -> Row | None:
        """The booking that a request makes, undone at once; None if it is refused."""
        details = {"customer": CUSTOMER, "channel": self.asked["channel"]}
        wanted = {"provider_id": self.provider, "location_ids": self.places, **more}
        with self.small.shop.app.transaction(force_rollback=True):
            answer = self.small.shop.call(
                "claim_service_and_create_booking",
                service_id=self.small.service,
                start=start,
                quantity=self.quantity,
                details=Jsonb({k: v for k, v in details.items() if v is not None}),
                actor=Jsonb({"type": "customer"}),
                **wanted,
            )[0]
            if answer["booking_id"] is None:
                return None
            with self.small.shop.app.cursor(row_factory=dict_row) as cursor:
                cursor.execute(
                    "SELECT array_agg(DISTINCT c.provider_id) AS providers FROM claims c"
                    " WHERE c.vendor_id = %s AND c.booking_id = %s",
                    [self.small.shop.vendor_id, answer["booking_id"]],
                )
                return {**answer["facts"], **cursor.fetchone()}


def _option(shown: dict[str, Any]) -> Option:
    price = shown["price"] and (shown["price"]["amount"], shown["price"]["currency"])
    providers = tuple(map(uuid.UUID, shown["provider_ids"]))
    assert uuid.UUID(shown["provider_id"]) == providers[0]
    return Option(providers, uuid.UUID(shown["location_id"]), shown["available"], price)


def _is(booking: Row | None, when: tuple[datetime, datetime], option: Option) -> bool:
    """Whether the booking is what was shown."""
    if booking is None:
        return False
    price = booking["price"] and (booking["price"]["amount"], booking["price"]["currency"])
    times = tuple(datetime.fromisoformat(booking[name]) for name in ("start", "end"))
    who = set(booking["providers"]), booking["provider_id"], booking["location_id"]
    expected = set(option.providers), str(option.providers[0]), str(option.place)
    return (times, who, price) == (when, expected, option.price)


def _near_misses(visit: Visit, shown: set[datetime]) -> list[datetime]:
    """Starts that are not shown, but nearly: beside those that are, and at edges of slots."""
    near = {start + timedelta(minutes=by) for start in shown for by in (-5, 5, 10, 15)}
    for _, start, end, _ in visit.small.slots:
        near |= {start, end, start + timedelta(minutes=10), end - timedelta(minutes=30)}
        near |= {start - timedelta(minutes=5), end - timedelta(minutes=60)}
    inside = {one for one in near if visit.since <= one < visit.until} - shown
    # Spread over all of them, and the same ones each time.
    spread = sorted(inside)
    return spread[:: max(1, len(spread) // NEAR_MISSES_MAX)]


def _beyond(quantity: int, drawn: dict[str, Any]) -> bool:
    """Whether the service is not for so many at once."""
    return quantity < drawn["least"] or quantity > (drawn["most"] or quantity)


@pytest.fixture
def make(module_app, module_owner):
    return lambda drawn: Small(module_app, module_owner, drawn)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=worlds, asked=questions)
def test_what_is_shown_is_what_can_be_booked(make, drawn, asked):
    small = make(drawn)
    with small.shop.app.transaction(force_rollback=True):
        visit = Visit(small, asked)
        shown = visit.shown()
        mapped, named = drawn["channels"], asked["channel"]
        if (mapped and named not in {None, "web", *mapped}) or _beyond(visit.quantity, drawn):
            event("refused")
            assert shown == "VALIDATION_ERROR"
            assert visit.book(small.base + timedelta(hours=2)) is None
            return
        expected = visit.vendor.times(visit.question())
        assert list(shown) == list(expected)
        assert shown == expected
        event("something is shown" if shown else "nothing is shown")
        tried = set()
        for when, options in shown.items():
            start, end = when
            if start not in tried:
                # Of whole slots that begin together, it is the one that ranks first.
                booking = visit.book(start)
                same_start = [(w, o) for w, some in shown.items() if w[0] == start for o in some]
                assert any(_is(booking, w, o) for w, o in same_start), (when, options)
                tried.add(start)
            else:
                event("ends at different times")
            assert _is(visit.book(start, end=end), when, options[0])
            for option in options[1:]:
                wish = {"provider_id": option.providers[0], "location_ids": [option.place]}
                if visit.provider in {None, option.providers[0]}:
                    assert _is(visit.book(start, end=end, **wish), when, option)
        for start, end in list(shown)[:3]:
            if (start, end + STEP) not in shown:
                assert visit.book(start, end=end + STEP) is None
        for start in _near_misses(visit, {start for start, _ in shown}):
            assert visit.book(start) is None, start


@pytest.mark.parametrize("drawn_by", [worlds])
def test_the_vendors_made_are_not_all_without_times(make, drawn_by):
    """A comparison of nothing with nothing would prove nothing."""
    times = 0

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(drawn=drawn_by)
    def count(drawn):
        nonlocal times
        small = make(drawn)
        now = small.one("SELECT now()")
        anywhere = Question(now, now + timedelta(days=2), drawn["least"], None, None)
        times += len(small.vendor(now).times(anywhere))

    count()
    assert times > 25
