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
    whole = rota.slots()
    if len(whole) > 1 and chance.random() < 0.5:
        first = chance.randrange(len(whole) - 1)
        rota.shop.claim(*(slot["id"] for slot in whole[first : first + 2]))
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
        " ORDER BY c.booking_id, c.ordinal"
    )


def _meets(one: Row, other: Row) -> bool:
    return one["start"] < other["end"] and other["start"] < one["end"]


def _inside(one: Row, other: Row) -> bool:
    return other["start"] <= one["start"] and one["end"] <= other["end"]


def _judge(rota: Rota, wanted: list[Row], facts: Row, slots_before: dict) -> None:
    slots, claims = rota.slots(), _claims(rota.shop)
    wants = [
        {**want, "start": at(start), "end": at(end)}
        for want, (start, end) in zip(wanted, _times(wanted), strict=True)
    ]
    in_the_way = set()
    for slot in slots:
        held = [one for one in claims if one["slot_id"] == slot["id"]]
        shut = _closed_quarters(rota, slot)
        if slot["schedule_id"] is None or any(_as_wanted(slot, want) for want in wants):
            assert not shut
            continue
        # Only bookings keep what is not wanted, and nothing but what they have.
        assert _quarters(slot) == set().union(*map(_quarters, held)), f"nobody has all of {slot}"
        for quarter in _quarters(slot):
            # What can be cut is open beside them, unless those who overlap there are too many.
            gives = [w for w in wants if not w["whole"] and _covers(w, quarter)]
            fits = gives and _most(_overlapping(quarter, held)) <= gives[0]["capacity"]
            assert (quarter in shut) == (not fits)
            assert not fits or slot["capacity"] == gives[0]["capacity"]
        in_the_way |= {
            one["booking_id"] for one in held if not any(_holds(w, one, held) for w in wants)
        }
    assert {one["booking_id"] for one in facts["in_the_way"]} == in_the_way
    by_hand = [slot for slot in slots if slot["schedule_id"] is None]
    standing = [one for one in claims if one["slot_id"] not in {slot["id"] for slot in by_hand}]
    for want in wants:
        there = [slot for slot in slots if _meets(slot, want)]
        if want["whole"]:
            met = [one for one in standing if _meets(one, want)]
            free = (
                not any(_meets(slot, want) for slot in by_hand)
                and all(_inside(one, want) for one in met)
                and len({slots_before[_key(one)] for one in met}) < 2
                and (not met or _most(met) <= want["capacity"])
            )
            ours = [slot for slot in there if slot not in by_hand]
            assert any(_as_wanted(slot, want) for slot in ours) == free, want
            continue
        for quarter in _quarters(want):
            # Wherever nobody is all is as it is wanted; and all of it is there.
            (slot,) = (slot for slot in there if _covers(slot, quarter))
            if slot not in by_hand and not any(_covers(one, quarter) for one in standing):
                assert _as_wanted(slot, want)


def _as_wanted(slot: Row, want: Row) -> bool:
    fits = _same(slot, want) if want["whole"] else _inside(slot, want)
    return fits and slot["capacity"] == want["capacity"]


def _holds(want: Row, claim: Row, others: list[Row]) -> bool:
    """Whether what is wanted gives the claim its time, and places to all who have it then."""
    met = [{**one, "start": max(one["start"], claim["start"])} for one in others]
    return (_same(claim, want) if want["whole"] else _inside(claim, want)) and _most(
        [one for one in met if _meets(one, claim)]
    ) <= want["capacity"]


def _overlapping(quarter: datetime, claims: list[Row]) -> list[Row]:
    """The claims at that time, those that overlap these, and so on."""
    found = [one for one in claims if _covers(one, quarter)]
    for one in found:
        found += [other for other in claims if _meets(one, other) and other not in found]
    return found


def _key(claim: Row) -> tuple[str, datetime]:
    return claim["booking_id"], claim["start"]


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


def _told(facts: Row) -> Row:
    """Without the slots of those in the way: a slot that is to be cut is not yet."""
    return {
        **facts,
        "in_the_way": [{**one, "slot_id": None} for one in facts["in_the_way"]],
    }


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
        assert _told(told) == _told(facts)
        after = _claims(shop)
        assert [{**one, "slot_id": None} for one in after] == [
            {**one, "slot_id": None} for one in before
        ]
        assert [s for s in rota.slots() if s["schedule_id"] is None] == by_hand
        _judge(rota, wanted, facts, {_key(one): one["slot_id"] for one in before})
        with shop.unchanged():
            again = rota.apply(wanted)
        assert again["in_the_way"] == facts["in_the_way"]
        _book(chance, rota)
    assert_clean(shop.owner, shop.vendor_id)
    assert shop.violations() == []
