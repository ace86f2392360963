"""What was acknowledged, held, keyed and told: what these checkers refuse, and what they accept."""

from __future__ import annotations

import pytest

from chaos.checkers.acknowledged import ACKNOWLEDGED
from chaos.checkers.events import EVENTS
from chaos.checkers.holds import HOLDS
from chaos.checkers.keys import KEYS
from tests.chaos.story import Story, There

KEY = "a key of sixteen or more"


def test_bookings_that_are_as_told_are_accepted():
    story = Story(slot=9)
    story.books(1, 2, quantity=2, units="{[1,3)}")
    gone = story.books(1, 2)
    story.cancelled(gone, 3, 4)
    missed = story.books(1, 2)
    story.moves("no_show", missed, 3, 4, to="no_show")
    story.books(1, 2, heard=False)
    story.refused(3, 4)
    assert story.findings(ACKNOWLEDGED) == {}


def test_an_acknowledged_booking_that_is_not_there_is_refused():
    story = Story()
    del story.there[story.books(1, 2)]
    assert story.findings(ACKNOWLEDGED) == {"acknowledged_but_lost": 1}


@pytest.mark.parametrize("status", ["cancelled", "expired", "declined"])
def test_an_acknowledged_booking_that_nobody_cancelled_must_stand(status):
    story = Story()
    story.there[story.books(1, 2)].moves(status)
    assert story.findings(ACKNOWLEDGED) == {"acknowledged_but_lost": 1}


def test_a_cancelled_booking_that_stands_is_refused():
    story = Story()
    story.moves("cancel", story.books(1, 2), 3, 4, code="CANCELLED")
    assert story.findings(ACKNOWLEDGED) == {"cancelled_but_there": 1}


def test_of_two_who_change_it_at_once_either_may_have_been_the_last():
    story = Story()
    booking = story.books(1, 2)
    story.cancelled(booking, 3, 6)
    story.moves("confirm", booking, 4, 5)
    assert story.findings(ACKNOWLEDGED) == {}
    story.there[booking].status = "confirmed"
    assert story.findings(ACKNOWLEDGED) == {}
    story.there[booking].status = "completed"
    assert story.findings(ACKNOWLEDGED) == {"another_state_than_acknowledged": 1}


def test_a_change_nobody_heard_of_may_have_been_done_or_not():
    story = Story()
    booking = story.books(1, 2)
    story.moves("cancel", booking, 3, None)
    assert story.findings(ACKNOWLEDGED) == {}
    story.there[booking].moves("cancelled")
    assert story.findings(ACKNOWLEDGED) == {}


def test_a_hold_may_have_lapsed_but_not_once_it_was_confirmed():
    story = Story()
    held = story.books(1, 2, hold=1)
    story.there[held].moves("expired")
    assert story.findings(ACKNOWLEDGED) == {}
    story.moves("confirm", held, 1.5, 1.9)
    assert story.findings(ACKNOWLEDGED) == {"acknowledged_but_lost": 1}


@pytest.mark.parametrize("change", [{"quantity": 2}, {"slots": ["another"]}])
def test_a_booking_of_something_else_than_acknowledged_is_refused(change):
    story = Story()
    booking = story.books(1, 2)
    for name, value in change.items():
        setattr(story.there[booking], name, value)
    assert story.findings(ACKNOWLEDGED) == {"another_than_acknowledged": 1}


def test_a_refused_booking_that_is_there_is_refused():
    story = Story()
    token = story.refused(1, 2).asked["token"]
    story.there["odd"] = There("odd", token, ["slot"], 1, "cancelled", "{}")
    assert story.findings(ACKNOWLEDGED) == {"refused_but_there": 1}


def test_a_booking_that_is_there_though_its_second_try_was_refused_is_accepted():
    story = Story()
    story.books(1, 2, heard=False)
    again = story.operations[0].asked
    story.tells("book", (3, 4), "fail", "INVENTORY_LOCKED", **again)
    assert story.findings(ACKNOWLEDGED) == {}


@pytest.mark.parametrize("token", [None, "unheard of"])
def test_a_booking_that_nobody_asked_for_is_refused(token):
    story = Story()
    story.there["odd"] = There("odd", token, ["slot"], 1, "confirmed", "{[1,2)}")
    assert story.findings(ACKNOWLEDGED) == {"asked_for_by_nobody": 1}


def test_two_bookings_of_one_request_are_refused():
    story = Story(slot=2)
    booking = story.there[story.books(1, 2)]
    story.there["twin"] = There("twin", booking.token, ["slot"], 1, "confirmed", "{[2,3)}")
    assert story.findings(ACKNOWLEDGED) == {"booked_twice": 1}


