"""The checks by name: what each looks at, what its findings mean, and what to think of then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """`of`: a vendor's data, or the schema and rights, which are all vendors' one."""

    name: str
    of: Literal["data", "schema"]
    finds: str
    advice: str


# In the order of verify_booking_slot_consistency, whose names these are. They are kept: alerts and
# scripts go by them. The last one is not SQL's: a function cannot be trusted about itself.
CHECKS = (
    Check(
        "claims_fit_slot_and_booking",
        "data",
        "a claim does not fit its slot or its booking",
        "A claim of no occupying booking only blocks a place, and can go. Any other: look, speak"
        " with the customer, cancel (which frees it) and book anew.",
    ),
    Check(
        "no_unit_claimed_twice",
        "data",
        "two claims have one place at one time",
        "Two parties were promised one place. Choose who keeps it, find another for the other, then"
        " cancel that one. Named here is who begins later; created_at tells who was first.",
    ),
    Check(
        "occupying_bookings_have_their_claims",
        "data",
        "a booking lacks some of its claims",
        "Its places may be another's by now. Cancel, then confirm: that claims them again like"
        " anybody else, or says why not. (Of a block: unblock_time, then block_time.)",
    ),
    Check(
        "bookings_within_capacity",
        "data",
        "at some moment bookings exceed a slot's capacity",
        "More places are booked than there are. Give the slot more, or choose who keeps theirs and"
        " cancel the others.",
    ),
    Check(
        "bookings_match_their_claims",
        "data",
        "a booking tells other times than it claims",
        "What the customer was told differs from what is held for them. If the claims are right:",
    ),
    Check(
        "slots_do_not_overlap",
        "data",
        "two slots of a provider overlap, or one is malformed",
        "Delete the one nobody has claimed, or shorten one with resize_slot. Time that is closed"
        " without a schedule, or is not the slot's own, is opened again.",
    ),
    Check(
        "events_retell_bookings",
        "data",
        "a booking's events do not lead to its state",
        "History is append-only: what is wrong in it stays, and a further event tells how it is.",
    ),
    Check(
        "idempotency_keys_point_to_bookings",
        "data",
        "a key stands for nothing, or for a booking that is gone or another's",
        "Whoever repeats that request would be answered with nothing, with another's booking, or"
        " refused. Forget the key:",
    ),
    Check(
        "busy_blocks_match_their_bookings",
        "data",
        "a block of busy time is none, or its busy time is over with or elsewhere",
        "It closes what could be booked, or is taken for something that it is not.",
    ),
    Check(
        "busy_time_is_closed",
        "data",
        "time in which a provider is busy can be booked",
        "Somebody could book there. To put blocks on what is free:",
    ),
    Check(
        "times_are_possible",
        "data",
        "a time is infinite, or not of the years 1 to 9999",
        "No program can tell such a time, and whoever asks for the row is answered with an error."
        " A moment that is lost becomes now; which day or hours were meant, only a person knows.",
    ),
    Check(
        "nothing_is_orphaned",
        "data",
        "a row names another that is not there; nobody can do a service; no clock goes by a zone;"
        " an erased customer is still known",
        "Better than any statement: the row from a backup. Otherwise a stand-in, archived:",
    ),
    Check(
        "no_hold_is_long_lapsed",
        "data",
        "lapsed holds are not tidied (is the worker running?), or a hold outlasts all that may be",
        "Is `slotkeeper worker` running? Those that have lapsed block nobody. To tidy now:",
    ),
    Check(
        "laws_are_in_force",
        "schema",
        "a constraint, trigger or column is not as migrated",
        "While this was off, anything could be written: look at the checks of data first; a"
        " constraint comes back only when nothing breaks it. If the change is meant, then as the"
        " owner: SELECT seal_schema();",
    ),
    Check(
        "functions_are_unaltered",
        "schema",
        "a function is not as migrated",
        "Read what was put there; then make it again from the file that Slotkeeper brings.",
    ),
    Check(
        "rights_are_as_designed",
        "schema",
        "the application's role may do more, or less",
        "The application needs no more than it had, and no less.",
    ),
    Check(
        "functions_are_as_shipped",
        "schema",
        "a function is not the one this program brings",
        "Read what is there; then make it again from the file that Slotkeeper brings.",
    ),
)
BY_NAME = {check.name: check for check in CHECKS}
OF_DATA = tuple(check.name for check in CHECKS if check.of == "data")
AS_SHIPPED = CHECKS[-1].name
