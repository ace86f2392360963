"""The independent sweep, as an assertion: every test of concurrency ends with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

import psycopg

from chaos.sweep import sweep


def assert_clean(
    connection: psycopg.Connection, vendor_id: uuid.UUID, raw: Iterable[uuid.UUID] = ()
) -> None:
    """Fail, naming each violation, unless every promise of the vendor holds.

    `raw`: bookings that the test wrote by hand, which have no history.
    """
    violations = sweep(connection, vendor_id, raw)
    assert not violations, "\n".join(map(str, violations))
