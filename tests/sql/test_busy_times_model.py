"""After whatever happens, nothing can be booked in busy time, and every block is explained."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.leave import Leave
from tests.rota import Rota
from tests.shop import Shop, at
from tests.sweep import assert_clean

HOURS = st.tuples(st.integers(8, 17), st.integers(1, 5)).map(lambda one: (one[0], sum(one)))
WHICH = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("busy"), HOURS, st.just(0)),
    st.tuples(st.sampled_from(["end", "move"]), HOURS, WHICH),
    st.tuples(st.sampled_from(["publish", "schedule"]), HOURS, st.integers(1, 3)),
    st.tuples(st.sampled_from(["resize", "delete"]), HOURS, WHICH),
    st.tuples(st.sampled_from(["book", "hold", "block", "joint"]), HOURS, st.integers(1, 2)),
    st.tuples(st.sampled_from(["cancel", "lift", "confirm", "expire", "close"]), HOURS, WHICH),
)


class Story:
    """One provider's calendar, and a room's; each step may be refused, and says nothing of it."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.leave, self.rota = shop, Leave(shop), Rota(shop)
        self.room = shop.provider()
        self.busy: list[Any] = []
        shop.slot(8, 20, provider_id=self.room)

    def step(self, what: str, hours: tuple[int, int], number: int) -> None:
        getattr(self, f"_{what}")(*hours, number)

    def slots(self) -> list[Any]:
        return [one["id"] for one in self.rota.slots()]

    def bookings(self, kind: str) -> list[Any]:
        rows = self.shop.rows(
            "SELECT id FROM bookings WHERE vendor_id = %s AND kind = %s ORDER BY id", kind
        )
        return [row["id"] for row in rows]

    def _busy(self, start: int, end: int, _: int) -> None:
        self.busy.append(self.leave.busy(start, end))

    def _end(self, _start: int, _end: int, number: int) -> None:
        if self.busy:
            self.leave.end(self.busy[number % len(self.busy)])

    def _move(self, start: int, end: int, number: int) -> None:
        if self.busy:
            self.leave.move(self.busy[number % len(self.busy)], start, end)

    def _publish(self, start: int, end: int, capacity: int) -> None:
        self.shop.publish([{"start": at(start), "end": at(end), "capacity": capacity}])

    def _schedule(self, start: int, end: int, capacity: int) -> None:
        times = [(hour, hour + 2) for hour in range(start, end, 2)]
        self.rota.answer(self.rota.wanted(*times, whole=False, capacity=capacity))

    def _resize(self, start: int, end: int, number: int) -> None:
        if slots := self.slots():
            slot_id = slots[number % len(slots)]
            words = {"start": at(start), "end": at(end), "capacity": number % 3 + 1}
            self.shop.call("resize_slot", slot_id=slot_id, **words)

    def _delete(self, _start: int, _end: int, number: int) -> None:
        if slots := self.slots():
            self.shop.call("delete_slot", slot_id=slots[number % len(slots)])

    def _book(self, start: int, end: int, quantity: int, **more: Any) -> None:
        provider_id = self.shop.provider_id
        covering = self.shop.rows(
            "SELECT id FROM slots WHERE vendor_id = %s AND provider_id = %s AND during"
            " && tstzrange(%s, %s) ORDER BY during",
            provider_id,
            at(start),
            at(end),
        )
        slots = [*(row["id"] for row in covering), *more.pop("slots", ())]
        if slots:
            more = {"start": at(start), "end": at(end), "quantity": quantity} | more
            try:
                self.shop.claim(*slots, **more)
            except psycopg.Error as error:  # Broken callers are another test's.
                assert error.sqlstate == "SK001"  # noqa: PT017

    def _hold(self, start: int, end: int, quantity: int) -> None:
        self._book(start, end, quantity, hold_for="5 minutes")

    def _joint(self, start: int, end: int, _: int) -> None:
        rows = self.shop.rows(
            "SELECT id FROM slots WHERE vendor_id = %s AND provider_id = %s", self.room
        )
        self._book(start, end, 1, slots=[row["id"] for row in rows])

    def _block(self, start: int, end: int, _: int) -> None:
        words = {"provider_id": self.shop.provider_id, "start": at(start), "end": at(end)}
        self.shop.call("block_time", **words, quantity=1)

    def _cancel(self, _start: int, _end: int, number: int) -> None:
        if bookings := self.bookings("appointment"):
            self.shop.move("cancel_booking", bookings[number % len(bookings)])

    def _lift(self, _start: int, _end: int, number: int) -> None:
        if blocks := self.bookings("block"):
            self.shop.move("unblock_time", blocks[number % len(blocks)])

    def _confirm(self, _start: int, _end: int, number: int) -> None:
        if bookings := self.bookings("appointment"):
            self.shop.move("confirm_booking", bookings[number % len(bookings)])

    def _expire(self, _start: int, _end: int, number: int) -> None:
        self.shop.owner.execute(
            "UPDATE bookings SET hold_expires_at = now() - interval '1 minute'"
            " WHERE vendor_id = %s AND status = 'held'",
            [self.shop.vendor_id],
        )
        if number % 2:
            self.shop.call("expire_holds")

    def _close(self, *_: int) -> None:
        self.leave.close()


@pytest.fixture
def new_story(module_app, module_owner):
    """A story of its own for each example."""
    return lambda: Story(Shop(module_app, module_owner))


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=6, max_size=14))
def test_nothing_is_free_in_busy_time_whatever_happens(new_story, steps):
    story = new_story()
    story.step("publish", (8, 18), 2)
    for step in steps:
        note(str(step))
        story.step(*step)
        story.leave.assert_closed()
    facts = story.leave.close()
    assert facts == {"changed": False, "blocked": 0, "lifted": 0} or any(
        what in {"hold", "expire"} for what, *_ in steps
    )
    for busy in story.busy:
        story.leave.end(busy)
    assert story.leave.blocks() == []
    assert_clean(story.shop.owner, story.shop.vendor_id)
