"""Slots, customers and bookings go in and out of files, under the same laws as any booking."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.transfer.context import Source
from app.transfer.kinds import KINDS
from tests import sweep
from tests.trade import records
from tests.trade_files import PLACES, SALON


def _without_moments(path):
    """What the file holds but for when holds end, which the clock moves by milliseconds."""
    return [{k: v for k, v in one.items() if k != "hold_expires_at"} for one in records(path)]


def test_a_salon_moves_in_from_its_spreadsheets(trade, module_owner):
    done = trade.take(**SALON)
    assert done["slots"]["made"] == 5
    assert done["customers"] == {"made": 2}
    assert done["bookings"] == {"made": 8, "left out": 1}
    found = records(trade.export() / "bookings.csv")
    assert [(one["status"], one["kind"], one["quantity"]) for one in found] == [
        ("completed", "appointment", "1"),
        ("no_show", "appointment", "1"),
        ("cancelled", "appointment", "1"),
        ("confirmed", "appointment", "1"),
        ("confirmed", "appointment", "1"),
        ("confirmed", "appointment", "2"),
        ("confirmed", "block", "1"),
        ("held", "appointment", "1"),
    ]
    assert found[3]["start"] == "2040-01-02T09:00:00+01:00"
    assert (found[3]["price_amount"], found[3]["buffer_after_minutes"]) == ("4500", "15")
    assert found[4]["notes"] == "'-quiet please"
    assert found[5]["metadata"] == '{"floor": 3}'
    assert records(trade.folder / "out" / "customers.csv")[0]["note"] == "'=1+1"
    sweep.assert_clean(module_owner, trade.vendor_id)


def test_the_same_bookings_twice_change_nothing(trade):
    trade.take(**SALON)
    before = trade.rows()
    done = trade.take(**SALON)
    assert done["bookings"] == {"unchanged": 8, "left out": 1}
    assert done["slots"] == {"unchanged": 5}
    assert trade.rows() == before


def test_blocks_partly_outside_of_published_time_are_known_again(trade):
    header = "ref,kind,status,provider,start,end\n"
    lines = (
        ",block,,Anna,2040-01-02 16:00,2040-01-02 18:00\n"
        "lunch,block,,Anna,2040-01-02 08:00,2040-01-02 10:00\n"
        "over,block,cancelled,Anna,2040-01-02 08:00,2040-01-02 20:00\n"
    )
    files = PLACES | {"bookings": header + lines}
    assert trade.take(**files)["bookings"] == {"made": 3}
    before = trade.rows()
    for _ in range(2):
        assert trade.take(**files)["bookings"] == {"unchanged": 3}
    assert trade.rows() == before
    told = trade.refused(bookings=header + lines.replace("08:00", "09:30"))
    assert [one.split(":")[0] for one in told] == ["bookings.csv line 3", "bookings.csv line 4"]
    # Nobody may believe that time to be closed which has been published since.
    trade.take(slots="provider,start,end\nAnna,2040-01-02 17:30,2040-01-02 19:00\n")
    done = trade.report([Source(trade.write(bookings=header + lines)[0], KINDS["bookings"])])
    assert done.counts["bookings"] == {"unchanged": 2, "left out": 1}
    assert done.remarks[0].startswith("bookings.csv line 2: left out: the block of it is there")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_was_exported_makes_an_equal_vendor(new_trade, form):
    one, other = new_trade(), new_trade()
    one.take(**SALON)
    first = one.export(form)
    other.take_files(sorted(first.iterdir()))
    second = other.export(form)
    for path in first.iterdir():
        assert _without_moments(path) == _without_moments(second / path.name)
    before = one.rows()
    one.take_files(sorted(first.iterdir()))
    assert one.rows() == before


def test_what_was_paid_and_how_long_it_took_is_kept_though_the_service_has_changed(new_trade):
    one, other = new_trade(), new_trade()
    one.take(**SALON)
    one.take(
        update=True,
        services="name,duration_minutes,buffer_after_minutes,price_amount,price_currency\n"
        "Cut,30,0,9900,USD\n",
    )
    first = one.export()
    other.take_files(sorted(first.iterdir()))
    second = other.export()
    assert _without_moments(second / "bookings.csv") == _without_moments(first / "bookings.csv")


def test_nothing_is_booked_when_one_place_is_taken_and_every_such_line_is_told(trade):
    trade.take(**PLACES)
    told = trade.refused(
        bookings="provider,start,end,quantity,service,customer\n"
        "Anna,2040-01-02 09:00,2040-01-02 10:00,1,,ada\n"
        "Anna,2040-01-02 09:30,2040-01-02 10:30,1,,\n"
        "Hotel,2040-01-02 15:00,2040-01-03 11:00,3,,\n"
        "Anna,2040-01-05 09:00,2040-01-05 10:00,1,,\n"
        "Anna,2040-01-02 11:00,2040-01-02 12:00,1,Cut,\n"
        "Anna,2040-01-02 13:00,2040-01-02 14:00,1,,zoe\n"
    )
    wanted = [
        "bookings.csv line 3: 2040-01-02 09:30",
        "bookings.csv line 4: ",
        "bookings.csv line 5: ",
        "bookings.csv line 6: service: This service takes 45 minutes",
        "bookings.csv line 7: customer: None of the customers has this ref or id. Found: 'zoe'.",
    ]
    assert len(told) == len(wanted)
    for sentence, one in zip(wanted, told, strict=True):
        assert one.startswith(sentence), told


def test_a_booking_is_known_by_its_ref_and_never_changed(trade):
    trade.take(**PLACES)
    header = "ref,provider,start,end,quantity\n"
    line = "B-1,Anna,2040-01-02 09:00,2040-01-02 10:00,1\n"
    trade.take(bookings=header + line)
    booking_id = records(trade.export() / "bookings.csv")
    assert booking_id[0]["ref"] == "B-1"
    trade.app.execute(
        "SELECT * FROM cancel_booking(%s, (SELECT id FROM bookings WHERE vendor_id = %s))",
        [trade.vendor_id, trade.vendor_id],
    )
    told = trade.refused(bookings=header + line)
    assert told[0].startswith(
        "bookings.csv line 2: status: Has been imported, and is cancelled here since: imports"
    )
    over = "status," + header + "cancelled," + line
    assert trade.take(bookings=over)["bookings"] == {"unchanged": 1}
    told = trade.refused(bookings=header + line.replace("10:00", "11:00"))
    assert "imports change no bookings" in told[0]
    told = trade.refused(bookings=header + line.replace("B-1", "B-2") * 2)
    assert told == [
        "bookings.csv line 3: ref: The row of line 2 has this ref, too: give each its own."
    ]


def test_cancelled_bookings_whose_time_is_taken_or_gone_are_left_out_and_told(trade):
    trade.take(**PLACES)
    header = "status,provider,start,end\n"
    trade.take(bookings=header + ",Anna,2040-01-02 09:00,2040-01-02 10:00\n")
    done = trade.take(
        bookings=header + "cancelled,Anna,2040-01-02 09:30,2040-01-02 10:00\n"
        "cancelled,Anna,2041-01-02 09:30,2041-01-02 10:00\n"
    )
    assert done["bookings"] == {"left out": 2}


def test_who_has_a_place_by_the_file_has_it_here_whoever_had_it_before(trade):
    trade.take(**PLACES)
    header = "status,provider,start,end,customer,customer_name\n"

    def lines(*many: str) -> str:
        said = [
            f"{status},Anna,2040-01-02 {hour}:00,2040-01-02 {hour}:30,{who}\n"
            for hour, status, who in (one.split(" ") for one in many)
        ]
        return header + "".join(said)

    first = lines("09 cancelled ada,", "10 cancelled ,Eve", "11 confirmed ada,", "12 held ,Eve")
    assert trade.take(bookings=first)["bookings"] == {"made": 4}
    assert trade.take(bookings=first)["bookings"] == {"unchanged": 4}
    for hour in ("11", "12"):
        trade.app.execute(
            "SELECT * FROM cancel_booking(%s, (SELECT id FROM bookings"
            " WHERE vendor_id = %s AND lower(during) = %s AND occupying))",
            [trade.vendor_id, trade.vendor_id, f"2040-01-02 {hour}:00 Europe/Berlin"],
        )
    told = trade.refused(bookings=first)
    assert [one.partition(": Has been")[0] for one in told] == ["bookings.csv line 4: status"]
    # Others have come in their places; and they stand before or behind them, in whatever order.
    then = [
        *("09 confirmed ,Bob", "09 cancelled ada,", "10 cancelled ,Eve", "10 confirmed ,Eve"),
        *("11 confirmed ,Eve", "12 held ,Eve"),
    ]
    done = trade.report([Source(trade.write(bookings=lines(*then))[0], KINDS["bookings"])])
    assert done.counts["bookings"] == {"made": 3, "unchanged": 2, "left out": 1}
    assert done.remarks == [
        "bookings.csv line 7: left out: held, and cancelled here: imports change no bookings"
    ]
    assert trade.take(bookings=lines(*reversed(then[:5])))["bookings"] == {"unchanged": 5}
    had = trade.owner.execute(
        "SELECT extract(hour FROM lower(b.during) AT TIME ZONE 'Europe/Berlin'), c.name"
        " FROM bookings b JOIN customers c ON c.vendor_id = b.vendor_id AND c.id = b.customer_id"
        " WHERE b.vendor_id = %s AND b.occupying ORDER BY 1",
        [trade.vendor_id],
    ).fetchall()
    assert had == [(9, "Bob"), (10, "Eve"), (11, "Eve")]


def test_slots_that_overlap_are_all_named_and_none_is_published(trade):
    trade.take(**PLACES)
    told = trade.refused(
        slots="provider,start,end,capacity,price_amount,price_currency\n"
        "Anna,2040-01-02 08:00,2040-01-02 09:30,1,,\n"
        "Anna,2040-01-02 09:00,2040-01-02 17:00,2,,\n"
        "Anna,2040-01-05 09:00,2040-01-05 08:00,1,,\n"
        "Anna,2040-01-06 09:00,2040-01-06 10:00,0,5,\n"
        "Anna,2040-01-07 09:00,2099-01-07 10:00,1,,\n"
        "Anna,2040-01-08 09:00,2040-01-08 10:00,1,,\n"
        "Anna,2040-01-08 09:30,2040-01-08 10:00,1,,\n",
        bookings="provider,start,end\nAnna,2040-01-02 09:00,never\n",
    )
    assert [one.split(":")[0] for one in told] == [
        *(f"slots.csv line {line}" for line in (2, 3, 4, 5, 5, 6, 8)),
        "bookings.csv line 2",
    ]


def test_local_times_follow_the_rule_for_clock_changes(trade):
    trade.take(
        **PLACES
        | {
            "slots": "provider,start,end\n"
            "Anna,2040-03-25 02:30,2040-03-25 04:30\n"
            "Anna,2040-10-28T02:30:00,2040-10-28T03:30:00\n"
            "Anna,2040-11-01T09:00:00Z,2040-11-01T11:00:00+01:00\n"
        }
    )
    found = trade.owner.execute(
        "SELECT lower(during), upper(during) FROM slots WHERE vendor_id = %s ORDER BY 1",
        [trade.vendor_id],
    ).fetchall()
    assert found == [
        (datetime(2040, 3, 25, 1, 30, tzinfo=UTC), datetime(2040, 3, 25, 2, 30, tzinfo=UTC)),
        (datetime(2040, 10, 28, 0, 30, tzinfo=UTC), datetime(2040, 10, 28, 2, 30, tzinfo=UTC)),
        (datetime(2040, 11, 1, 9, tzinfo=UTC), datetime(2040, 11, 1, 10, tzinfo=UTC)),
    ]


def test_slots_of_schedules_remain_the_schedules(new_trade):
    one, other = new_trade(), new_trade()
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    one.take(
        locations="name\nMitte\n",
        providers="name,location\nAnna,Mitte\n",
        schedules="provider,valid_from,"
        "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
        "\nAnna,2026-01-01" + ",09:00-17:00" * 7 + "\n",
        bookings=f"provider,start,end\nAnna,{day} 09:00,{day} 10:00\n",
    )
    assert one.count("bookings") == 1
    first = one.export()
    other.take_files(sorted(first.iterdir()))
    second = other.export()
    for path in first.iterdir():
        assert path.read_text("utf-8") == (second / path.name).read_text("utf-8"), path.name
    by_hand = "SELECT count(*) FROM slots WHERE vendor_id = %s AND schedule_id IS NULL"
    assert other.owner.execute(by_hand, [other.vendor_id]).fetchone() == (0,)


def test_time_that_no_schedule_gives_any_more_is_not_for_sale_after_a_round_trip(
    new_trade, module_owner
):
    one, other = new_trade(), new_trade()
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    header = "ref,provider,valid_from,monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    week = f"W,Anna,2026-01-01{',09:00-17:00' * 7}"
    one.take(
        locations="name\nMitte\n",
        providers="name,location\nAnna,Mitte\n",
        schedules=f"{header}\n{week}\n",
        bookings=f"provider,start,end\nAnna,{day} 09:00,{day} 10:00\n"
        f"Anna,{day} 14:00,{day} 15:00\n",
    )
    over = {"schedules": f"{header},archived\n{week},yes\n"}
    (told,) = one.refused(**over)
    assert told.startswith("schedules.csv line 2: archived: It is there already, unlike this")
    assert one.take(update=True, **over)["schedules"] == {"changed": 1}
    assert one.take(**over)["schedules"] == {"unchanged": 1}
    first = one.export()
    for _ in range(2):
        other.take_files(sorted(first.iterdir()))
    second = other.export()
    for path in first.iterdir():
        assert path.read_text("utf-8") == (second / path.name).read_text("utf-8"), path.name
    closed = "SELECT during, closed, closed <> '{}' FROM slots WHERE vendor_id = %s ORDER BY 1"
    had, has = (its.owner.execute(closed, [its.vendor_id]).fetchall() for its in (one, other))
    assert had == has
    assert [is_closed for *_, is_closed in has] == [True, True]
    row = other.owner.execute(
        "SELECT vendor_id, id, slot_ids FROM bookings WHERE vendor_id = %s LIMIT 1",
        [other.vendor_id],
    ).fetchone()
    other.app.execute("SELECT * FROM cancel_booking(%s, %s)", row[:2])
    (outcome,) = other.app.execute(
        "SELECT outcome FROM claim_slot_and_create_booking( p_vendor_id => %s, p_slot_ids => %s)",
        [row[0], row[2]],
    ).fetchone()
    assert outcome == "SLOT_NOT_FOUND"
    sweep.assert_clean(module_owner, other.vendor_id)
    # Its slots alone are not for sale either.
    for _ in range(2):
        other.take_files([first / "slots.csv"])
    free = "SELECT count(*) FROM slots WHERE vendor_id = %s AND closed = '{}'"
    assert other.owner.execute(free, [other.vendor_id]).fetchone() == (0,)
    (told,) = other.refused(schedules=f"{header},archived\n{week[1:]},yes\n")
    assert told.startswith("schedules.csv line 2: ref: Is required of one that is archived")


def test_slots_that_their_schedules_have_divided_otherwise_since_are_left_to_them(trade):
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    header = "ref,provider,valid_from,monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    week = f"Anna,2026-01-01{',09:00-17:00' * 7}"
    files = {
        "locations": "name\nMitte\n",
        "providers": "name,location\nAnna,Mitte\n",
        "schedules": f"{header},archived\nW,{week},\nX,{week},yes\n",
        "slots": "provider,start,end,schedule\n"
        f"Anna,{day} 09:00,{day} 12:00,W\nAnna,{day} 12:00,{day} 17:00,W\n"
        f"Anna,{day} 18:00,{day} 19:00,X\n",
        "bookings": f"provider,start,end\nAnna,{day} 09:00,{day} 10:00\n",
    }
    trade.take(**files)
    before = trade.rows()
    assert trade.take(**files)["slots"] == {"made": 1, "left out": 2}
    assert trade.rows() == before
    (told,) = trade.refused(slots=files["slots"].replace(",W", ",").rsplit("Anna", 2)[0])
    assert "Another slot begins then already, unlike this" in told


def test_an_erased_person_leaves_no_ref_and_no_export(trade):
    trade.take(**PLACES)
    found = trade.owner.execute(
        "SELECT id FROM customers WHERE vendor_id = %s AND name = 'Ada'", [trade.vendor_id]
    ).fetchone()[0]
    trade.app.execute("SELECT * FROM erase_customer(%s, %s)", [trade.vendor_id, found])
    kept = "SELECT count(*) FROM import_refs WHERE row_id = %s"
    assert trade.owner.execute(kept, [found]).fetchone() == (0,)
    assert len(records(trade.export() / "customers.csv")) == 1
    told = trade.refused(customers=f"ref,name\n{found},Ada\n")
    assert "has been erased" in told[0]
    # What an import makes up for a booking is made of whom it is for.
    trade.take(
        bookings="status,provider,start,end,customer_name\n"
        "cancelled,Anna,2040-01-02 09:00,2040-01-02 10:00,Eve\n"
    )
    of = "SELECT customer_id FROM bookings WHERE vendor_id = %s"
    eve = trade.owner.execute(of, [trade.vendor_id]).fetchone()[0]
    trade.app.execute("SELECT * FROM erase_customer(%s, %s)", [trade.vendor_id, eve])
    refs = "SELECT count(*) FROM import_refs WHERE vendor_id = %s AND kind = 'bookings'"
    assert trade.owner.execute(refs, [trade.vendor_id]).fetchone() == (0,)


def test_nobody_elses_rows_can_be_named(new_trade):
    one, other = new_trade(), new_trade()
    one.take(**PLACES)
    provider = one.owner.execute(
        "SELECT id FROM providers WHERE vendor_id = %s LIMIT 1", [one.vendor_id]
    ).fetchone()[0]
    told = other.refused(
        slots=f"provider,start,end\n{provider},2040-01-02T09:00Z,2040-01-02T10:00Z\n"
    )
    assert "None of the providers" in told[0]
    told = other.refused(
        locations="name\nX\n",
        providers="name,location\nY,X\n",
        slots="provider,start,end\nY,2040-01-02 09:00,2040-01-02 10:00\n",
        bookings="provider,start,end,customer\n"
        f"Y,2040-01-02 09:00,2040-01-02 10:00,{uuid.uuid4()}\n",
    )
    assert "None of the customers" in told[0]
