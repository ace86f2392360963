"""Guards broken on purpose, in a database that nobody needs: does the suite convict?

A suite that has never failed has proved nothing. Each sabotage takes a guard away from a running
Slotkeeper, as a careless change would. The same attack with the same seed must then fail, by a
checker that is named beforehand; or a law must have made the sabotage harmless, and then the
refusal by which it did is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

DEFINITION = """
    SELECT pg_get_functiondef(oid) FROM pg_proc
    WHERE proname = %s AND pronamespace = 'public'::regnamespace
"""
CONSTRAINT = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s"
# Numbers are drawn from it, which no rollback gives back.
REFUSED = "chaos_refused"
EMPTY = "TRUNCATE claims, bookings, events, idempotency_keys, slots CASCADE"


class SabotageError(Exception):
    """The guard is not where it was: the sabotage must be written anew."""


class Saboteur:
    """Breaks guards over a connection of the owner's, and remembers how to mend them."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self.owner = owner
        self._mending: list[str] = []
        self._emptied = False

    def execute(self, statement: str, undo: str) -> None:
        """Run a statement, and remember what undoes it."""
        self.owner.execute(statement.encode())
        self._mending.append(undo)

    def rewrite(self, function: str, old: str, new: str) -> None:
        """Replace part of a function: the pattern `old` must be found; <it> in `new` is that."""
        row = self.owner.execute(DEFINITION, [function]).fetchone()
        text = row[0] if row else ""
        changed, times = re.subn(old, lambda found: new.replace("<it>", found[0]), text)
        if not times:
            raise SabotageError(f"{function} has no {old}")
        self.execute(changed, text)

    def drop(self, table: str, constraint: str) -> None:
        """Drop a law."""
        definition = self._definition(constraint)
        self.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT {constraint}",
            f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {definition}",
        )
        self._emptied = True

    def blind(self, table: str, constraint: str) -> None:
        """Let an exclusion exclude nothing: functions name it, so one of the name must be there."""
        definition = self._definition(constraint)
        drop = f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"
        add = f"{drop}, ADD CONSTRAINT {constraint}"
        self.execute(
            f"{add} EXCLUDE USING gist (vendor_id WITH =) WHERE (false)", f"{add} {definition}"
        )
        self._emptied = True

    def count_refusals(self) -> None:
        """Count how often the exclusion refuses a claim: it then looks again, and tells nobody."""
        self.execute(f"CREATE SEQUENCE {REFUSED}", f"DROP SEQUENCE {REFUSED}")
        noted = f"PERFORM nextval('{REFUSED}'); <it>"
        self.rewrite("insert_claims", "RETURN false;", noted)

    def refusals(self) -> int:
        """How many have been counted; none, if nobody counts."""
        if self.owner.execute("SELECT to_regclass(%s)", [REFUSED]).fetchone() == (None,):
            return 0
        statement = f"SELECT last_value, is_called FROM {REFUSED}"
        row = self.owner.execute(statement.encode()).fetchone()
        return int(row[0]) if row and row[1] else 0

    def mend(self) -> None:
        """Put everything back; what a missing law has let in is thrown away with all the rest."""
        if self._emptied:
            self.owner.execute("ALTER TABLE events DISABLE TRIGGER USER")
            self.owner.execute(EMPTY)
            self.owner.execute("ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only")
            self.owner.execute(
                "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_never_truncated"
            )
        for statement in reversed(self._mending):
            self.owner.execute(statement.encode())
        self._mending.clear()

    def _definition(self, constraint: str) -> str:
        row = self.owner.execute(CONSTRAINT, [constraint]).fetchone()
        if row is None:
            raise SabotageError(f"there is no constraint {constraint}")
        return str(row[0])


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One guard broken. `convicts`: the checkers of which each must fail, `kinds`: with which
    findings, some of them.

    `law`: the SQLSTATE with which a law stops it from doing harm; the data must then be sound.
    """

    name: str
    about: str
    workload: str
    breaks: Callable[[Saboteur], None]
    convicts: frozenset[str]
    law: str = ""
    kinds: frozenset[str] = frozenset()


def apply(sabotage: Sabotage, owner_url: str) -> None:
    """Break the guard for good. Raises SabotageError when it is not there."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        sabotage.breaks(Saboteur(owner))