def test_holds_that_are_confirmed_in_time_or_refused_in_time_are_accepted():
    story = Story(slot=9)
    story.moves("confirm", story.books(1, 1.5, hold=2), 2.9, 3.6, to="confirmed")
    late = story.books(1, 1.5, hold=2)
    story.moves("confirm", late, 2.9, 3.2, result="fail", code="HOLD_EXPIRED", to="expired")
    again = story.books(1, 1.5, hold=2)
    story.cancelled(again, 2, 2.1)
    story.moves("confirm", again, 8, 9, to="confirmed")
    assert story.findings(HOLDS) == {}


def test_a_hold_that_was_confirmed_after_its_time_is_refused():
    story = Story()
    story.moves("confirm", story.books(1, 1.5, hold=2), 3.6, 3.7, to="confirmed")
    assert story.findings(HOLDS) == {"confirmed_after_lapse": 1}


def test_a_hold_that_was_over_before_its_time_is_refused():
    story = Story(slot=9)
    early = story.books(1, 1.5, hold=2)
    story.moves("confirm", early, 2, 2.1, result="fail", code="HOLD_EXPIRED")
    other = story.books(1, 1.5, hold=2)
    status = {"status": "expired"}
    code = "BOOKING_STATE_CONFLICT"
    story.moves("cancel", other, 2, 2.1, result="fail", code=code, answer=status)
    assert story.findings(HOLDS) == {"expired_too_early": 2}


def test_a_hold_that_is_expired_when_all_is_over_too_early_is_refused():
    story = Story()
    story.header["rows_read_at"] = 60
    story.there[story.books(1, 1.5, hold=60)].moves("expired")
    assert story.findings(HOLDS) == {"expired_too_early": 1}


@pytest.mark.parametrize("moved, found", [(0.0, {"expired_too_early": 1}), (5.0, {})])
def test_where_the_servers_clock_was_set_nobody_knows_when_a_hold_lapsed(moved, found):
    story = Story()
    story.header["clock_moved"] = moved
    booking = story.books(1, 2, hold=60)
    story.moves("confirm", booking, 57, 58, result="fail", code="HOLD_EXPIRED")
    assert story.findings(HOLDS) == found


@pytest.mark.parametrize("read_at", [62, None])
def test_a_hold_that_may_have_lapsed_before_the_rows_were_read_is_accepted(read_at):
    story = Story()
    story.header["rows_read_at"] = read_at
    story.there[story.books(1, 1.5, hold=60)].moves("expired")
    assert story.findings(HOLDS) == {}


def test_keys_used_again_by_whom_they_belong_to_are_accepted():
    story = Story()
    booking = story.books(1, 2, key=KEY)
    story.again(booking, 3, 4, key=KEY)
    story.refused(3, 4, code="IDEMPOTENCY_CONFLICT", key=KEY)
    story.refused(3, 4, code="BOOKING_CONFLICT", key="another key, refused for want of room")
    assert story.findings(KEYS) == {}


def test_two_bookings_of_one_key_are_refused():
    story = Story(slot=2)
    story.books(1, 2, key=KEY)
    story.books(1, 2, key=KEY)
    found = story.findings(KEYS)
    assert found == {"two_bookings_one_key": 1, "answered_for_another": 1}


def test_a_liar_who_gets_the_booking_of_the_key_is_refused():
    story = Story()
    booking = story.books(1, 2, key=KEY)
    answer = {"booking_id": booking, "replayed": True}
    liar = {"slots": ["slot"], "quantity": 1, "token": "a liar's", "key": KEY}
    story.tells("book", (3, 4), "ok", "CONFIRMED", answer=answer, **liar)
    assert story.findings(KEYS) == {"answered_for_another": 1}


def test_a_key_refused_though_nobody_else_used_it_is_refused():
    story = Story()
    story.refused(3, 4, code="IDEMPOTENCY_CONFLICT", key=KEY)
    assert story.findings(KEYS) == {"key_refused_for_no_reason": 1}


def test_a_success_that_is_refused_when_it_is_asked_for_again_is_refused():
    story = Story()
    story.books(1, 2, key=KEY)
    again = story.operations[0].asked
    story.tells("book", (1.5, 4), "fail", "BOOKING_CONFLICT", **again)
    assert story.findings(KEYS) == {}
    story.tells("book", (3, 4), "fail", "BOOKING_CONFLICT", **again)
    assert story.findings(KEYS) == {"success_forgotten": 1}


