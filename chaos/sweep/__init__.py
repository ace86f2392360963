"""The sweep: reads the tables as if no constraint held, and names whatever breaks a promise.

It shares no code with what it checks: neither the functions of app/sql nor `slotkeeper consistency
check`, so that it can disagree with both. One check a file; each is shown, in tests/chaos, to find
damage that was planted for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

CHECKS = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.sql")))
OFFENDERS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that does not hold: which, and who offends against it."""

    check: str
    offender: str

    def __str__(self) -> str:
        return f"{self.check}: {self.offender}"


def sweep(
    connection: psycopg.Connection[Any], vendor_id: UUID | str, raw: Iterable[UUID | str] = ()
) -> list[Violation]:
    """Every broken promise of this vendor in one snapshot, at most OFFENDERS_SHOWN of each kind.

    Any role that may read the truth will do; the connection must not be in a transaction. `raw`:
    bookings written by hand, which have no history to look at.
    """
    values = {"vendor_id": vendor_id, "raw": [UUID(str(booking)) for booking in raw]}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return [
            Violation(check, offender)
            for check in CHECKS
            for (offender,) in connection.execute(_statement(check), values).fetchmany(
                OFFENDERS_SHOWN
            )
        ]


def _statement(check: str) -> bytes:
    return (Path(__file__).parent / f"{check}.sql").read_bytes()
