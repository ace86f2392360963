"""Manage tokens that are renewed: each renewal is told once."""

from __future__ import annotations

from chaos.checkers.events import EVENTS
from chaos.checkers.renewals import RENEWALS
from tests.chaos.story import Story


def renewed(story, booking, *at, told=True, **how):
    """Somebody renewed the token; the history tells it, if `told`."""
    story.moves("renew", booking, *at, code="RENEWED", **how)
    if told:
        there = story.there[booking]
        there.version += 1
        change = {"token_version": {"from": 1, "to": 2}}
        there.events.append((there.version, "changed", change))


def test_each_renewal_is_told_once():
    story = Story()
    booking = story.books(1, 2)
    renewed(story, booking, 3, 4)
    renewed(story, booking, 5, 6)
    renewed(story, booking, 7, 8, result="unknown", told=False)
    assert story.findings(RENEWALS) == story.findings(EVENTS) == {}
    renewed(story, booking, 9, 10, told=False)
    assert story.findings(RENEWALS) == {"renewal_lost": 1}


def test_a_renewal_that_nobody_asked_for_is_refused():
    story = Story()
    booking = story.books(1, 2)
    renewed(story, booking, 3, 4, result="fail")
    assert story.findings(RENEWALS) == {"renewed_by_nobody": 1}
