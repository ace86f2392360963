"""The commands vendor, key, slots publish, consistency check and worker, as real processes."""

from __future__ import annotations

import json
from uuid import uuid4

import psycopg
import pytest

NINE_TO_TEN = "2040-01-02T09:00:00Z,2040-01-02T10:00:00Z"
HEADER = "start,end,capacity,price_amount,price_currency\n"


@pytest.fixture
def slotkeeper(commands, shared_server):
    """Run a command; its result, with what it printed."""

    def run(*words: str, url: str | None = None, given: str = ""):
        address = url or shared_server.database.app_url
        return commands.run(*words, given=given, DATABASE_URL=address)

    return run


@pytest.fixture
def publish(slotkeeper, vendor, tmp_path):
    """Publish a file's content for a new provider of the vendor."""
    provider = vendor.provider()

    def run(content: str, *options: str, name: str = "slots.csv"):
        file = tmp_path / name
        file.write_text(content)
        words = ["slots", "publish", str(file), "--vendor", vendor.slug, *options]
        return slotkeeper(*words, "--provider", provider["id"])

    return run


def _slots(vendor):
    return vendor.get("/slots?limit=500", vendor.key).json()["items"]


def test_a_vendor_is_made_once_and_listed(slotkeeper):
    made = slotkeeper(
        "vendor", "create", "by-command", "--name", "By command", "--time-zone", "Europe/Rome"
    )
    assert (made.returncode, made.stdout) == (0, "by-command\n"), made.stderr
    again = slotkeeper("vendor", "create", "by-command")
    assert again.returncode == 1
    assert "by-command" in again.stderr
    assert "Traceback" not in again.stderr
    listed = slotkeeper("vendor", "list").stdout
    assert "by-command" in listed
    assert "Europe/Rome" in listed


@pytest.mark.parametrize("words", [["Upper"], ["-x"], ["fine", "--time-zone", "Mars/Olympus"]])
def test_a_bad_vendor_is_refused(slotkeeper, words):
    assert slotkeeper("vendor", "create", *words).returncode != 0


def test_a_key_of_an_unknown_vendor_is_refused(slotkeeper):
    refused = slotkeeper("key", "create", "nobody")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert slotkeeper("key", "revoke", "sk_nothing").returncode == 1


def test_csv_is_published_with_all_its_columns(publish, vendor):
    done = publish(
        HEADER + f"{NINE_TO_TEN},4,1500,EUR\n\n2040-01-02T10:00:00Z,2040-01-02T11:00:00Z,,,\n"
    )
    assert done.returncode == 0, done.stderr
    assert "Published 2 of 2 slots; 0 skipped." in done.stdout
    first, second = _slots(vendor)
    assert (first["capacity"], first["price"]) == (4, {"amount": 1500, "currency": "EUR"})
    assert (second["capacity"], second["price"]) == (1, None)


@pytest.mark.parametrize("wrap", ["%s", '{"slots": %s, "on_overlap": "skip"}'])
def test_json_is_published_bare_or_as_the_api_takes_it(publish, vendor, wrap):
    start, end = NINE_TO_TEN.split(",")
    content = json.dumps([{"start": start, "end": end, "capacity": 2}], indent=1)
    done = publish(wrap % content, name="slots.json")
    assert done.returncode == 0, done.stderr
    assert [slot["capacity"] for slot in _slots(vendor)] == [2]


