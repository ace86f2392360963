"""change_booking: the merge patch as RFC 7396 has it; what a change locks, refuses and tells."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.patience import wait_until
from tests.shop import call

CUSTOMER = {"type": "customer", "id": None}
# The table of RFC 7396, appendix A: target, patch, result.
MERGES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize("target, patch, merged", MERGES)
def test_a_merge_patch_leaves_what_the_standard_says(module_owner, target, patch, merged):
    found = module_owner.execute("SELECT merge_patch(%s, %s)", [Jsonb(target), Jsonb(patch)])
    assert found.fetchone()[0] == merged


@pytest.mark.parametrize("broken", [{"booking_id": None}, {"changes": Jsonb([])}, {"actor": None}])
def test_a_broken_caller_of_change_booking_hears_an_error_of_ours(shop, broken):
    booking_id = shop.book(shop.slot())
    with shop.unchanged(), pytest.raises(psycopg.Error) as error:
        shop.call("change_booking", **{"booking_id": booking_id, "changes": {}} | broken)
    assert error.value.sqlstate == "SK001"


@pytest.mark.parametrize(
    "changes",
    [
        {"guests": "many"},
        {"guests": 100_001},
        {"notes": 5},
        {"metadata": "text"},
        {"customer": {"name": ""}},
        {"customer": {"email": "x" * 255}},
        {"internal_notes": "mine"},
        {"customer": {"name": None}},
    ],
)
def test_a_change_that_is_refused_leaves_no_trace(shop, changes):
    customer = {"name": "Ada", "email": "ada@example.org"}
    booking_id = shop.book(shop.slot(), details={"customer": customer})
    with shop.unchanged():
        answer = shop.move("change_booking", booking_id, changes=changes, actor=CUSTOMER)
    assert (answer["outcome"], answer["changed"]) == ("VALIDATION_ERROR", False)


@pytest.mark.parametrize("public_booking", [True, False], ids=["open", "closed to the public"])
@pytest.mark.parametrize(
    "set_up, outcome",
    [
        ("UPDATE customers SET banned_at = now() WHERE vendor_id = %s", "CUSTOMER_BANNED"),
        ("UPDATE vendors SET open_bookings_max = 1 WHERE id = %s", "BOOKING_LIMIT_REACHED"),
    ],
)
def test_who_could_not_book_takes_over_no_booking_wherever_the_public_may_book(
    shop, public_booking, set_up, outcome
):
    shop.book(shop.slot(9, 10), details={"customer": {"name": "Eve", "email": "eve@example.org"}})
    booking_id = shop.book(shop.slot(10, 11))
    shop.owner.execute(
        "UPDATE vendors SET public_booking = %s WHERE id = %s", [public_booking, shop.vendor_id]
    )
    shop.owner.execute(set_up, [shop.vendor_id])
    taken_over = {"customer": {"name": "Ada", "email": "EVE@example.org"}}
    with shop.unchanged():
        answer = shop.move("change_booking", booking_id, changes=taken_over, actor=CUSTOMER)
    assert (answer["outcome"], answer["changed"]) == (outcome, False)
    welcome = {"customer": {"name": "Ada", "email": "ada@example.org"}}
    answer = shop.move("change_booking", booking_id, changes=welcome, actor=CUSTOMER)
    assert (answer["outcome"], answer["changed"]) == ("CHANGED", True)


@pytest.mark.parametrize("most", [None, 1])
def test_contacts_are_locked_by_a_change_only_where_bookings_are_counted(shop, sessions, most):
    shop.owner.execute(
        "UPDATE vendors SET open_bookings_max = %s WHERE id = %s", [most, shop.vendor_id]
    )
    booking_ids = [shop.book(shop.slot(hour, hour + 1)) for hour in (9, 10)]
    first, second = sessions.app(), sessions.app()
    # The same address under two names: nothing but the address can make one wait for the other.
    changes = [{"customer": {"name": name, "email": "ada@example.org"}} for name in ("A", "B")]
    arguments = [
        {"booking_id": booking_id, "changes": change, "actor": CUSTOMER}
        for booking_id, change in zip(booking_ids, changes, strict=True)
    ]
    with first.connection.transaction():
        assert first.call("change_booking", **arguments[0])["outcome"] == "CHANGED"
        if most is None:
            second.connection.execute("SET lock_timeout = '2s'")
            assert second.call("change_booking", **arguments[1])["outcome"] == "CHANGED"
            return
        waits = second.begin_and_wait_for_lock(second.call, "change_booking", **arguments[1])
    assert waits.result()["outcome"] == "BOOKING_LIMIT_REACHED"


def test_two_customers_who_take_the_same_name_become_one(shop, sessions):
    bookings = [shop.book(shop.slot(9, 10)), shop.book(shop.slot(10, 11))]
    first, second = sessions.app(), sessions.app()
    changes = {"customer": {"name": "Ada", "email": "ada@example.org"}}
    with first.connection.transaction():
        first.call("change_booking", booking_id=bookings[0], changes=changes)
        twin = second.begin_and_wait_for_lock(
            second.call, "change_booking", booking_id=bookings[1], changes=changes
        )
    assert twin.result()["outcome"] == "CHANGED"
    assert len({shop.booking(booking_id)["customer_id"] for booking_id in bookings}) == 1


def test_changes_say_when_they_were_written_even_after_a_long_wait(shop, sessions):
    slot = shop.slot()
    booking_id = shop.book(slot)
    blocker, waiter = sessions.owner(), sessions.app()
    with blocker.connection.transaction():
        blocker.connection.execute("SELECT FROM slots WHERE id = %s FOR UPDATE", [slot])
        waits = waiter.begin_and_wait_for_lock(
            waiter.call, "change_booking", booking_id=booking_id, changes={"guests": 2}
        )
        until = "SELECT clock_timestamp()"
        let_go = blocker.connection.execute(until).fetchone()[0]
        wait_until(
            lambda: sessions.monitor.execute(until).fetchone()[0] > let_go, "time stands still"
        )
    assert waits.result()["changed"]
    assert shop.booking(booking_id)["updated_at"] > let_go
    assert call(shop.app, "describe_booking", vendor_id=shop.vendor_id, booking_id=booking_id)


def test_changed_bookings_pass_every_check_of_the_data(shop):
    booking_id = shop.book(shop.slot(), details={"customer": {"name": "Ada"}})
    for changes in ({"guests": 2}, {"customer": {"name": "Bob"}, "notes": "late"}, {"guests": 2}):
        assert shop.move("change_booking", booking_id, changes=changes)["outcome"] == "CHANGED"
    shop.move("cancel_booking", booking_id)
    shop.move("change_booking", booking_id, changes={"internal_notes": "ill"})
    kinds = [event["kind"] for event in shop.events(booking_id)]
    assert kinds == ["confirmed", "changed", "changed", "cancelled", "changed"]
    checks = shop.call("verify_booking_slot_consistency")
    assert {check["status"] for check in checks} == {"PASS"}, checks
