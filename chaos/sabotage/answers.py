"""Answers that no law can see to be wrong: refusals, lists, blocks and changes told untruly."""

from __future__ import annotations

from chaos.sabotage import Sabotage, Saboteur
from chaos.sabotage.laws import CLAIM, sabotage


def _no_way_back(saboteur: Saboteur) -> None:
    saboteur.rewrite("cancel_booking", ", 'confirmed'", "")


def _no_patience(saboteur: Saboteur) -> None:
    saboteur.rewrite("lock_slots", "FOR NO KEY UPDATE;", "FOR NO KEY UPDATE NOWAIT;")


def _one_is_always_left(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "explain_refusal",
        r"v_available := v_short\.available;",
        "v_available := GREATEST(v_short.available, 1);",
    )


def _used_once_used_for_ever(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "delete_slot",
        r"ELSIF EXISTS \(SELECT FROM claims c",
        "ELSIF EXISTS (SELECT FROM bookings b WHERE b.vendor_id = p_vendor_id"
        " AND p_slot_id = ANY (b.slot_ids)) OR EXISTS (SELECT FROM claims c",
    )


def _block_but_one(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        CLAIM,
        r"IF v_look\.available < v_quantity THEN",
        "IF p_quantity IS NULL THEN v_quantity := GREATEST(1, v_quantity - 1); END IF; <it>",
    )


def _leave_out_what_is_sold_out(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "list_availability",
        r"ORDER BY lower\(s\.during\), s\.id",
        "WHERE stretches.most > 0 <it>",
    )


def _change_in_words_only(saboteur: Saboteur) -> None:
    saboteur.rewrite("change_booking", r"guests = v_new\.guests", "guests = b.guests")


def _renewed_in_silence(saboteur: Saboteur) -> None:
    saboteur.rewrite(
        "renew_manage_token",
        r"jsonb_build_object\('token_version', ",
        "jsonb_build_object('token', ",
    )


SABOTAGES: list[Sabotage] = [
    sabotage(
        "what_stands_cannot_be_cancelled",
        "a cancellation is refused to what is confirmed",
        "capacity",
        _no_way_back,
        "moves_fit_the_state",
    ),
    sabotage(
        "nobody_waits_for_a_lock",
        "whoever finds a slot locked is refused at once",
        "double_booking_attack",
        _no_patience,
        "refusals_have_reasons",
    ),
    sabotage(
        "one_is_said_to_be_left",
        "a refusal says that one place is left where all are taken",
        "capacity",
        _one_is_always_left,
        "refusals_have_reasons",
    ),
    sabotage(
        "used_once_used_for_ever",
        "a slot that was ever booked is said to be in use",
        "vendor_under_fire",
        _used_once_used_for_ever,
        "refusals_have_reasons",
    ),
    sabotage(
        "blocks_leave_a_place",
        "a block takes all places but one",
        "vendor_under_fire",
        _block_but_one,
        "acknowledged_is_there",
    ),
    sabotage(
        "sold_out_is_left_out",
        "the availability list leaves out what is sold out",
        "capacity",
        _leave_out_what_is_sold_out,
        "availability_was_true",
    ),
    sabotage(
        "changed_in_words_only",
        "a change of guests is acknowledged, told in history, and not made",
        "vendor_under_fire",
        _change_in_words_only,
        "acknowledged_is_there",
    ),
    sabotage(
        "renewals_are_not_told",
        "who could manage a booking can no more, and history does not say so",
        "vendor_under_fire",
        _renewed_in_silence,
        "renewals_are_told",
    ),
]
