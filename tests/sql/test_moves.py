"""The state machine: every move the design allows, and none besides."""

from __future__ import annotations

import uuid
from datetime import timedelta

import psycopg
import pytest

from tests import raw
from tests.shop import Shop, at

STATUSES = [
    "requested", "held", "confirmed", "completed", "no_show", "cancelled", "expired", "declined",
]  # fmt: skip
# As the design has it: requested -> confirmed, declined, cancelled, expired; held -> confirmed,
# cancelled, expired; confirmed -> completed, no_show, cancelled; completed <-> no_show, and either
# back to confirmed; cancelled -> confirmed by claiming again. declined and expired have no
# function of their own yet: expired is what the clock does.
MOVES = {
    "confirm_booking": ("confirmed", {"requested", "held", "completed", "no_show", "cancelled"}),
    "cancel_booking": ("cancelled", {"requested", "held", "confirmed"}),
    "complete_booking": ("completed", {"confirmed", "no_show"}),
    "mark_no_show": ("no_show", {"confirmed", "completed"}),
}
OCCUPYING = {"requested", "held", "confirmed", "completed", "no_show"}


def booking_in(shop: Shop, status: str) -> uuid.UUID:
    """A booking as it would be in that status, its history included."""
    slot = shop.slot(capacity=3)
    ordinals = None if status in OCCUPYING else ()
    booking = {"status": status, "hold_expires_at": at(8) if status == "held" else None}
    booking_id = raw.book(shop.owner, shop, slot, booking=booking, ordinals=ordinals)
    shop.owner.execute(
        "INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, changes)"
        " VALUES (%s, %s, 1, %s, '{}', '{}')",
        [shop.vendor_id, booking_id, status],
    )
    return booking_id


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("function", MOVES)
def test_a_move_is_made_refused_or_already_done_as_the_design_says(shop, function, status):
    wanted, allowed = MOVES[function]
    booking_id = booking_in(shop, status)
    if status in allowed:
        answer = shop.move(function, booking_id)
        assert (answer["outcome"], answer["changed"]) == (wanted.upper(), True)
        assert shop.booking(booking_id)["status"] == wanted == answer["facts"]["status"]
        assert shop.booking(booking_id)["version"] == 2
        assert len(shop.claims(booking_id)) == (wanted in OCCUPYING)
        event = shop.events(booking_id)[-1]
        assert (event["sequence"], event["kind"]) == (2, wanted)
        assert event["changes"]["status"] == {"from": status, "to": wanted}
        return
    with shop.unchanged():
        answer = shop.move(function, booking_id)
    assert answer["changed"] is False
    if status == wanted:
        assert answer["outcome"] == wanted.upper()
        assert answer["facts"]["id"] == str(booking_id)
    elif (status, wanted) == ("expired", "confirmed"):
        assert answer["outcome"] == "HOLD_EXPIRED"
    else:
        assert answer["outcome"] == "BOOKING_STATE_CONFLICT"
        assert answer["facts"] == {"status": status, "wanted": wanted}


@pytest.mark.parametrize("function", MOVES)
def test_doing_again_what_is_done_writes_no_event(shop, function):
    booking_id = shop.book(shop.slot())
    first, again = shop.move(function, booking_id), shop.move(function, booking_id)
    assert again["outcome"] == first["outcome"]
    assert again["changed"] is False
    assert len(shop.events(booking_id)) == shop.booking(booking_id)["version"]


@pytest.mark.parametrize("function", [*MOVES, "unblock_time"])
def test_a_booking_that_is_not_there_or_another_vendors_is_not_found(shop, function):
    theirs = shop.book(shop.slot())
    stranger = Shop(shop.app, shop.owner)
    for booking_id in (uuid.uuid4(), theirs):
        with shop.unchanged():
            answer = stranger.move(function, booking_id)
        assert (answer["outcome"], answer["changed"]) == ("BOOKING_NOT_FOUND", False)


