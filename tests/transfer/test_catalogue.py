"""Locations, providers, services, needs, schedules and exceptions go in and out of files."""

from __future__ import annotations

import pytest

from tests.trade import records
from tests.trade_files import CATALOGUE

CATALOGUED = ("locations", "providers", "services", "needs", "schedules", "exceptions")


def test_a_spreadsheet_without_ids_makes_a_whole_catalogue(trade):
    done = trade.take(**CATALOGUE)
    assert {kind: done[kind] for kind in CATALOGUED} == {
        "locations": {"made": 2},
        "providers": {"made": 3},
        "services": {"made": 2},
        "needs": {"made": 3},
        "schedules": {"made": 1},
        "exceptions": {"made": 2},
    }
    assert done["slots of schedules"]["made"] > 100
    out = trade.export()
    places = records(out / "locations.csv")
    assert [(one["name"], one["time_zone"]) for one in places] == [
        ("Mitte", "Europe/Berlin"),
        ("Lisboa", "Europe/Lisbon"),
    ]
    assert places[0]["address"] == "Main street 1\nBerlin"
    services = records(out / "services.csv")
    assert services[1]["start_step_minutes"] == "15"
    assert records(out / "schedules.csv")[0]["monday"] == "09:00-12:00 13:00-17:00"


def test_the_same_import_twice_changes_nothing(trade):
    trade.take(**CATALOGUE)
    before = trade.rows()
    done = trade.take(**CATALOGUE)
    assert all(set(done[kind]) == {"unchanged"} for kind in CATALOGUED)
    assert trade.rows() == before


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_was_exported_makes_an_equal_vendor(new_trade, form):
    one, other = new_trade(), new_trade()
    one.take(**CATALOGUE)
    first = one.export(form, "out", *CATALOGUED)
    other.take_files(sorted(first.iterdir()))
    second = other.export(form, "out", *CATALOGUED)
    for path in first.iterdir():
        assert path.read_text() == (second / path.name).read_text()
    before = one.rows()
    one.take_files(sorted(first.iterdir()))
    assert one.rows() == before


def test_a_dry_run_tells_and_writes_nothing(trade):
    before = trade.rows()
    assert trade.take(dry_run=True, **CATALOGUE)["providers"] == {"made": 3}
    assert trade.rows() == before


def test_everything_that_is_wrong_is_told_at_once_with_its_line_and_column(trade):
    told = trade.refused(
        locations="name,time_zone\nMitte,Europe/Berlin\n,Mars/Olympus\n",
        providers="name,location\nAnna,Mitte\nBert,Nowhere\n",
        services='name,duration_minutes,price_amount\n"Cut\nand dry",45,\nDye,long,4500\n',
        needs="service,provider\nDye,Anna\nCut,Zoe\n",
        schedules="provider,valid_from,monday,slot_minutes\nAnna,tomorrow,09:00-12:00,\n"
        "Anna,2020-13-01,9 to 5,abc\n",
        exceptions="provider,starts_on,kind,hours\nAnna,2027-01-01,closed,09:00-10:00\n",
    )
    wanted = [
        "locations.csv line 3: name: Is required.",
        "locations.csv line 3: time_zone: Not a time zone",
        "providers.csv line 3: location: None of the locations has this ref, id or name.",
        "services.csv line 4: duration_minutes: Must be a whole number, such as 2. Found: 'long'.",
        "services.csv line 4: price_currency: Is required.",
        "needs.csv line 3: service: None of the services has",
        "schedules.csv line 2: valid_from: Must be a day, such as 2031-03-03. Found: 'tomorrow'.",
        "schedules.csv line 3: monday: Not hours such as",
        "schedules.csv line 3: valid_from: Must be a day, such as 2031-03-03. Found: '2020-13-01'.",
        "schedules.csv line 3: slot_minutes: Must be a whole number, such as 2. Found: 'abc'.",
        "exceptions.csv line 2: hours: Closed days have none",
    ]
    for sentence in wanted:
        assert any(one.startswith(sentence) for one in told), (sentence, told)


def test_schedules_that_overlap_are_told_with_rows_that_cannot_be_read(trade):
    told = trade.refused(
        locations="name\nMitte\n",
        providers="name,location\nAnna,Mitte\n",
        schedules="ref,provider,valid_from,monday\na,Anna,2027-01-01,09:00-12:00\n"
        "b,Anna,2027-02-01,11:00-13:00\nc,Anna,soon,09:00-12:00\n",
        customers="name,email\nAda,nowhere\n",
    )
    assert [one.split(": ")[0] for one in told] == [
        "schedules.csv line 3",
        "schedules.csv line 4",
        "customers.csv line 2",
    ]


