"""The promises that every run is held to, whatever was fought over."""

from __future__ import annotations

from chaos.checkers import Checker
from chaos.checkers.acknowledged import ACKNOWLEDGED
from chaos.checkers.answers import CODES, FAILURES, TRESPASSERS
from chaos.checkers.contended import CONTENDED
from chaos.checkers.events import EVENTS
from chaos.checkers.holds import HOLDS
from chaos.checkers.keys import KEYS
from chaos.checkers.offers import ALTERNATIVES, AVAILABILITY
from chaos.checkers.parts import HELD_AS_ASKED
from chaos.checkers.places import BOOKINGS, GIVEN, PLACES
from chaos.checkers.refusals import REFUSALS
from chaos.checkers.states import STATES

CHECKERS: tuple[Checker, ...] = (
    GIVEN,
    PLACES,
    BOOKINGS,
    HELD_AS_ASKED,
    ACKNOWLEDGED,
    REFUSALS,
    STATES,
    HOLDS,
    KEYS,
    EVENTS,
    ALTERNATIVES,
    AVAILABILITY,
    CODES,
    FAILURES,
    TRESPASSERS,
    CONTENDED,
)
