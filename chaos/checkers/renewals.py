"""Whoever renews a booking's manage token is told of in its history, once."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.checkers import Checker, Finding
from chaos.evidence import Evidence

RENEWED = """
    SELECT b.id,
        (SELECT count(*) FROM events e WHERE e.booking_id = b.id
         AND json_extract(e.changes, '$.token_version') IS NOT NULL) AS told,
        count(*) FILTER (WHERE o.result = 'ok') AS surely, count(o.n) AS possibly
    FROM bookings b LEFT JOIN operations o
        ON o.booking_id = b.id AND o.kind = 'renew' AND o.result <> 'fail'
    GROUP BY b.id HAVING told < surely OR told > possibly
"""


def _told_otherwise(evidence: Evidence) -> Iterator[Finding]:
    for booking_id, told, surely, possibly in evidence.query(RENEWED):
        kind = "renewal_lost" if told < surely else "renewed_by_nobody"
        words = f"booking {booking_id}: {told} events, {surely} of {possibly} acknowledged"
        yield Finding(kind, words)


RENEWALS = Checker(
    "renewals_are_told",
    "Each renewal of a manage token is one event of its booking, and none is told that nobody asked"
    " for.",
    _told_otherwise,
    "SELECT count(*) FROM operations WHERE kind = 'renew' AND result = 'ok'",
)