@pytest.mark.parametrize("function", MOVES)
def test_a_version_that_is_not_the_current_one_is_refused(shop, function):
    booking_id = shop.book(shop.slot())
    with shop.unchanged():
        answer = shop.move(function, booking_id, expected_version=7)
    assert (answer["outcome"], answer["facts"]) == ("PRECONDITION_FAILED", {"version": 1})
    assert shop.move(function, booking_id, expected_version=1)["outcome"] != "PRECONDITION_FAILED"


@pytest.mark.parametrize("function", MOVES)
def test_a_broken_caller_hears_an_error_of_ours(shop, function):
    booking_id = shop.book(shop.slot())
    for broken in ({"booking_id": None}, {"booking_id": booking_id, "actor": None}):
        with shop.unchanged(), pytest.raises(psycopg.Error) as error:
            shop.call(function, **broken)
        assert error.value.sqlstate == "SK001"


def test_a_hold_is_confirmed_in_time_and_then_never_lapses(shop):
    booking_id = shop.book(shop.slot(), hold_for=timedelta(minutes=5))
    assert shop.move("confirm_booking", booking_id)["outcome"] == "CONFIRMED"
    assert shop.booking(booking_id)["hold_expires_at"] is None


@pytest.mark.parametrize(
    "function, outcome",
    [("confirm_booking", "HOLD_EXPIRED"), ("cancel_booking", "BOOKING_STATE_CONFLICT")],
)
def test_a_hold_that_has_lapsed_becomes_expired_when_it_is_touched(shop, function, outcome):
    booking_id = shop.lapsed_hold(shop.slot())
    answer = shop.move(function, booking_id)
    assert (answer["outcome"], answer["changed"]) == (outcome, False)
    assert shop.booking(booking_id)["status"] == "expired"
    assert shop.claims(booking_id) == []
    assert [event["kind"] for event in shop.events(booking_id)] == ["held", "expired"]


def test_cancelling_frees_every_place_of_every_night(shop):
    nights = shop.nights(3, capacity=2)
    booking_id = shop.book(*nights, quantity=2)
    shop.move("cancel_booking", booking_id)
    assert shop.claims(booking_id) == []
    assert shop.claim(*nights, quantity=2)["outcome"] == "CONFIRMED"


def test_a_cancelled_booking_is_confirmed_again_by_claiming_its_places_again(shop):
    nights = shop.nights(2, capacity=3)
    booking_id = shop.book(*nights, quantity=2)
    shop.move("cancel_booking", booking_id)
    shop.book(nights[0])
    answer = shop.move("confirm_booking", booking_id)
    assert (answer["outcome"], answer["changed"]) == ("CONFIRMED", True)
    starts = [[unit.lower for unit in claim["units"]] for claim in shop.claims(booking_id)]
    assert starts == [[2], [1]]
    assert answer["facts"]["version"] == 3


def test_why_it_is_cancelled_is_kept_with_the_booking_while_it_is_and_never_in_history(shop):
    booking_id = shop.book(shop.slot())
    with shop.unchanged():
        refused = shop.move("cancel_booking", booking_id, reason="x" * 501)
    assert (refused["outcome"], refused["facts"]["field"]) == ("VALIDATION_ERROR", "reason")
    facts = shop.move("cancel_booking", booking_id, reason="Ada has the flu")["facts"]
    assert (facts["cancelled_by"], facts["cancellation_reason"]) == ("system", "Ada has the flu")
    facts = shop.move("confirm_booking", booking_id)["facts"]
    assert (facts["cancelled_by"], facts["cancellation_reason"]) == (None, None)
    facts = shop.move("cancel_booking", booking_id)["facts"]
    assert (facts["cancelled_by"], facts["cancellation_reason"]) == ("system", None)
    history = shop.owner.execute("SELECT string_agg(changes::text, ' ') FROM events").fetchone()[0]
    assert history.count("cancellation_reason") == 2
    assert "flu" not in history


