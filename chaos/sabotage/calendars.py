"""What is broken for time that vendors open and close."""

from __future__ import annotations

from chaos.sabotage import Sabotage, Saboteur
from chaos.sabotage.laws import sabotage

WORKLOAD = "calendars"


def _busy_left_open(saboteur: Saboteur) -> None:
    saboteur.rewrite("put_busy_blocks", r"NOT EXISTS \(SELECT FROM busy_times", "true OR <it>")


def _given_back_to_anybody(saboteur: Saboteur) -> None:
    """Whoever gives a place back does not look whether the provider is busy."""
    saboteur.rewrite("free_booking", "IF v_claims IS NULL THEN", "IF true THEN")


def _busy_for_ever(saboteur: Saboteur) -> None:
    """Blocks whose busy time is gone, or is another now, are never found."""
    saboteur.rewrite("stale_busy_blocks", r"AND \(t\.archived_at IS NOT NULL", "AND false <it>")


def _closed_is_open(saboteur: Saboteur) -> None:
    """What a schedule gives no more is anybody's, as long as somebody's booking keeps it there."""
    saboteur.rewrite("check_slot_parts", "WHEN v_first.closed && v_first.during", "WHEN false")
    saboteur.rewrite("check_slot_parts", "WHERE part.closed && part.during", "WHERE false")


def _again_though_closed(saboteur: Saboteur) -> None:
    saboteur.rewrite("claim_again", r"part\.closed && part\.during", "false")


def _begun_stays_open(saboteur: Saboteur) -> None:
    saboteur.rewrite("close_begun_slot", "UPDATE slots s SET closed = v_closed", "<it> - v_closed")


SABOTAGES: list[Sabotage] = [
    sabotage(
        "busy_time_is_left_open",
        "what is published in busy time is not blocked",
        WORKLOAD,
        _busy_left_open,
        "closed_time_is_nobodys",
    ),
    sabotage(
        "given_back_to_anybody",
        "a place that is given back in busy time is anybody's",
        WORKLOAD,
        _given_back_to_anybody,
        "closed_time_is_nobodys",
    ),
    sabotage(
        "busy_for_ever",
        "who is busy no more is blocked all the same",
        WORKLOAD,
        _busy_for_ever,
        "open_time_is_shown open_time_is_anybodys calendars_are_kept",
    ),
    sabotage(
        "claimed_again_though_closed",
        "whoever has cancelled gets closed time again",
        WORKLOAD,
        _again_though_closed,
        "closed_time_is_nobodys",
    ),
    sabotage(
        "closed_time_is_open",
        "closed time that a booking keeps can be booked by others",
        WORKLOAD,
        _closed_is_open,
        "closed_time_is_nobodys",
    ),
    sabotage(
        "today_is_never_closed",
        "what is closed of a day that has begun can be booked all the same",
        WORKLOAD,
        _begun_stays_open,
        "closed_time_is_nobodys",
    ),
]
