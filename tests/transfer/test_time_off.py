"""Time off goes in and out of files, and the blocks that stand for it are made anew."""

from __future__ import annotations

from app.schedules.actions import Change
from app.schedules.busy.actions import archive_time_off
from tests import sweep
from tests.trade import records
from tests.trade_files import PLACES

HEADER = "provider,start,end,reason,calendar,event\n"
EVENT = "0f" * 32
LEAVE = "Anna,2040-01-02 09:00,2040-01-02 13:00,Holiday,,\n"
AWAY = {
    **PLACES,
    "time_off": f"{HEADER}{LEAVE}Room,2040-01-02 10:00,2040-01-02 12:00,,own,{EVENT}\n",
    # Booked before she took leave.
    "bookings": "kind,provider,start,end,notes\n,Anna,2040-01-02 10:00,2040-01-02 11:00,\n"
    "block,Anna,2040-01-02 16:00,2040-01-02 17:00,Cleaning\n",
}
_CLOSED = """
    SELECT p.name, extract(hour FROM lower(b.during) AT TIME ZONE 'Europe/Berlin')::int,
           extract(hour FROM upper(b.during) AT TIME ZONE 'Europe/Berlin')::int
    FROM busy_blocks k
    JOIN bookings b ON b.vendor_id = k.vendor_id AND b.id = k.booking_id AND b.occupying
    JOIN providers p ON p.vendor_id = b.vendor_id AND p.id = b.provider_id
    WHERE k.vendor_id = %s ORDER BY 1, 2
"""


def _closed(trade):
    """Whose hours are closed by blocks that stand for busy time."""
    return trade.owner.execute(_CLOSED, [trade.vendor_id]).fetchall()


def test_leave_moves_with_its_vendor_and_can_be_ended_there(new_trade, module_owner):
    one, other = new_trade(), new_trade()
    assert one.take(**AWAY)["time_off"] == {"made": 2}
    closed = [("Anna", 9, 10), ("Anna", 11, 13), ("Room", 10, 12)]
    assert _closed(one) == closed
    first = one.export()
    assert [row["notes"] for row in records(first / "bookings.csv")] == ["", "Cleaning"]
    other.take_files(sorted(first.iterdir()))
    assert _closed(other) == closed
    second = other.export()
    for path in first.iterdir():
        assert path.read_text() == (second / path.name).read_text(), path.name
    before = other.rows()
    assert other.take_files([first / "time_off.csv"], update=True)["time_off"] == {"unchanged": 2}
    assert other.rows() == before
    (leave,) = module_owner.execute(
        "SELECT id FROM busy_times WHERE vendor_id = %s AND source = 'time_off'", [other.vendor_id]
    ).fetchone()
    with other.offline.app_context():
        of = Change(other.vendor_id, {"type": "system", "id": "test"}, dry_run=False)
        archive_time_off(of, leave, None)
    assert _closed(other) == [("Room", 10, 12)]
    sweep.assert_clean(module_owner, other.vendor_id)


def test_time_off_that_is_there_is_changed_only_when_told_and_an_event_is_known_again(trade):
    trade.take(**AWAY)
    moved = f"{HEADER}{LEAVE}".replace("Holiday", "Sick") + (
        f"Room,2040-01-02 14:00,2040-01-02 15:00,,own,{EVENT}\n"
    )
    told = trade.refused(time_off=moved)
    there = "There is another already: correct it, or --update."
    assert [one.partition(" Found")[0] for one in told] == [
        f"time_off.csv line 2: reason: {there}",
        f"time_off.csv line 3: start: {there}",
        f"time_off.csv line 3: end: {there}",
    ]
    assert trade.take(update=True, time_off=moved)["time_off"] == {"changed": 2}
    assert _closed(trade) == [("Anna", 9, 10), ("Anna", 11, 13), ("Room", 14, 15)]


def test_time_off_that_is_none_is_told_by_line_and_column(trade):
    trade.take(**PLACES)
    told = trade.refused(
        time_off=f"{HEADER}Zoe,2040-01-02 09:00,2040-01-02 08:00,,,\n"
        "Anna,2040-01-02 09:00,2060-01-02 08:00,,own,\n"
        "Anna,2040-01-02 09:00,2040-01-02 10:00,,own,x\n"
        + f"Anna,2040-01-02 09:00,2040-01-02 10:00,,own,{EVENT}\n"
        * 2
    )
    assert [one.split(": ")[:2] for one in told] == [
        ["time_off.csv line 2", "provider"],
        ["time_off.csv line 2", "start"],
        ["time_off.csv line 2", "end"],
        ["time_off.csv line 3", "end"],
        ["time_off.csv line 3", "event"],
        ["time_off.csv line 4", "event"],
        ["time_off.csv line 6", "event"],
    ]
