"""A person's own calendar over HTTP: when it says busy, nobody books them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.conftest import ADA

DAY = (datetime.now(UTC) + timedelta(days=10)).replace(hour=0, minute=0, second=0, microsecond=0)
KEY = "a-key-for-the-calendars-of-this-test"


def at(hour: float, day: int = 0) -> str:
    return (DAY + timedelta(days=day, hours=hour)).isoformat().replace("+00:00", "Z")


def event(start: float, end: float, *lines: str, uid: str = "1", day: int = 0) -> str:
    times = [
        (DAY + timedelta(days=day, hours=hour)).strftime("%Y%m%dT%H%M%SZ") for hour in (start, end)
    ]
    whole = ("BEGIN:VEVENT", f"UID:{uid}", f"DTSTART:{times[0]}", f"DTEND:{times[1]}", *lines)
    return "\r\n".join((*whole, "END:VEVENT", ""))


def file(*events: str) -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


@pytest.fixture
def provider(vendor) -> str:
    """The path of a provider who has slots from nine to noon on three days."""
    provider_id = vendor.provider()["id"]
    slots = [{"start": at(9, day), "end": at(12, day)} for day in range(3)]
    vendor.made(f"/providers/{provider_id}/slots", {"slots": slots})
    return f"/providers/{provider_id}"


@pytest.fixture
def sent(vendor, provider):
    """Send a file as the provider's calendar."""

    def send(raw: bytes, query: str = "", kind: str = "text/calendar", **headers: str):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Authorization": f"Bearer {vendor.key}", "Content-Type": kind}
        path = f"{vendor.base}{provider}/calendar{query}"
        return vendor.client.post(path, content=raw, headers=headers)

    return send


