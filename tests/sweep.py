"""The independent sweep, as an assertion: every test of concurrency ends with it."""

from __future__ import annotations

import uuid
from collections.abc import Collection

import psycopg

from chaos.sweep import sweep

HISTORY = {"history_with_gaps", "history_untrue"}


def assert_clean(
    connection: psycopg.Connection, vendor_id: uuid.UUID, raw: Collection[uuid.UUID] = ()
) -> None:
    """Fail, naming each finding, unless every promise of the vendor holds.

    `raw`: bookings that the test wrote by hand, which have no history.
    """
    findings = [
        finding
        for finding in sweep(connection, vendor_id)
        if not (finding.kind in HISTORY and any(str(booking) in finding.about for booking in raw))
    ]
    assert not findings, "\n".join(f"{finding.kind}: {finding.about}" for finding in findings)
