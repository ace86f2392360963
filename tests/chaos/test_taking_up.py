"""A run that is taken up again finds what its users knew, and does not ask the same once more."""

from __future__ import annotations

import resource

import pytest
from click.testing import CliRunner

from chaos import beginning
from chaos.__main__ import main
from chaos.history import Outcome, read_history
from chaos.run import HISTORY, REMEMBERED_MAX, begin, take_up
from chaos.stage import Slot, Stage
from chaos.target import Target

TARGET = Target("http://127.0.0.1:1", "vendor", "key", "postgresql://nobody", "")


class Door:
    """Answers what it is told to."""

    name = "sql"

    def __init__(self):
        self.outcome = Outcome("ok", "DONE")

    def perform(self, _kind, _asked):
        return self.outcome

    def close(self):
        pass


@pytest.fixture
def run(tmp_path):
    slot = Slot("slot", "provider", "2040-01-02T09:00:00Z", "2040-01-02T10:00:00Z", 5)
    stage = Stage("vendor", "location", ["provider"], {"hot": [slot]})
    settings = {"run_id": "r", "seed": 7, "workload": "capacity", "users": 3}
    begun = begin(tmp_path, TARGET, stage, settings, 1000)
    yield begun
    begun.history.close()


@pytest.fixture
def asks(run):
    """Somebody asks: `asks("book", "CONFIRMED", "b1")`; the operation."""
    door = Door()

    def ask(kind, code, booking_id, result="ok", **asked):
        named = {"slots": ["slot"], "quantity": 1, **asked}
        creates = kind in {"book", "block"}
        answer = {"booking_id": booking_id, "quantity": 1} if creates and result == "ok" else {}
        wanted = {"token": f"token {booking_id}"} if creates else {"booking_id": booking_id}
        door.outcome = Outcome(result, code, None, answer)
        return run.perform("user", door, kind, {**wanted, **named})

    return ask


def taken_up(run):
    run.history.close()
    again = take_up(run.folder, TARGET)
    again.history.close()
    return again


def test_what_stands_is_known_again_and_what_was_given_back_is_not(run, asks):
    asks("book", "CONFIRMED", "stands")
    asks("book", "CONFIRMED", "cancelled")
    asks("cancel", "CANCELLED", "cancelled")
    asks("book", "CONFIRMED", "not cancelled")
    asks("cancel", "SERVICE_UNAVAILABLE", "not cancelled", "unknown")
    asks("book", "RemoteDisconnected", "lost", "unknown")
    asks("book", "BOOKING_CONFLICT", "refused", "fail")
    again = taken_up(run)
    known = [booked.answer["booking_id"] for booked in again.standing.things]
    assert known == ["stands", "not cancelled"]
    assert again.standing.things[0].asked["slots"] == ["slot"]


def test_a_run_whose_folder_is_full_asks_for_nothing_more_and_says_why(run, asks):
    asks("book", "CONFIRMED", "written down")
    before = (run.folder / HISTORY).stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert not run.exhausted
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, limits[1]))
        asked = asks("book", "CONFIRMED", "not written down")
        with pytest.raises(OSError, match="File too large"):
            run.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # The door was not even asked.
    assert (asked.result, asked.code) == ("unknown", "")
    assert run.exhausted
    assert (run.folder / HISTORY).stat().st_size == before


def test_a_run_that_goes_on_is_neither_taken_up_nor_judged(run, asks, monkeypatch):
    """Two would write one history, and rows would be read that it does not tell of yet."""
    monkeypatch.setattr(beginning, "LET_GO_SECONDS", 0.2)
    asks("book", "CONFIRMED", "stands")
    before = (run.folder / HISTORY).read_bytes()
    with pytest.raises(ValueError, match="still going on"):
        take_up(run.folder, TARGET)
    resumed = CliRunner().invoke(main, ["run", "--resume", "--folder", str(run.folder)])
    judged = CliRunner().invoke(main, ["judge", str(run.folder)])
    for done in (resumed, judged):
        assert done.exit_code == 2, done.output
        assert "still going on" in " ".join(done.output.split())
    assert (run.folder / HISTORY).read_bytes() == before
    assert not (run.folder / "sittings.jsonl").exists()
    run.close()
    assert taken_up(run).taken_up_at == 1
    assert len(list(read_history(run.folder / HISTORY))) == 1


def test_holds_and_blocks_are_known_again(run, asks):
    asks("book", "HELD", "held", hold=60)
    asks("book", "HELD", "confirmed", hold=60)
    asks("confirm", "CONFIRMED", "confirmed")
    time = {"start": "2040-01-02T09:00:00Z", "end": "2040-01-02T10:00:00Z"}
    asks("block", "CONFIRMED", "closed", **time)
    asks("block", "CONFIRMED", "opened", **time)
    asks("unblock", "CANCELLED", "opened")
    again = taken_up(run)
    assert [booked.answer["booking_id"] for booked in again.holds.things] == ["held"]
    assert [booked.answer["booking_id"] for booked in again.standing.things] == ["confirmed"]
    assert list(again.blocks.things) == [{"booking_id": "closed", "slots": ["slot"], **time}]


def test_keys_are_known_again_by_the_request_they_belong_to(run, asks):
    asks("book", "CONFIRMED", "honest", key="token honest-----")
    asks("book", "CONFIRMED", "honest", key="token honest-----", impatient=True)
    asks("book", "CONFIRMED", "a lie", key="token honest-----")
    (known,) = taken_up(run).keys.things
    assert known["token"] == "token honest"
    assert known["by"] == "sql"
    assert "impatient" not in known


def test_no_more_is_known_than_is_remembered(run, asks):
    for number in range(REMEMBERED_MAX + 10):
        asks("book", "CONFIRMED", f"b{number}")
    things = taken_up(run).standing.things
    assert len(things) == REMEMBERED_MAX
    assert things[0].answer["booking_id"] == "b10"


def test_the_dice_do_not_fall_as_they_did_before(run, asks):
    asks("book", "CONFIRMED", "b")
    first = run.dice("Ada").random()
    again = taken_up(run)
    assert again.dice("Ada").random() != first
    assert again.dice("Ada").random() == taken_up(again).dice("Ada").random()
    assert again.dice("Ada").random() != again.dice("Ben").random()