@pytest.mark.parametrize(
    "content, line",
    [
        (
            HEADER + f"{NINE_TO_TEN},1,,\n2040-01-02T11:00:00+1,2040-01-02T12:00:00Z,1,,\n",
            "line 3: start:",
        ),
        (HEADER + f"{NINE_TO_TEN},many,,\n", "line 2: capacity:"),
        (HEADER + f"{NINE_TO_TEN},1,5,\n", "line 2: price_currency:"),
        (HEADER + "2040-01-02T10:00:00Z,2040-01-02T09:00:00Z,1,,\n", "line 2: end:"),
        (HEADER + f"{NINE_TO_TEN},1,,\n{NINE_TO_TEN},1,,\n", "line 3: The slot"),
        (HEADER + f"{NINE_TO_TEN},1,,,,x\n", "line 2:"),
        ("from,to\n1,2\n", "line 1:"),
        ('"text"', "line 1: neither JSON"),
        ("", "The file is empty."),
        (HEADER, "The file holds no slots."),
        ("[]", "The file holds no slots."),
        ('[\n{"start": 1},\n\n{"start": 2}]', "line 4: "),
        ('[\n{"start": }]', "line 2: not JSON"),
        ('[{"start": "2040-01-02T09:00:00Z"}', "ends before"),
        ('{"slots": 5}', "line 1:"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_published(publish, vendor, content, line):
    refused = publish(content)
    assert refused.returncode == 1
    assert line in refused.stderr, refused.stderr
    assert "Traceback" not in refused.stderr
    assert _slots(vendor) == []


def test_a_file_that_is_not_utf_8_is_refused_in_words(slotkeeper, vendor, tmp_path):
    file = tmp_path / "slots.csv"
    file.write_bytes(HEADER.encode() + b"caf\xe9\n")
    refused = slotkeeper("slots", "publish", str(file), "--vendor", vendor.slug)
    assert refused.returncode == 1
    assert "not UTF-8" in refused.stderr
    assert _slots(vendor) == []


def test_an_operator_hears_why_the_database_cannot_be_reached(slotkeeper, tmp_path):
    file = tmp_path / "slots.csv"
    file.write_text(HEADER + f"{NINE_TO_TEN},1,,\n")
    nowhere = "postgresql://slotkeeper_app:x@127.0.0.1:1/slotkeeper"
    words = ["slots", "publish", str(file), "--vendor", "any", "--provider", str(uuid4())]
    refused = slotkeeper(*words, url=nowhere)
    assert refused.returncode == 1
    assert "SERVICE_UNAVAILABLE" in refused.stderr
    assert "port 1 failed" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_overlap_far_down_undoes_everything_or_is_skipped(publish, vendor):
    rows = [
        f"2040-{day // 28 + 1:02}-{day % 28 + 1:02}T{hour:02}:{minute:02}:00Z,"
        f"2040-{day // 28 + 1:02}-{day % 28 + 1:02}T{hour:02}:{minute + 9:02}:00Z,1,,\n"
        for day in range(50)
        for hour in range(24)
        for minute in range(0, 60, 10)
    ]
    content = HEADER + "".join(rows) + rows[-1]
    assert len(rows) == 7200, "more than one batch"
    refused = publish(content)
    assert refused.returncode == 1
    assert "line 7202: The slot" in refused.stderr
    assert _slots(vendor) == []
    skipped = publish(content, "--on-overlap", "skip")
    assert "Published 7200 of 7201 slots; 1 skipped." in skipped.stdout


def test_a_dry_run_does_everything_and_leaves_nothing(publish, vendor):
    done = publish(HEADER + f"{NINE_TO_TEN},4,,\n", "--dry-run")
    assert "Would have published 1 of 1 slots" in done.stdout, done.stderr
    assert _slots(vendor) == []


def test_lines_may_name_their_provider_and_standard_input_is_a_file(slotkeeper, vendor):
    ids = [vendor.provider()["id"] for _ in range(2)]
    content = "provider_id,start,end\n" + "".join(f"{one},{NINE_TO_TEN}\n" for one in ids)
    done = slotkeeper("slots", "publish", "-", "--vendor", vendor.slug, given=content)
    assert done.returncode == 0, done.stderr
    assert {slot["provider_id"] for slot in _slots(vendor)} == set(ids)
    nobody = slotkeeper(
        "slots", "publish", "-", "--vendor", vendor.slug, given=HEADER + f"{NINE_TO_TEN},1,,\n"
    )
    assert nobody.returncode == 1
    assert "line 2: provider:" in nobody.stderr


def test_a_check_of_sound_data_is_clean(slotkeeper, vendor):
    vendor.booked(slot_id=vendor.slot()["id"])
    for words in ([], ["--vendor", vendor.slug]):
        done = slotkeeper("consistency", "check", *words)
        assert done.returncode == 0, done.stderr
        assert "PASS" in done.stdout
    checks = json.loads(slotkeeper("consistency", "check", "--json").stdout)["checks"]
    assert len(checks) >= 4
    assert {check["status"] for check in checks} == {"PASS"}


def test_a_check_finds_damage_and_says_so_by_its_exit_code(slotkeeper, database):
    with psycopg.connect(database.superuser_url, autocommit=True) as admin:
        vendor_id, location_id, provider_id = (
            "01980000-0000-7000-8000-00000000000" + digit for digit in "123"
        )
        admin.execute("SET session_replication_role = replica")
        admin.execute(
            "INSERT INTO vendors (id, slug, name, time_zone) VALUES (%s, 'x', 'X', 'UTC')",
            [vendor_id],
        )
        admin.execute(
            "INSERT INTO bookings (vendor_id, status, quantity, claim_count, provider_id,"
            " location_id, slot_ids, during) VALUES"
            " (%s, 'confirmed', 1, 1, %s, %s, ARRAY[%s::uuid],"
            " '[2040-01-02 09:00Z,2040-01-02 10:00Z)')",
            [vendor_id, provider_id, location_id, location_id],
        )
    done = slotkeeper("consistency", "check", url=database.app_url)
    assert done.returncode == 1, done.stderr
    assert "FAIL" in done.stdout
    checks = json.loads(slotkeeper("consistency", "check", "--json", url=database.app_url).stdout)
    failed = [check["check_name"] for check in checks["checks"] if check["status"] == "FAIL"]
    assert failed == [
        "occupying_bookings_have_their_claims",
        "events_retell_bookings",
        "nothing_is_orphaned",
    ]


@pytest.mark.parametrize("words", [[], ["--vendor", "nobody"]])
def test_a_check_that_cannot_run_is_neither_clean_nor_a_finding(slotkeeper, words):
    url = None if words else "postgresql://nobody:wrong@127.0.0.1:1/nothing"
    done = slotkeeper("consistency", "check", *words, url=url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "could not run" in done.stderr


def test_the_worker_expires_lapsed_holds_and_forgets_old_keys(slotkeeper, vendor, shared_server):
    booking = vendor.booked(slot_id=vendor.slot()["id"], hold=True)
    key = "an-old-key-of-a-day-and-more"
    vendor.post("/locations", {"name": "Here", "time_zone": "UTC"}, vendor.key, idempotency_key=key)
    with psycopg.connect(shared_server.database.owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE bookings SET hold_expires_at = now() - interval '1 second' WHERE id = %s",
            [booking["id"]],
        )
        owner.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = %s",
            [key],
        )
        done = slotkeeper("worker", "--once")
        assert done.returncode == 0, done.stderr
        left = owner.execute(
            "SELECT count(*) FROM idempotency_keys WHERE key = %s", [key]
        ).fetchone()
    assert left == (0,)
    assert vendor.get(f"/bookings/{booking['id']}", vendor.key).json()["status"] == "expired"
    events = vendor.get(f"/bookings/{booking['id']}/events", vendor.key).json()["items"]
    assert events[-1]["actor"]["type"] == "system"
