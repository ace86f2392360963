"""Laws dropped, functions that break them, and both together."""

from __future__ import annotations

from collections.abc import Callable

from chaos.sabotage import Sabotage, Saboteur
from chaos.sabotage.kinds import KINDS

CLAIM = "claim_slot_and_create_booking"
LOCK = r"v_locked := lock_slots\([^)]*\);"
RELEASED = r"p_status IN \('cancelled', 'expired', 'declined'\)"
TABLES = "slots, bookings, claims, events, idempotency_keys"


def _no_exclusion(saboteur: Saboteur) -> None:
    saboteur.blind("claims", "claims_no_overlap")


def _no_lock(saboteur: Saboteur) -> None:
    # A pause in the lock's place, so that rivals have looked before anybody books.
    saboteur.rewrite(CLAIM, LOCK, "PERFORM pg_sleep(0.005); v_locked := true;")


def _no_lock_but_the_law(saboteur: Saboteur) -> None:
    _no_lock(saboteur)
    saboteur.count_refusals()


def _no_lock_no_exclusion(saboteur: Saboteur) -> None:
    _no_lock(saboteur)
    _no_exclusion(saboteur)


def _keep_places(saboteur: Saboteur) -> None:
    saboteur.rewrite("move_booking", RELEASED, "p_status IN ('expired', 'declined')")


def _keep_places_unlawfully(saboteur: Saboteur) -> None:
    _keep_places(saboteur)
    saboteur.drop("claims", "claims_booking_fkey")


def _book_half(saboteur: Saboteur) -> None:
    loop = "FOREACH v_part IN ARRAY p_parts LOOP"
    saboteur.rewrite("insert_claims", loop, f"{loop} EXIT WHEN v_part.ordinal > 1;")


def _book_half_unlawfully(saboteur: Saboteur) -> None:
    _book_half(saboteur)
    saboteur.drop("bookings", "bookings_last_claim_fkey")


def _one_place_more(saboteur: Saboteur) -> None:
    saboteur.rewrite("look_at_slots", r"v_part\.slot_capacity \+ 1", "v_part.slot_capacity + 2")


def _one_place_more_unlawfully(saboteur: Saboteur) -> None:
    _one_place_more(saboteur)
    saboteur.drop("claims", "claims_within_capacity")


def _one_unit(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "insert_claims",
        r"lowest_units\(v_part\.free, p_quantity\)",
        "lowest_units(v_part.free, 1)",
    )


def _one_unit_unlawfully(saboteur: Saboteur) -> None:
    _one_unit(saboteur)
    saboteur.drop("claims", "claims_units_are_quantity")


def _no_shape(saboteur: Saboteur) -> None:
    saboteur.drop("claims", "claims_slot_fkey")


def _delete_in_use(saboteur: Saboteur) -> None:
    used = (
        r"EXISTS \(SELECT FROM claims c"
        r" WHERE c\.vendor_id = p_vendor_id AND c\.slot_id = p_slot_id"
        r" AND c\.booking_id <> ALL \(v_busy\)\)"
    )
    saboteur.rewrite("delete_slot", used, "false")


def _delete_in_use_unlawfully(saboteur: Saboteur) -> None:
    _delete_in_use(saboteur)
    saboteur.drop("claims", "claims_slot_fkey")


def _shrink_in_use_unlawfully(saboteur: Saboteur) -> None:
    saboteur.rewrite("check_slot_change", "IF v_in_the_way IS NOT NULL THEN", "IF false THEN")
    saboteur.rewrite("reshape_slot", "AND NOT deal_again", "AND false AND NOT deal_again")
    saboteur.drop("claims", "claims_within_capacity")


def _slots_overlap(saboteur: Saboteur) -> None:
    saboteur.blind("slots", "slots_no_overlap")


def _rewrite_history(saboteur: Saboteur) -> None:
    saboteur.execute(
        "ALTER TABLE events DISABLE TRIGGER USER",
        "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only;"
        " ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_never_truncated",
    )


