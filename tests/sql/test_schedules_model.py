"""Schedules that change at random among bookings, blocks and slots made by hand.

What must be true afterwards is said here anew, slot by slot, and shares nothing with the SQL.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.rota import Rota, Times
from tests.shop import Row, Shop, at
from tests.sweep import assert_clean

QUARTERS = range(8 * 4, 20 * 4)


def _week(chance: random.Random, rota: Rota) -> list[Row]:
    """Wanted at random: long times or slots of one length, of some capacity, here or there."""
    edges = sorted(chance.sample(QUARTERS, 2 * chance.randint(1, 4)))
    opened = list(zip(edges[::2], edges[1::2], strict=True))
    capacity = chance.choice([1, 2, 2, 3])
    if chance.random() < 0.5:
        times = [(start / 4, end / 4) for start, end in opened]
        return rota.wanted(*times, whole=False, capacity=capacity)
    length = chance.choice([1, 2, 3, 4])
    cut = [
        (begin / 4, (begin + length) / 4)
        for start, end in opened
        for begin in range(start, end - length + 1, length)
    ]
    return rota.wanted(*cut, capacity=capacity)


def _book(chance: random.Random, rota: Rota) -> None:
    for slot in rota.slots():
        if chance.random() < 0.5:
            quarters = int((slot["end"] - slot["start"]).total_seconds() / 900)
            start = chance.randrange(quarters)
            end = chance.randint(start + 1, quarters)
            begin = (slot["start"] - at(0)).total_seconds() / 3600
            part = {"start": at(begin + start / 4), "end": at(begin + end / 4)}
            lapses = chance.random() < 0.2
            hold = {"hold_for": timedelta(minutes=5)} if lapses else {}
            quantity = chance.randint(1, slot["capacity"])
            answer = rota.shop.claim(slot["id"], quantity=quantity, **part, **hold)
            if answer["outcome"] == "HELD":
                rota.shop.owner.execute(
                    "UPDATE bookings SET hold_expires_at = now() - interval '1 minute'"
                    " WHERE id = %s",
                    [answer["booking_id"]],
                )


def _claims(shop: Shop) -> list[Row]:
    """The claims that count, with the slot of each."""
    return shop.rows(
        "SELECT c.slot_id, c.booking_id::text, lower(c.during) AS start, upper(c.during) AS end,"
        " c.quantity FROM claims c JOIN bookings b ON b.id = c.booking_id"
        " WHERE c.vendor_id = %s AND NOT (b.status = 'held' AND b.hold_expires_at < now())"
        " ORDER BY 2"
    )


def _meets(one: Row, other: Row) -> bool:
    return one["start"] < other["end"] and other["start"] < one["end"]


def _inside(one: Row, other: Row) -> bool:
    return other["start"] <= one["start"] and one["end"] <= other["end"]


def _like(slot: Row, want: Row) -> bool:
    return slot["capacity"] == want["capacity"]


def _judge(rota: Rota, wanted: list[Row], facts: Row) -> None:
    slots, claims = rota.slots(), _claims(rota.shop)
    of_slot: dict = {}
    for claim in claims:
        of_slot.setdefault(claim["slot_id"], []).append(claim)
    wants = [
        {**want, "start": at(start), "end": at(end)}
        for want, (start, end) in zip(wanted, _times(wanted), strict=True)
    ]
    in_the_way = set()
    for slot in slots:
        if slot["schedule_id"] is None:
            assert not _closed_quarters(rota, slot)
            continue
        fits = [
            want
            for want in wants
            if _like(slot, want)
            and (_inside(slot, want) if not want["whole"] else _same(slot, want))
        ]
        if not fits:
            # Only bookings keep what is not wanted, and no more of it than they have.
            held = of_slot.get(slot["id"], [])
            assert held, f"nobody wants {slot}"
            assert slot["start"] == min(one["start"] for one in held)
            assert slot["end"] == max(one["end"] for one in held)
            # What is wanted of it all the same is open, and the rest is nobody else's.
            most = _most(held)
            gives = [w for w in wants if w["capacity"] >= most]
            claimed = set().union(*map(_quarters, held)) if gives and gives[0]["whole"] else set()
            shut = {q for q in _quarters(slot) if not any(_covers(want, q) for want in gives)}
            # What has a fixed length cannot be had where somebody is: only in between, in parts.
            shut |= claimed
            assert _closed_quarters(rota, slot) == shut
            in_the_way |= {one["booking_id"] for one in held if shut & _quarters(one)}
        else:
            assert not _closed_quarters(rota, slot)
    assert {one["booking_id"] for one in facts["in_the_way"]} == in_the_way
    for want in wants:
        met = sorted((s for s in slots if _meets(s, want)), key=lambda s: s["start"])
        if want["whole"]:
            kept = [s for s in met if s["schedule_id"] is None or s["id"] in of_slot]
            assert any(_same(s, want) and _like(s, want) for s in met) or kept, want
        else:
            # All of it is there, in one piece or several.
            reached = want["start"]
            for slot in met:
                assert slot["start"] <= reached, f"a hole in {want}"
                reached = max(reached, slot["end"])
            assert reached >= want["end"]


def _quarters(span: Row) -> set[datetime]:
    count = int((span["end"] - span["start"]).total_seconds() / 900)
    return {span["start"] + timedelta(minutes=15 * n) for n in range(count)}


def _covers(want: Row, quarter: datetime) -> bool:
    return want["start"] <= quarter < want["end"]


def _most(held: list[Row]) -> int:
    moments = [one["start"] for one in held]
    return max(sum(o["quantity"] for o in held if _covers(o, moment)) for moment in moments)


def _closed_quarters(rota: Rota, slot: Row) -> set[datetime]:
    (row,) = rota.shop.rows("SELECT closed FROM slots WHERE vendor_id = %s AND id = %s", slot["id"])
    closed = [{"start": one.lower, "end": one.upper} for one in row["closed"]]
    return {quarter for span in closed for quarter in _quarters(span)}


def _times(wanted: list[Row]) -> Iterator[Times]:
    for want in wanted:
        start, end = (datetime.fromisoformat(want[name]) - at(0) for name in ("start", "end"))
        yield start.total_seconds() / 3600, end.total_seconds() / 3600


def _same(slot: Row, want: Row) -> bool:
    return (slot["start"], slot["end"]) == (want["start"], want["end"])


@pytest.mark.parametrize("seed", range(40))
def test_whatever_changes_bookings_keep_their_time_and_all_else_is_as_it_is_wanted(shop, seed):
    chance = random.Random(seed)
    rota = Rota(shop)
    for _ in range(3):
        if chance.random() < 0.5:
            start = chance.choice(QUARTERS) / 4
            shop.publish(
                [{"start": at(start), "end": at(start + 0.5), "capacity": 1}], on_overlap="skip"
            )
        before, by_hand = _claims(shop), [s for s in rota.slots() if s["schedule_id"] is None]
        wanted = _week(chance, rota)
        told = rota.apply(wanted, dry_run=True)
        facts = rota.apply(wanted)
        assert told == facts
        after = _claims(shop)
        assert after == before
        assert [s for s in rota.slots() if s["schedule_id"] is None] == by_hand
        _judge(rota, wanted, facts)
        with shop.unchanged():
            again = rota.apply(wanted)
        assert again["in_the_way"] == facts["in_the_way"]
        _book(chance, rota)
    assert_clean(shop.owner, shop.vendor_id)
