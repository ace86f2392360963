"""A vendor's list of bookings: what it shows, in which order, and that a copy misses nothing."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.shop import call

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+39 055 1234"}


def _page(vendor, **query):
    answer = vendor.client.get(
        f"{vendor.base}/bookings", params=query, headers={"Authorization": f"Bearer {vendor.key}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def _ids(vendor, **query):
    """The ids of all pages, in order."""
    found = []
    while True:
        page = _page(vendor, **query)
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


def _book(vendor, slot, **wanted):
    return vendor.booked(vendor.key, slot_id=slot["id"], **wanted)["id"]


def test_bookings_come_by_start_as_each_of_them_is_shown_alone(vendor):
    slots = vendor.slots((9, 10), (11, 12), (14, 15))
    made = [_book(vendor, slot, internal_notes="VIP") for slot in reversed(slots)]
    page = _page(vendor)
    assert [item["id"] for item in page["items"]] == [*reversed(made)]
    assert page["next_cursor"] is None
    assert "settled_until" not in page
    for item in page["items"]:
        assert item == vendor.get(f"/bookings/{item['id']}", vendor.key).json()
        assert item["time_zone"] == "Europe/Berlin"
        assert "token" not in str(item)


def test_pages_neither_repeat_nor_lose_a_booking_while_others_are_made(vendor):
    early, *slots = vendor.slots(*((hour, hour + 1) for hour in range(8, 18)))
    made = [_book(vendor, slot) for slot in slots[:8]]
    first = _page(vendor, limit=3)
    _book(vendor, early)
    late = _book(vendor, slots[8])
    rest = _ids(vendor, limit=3, cursor=first["next_cursor"])
    assert [item["id"] for item in first["items"]] + rest == [*made, late]


def test_bookings_that_begin_together_are_each_listed_once(vendor):
    slots = [vendor.slot(9, 10) for _ in range(5)]
    made = {_book(vendor, slot) for slot in slots}
    found = _ids(vendor, limit=2)
    assert len(found) == len(made)
    assert set(found) == made


def test_a_window_takes_what_overlaps_it_however_long(vendor):
    wanted = {"over": (-24 * 40, 24 * 40), "stay": (-30, 12), "early": (8, 9), "into": (9.5, 10.5)}
    wanted |= {"inside": (11, 12), "out of": (12.5, 14), "after": (13, 14)}
    made = {name: _book(vendor, vendor.slot(*times)) for name, times in wanted.items()}
    inside = ["over", "stay", "into", "inside", "out of"]
    window = {"from": "2040-01-02T10:00:00Z", "to": "2040-01-02T13:00:00Z"}
    for limit in (1, 2, 100):
        assert _ids(vendor, **window, limit=limit) == [made[name] for name in inside]
    since = [made[name] for name in [*inside, "after"]]
    assert _ids(vendor, **{"from": window["from"]}) == since
    assert _ids(vendor, to="2040-01-02T09:30:00Z") == [made[n] for n in ("over", "stay", "early")]
    changed = _ids(vendor, **window, updated_since="2000-01-01T00:00:00Z")
    assert set(changed) == {made[name] for name in inside}


@pytest.mark.parametrize("to", ["2040-01-02T10:00:00Z", "2040-01-02T09:00:00Z"])
def test_a_window_that_ends_before_it_begins_is_refused(vendor, problem, to):
    for more in ("", "&updated_since=2000-01-01T00:00:00Z"):
        answer = vendor.get(f"/bookings?from=2040-01-02T10:00:00Z&to={to}{more}", vendor.key)
        problem(answer, 400, "INVALID_DATE_RANGE")


def test_statuses_are_named_with_commas_or_again_and_again(vendor, problem):
    slots = vendor.slots((9, 10), (10, 11), (11, 12))
    held = _book(vendor, slots[0], hold=True)
    confirmed = _book(vendor, slots[1])
    cancelled = _book(vendor, slots[2])
    vendor.post(f"/bookings/{cancelled}/cancel", auth=vendor.key)
    assert _ids(vendor) == [held, confirmed, cancelled], "all statuses unless asked"
    assert _ids(vendor, status="held") == [held]
    assert _ids(vendor, status="held,cancelled") == [held, cancelled]
    assert _ids(vendor, status=["held", "confirmed"]) == [held, confirmed]
    assert _ids(vendor, status=["held", "confirmed,cancelled"]) == [held, confirmed, cancelled]
    assert _ids(vendor, status="no_show") == []
    for wrong in ("open", "held,", ""):
        answer = vendor.get(f"/bookings?status={wrong}", vendor.key)
        refused = problem(answer, 400, "VALIDATION_ERROR")
        assert [error["field"] for error in refused["errors"]] == ["status"]
        assert "no_show" in refused["detail"]


def test_blocks_are_listed_only_when_asked_for(vendor):
    slots = vendor.slots((9, 10), (10, 11))
    booking = _book(vendor, slots[0])
    times = {name: slots[1][name] for name in ("provider_id", "start", "end")}
    block = vendor.made("/blocks", {**times, "reason": "Break"})["id"]
    assert _ids(vendor) == [booking]
    assert _ids(vendor, kind="block") == [block]
    assert _ids(vendor, kind="all") == [booking, block]
    assert _ids(vendor, kind="all", updated_since="2000-01-01T00:00:00Z") == [booking, block]


def test_bookings_are_found_by_provider_place_and_customer(vendor):
    side = vendor.location(name="Side street")["id"]
    here, there = vendor.slot(9, 10), vendor.slot(10, 11, location_id=side)
    one = _book(vendor, here, customer=ADA)
    other = _book(vendor, there, customer={"name": "Bob", "phone": "0039 (06) 99-11"})
    ada = vendor.get(f"/bookings/{one}", vendor.key).json()["customer"]["id"]
    assert _ids(vendor, provider_id=here["provider_id"]) == [one]
    assert _ids(vendor, location_id=side) == [other]
    assert _ids(vendor, customer_id=ada) == [one]
    assert _ids(vendor, email="ADA@Example.org") == [one]
    assert _ids(vendor, phone="0039055-1234") == [one]
    assert _ids(vendor, phone="+39 06 9911") == [other]
    assert _ids(vendor, phone="+39 06 991") == []
    assert _ids(vendor, email="ada@example.org", phone="+39 06 9911") == []
    since = {"updated_since": "2000-01-01T00:00:00Z"}
    assert _ids(vendor, email="ada@example.org", **since) == [one]
    for name in ("provider_id", "location_id", "customer_id"):
        assert _ids(vendor, **{name: str(uuid.uuid4())}) == []


def test_two_customers_with_one_address_are_found_by_it_together(vendor):
    slots = vendor.slots((9, 10), (10, 11), (11, 12))
    made = [
        _book(vendor, slot, customer={"name": name, "email": "family@example.org"})
        for slot, name in zip(slots, ("Ann", "Ben", "Ann"), strict=True)
    ]
    assert _ids(vendor, email="family@example.org", limit=1) == made


def test_another_vendors_bookings_are_not_listed(vendor, new_vendor):
    other = new_vendor()
    _book(other, other.slot(), customer=ADA)
    assert _ids(vendor, kind="all") == _ids(vendor, email=ADA["email"]) == []
    assert _ids(vendor, updated_since="2000-01-01T00:00:00Z") == []


def test_only_a_key_lists_bookings(vendor, problem):
    token = vendor.booked(slot_id=vendor.slot()["id"])["manage_token"]
    problem(vendor.get("/bookings"), 401, "UNAUTHENTICATED")
    problem(vendor.get("/bookings", token), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    "query, field",
    [
        ("limit=0", "limit"),
        ("from=2040-01-02", "from"),
        ("updated_since=yesterday", "updated_since"),
        ("kind=hold", "kind"),
        ("provider_id=7", "provider_id"),
        ("phone=no", "phone"),
        ("email=", "email"),
        ("colour=red", "colour"),
        ("cursor=abc", "cursor"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_field(vendor, problem, query, field):
    refused = problem(vendor.get(f"/bookings?{query}", vendor.key), 400, "VALIDATION_ERROR")
    assert [error["field"] for error in refused["errors"]] == [field]


def test_a_cursor_of_one_order_is_none_of_the_other(vendor, problem):
    for slot in vendor.slots((9, 10), (10, 11)):
        _book(vendor, slot)
    since = "updated_since=2000-01-01T00:00:00Z"
    by_start = vendor.get("/bookings?limit=1", vendor.key).json()["next_cursor"]
    by_change = vendor.get(f"/bookings?limit=1&{since}", vendor.key).json()["next_cursor"]
    for path in (f"/bookings?{since}&cursor={by_start}", f"/bookings?cursor={by_change}"):
        problem(vendor.get(path, vendor.key), 400, "VALIDATION_ERROR")


def test_what_was_changed_comes_in_order_of_change(vendor):
    first, second, third = [
        _book(vendor, slot) for slot in vendor.slots((11, 12), (10, 11), (9, 10))
    ]
    begin = _page(vendor, updated_since="2000-01-01T00:00:00Z")
    assert [item["id"] for item in begin["items"]] == [first, second, third]
    assert _ids(vendor, updated_since=begin["settled_until"]) == []
    vendor.post(f"/bookings/{second}/cancel", auth=vendor.key)
    vendor.call("PATCH", f"/bookings/{first}", {"guests": 2}, vendor.key)
    for limit in (1, 100):
        assert _ids(vendor, updated_since=begin["settled_until"], limit=limit) == [second, first]
    # The last time seen, asked again, gives its own booking again and loses none.
    seen = _page(vendor, updated_since=begin["settled_until"])["items"][0]["updated_at"]
    assert _ids(vendor, updated_since=seen) == [second, first]
    future = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert _ids(vendor, updated_since=future) == []


@pytest.mark.parametrize("role", ["app_url", "owner_url", "superuser_url"])
def test_a_change_that_commits_late_is_not_missed(vendor, shared_server, role):
    slow, quick = [_book(vendor, slot) for slot in vendor.slots((9, 10), (10, 11))]
    since = _page(vendor, updated_since="2000-01-01T00:00:00Z")["settled_until"]
    with psycopg.connect(getattr(shared_server.database, role)) as writer:
        vendor_id = writer.execute(
            "SELECT id FROM vendors WHERE slug = %s", [vendor.slug]
        ).fetchone()[0]
        call(writer, "change_booking", vendor_id=vendor_id, booking_id=slow, changes={"guests": 2})
        vendor.call("PATCH", f"/bookings/{quick}", {"guests": 3}, vendor.key)
        # Listed now, the quick one would let the client go on past the slow one.
        meanwhile = _page(vendor, updated_since=since)
        assert meanwhile["items"] == []
        assert vendor.get(f"/bookings/{quick}", vendor.key).json()["guests"] == 3
        writer.commit()
    after = _page(vendor, updated_since=meanwhile["settled_until"])
    assert [item["id"] for item in after["items"]] == [slow, quick]
    times = [item["updated_at"] for item in after["items"]]
    assert meanwhile["settled_until"] <= times[0] < times[1] < after["settled_until"]


def test_who_only_reads_holds_no_change_back(vendor, shared_server):
    made = _book(vendor, vendor.slot())
    with psycopg.connect(shared_server.database.owner_url) as backup:
        backup.execute("SELECT count(*) FROM bookings").fetchone()
        vendor.call("PATCH", f"/bookings/{made}", {"guests": 3}, vendor.key)
        found = _page(vendor, updated_since="2000-01-01T00:00:00Z")["items"]
    assert [item["guests"] for item in found] == [3]


def test_a_copy_kept_while_many_write_is_complete(vendor, shared_server):
    provider = vendor.provider()["id"]
    slots = vendor.slots(*((n / 4, (n + 1) / 4) for n in range(60)), provider_id=provider)

    def write(part):
        with psycopg.connect(shared_server.database.app_url) as writer:
            vendor_id = writer.execute(
                "SELECT id FROM vendors WHERE slug = %s", [vendor.slug]
            ).fetchone()[0]
            for slot in part:
                claim = {"vendor_id": vendor_id, "slot_ids": [uuid.UUID(slot["id"])]}
                call(writer, "claim_slot_and_create_booking", **claim)
                writer.execute("SELECT pg_sleep(random() * 0.02)")
                writer.commit()

    copy, since = {}, "2000-01-01T00:00:00Z"
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, slots[n::4]) for n in range(4)]
        last_round = False
        while True:
            page = _page(vendor, updated_since=since, limit=500)
            copy |= {item["id"]: item for item in page["items"]}
            since = page["settled_until"]
            if last_round:
                break
            last_round = all(one.done() for one in writing)
        for one in writing:
            one.result()
    assert sorted(copy) == sorted(_ids(vendor))
    assert len(copy) == len(slots)
