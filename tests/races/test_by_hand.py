"""Customers over HTTP and through the functions, among owners who write rows by hand."""

from __future__ import annotations

import pytest

from tests.racing import codes


@pytest.mark.parametrize("crowd", [2, 10, 50])
def test_the_last_place_goes_to_one_though_owners_write_rows_by_hand(arena, crowd):
    """Everybody asks for unit 1; an owner's refusal is the constraint's, or a deadlock's."""
    slot = arena.shop.slot()
    owners = arena.owners(max(1, crowd // 5))
    clients = [*owners, *arena.crowd("mixed", crowd - len(owners))]
    answers = arena.race(
        [(client, lambda client=client: client.book(slot)) for client in clients], slot
    )
    of_owners, of_customers = answers[: len(owners)], answers[len(owners) :]
    (winner,) = (answer for answer in answers if answer.code == "CONFIRMED")
    assert codes(of_owners).keys() <= {"CONFIRMED", "23P01", "40P01"}
    assert codes(of_customers).keys() <= {"CONFIRMED", "BOOKING_CONFLICT"}
    assert arena.bookings() == {winner.booking_id: "confirmed"}
    arena.raw_bookings = [winner.booking_id] if winner in of_owners else []
    arena.sweep()


def test_an_owner_in_flight_makes_customers_wait_and_a_rollback_gives_them_the_place(arena):
    slot = arena.shop.slot()
    (owner,) = arena.owners()
    clients = arena.crowd("mixed", 10)

    def book_and_think_better_of_it():
        """What an owner has not committed was never there, however many wait for it."""
        with owner.connection.transaction(force_rollback=True):
            return owner.book(slot)

    racers = [(owner, book_and_think_better_of_it)]
    racers += [(client, lambda client=client: client.book(slot)) for client in clients]
    answers = arena.race(racers, slot)
    assert codes(answers[1:]) == {"CONFIRMED": 1, "BOOKING_CONFLICT": 9}
    (booked,) = (answer.booking_id for answer in answers[1:] if answer.code == "CONFIRMED")
    assert arena.bookings() == {booked: "confirmed"}
    arena.sweep()