def test_keys_that_are_lost_or_lead_elsewhere_are_refused():
    story = Story(slot=3)
    story.books(1, 2, key=KEY)
    story.keys.clear()
    assert story.findings(KEYS) == {"key_forgotten": 1}
    other = story.books(1, 2)
    story.keys.append((KEY, other))
    assert story.findings(KEYS) == {"key_of_another": 1}
    story.keys[:] = [(KEY, "nowhere")]
    assert story.findings(KEYS) == {"key_to_nowhere": 1}


def test_a_history_that_retells_the_state_is_accepted():
    story = Story()
    booking = story.there[story.books(1, 2, hold=1)]
    booking.moves("confirmed")
    booking.events.append((3, "changed", {"notes": {}}))
    booking.version = 3
    for status in ("completed", "no_show", "confirmed", "cancelled", "confirmed"):
        booking.moves(status)
    assert story.findings(EVENTS) == {}


def test_a_missing_event_is_refused_wherever_it_is_missing():
    for lost in range(3):
        story = Story()
        booking = story.there[story.books(1, 2)]
        booking.moves("cancelled")
        booking.moves("confirmed")
        del booking.events[lost]
        assert story.findings(EVENTS)["history_with_gaps"] == 1


def test_a_history_that_ends_elsewhere_or_jumps_is_refused():
    story = Story()
    booking = story.there[story.books(1, 2)]
    booking.status = "completed"
    assert story.findings(EVENTS) == {"history_untrue": 1}
    booking.status = "confirmed"
    booking.moves("expired")
    assert story.findings(EVENTS) == {"impossible_move": 1}


def test_an_event_that_says_something_else_is_refused():
    story = Story()
    booking = story.there[story.books(1, 2, quantity=1)]
    booking.moves("cancelled")
    booking.events[1] = (2, "cancelled", {"status": {"from": "held", "to": "cancelled"}})
    assert story.findings(EVENTS) == {"history_untrue": 1}
    booking.events[1] = (2, "cancelled", {})
    booking.events[0][2]["quantity"] = {"from": None, "to": 5}
    assert story.findings(EVENTS) == {"history_untrue": 1}


@pytest.mark.parametrize("left_out", ["status", "quantity", "slot_ids"])
def test_how_a_booking_came_to_be_is_told_unless_it_was_written_by_hand(left_out):
    for door, found in (("http", {"history_tells_too_little": 1}), ("owner", {})):
        story = Story()
        booking = story.there[story.books(1, 2, door=door)]
        del booking.events[0][2][left_out]
        assert story.findings(EVENTS) == found


@pytest.mark.parametrize(
    "before, after, now, found",
    [
        ("slot", "other", "other", 0),
        ("slot", "other", "slot", 1),
        ("else", "other", "other", 1),
        ("slot", "slot", "other", 1),
    ],
)
def test_slots_that_a_booking_is_moved_to_are_told_one_after_another(before, after, now, found):
    story = Story(slot=1, other=1)
    booking = story.there[story.books(1, 2)]
    booking.version = 2
    booking.events[0][2]["slot_ids"] = {"from": None, "to": ["slot"]}
    booking.events.append((2, "changed", {"slot_ids": {"from": [before], "to": [after]}}))
    booking.slots = [now]
    assert story.findings(EVENTS) == ({"history_untrue": 1} if found else {})


def test_events_of_no_booking_are_refused():
    story = Story()
    story.extra_events.append(("nobody", 1, "confirmed", "{}"))
    assert story.findings(EVENTS) == {"history_of_nothing": 1}


def test_a_replay_needs_a_request_before_it_and_only_one_made_the_booking():
    story = Story()
    booking = story.books(1, 2, key=KEY, door="sql")
    story.again(booking, 3, 4, key=KEY, door="sql")
    assert story.findings(KEYS) == {}
    story.operations[1].answer["replayed"] = False
    assert story.findings(KEYS) == {"not_said_to_be_replayed": 1}
    story.operations[1].answer["replayed"] = True
    story.operations[0].answer["replayed"] = True
    story.operations[1].began = 2.5
    assert story.findings(KEYS) == {"replayed_from_nothing": 1}


def test_a_server_that_lost_its_database_may_replay_to_whom_asked_once():
    story = Story()
    story.books(1, 2, key=KEY)
    story.operations[0].answer["replayed"] = True
    assert story.findings(KEYS) == {}
    story.operations[0].asked.pop("key")
    story.keys.clear()
    assert story.findings(KEYS) == {"replayed_from_nothing": 1}