def test_a_cancelled_booking_whose_places_were_taken_is_refused_like_anybody_else(shop):
    slot = shop.slot(capacity=2)
    booking_id = shop.book(slot, quantity=2)
    shop.move("cancel_booking", booking_id)
    rival = shop.book(slot)
    with shop.unchanged():
        answer = shop.move("confirm_booking", booking_id)
    assert (answer["outcome"], answer["facts"]["available"]) == ("INSUFFICIENT_INVENTORY", 1)
    shop.book(slot)
    with shop.unchanged():
        assert shop.move("confirm_booking", booking_id)["outcome"] == "BOOKING_CONFLICT"
    shop.move("cancel_booking", rival)
    with shop.unchanged():
        answer = shop.move("confirm_booking", booking_id)
    assert answer["outcome"] == "INSUFFICIENT_INVENTORY"


def test_a_cancelled_booking_is_not_kept_out_by_a_lapsed_hold(shop):
    slot = shop.slot()
    booking_id = shop.book(slot)
    shop.move("cancel_booking", booking_id)
    hold = shop.lapsed_hold(slot)
    assert shop.move("confirm_booking", booking_id)["outcome"] == "CONFIRMED"
    assert shop.booking(hold)["status"] == "expired"


@pytest.mark.parametrize(
    "night, change, outcome",
    [
        (0, {"start": at(16)}, "SLOT_NOT_FOUND"),
        (1, {"start": at(15, 40), "end": at(35, 40)}, "SLOT_NOT_FOUND"),
        (2, {"end": at(34, 2)}, "SLOT_NOT_FOUND"),
        (1, {"capacity": 1}, "INSUFFICIENT_INVENTORY"),
    ],
    ids=["first begins later", "middle moved away", "last ends earlier", "made too small"],
)
def test_a_cancelled_stay_whose_nights_have_changed_is_refused(shop, night, change, outcome):
    nights = shop.nights(3, capacity=2)
    booking_id = shop.book(*nights, quantity=2)
    shop.move("cancel_booking", booking_id)
    assert shop.call("resize_slot", slot_id=nights[night], **change)[0]["outcome"] == "RESIZED"
    with shop.unchanged():
        answer = shop.move("confirm_booking", booking_id)
    assert answer["outcome"] == outcome


@pytest.mark.parametrize("night", [0, 1, 2])
def test_a_cancelled_stay_one_of_whose_nights_is_gone_is_refused(shop, night):
    nights = shop.nights(3)
    booking_id = shop.book(*nights)
    shop.move("cancel_booking", booking_id)
    shop.call("delete_slot", slot_id=nights[night])
    with shop.unchanged():
        answer = shop.move("confirm_booking", booking_id)
    assert answer["outcome"] == "SLOT_NOT_FOUND"


def test_blocks_and_appointments_do_not_answer_to_each_others_functions(shop):
    appointment = shop.book(shop.slot(9, 10))
    shop.slot(10, 11)
    block = shop.call("block_time", provider_id=shop.provider_id, start=at(10), end=at(11))[0]
    with shop.unchanged():
        for function in MOVES:
            answer = shop.move(function, block["booking_id"])
            assert answer["outcome"] == "BOOKING_NOT_FOUND"
        assert shop.move("unblock_time", appointment)["outcome"] == "BOOKING_NOT_FOUND"


def test_holds_that_have_lapsed_are_swept_and_others_are_not(shop):
    slots = [shop.slot(hour, hour + 1) for hour in range(9, 15)]
    lapsed = [shop.lapsed_hold(slot) for slot in slots[:3]]
    standing = shop.book(slots[3], hold_for=timedelta(hours=1))
    confirmed = shop.book(slots[4])
    stranger = Shop(shop.app, shop.owner)
    theirs = stranger.lapsed_hold(stranger.slot())
    assert shop.call("expire_holds", limit=2)[0]["expire_holds"] == 2
    assert shop.call("expire_holds")[0]["expire_holds"] == 1
    with shop.unchanged():
        assert shop.call("expire_holds")[0]["expire_holds"] == 0
    assert {shop.booking(booking_id)["status"] for booking_id in lapsed} == {"expired"}
    assert shop.booking(standing)["status"] == "held"
    assert shop.booking(confirmed)["status"] == "confirmed"
    assert stranger.booking(theirs)["status"] == "held"
