"""Damage for checkers to find: a database without its constraints, and what breaks each law."""

from __future__ import annotations

from tests.damage import calendars, claims, settings, stories
from tests.damage.planting import LAPSED, Damage, loosen

DAMAGES = [*claims.DAMAGES, *stories.DAMAGES, *calendars.DAMAGES, *settings.DAMAGES]

__all__ = ["DAMAGES", "LAPSED", "Damage", "loosen"]