def test_no_two_rows_of_a_file_have_one_ref_and_none_is_overwritten(trade):
    trade.take(locations="name\nMitte\n", providers="name,location\nAnna,Mitte\n")
    files = {
        "schedules": "ref,provider,valid_from,monday\nS,Anna,2027-01-01,09:00-12:00\n"
        "S,Anna,2028-01-01,13:00-14:00\n",
        "exceptions": "ref,provider,starts_on,kind\nE,Anna,2027-01-01,closed\n"
        "E,Anna,2027-02-01,closed\n",
        "customers": "ref,name\nC,Ada\nD,Eve\nC,Bob\n C ,\n",
        "bookings": "ref,provider,start,end\nB,Anna,2027-01-01T09:00Z,2027-01-01T10:00Z\n"
        "B,Anna,2027-01-01T10:00Z,2027-01-01T11:00Z\n",
    }
    same = "ref: The row of line 2 has this ref, too: give each its own."
    for update in (False, True):
        assert trade.refused(update=update, **files) == [
            f"schedules.csv line 3: {same}",
            f"exceptions.csv line 3: {same}",
            f"customers.csv line 4: {same}",
            "customers.csv line 5: name: Give a name, an e-mail address or a number.",
            f"customers.csv line 5: {same}",
            f"bookings.csv line 3: {same}",
        ]
    alike = "name,note\nAda,tall\nAda,tall\nAda,small\n"
    (told,) = trade.refused(update=True, customers=alike)
    assert told == (
        "customers.csv line 4: note: Another row of the files has this person, unlike this."
        " Found: 'small'."
    )


def test_what_is_there_and_different_is_changed_only_when_told(trade):
    trade.take(**CATALOGUE)
    changed = {
        "providers": "name,location\nAnna,Lisboa\n",
        "services": "name,duration_minutes\nCut,30\n",
        "needs": "service,role,provider\nMassage,therapist,Anna\n",
    }
    told = trade.refused(**changed)
    assert [one.split(": ")[:2] for one in told] == [
        ["providers.csv line 2", "location"],
        ["services.csv line 2", "duration_minutes"],
        ["needs.csv line 2", "service"],
    ]
    assert trade.take(update=True, **changed) == {
        "providers": {"changed": 1},
        "services": {"changed": 1},
        "needs": {"changed": 1},
    }
    service = records(trade.export() / "services.csv")[0]
    assert (service["duration_minutes"], service["buffer_after_minutes"]) == ("30", "15")
    assert trade.take(**changed)["services"] == {"unchanged": 1}


def test_slots_go_by_other_clocks_as_soon_as_their_location_does(trade):
    trade.take(**CATALOGUE)
    places = "name,time_zone\nMitte,Asia/Tokyo\n"
    hours = (
        "SELECT DISTINCT to_char(lower(during) AT TIME ZONE 'Asia/Tokyo', 'HH24:MI') FROM slots"
        " WHERE vendor_id = %s AND lower(during) > now() + interval '2 days' ORDER BY 1"
    )
    done = trade.take(update=True, locations=places)
    assert done["locations"] == {"changed": 1}
    assert done["slots of schedules"]["made"] > 100
    found = [hour for (hour,) in trade.owner.execute(hours, [trade.vendor_id]).fetchall()]
    assert found == ["09:00", "10:00", "11:00", "13:00", "14:00", "15:00", "16:00"]
    assert trade.take(update=True, locations=places) == {"locations": {"unchanged": 1}}


def test_rows_of_one_name_are_told_apart_by_their_refs(trade):
    twice = "ref,name,location\na,Chair,Mitte\nb,Chair,Mitte\n"
    files = {"locations": "name\nMitte\n", "providers": twice}
    assert trade.take(**files)["providers"] == {"made": 2}
    assert trade.take(**files)["providers"] == {"unchanged": 2}
    told = trade.refused(services="name\nCut\n", needs="service,provider\nCut,Chair\n")
    assert "Several providers have this name" in told[0]
    assert trade.take(services="name\nCut\n", needs="service,provider\nCut,b\n")["needs"]
    told = trade.refused(providers="name,location\nChair,Mitte\n")
    assert "give each of them a ref" in told[0]


def test_archived_rows_come_along_and_stay_archived(new_trade):
    one, other = new_trade(), new_trade()
    files = {
        "locations": "ref,name,archived\nold,Mitte,yes\nnew,Mitte,no\n",
        "providers": "name,location,archived\nAnna,old,yes\n",
        "services": "name,archived\nCut,yes\n",
    }
    one.take(**files)
    first = one.export()
    other.take_files([first / f"{kind}.csv" for kind in files])
    for kind in files:
        second = other.export("csv", f"out-{kind}", kind) / f"{kind}.csv"
        assert second.read_text() == (first / f"{kind}.csv").read_text()
    told = other.refused(
        services=f"ref,name,archived\n{records(first / 'services.csv')[0]['ref']},Cut,no\n"
    )
    assert "does not come back" in told[0]
