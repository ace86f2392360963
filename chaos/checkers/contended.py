"""A run in which nobody won, or nobody lost, has proved nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chaos.checkers import Checker, Finding
from chaos.evidence import Evidence

COUNTS = """
    SELECT count(*) FILTER (WHERE result = 'ok'),
           count(*) FILTER (WHERE code IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY'))
    FROM operations WHERE kind = 'book'
"""


def _contended(evidence: Evidence) -> Iterator[Finding]:
    won, lost = evidence.connection.execute(COUNTS).fetchone()
    if not won or not lost:
        about = f"{won} booked and {lost} were refused: let the run be longer"
        yield Finding("nothing_contended", about)


def happened(name: str, promise: str, condition: str) -> Checker:
    """That something a workload is made for did happen. `condition`: on the operations."""
    statement = f"SELECT count(*) FROM operations WHERE {condition}"

    def find(evidence: Evidence) -> Iterator[Finding]:
        if not evidence.one(statement):
            yield Finding("never_happened", f"{promise} Let the run be longer.")

    return Checker(name, promise, find, statement)


def all_happened(name: str, promise: str, conditions: Mapping[str, tuple[str, int]]) -> Checker:
    """That much did happen. `conditions`: by what is said of it, on the operations, and of a run of
    how many attempts it is asked at least: a shorter one may lawfully have had no occasion.
    """
    counts = ", ".join(f"count(*) FILTER (WHERE {each})" for each, _ in conditions.values())
    statement = f"SELECT count(*), {counts} FROM operations"

    def find(evidence: Evidence) -> Iterator[Finding]:
        attempts, *times = evidence.connection.execute(statement).fetchone()
        for (said, (_, asked_of)), number in zip(conditions.items(), times, strict=True):
            if attempts >= asked_of and not number:
                yield Finding("never_happened", f"{said}, in {attempts:,} attempts")

    least = min(asked_of for _, asked_of in conditions.values())
    return Checker(name, promise, find, f"SELECT count(*) FROM operations WHERE n >= {least}")


CONTENDED = Checker(
    "places_were_contended",
    "Some got places and some did not.",
    _contended,
    "SELECT count(*) FROM operations WHERE kind = 'book'",
    required=True,
)
