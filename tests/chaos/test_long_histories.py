"""Judging takes as much longer as the history is longer, and hardly more memory."""

from __future__ import annotations

import tracemalloc

from tests.chaos.synthetic import OWN, measure

SHORT, LONG = 1_000, 8_000


def measured(operations, folder):
    folder.mkdir()
    tracemalloc.start()
    verdicts, *seconds = measure(operations, folder)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {verdict.status for verdict in verdicts} == {"PASS", "EMPTY"}
    own = {checker.name for checker in OWN}
    assert {one.status for one in verdicts if one.checker in own} == {"PASS"}
    return seconds, most


def test_time_grows_with_the_length_and_memory_does_not(tmp_path):
    short, little = measured(SHORT, tmp_path / "short")
    long, much = measured(LONG, tmp_path / "long")
    # Eight times as long; three times that is still far from quadratic (64).
    assert sum(long) < 3 * 8 * sum(short), (short, long)
    # As runs of services and calendars are judged.
    assert long[-1] < 3 * 8 * short[-1], (short, long)
    # The synthetic history's own bookings are in memory too, about 2 kB each.
    assert much - little < 30_000_000
