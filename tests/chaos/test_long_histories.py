"""Judging takes as much longer as the history is longer, and hardly more memory."""

from __future__ import annotations

import time
import tracemalloc

from tests.chaos.synthetic import measure

SHORT, LONG = 1_500, 12_000


def measured(operations, folder):
    folder.mkdir()
    tracemalloc.start()
    # The processor's time: what others do on this machine meanwhile is not the judges'.
    began = time.process_time()
    verdicts, *_ = measure(operations, folder)
    seconds = time.process_time() - began
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {verdict.status for verdict in verdicts} == {"PASS", "EMPTY"}
    return seconds, most


def test_time_grows_with_the_length_and_memory_does_not(tmp_path):
    short, little = measured(SHORT, tmp_path / "short")
    long, much = measured(LONG, tmp_path / "long")
    # Eight times as long; twice that would be between linear and quadratic (64).
    assert long < 2.5 * 8 * short
    # The synthetic history's own bookings are in memory too, about 2 kB each.
    assert much - little < 30_000_000
