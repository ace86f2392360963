"""A vendor's own settings and its sales channels go in and out of files."""

from __future__ import annotations

import pytest

from app.transfer.context import Source
from app.transfer.importing import Choices, import_files
from app.transfer.kinds import KINDS
from app.transfer.watching import Counts
from tests.trade import records
from tests.trade_files import CATALOGUE, SALON

SETTINGS = (
    "name,time_zone,public_booking,availability_numbers,open_bookings_max,hold_minutes,"
    "service_required\n"
    '"=Salon; ""Anna"" 💇",America/St_Johns,no,few_left,3,25,yes\n'
)
CHANNELS = (
    "channel,location,preference\n"
    "web,Mitte,2\nweb,Lisboa,1\n@partner | x,Lisboa,\nclosed,,\nwalk-in,Lisboa,\nwalk-in,Mitte,\n"
)
EVERYTHING = {
    "settings": SETTINGS,
    "locations": CATALOGUE["locations"],
    "channels": CHANNELS,
    "providers": "name,location\nAnna,Mitte\nBert,Mitte\n"
    '"Room | 1",Mitte\nRoom,Mitte\nHotel,Mitte\n',
    "services": SALON["services"],
    "needs": "service,need,role,provider\nMassage,1,therapist,Anna\nMassage,2,room,Room | 1\n"
    "Massage,2,room,Room\n",
    "schedules": CATALOGUE["schedules"].replace("Anna", "Bert"),
    "exceptions": CATALOGUE["exceptions"].replace("Anna", "Bert"),
    "time_off": "provider,start,end,reason,calendar,event\n"
    "Anna,2040-01-02 15:00,2040-01-03 00:00,=Sick,,\n"
    f"Room,2040-01-02 10:00,2040-01-02 11:00,,own,{'0a' * 32}\n",
    "slots": SALON["slots"],
    "customers": SALON["customers"],
    "bookings": SALON["bookings"]
    .replace("metadata\n", "metadata,channel\n")
    .replace(
        ",Cut,2040-01-02 09:00,2040-01-02 09:45,,ada,,,\n",
        ",Cut,2040-01-02 09:00,2040-01-02 09:45,,ada,,,,@partner | x\n",
        1,
    ),
}


def _shown(folder):
    """What files hold, but for when holds end, which the clock moves by milliseconds."""
    return {
        path.name: [
            {name: cell for name, cell in one.items() if name != "hold_expires_at"}
            for one in records(path)
        ]
        for path in folder.iterdir()
    }


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_whole_vendor_moves_into_another_database_and_is_the_same_there(trade, elsewhere, form):
    trade.take(**EVERYTHING)
    first = trade.export(form)
    elsewhere.take_files(sorted(first.iterdir()))
    assert _shown(elsewhere.export(form)) == _shown(first)
    before = elsewhere.rows()
    done = elsewhere.take_files(sorted(first.iterdir()))
    assert elsewhere.rows() == before
    assert {did for counts in done.values() for did in counts} == {"unchanged", "made"}
    assert [kind for kind, counts in done.items() if "made" in counts] == ["slots of schedules"]
    vendor = elsewhere.owner.execute(
        "SELECT name, time_zone, public_booking, availability_numbers, open_bookings_max,"
        " hold_minutes, service_required,"
        " (SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(channels) AS key)"
        " FROM vendors WHERE id = %s",
        [elsewhere.vendor_id],
    ).fetchone()
    assert vendor[:7] == (
        *('=Salon; "Anna" 💇', "America/St_Johns", False, "few_left", 3, 25),
        True,
    )
    assert set(vendor[7]) == {"@partner | x", "closed", "walk-in", "web"}