def _role_may_write(saboteur: Saboteur) -> None:
    rights = f"INSERT, UPDATE, DELETE ON {TABLES}"
    saboteur.execute(f"GRANT {rights} TO slotkeeper_app", f"REVOKE {rights} FROM slotkeeper_app")


def sabotage(
    name: str,
    about: str,
    workload: str,
    breaks: Callable[[Saboteur], None],
    convicts: str,
    *,
    law: str = "",
) -> Sabotage:
    """A sabotage whose `convicts` are written in one line."""
    kinds = frozenset(KINDS.get(name, "").split())
    return Sabotage(name, about, workload, breaks, frozenset(convicts.split()), law, kinds)


ATTACK = "double_booking_attack"
SABOTAGES = [
    sabotage("no_exclusion", "claims may overlap", ATTACK, _no_exclusion, "no_place_given_twice"),
    sabotage(
        "no_slot_lock",
        "claims do not lock their slots",
        ATTACK,
        _no_lock_but_the_law,
        "",
        law="23P01",
    ),
    sabotage(
        "no_lock_no_exclusion",
        "claims neither lock nor exclude each other",
        ATTACK,
        _no_lock_no_exclusion,
        "no_place_given_twice",
    ),
    sabotage(
        "cancel_keeps_places",
        "a cancellation forgets to release",
        "capacity",
        _keep_places,
        "server_never_fails answers_are_documented",
        law="23503",
    ),
    sabotage(
        "cancel_keeps_places_unlawfully",
        "as before, and nothing binds claims to a booking that occupies",
        "capacity",
        _keep_places_unlawfully,
        "no_half_booking refusals_have_reasons",
    ),
    sabotage(
        "half_bookings",
        "a stay claims its first night only",
        "nights",
        _book_half,
        "server_never_fails",
        law="23503",
    ),
    sabotage(
        "half_bookings_unlawfully",
        "as before, and a booking need not have its last claim",
        "nights",
        _book_half_unlawfully,
        "no_half_booking",
    ),
    sabotage(
        "one_place_too_many",
        "a slot is thought to have one place more than it has",
        "capacity",
        _one_place_more,
        "server_never_fails",
        law="23514",
    ),
    sabotage(
        "one_place_too_many_unlawfully",
        "as before, and units need not be within the capacity",
        "capacity",
        _one_place_more_unlawfully,
        "no_place_given_twice no_unit_taken_twice",
    ),
    sabotage(
        "one_unit_for_many",
        "a booking of three claims one unit",
        "capacity",
        _one_unit,
        "server_never_fails",
        law="23514",
    ),
    sabotage(
        "one_unit_for_many_unlawfully",
        "as before, and units need not be as many as the quantity",
        "capacity",
        _one_unit_unlawfully,
        "no_half_booking",
    ),
    sabotage(
        "slots_change_under_claims",
        "claims are not bound to the shape of their slot",
        "capacity",
        _no_shape,
        "trespassers_are_refused",
    ),
    sabotage(
        "delete_in_use",
        "a slot is deleted without looking who holds it",
        "vendor_under_fire",
        _delete_in_use,
        "server_never_fails",
        law="23503",
    ),
    sabotage(
        "delete_in_use_unlawfully",
        "as before, and claims are not bound to their slot",
        "vendor_under_fire",
        _delete_in_use_unlawfully,
        "no_place_given_twice",
    ),
    sabotage(
        "shrunk_in_use_unlawfully",
        "a slot shrinks without looking who holds it, and units need not be within the capacity",
        "vendor_under_fire",
        _shrink_in_use_unlawfully,
        "no_place_given_twice",
    ),
    sabotage(
        "slots_may_overlap",
        "slots of a provider may overlap",
        "capacity",
        _slots_overlap,
        "trespassers_are_refused",
    ),
    sabotage(
        "history_may_be_rewritten",
        "events may be changed and deleted",
        "capacity",
        _rewrite_history,
        "trespassers_are_refused events_retell_the_state",
    ),
    sabotage(
        "role_may_write",
        "the application's role may write by hand",
        "everything",
        _role_may_write,
        "trespassers_are_refused",
    ),
]
