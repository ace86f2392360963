"""A history survives whatever ends it, keeps one clock, and does not need to be in memory."""

from __future__ import annotations

import contextlib
import json
import random
import tracemalloc

import pytest

from chaos.evidence import read_faults
from chaos.history import Clock, HistoryWriter, Outcome, read_header, read_history
from chaos.run import Pool, begin, read_run, take_up
from chaos.stage import Slot, Stage
from chaos.target import Target

TARGET = Target("http://127.0.0.1:1", "a-vendor", "key", "postgresql://", "")
SLOT = Slot("a slot", "a provider", "2031-01-01T00:00Z", "2031-01-01T01:00Z", 3)
SETTINGS = {"run_id": "abc", "seed": 5, "workload": "capacity", "users": 2}


def a_stage():
    return Stage("a vendor", "a location", ["a provider"], {"seats": [SLOT]})


@pytest.fixture
def closed():
    """Closes at the end of the test what is handed to it."""
    with contextlib.ExitStack() as stack:

        def close(thing):
            stack.callback(getattr(thing, "history", thing).close)
            return thing

        yield close


class Silent:
    """A door that answers yes."""

    name = "silent"

    def perform(self, kind, asked):
        return Outcome("ok", kind.upper(), None, {"said": asked})


def test_an_operation_is_written_down_before_it_is_asked_for(tmp_path, closed):
    seen = []

    class Looking(Silent):
        def perform(self, kind, asked):
            seen.extend(read_history(tmp_path / "history.jsonl"))
            return super().perform(kind, asked)

    run = closed(begin(tmp_path, TARGET, a_stage(), SETTINGS, 10))
    operation = run.perform("Tester 1", Looking(), "book", {"slots": ["a slot"]})
    (before,) = seen
    assert (before.number, before.kind, before.result, before.ended) == (1, "book", "unknown", None)
    (after,) = read_history(tmp_path / "history.jsonl")
    assert (after.result, after.code, after.answer) == (
        "ok",
        "BOOK",
        {"said": {"slots": ["a slot"]}},
    )
    assert 0 <= after.began <= after.ended <= run.clock.now()
    assert operation.code == after.code
    assert read_header(tmp_path / "history.jsonl")["seed"] == 5


def test_operations_are_read_as_they_end_and_what_never_ended_is_unknown(tmp_path, closed):
    clock, path = Clock.started_now(), tmp_path / "history"
    writer = closed(HistoryWriter(path, {}))
    first, second, third = (writer.invoke(clock, "a", "http", "book", {}) for _ in range(3))
    writer.end(clock, second, Outcome("fail", "NO", 409))
    writer.end(clock, first, Outcome("ok", "YES", 201))
    assert [operation.number for operation in read_history(path)] == [2, 1, third.number]
    assert [operation.result for operation in read_history(path)] == ["fail", "ok", "unknown"]


def test_a_line_cut_off_by_a_crash_is_unknown_and_the_run_goes_on_after_it(tmp_path, closed):
    run = closed(begin(tmp_path, TARGET, a_stage(), SETTINGS, 10))
    run.perform("Tester 1", Silent(), "book", {})
    run.perform("Tester 1", Silent(), "book", {})
    run.close()
    path = tmp_path / "history.jsonl"
    path.write_text(path.read_text()[:-9])
    later = closed(take_up(tmp_path, TARGET))
    assert later.history.invoked == 2
    assert later.clock == run.clock
    assert later.stage == run.stage
    later.perform("Tester 1", Silent(), "cancel", {})
    read = {operation.number: operation for operation in read_history(path)}
    assert [read[number].result for number in (1, 2, 3)] == ["ok", "unknown", "ok"]
    assert read[3].began > read[1].ended


def test_a_run_keeps_what_repeats_it_but_no_secret(tmp_path, closed):
    closed(begin(tmp_path, TARGET, a_stage(), SETTINGS, 10))
    header, stage = read_run(tmp_path)
    assert SETTINGS.items() <= header.items()
    assert header["iterations"] == 10
    assert stage.slots == {"a slot": SLOT}
    assert '"key"' not in (tmp_path / "run.json").read_text()


def test_a_folder_that_has_a_run_is_not_written_over(tmp_path, closed):
    closed(begin(tmp_path, TARGET, a_stage(), SETTINGS, 10))
    with pytest.raises(ValueError, match="has a run already"):
        begin(tmp_path, TARGET, a_stage(), SETTINGS, 10)


def test_reading_needs_no_more_memory_for_a_long_history(tmp_path, closed):
    clock, path = Clock.started_now(), tmp_path / "history"
    writer = closed(HistoryWriter(path, {}))
    for _ in range(20_000):
        operation = writer.invoke(clock, "a", "http", "book", {"slots": ["x"]})
        writer.end(clock, operation, Outcome("ok", "YES", 201, {"booking_id": "y"}))
    tracemalloc.start()
    assert sum(1 for _ in read_history(path)) == 20_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


def test_pools_remember_the_latest_and_no_more():
    pool, dice = Pool(), random.Random(1)
    assert pool.pick(dice) is None
    for number in range(20_000):
        pool.add(number)
    assert len(pool.things) == 5000
    assert pool.pick(dice) > 15_000
    pool.pick(dice, keep=False)
    assert len(pool.things) == 4999


def test_faults_are_read_with_their_beginning_and_end(tmp_path):
    path = tmp_path / "faults.jsonl"
    lines = [
        {"fault": 1, "name": "kill", "begin": 1.0},
        {"fault": 2, "name": "stop", "begin": 1.5, "seconds": 2},
        {"fault": 1, "end": 3.0},
    ]
    assert list(read_faults(path)) == []
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert list(read_faults(path)) == [("kill", 1.0, 3.0), ("stop", 1.5, None)]