def test_channels_lead_to_their_locations_in_order(trade):
    done = trade.take(locations=CATALOGUE["locations"], channels=CHANNELS)
    assert done["channels"] == {"made": 6}
    channels, places = trade.owner.execute(
        "SELECT v.channels, (SELECT jsonb_object_agg(l.name, l.id) FROM locations l"
        " WHERE l.vendor_id = v.id) FROM vendors v WHERE v.id = %s",
        [trade.vendor_id],
    ).fetchone()
    assert channels == {
        "web": [places["Lisboa"], places["Mitte"]],
        "@partner | x": [places["Lisboa"]],
        "closed": [],
        "walk-in": [places["Lisboa"], places["Mitte"]],
    }
    assert trade.take(channels=CHANNELS)["channels"] == {"unchanged": 6}
    (told,) = trade.refused(channels="channel,location\nclosed,Mitte\nnew,Mitte\n")
    assert told == (
        "channels.csv line 2: channel: It leads elsewhere: correct the file, or say --update."
        " Found: 'closed'."
    )
    done = trade.take(update=True, channels="channel,location\nclosed,Mitte\nnew,Mitte\n")
    assert done["channels"] == {"changed": 1, "made": 1}
    found = records(trade.export() / "channels.csv")
    assert [(one["channel"], one["preference"]) for one in found] == [
        ("'@partner | x", "1"), ("closed", "1"), ("new", "1"),
        ("walk-in", "1"), ("walk-in", "2"), ("web", "1"), ("web", "2"),
    ]  # fmt: skip


def test_settings_are_taken_by_a_vendor_that_nobody_has_changed_and_then_only_when_told(trade):
    assert trade.take(settings="time_zone,hold_minutes\nAsia/Tokyo,\n")["settings"] == {
        "changed": 1
    }
    assert trade.take(settings="time_zone,hold_minutes\nAsia/Tokyo,10\n")["settings"] == {
        "unchanged": 1
    }
    (told,) = trade.refused(settings="time_zone,hold_minutes\nAsia/Tokyo,20\n")
    assert told == (
        "settings.csv line 2: hold_minutes: It is 10 already: correct the file, or say --update."
        " Found: '20'."
    )
    assert trade.take(update=True, settings="hold_minutes\n20\n")["settings"] == {"changed": 1}
    places = "name,time_zone\nHere,\n"
    trade.take(update=True, settings="time_zone\nAsia/Seoul\n", locations=places)
    assert records(trade.export() / "locations.csv")[0]["time_zone"] == "Asia/Seoul"


def test_settings_and_channels_that_are_wrong_are_told_with_their_lines(trade):
    told = trade.refused(
        settings="name,time_zone,public_booking,availability_numbers,hold_minutes\n"
        ",Mars/Olympus,perhaps,some,0\nX,UTC,yes,exact,10\n",
        channels="channel,location,preference\n,Mitte,\nweb,Nowhere,\nx,,0\nshut,,\nshut,,\n",
    )
    assert [one.split(": ")[:2] for one in told] == [
        ["settings.csv line 2", "time_zone"],
        ["settings.csv line 2", "public_booking"],
        ["settings.csv line 2", "availability_numbers"],
        ["settings.csv line 2", "hold_minutes"],
        ["settings.csv line 2", "name"],
        ["channels.csv line 2", "location"],
        ["channels.csv line 2", "channel"],
        ["channels.csv line 3", "location"],
        ["channels.csv line 4", "preference"],
        ["channels.csv line 6", "location"],
    ]
    told = trade.refused(settings="name\nX\nY\n")
    assert told == ["settings.csv line 3: A vendor has one row of settings."]


def test_what_was_booked_before_its_channel_led_elsewhere_comes_along(new_trade):
    one, other = new_trade(), new_trade()
    one.take(**EVERYTHING)
    found = records(one.export() / "bookings.csv")
    # Booked in Mitte, where the channel does not lead.
    assert [row["channel"] for row in found if row["channel"]] == ["'@partner | x"]
    other.take_files(sorted((one.folder / "out").iterdir()))
    assert _shown(other.export()) == _shown(one.folder / "out")
    told = other.refused(
        bookings="provider,start,end,channel\n"
        "Anna,2040-01-02 14:00,2040-01-02 15:00,@partner | x\n".replace("@", "'@")
    )
    assert told[0].startswith("bookings.csv line 2: channel: ")


def test_whoever_watches_hears_of_each_row_once_for_each_step(trade):
    paths = trade.write(**EVERYTHING)
    counts = Counts()
    with trade.offline.app_context():
        sources = [Source(path, KINDS[path.stem]) for path in paths]
        import_files(trade.vendor_id, sources, Choices(), counts)
    imported = {step: done for step, done in counts.done.items() if step.startswith("Importing")}
    assert [step.split()[1] for step in imported if counts.total(step) != imported[step]] == []
    assert len(imported) == len(KINDS)
