"""What is broken for people who are erased."""

from __future__ import annotations

from chaos.sabotage import Sabotage, Saboteur
from chaos.sabotage.laws import sabotage

WORKLOAD = "erasures"
ERASE, JUDGE = "erase_customer", "nobody_is_left_of_the_erased"


def _notes_stay(saboteur: Saboteur) -> None:
    saboteur.rewrite(ERASE, "internal_notes = NULL, cancellation_reason = NULL,", "")


def _no_look(saboteur: Saboteur) -> None:
    """Whoever is needed is erased all the same."""
    saboteur.rewrite(ERASE, "IF v_bookings IS NOT NULL THEN", "IF false THEN")


def _no_lock(saboteur: Saboteur) -> None:
    """With a pause, so that somebody books between the look and the erasure."""
    saboteur.rewrite(
        ERASE,
        r"v_customer := lock_customer\(p_vendor_id, p_customer_id\);",
        "SELECT c.* INTO v_customer FROM customers c"
        " WHERE c.vendor_id = p_vendor_id AND c.id = p_customer_id;",
    )
    pause = "PERFORM pg_sleep(0.02); <it>"
    saboteur.rewrite(ERASE, r"SELECT v\.channels INTO v_channels", pause)


def _history_tells(saboteur: Saboteur) -> None:
    """The reason for a cancellation is written into history, which nobody can erase."""
    saboteur.rewrite(
        "move_booking",
        r"""'\{"cancellation_reason": \{\}\}'::jsonb""",
        "jsonb_build_object('cancellation_reason', p_reason)",
    )


SABOTAGES: list[Sabotage] = [
    sabotage(
        "needed_and_erased",
        "whoever has bookings to come is erased all the same",
        WORKLOAD,
        _no_look,
        JUDGE,
    ),
    sabotage(
        "erased_without_a_lock",
        "who erases a customer does not keep others from booking for them",
        WORKLOAD,
        _no_lock,
        JUDGE,
    ),
    sabotage(
        "the_vendors_notes_stay",
        "who is erased is still spoken of in the vendor's notes on their bookings",
        WORKLOAD,
        _notes_stay,
        JUDGE,
    ),
    sabotage(
        "history_tells_the_reason",
        "why somebody has cancelled is written into history",
        WORKLOAD,
        _history_tells,
        JUDGE,
    ),
]