@pytest.fixture
def imported(sent):
    """Import events as the provider's calendar; what is answered."""

    def send(*events: str, query: str = "") -> dict:
        answer = sent(file(*events), query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


def counts(done: dict) -> tuple[int, ...]:
    return tuple(done[name] for name in ("imported", "changed", "unchanged", "removed"))


def blocks(vendor) -> list[tuple[str, str]]:
    items = vendor.get("/blocks", vendor.key).json()["items"]
    return [(one["start"], one["end"]) for one in items]


def test_busy_time_is_blocked_and_the_second_import_changes_nothing(vendor, imported):
    series = event(10, 11, "RRULE:FREQ=DAILY;COUNT=2")
    free = event(9, 12, "TRANSP:TRANSPARENT", uid="2")
    done = imported(series, free)
    assert counts(done) == (2, 0, 0, 0)
    assert (done["events"], done["ignored"]["transparent"]) == (2, 1)
    assert done["blocking"]["blocked"] == 2
    assert blocks(vendor) == [(at(10), at(11)), (at(10, 1), at(11, 1))]
    again = imported(series, free)
    assert counts(again) == (0, 0, 2, 0)
    assert again["blocking"] == {"blocked": 0, "lifted": 0, "in_the_way": [], "in_the_way_total": 0}


def test_an_import_replaces_what_that_calendar_said_and_no_other(vendor, imported):
    imported(event(9, 10), query="?calendar=work")
    imported(event(9, 10, uid="a"), event(10, 11, uid="b"), query="?calendar=private")
    done = imported(event(9.5, 10, uid="a"), event(11, 12, uid="c"), query="?calendar=private")
    assert counts(done) == (1, 1, 0, 1)
    assert blocks(vendor) == [(at(9), at(10)), (at(11), at(12))]


def test_bookings_in_the_way_stay_and_are_named(vendor, provider, imported):
    booking = vendor.booked(
        provider_id=provider.rpartition("/")[2], start=at(10), end=at(11), customer=ADA
    )
    done = imported(event(9, 12))
    assert [one["booking_id"] for one in done["blocking"]["in_the_way"]] == [booking["id"]]
    assert blocks(vendor) == [(at(9), at(10)), (at(11), at(12))]


def test_nothing_of_an_event_is_kept_unless_the_vendor_asks(vendor, imported):
    secret = event(9, 10, "SUMMARY:Therapy", "DESCRIPTION:Dr. Who", "LOCATION:Home")
    imported(secret, query="?reason=Busy")
    (block,) = vendor.get("/blocks", vendor.key).json()["items"]
    assert block["reason"] == "Busy"
    done = imported(secret, query="?summaries=true")
    assert counts(done) == (0, 1, 0, 0)
    (block,) = vendor.get("/blocks", vendor.key).json()["items"]
    assert block["reason"] == "Therapy"


def test_what_came_with_a_calendar_is_listed_and_is_no_time_off(
    vendor, provider, imported, problem
):
    imported(event(9, 10), query="?calendar=work")
    imported(event(11, 12), query="?calendar=private")
    items = vendor.get(f"{provider}/calendar", vendor.key).json()["items"]
    assert [(one["calendar"], one["start"]) for one in items] == [
        ("work", at(9)),
        ("private", at(11)),
    ]
    work = vendor.get(f"{provider}/calendar?calendar=work", vendor.key).json()["items"]
    assert [one["id"] for one in work] == [items[0]["id"]]
    assert vendor.get(f"{provider}/time-off", vendor.key).json()["items"] == []
    answer = vendor.call("DELETE", f"/time-off/{items[0]['id']}", auth=vendor.key)
    problem(answer, 404, "TIME_OFF_NOT_FOUND")


def test_a_calendar_without_events_forgets_what_it_said(vendor, imported):
    imported(event(9, 10))
    told = imported(query="?dry_run=true")
    assert (told["removed"], blocks(vendor)) == (1, [(at(9), at(10))])
    done = imported()
    assert (done["removed"], done["blocking"]["lifted"], blocks(vendor)) == (1, 1, [])


def test_a_dry_run_tells_and_does_nothing(vendor, imported):
    done = imported(event(9, 10), query="?dry_run=true")
    assert (counts(done), done["blocking"]["blocked"]) == ((1, 0, 0, 0), 1)
    assert blocks(vendor) == []


def test_a_replay_does_not_bring_back_what_was_replaced_since(vendor, sent, imported, problem):
    raw = file(event(9, 10))
    sent(raw, Idempotency_Key=KEY)
    imported(event(11, 12, uid="2"))
    again = sent(raw, Idempotency_Key=KEY)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert blocks(vendor) == [(at(11), at(12))]
    problem(sent(raw, "?calendar=other", Idempotency_Key=KEY), 409, "IDEMPOTENCY_CONFLICT")


@pytest.mark.parametrize(
    "raw, kind, status, code, says",
    [
        (b"", "text/calendar", 400, "VALIDATION_ERROR", "Is required"),
        (b"{}", "application/json", 415, "UNSUPPORTED_MEDIA_TYPE", "not text/calendar"),
        (file(), "text/calendar; charset=utf-16", 415, "UNSUPPORTED_MEDIA_TYPE", "in UTF-8"),
        (b"Dear all", "text/calendar", 400, "VALIDATION_ERROR", "Line 1: Not an iCalendar"),
        (file(event(9, 10))[:-30], "text/calendar", 400, "VALIDATION_ERROR", "ends in the middle"),
        (b"\xff" * 10, "text/calendar", 400, "VALIDATION_ERROR", "Line 1: Not UTF-8"),
        (
            file(event(9, 10, "RRULE:FREQ=SECONDLY")),
            "text/calendar",
            400,
            "VALIDATION_ERROR",
            "Line 7: Rules that repeat within a day",
        ),
        (b"x" * 10_000_000, "text/calendar", 413, "PAYLOAD_TOO_LARGE", ""),
    ],
)
def test_a_bad_file_is_refused_and_changes_nothing(  # noqa: PLR0917
    vendor, imported, sent, problem, raw, kind, status, code, says
):
    imported(event(9, 10))
    body = problem(sent(raw, kind=kind), status, code)
    assert says in body["detail"]
    assert blocks(vendor) == [(at(9), at(10))]
