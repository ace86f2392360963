"""Schedules are kept published: by `slotkeeper schedules publish`, and by the worker's rounds."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from psycopg.types.range import Range

from app.config import Settings
from app.db import db, offline_app
from app.schedules.keeping import Keeper
from app.schedules.parts import PART_MAX
from tests.shop import Shop

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
CLOSE_A_DAY = (
    "INSERT INTO schedule_exceptions (vendor_id, provider_id, starts_on, ends_on, kind)"
    " SELECT vendor_id, id, current_date + 3, current_date + 3, 'closed' FROM providers"
)
ALWAYS = {day: [["09:00", "12:00"]] for day in WEEKDAYS}


@pytest.fixture
def shop(app_connection, owner) -> Shop:
    """A vendor in this test's database."""
    return Shop(app_connection, owner)


@pytest.fixture
def publish(commands, database):
    """Run `slotkeeper schedules publish`; its result, with what it printed."""

    def run(*words: str, url: str = "", **settings: str):
        address = url or database.app_url
        return commands.run("schedules", "publish", *words, DATABASE_URL=address, **settings)

    return run


@pytest.fixture
def keeper(database) -> Iterator[Keeper]:
    """What a worker keeps schedules published with."""
    with offline_app(Settings(database_url=database.app_url)).app_context():
        yield Keeper()
        db.engine.dispose()


def schedule(shop: Shop, provider_id: uuid.UUID | None = None, **columns: Any) -> uuid.UUID:
    """A schedule that nobody has published yet."""
    return shop.insert(
        "schedules",
        **{
            "provider_id": provider_id or shop.provider_id,
            "valid_from": date(2020, 1, 1),
            "weekly": Jsonb(ALWAYS),
            **columns,
        },
    )


def starts(shop: Shop) -> list[datetime]:
    """When the shop's slots begin."""
    found = shop.rows("SELECT lower(during) AS start FROM slots WHERE vendor_id = %s ORDER BY 1")
    return [row["start"] for row in found]


def slug(shop: Shop) -> str:
    found: str = shop.rows("SELECT slug FROM vendors WHERE id = %s")[0]["slug"]
    return found


def book_tomorrow(shop: Shop) -> uuid.UUID:
    slots = shop.rows(
        "SELECT id FROM slots WHERE vendor_id = %s AND lower(during) > now() ORDER BY during"
    )
    return shop.book(slots[0]["id"])


def test_it_publishes_a_horizon_and_the_second_run_has_nothing_to_do(publish, shop):
    schedule(shop)
    done = publish()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Published 180 days ahead, for 1 of 1 providers."
    published = starts(shop)
    assert 180 <= len(published) <= 181
    assert timedelta(days=179) < published[-1] - datetime.now(UTC) < timedelta(days=181)
    again = publish("--json")
    (provider,) = json.loads(again.stdout)["providers"]
    told = provider.pop("publishing")
    assert provider == {
        "vendor": slug(shop),
        "provider_id": str(shop.provider_id),
        "provider": "Chair 1",
        "error": None,
    }
    assert (told["published"], told["removed"], told["resized"]) == (0, 0, 0)
    assert told["kept"] == len(published)


def test_the_horizon_is_a_setting_and_an_option_and_never_takes_back_what_is_published(
    publish, shop
):
    schedule(shop)
    publish(SLOTKEEPER_PUBLISH_DAYS="20")
    assert 20 <= len(starts(shop)) <= 21
    assert publish("--days", "30").stdout.endswith("30 days ahead, for 1 of 1 providers.\n")
    assert 30 <= len(starts(shop)) <= 31
    # Another schedule may change it, though: all that is published follows.
    shop.app.execute("UPDATE schedules SET capacity = 3 WHERE vendor_id = %s", [shop.vendor_id])
    publish("--days", "10")
    found = shop.rows("SELECT capacity FROM slots WHERE vendor_id = %s")
    assert {row["capacity"] for row in found} == {3}
    assert 30 <= len(found) <= 32


def test_a_dry_run_does_nothing_and_one_vendor_is_not_another(publish, shop, app_connection, owner):
    other = Shop(app_connection, owner)
    schedule(shop)
    schedule(other)
    done = publish("--dry-run")
    assert (
        done.stdout.splitlines()[-1] == "Would be published 180 days ahead, for 2 of 2 providers."
    )
    assert starts(shop) == starts(other) == []
    publish("--vendor", slug(other), "--days", "3")
    assert starts(shop) == []
    assert starts(other) != []


def test_bookings_in_the_way_are_told_and_are_no_failure(publish, shop):
    schedule(shop)
    publish("--days", "3")
    booking = book_tomorrow(shop)
    shop.app.execute("UPDATE schedules SET weekly = '{}' WHERE vendor_id = %s", [shop.vendor_id])
    done = publish("--days", "3")
    assert done.returncode == 0
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("In the way: ")]
    assert str(booking) in line
    assert "Chair 1: appointment" in line
    assert len(starts(shop)) == 1


def test_a_provider_that_fails_is_named_and_keeps_none_from_being_published(
    publish, shop, database
):
    second = shop.provider()
    schedule(shop)
    schedule(shop, second)
    with psycopg.connect(database.app_url) as rival:
        rival.execute("SELECT lock_schedules(%s, %s)", [shop.vendor_id, shop.provider_id])
        done = publish("--days", "3", SLOTKEEPER_LOCK_SECONDS="1")
    assert done.returncode == 1
    assert str(shop.provider_id) in done.stderr
    assert done.stdout.splitlines()[-1] == "Published 3 days ahead, for 1 of 2 providers."
    found = shop.rows("SELECT DISTINCT provider_id FROM slots WHERE vendor_id = %s")
    assert [row["provider_id"] for row in found] == [second]


@pytest.mark.parametrize(
    "words, said",
    [
        (["--vendor", "nobody"], "There is no vendor of this name."),
        (["--days", "0"], "--days"),
        (["--days", "731"], "--days"),
    ],
)
def test_what_cannot_be_run_exits_with_two(publish, words, said):
    done = publish(*words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_database_that_is_not_there_exits_with_two(publish):
    done = publish(url="postgresql://nobody:x@127.0.0.1:1/nothing")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Nothing was published.")
    assert "\n" not in done.stderr.strip()


def test_a_dense_schedule_is_published_in_parts_as_if_in_one(publish, shop):
    round_the_clock = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
    schedule(shop, weekly=Jsonb(round_the_clock), slot_minutes=5)

    def told() -> tuple[int, ...]:
        done = publish("--days", "40", "--json")
        (one,) = json.loads(done.stdout)["providers"]
        facts = one["publishing"]
        return tuple(facts[name] for name in ("published", "removed", "resized", "kept"))

    published, *others = told()
    assert published == len(starts(shop)) > 2 * PART_MAX
    assert others == [0, 0, 0]
    found = starts(shop)
    assert {b - a for a, b in pairwise(found)} == {timedelta(minutes=5)}
    assert told()[3] in {published, published - 1}
    late = shop.rows(
        "SELECT id FROM slots WHERE vendor_id = %s AND provider_id = %s ORDER BY during DESC",
        shop.provider_id,
    )
    for slot in late[10:2000:700]:
        shop.book(slot["id"])
    # All of them now go on over midnight, at one place or another.
    shop.app.execute(
        "UPDATE schedules SET slot_minutes = 60, weekly = %s WHERE vendor_id = %s",
        [Jsonb({day: [["00:30", "00:30"]] for day in WEEKDAYS}), shop.vendor_id],
    )
    done = json.loads(publish("--days", "40", "--json").stdout)["providers"][0]["publishing"]
    assert (done["in_the_way_total"], len(done["in_the_way"])) == (0, 0)
    assert done["resized"] == 3
    # One of five minutes may have been under way.
    to_come = [one for one in starts(shop) if one > datetime.now(UTC)]
    assert {b - a for a, b in pairwise(to_come)} == {timedelta(hours=1)}


def test_without_schedules_there_is_nothing_to_do(publish):
    assert publish().stdout == "There are no schedules.\n"


def test_the_worker_publishes_what_is_due_and_then_leaves_it_alone_for_an_hour(shop, keeper):
    schedule(shop)
    first = keeper.round()
    assert (first.providers, first.failures) == (1, 0)
    assert first.published == len(starts(shop)) > 170
    assert keeper.round().providers == 0
    # An hour later it looks again, finds that nothing has changed, and writes one row.
    shop.owner.execute("UPDATE schedule_publishings SET looked_at = now() - interval '61 minutes'")
    with shop.unchanged():
        again = keeper.round()
    assert (again.providers, again.published, again.removed) == (1, 0, 0)
    assert keeper.round().providers == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE schedules SET capacity = 2",
        "UPDATE locations SET time_zone = 'Asia/Tokyo'",
        CLOSE_A_DAY,
        "UPDATE schedules SET archived_at = now()",
        "UPDATE locations SET archived_at = now()",
    ],
)
def test_the_worker_notices_whatever_changes_what_is_published(shop, keeper, change):
    schedule(shop)
    keeper.round()
    before = starts(shop)
    shop.owner.execute("UPDATE schedule_publishings SET looked_at = now() - interval '61 minutes'")
    shop.owner.execute(change)
    done = keeper.round()
    assert done.providers == 1
    assert done.published + done.removed + done.resized > 0
    assert starts(shop) != before or "capacity" in change


def test_the_worker_takes_closed_time_away_soon_after_its_last_booking(shop, keeper):
    schedule(shop)
    keeper.round()
    booking = book_tomorrow(shop)
    shop.owner.execute("UPDATE schedules SET archived_at = now()")
    soon = "UPDATE schedule_publishings SET looked_at = now() - interval '61 %s'"
    shop.owner.execute(soon % "minutes")
    assert keeper.round().removed > 170
    shop.owner.execute(soon % "seconds")
    again = keeper.round()
    assert (again.providers, again.removed, len(starts(shop))) == (1, 0, 1)
    shop.move("cancel_booking", booking)
    shop.owner.execute(soon % "seconds")
    assert (keeper.round().removed, starts(shop)) == (1, [])
    assert keeper.round().providers == 0


def test_the_worker_closes_busy_time_of_providers_without_schedules(shop, keeper):
    start = datetime.now(UTC) + timedelta(days=2)
    spans = {"start": start, "end": start + timedelta(hours=1)}
    times = [{name: when.isoformat() for name, when in spans.items()}]
    (made,) = shop.call("publish_slots", provider_id=shop.provider_id, slots=Jsonb(times))
    shop.insert(
        "busy_times",
        provider_id=shop.provider_id,
        during=Range(*spans.values()),
        source="time_off",
    )
    assert keeper.round().providers == 1
    refused = shop.claim(*made["slot_ids"])
    assert (refused["outcome"], refused["facts"]["reason"]) == ("BOOKING_CONFLICT", "blocked")


def test_a_provider_that_fails_waits_for_another_turn_and_the_others_do_not(shop, keeper, database):
    second = shop.provider()
    schedule(shop)
    schedule(shop, second)
    with psycopg.connect(database.app_url) as rival:
        rival.execute("SELECT lock_schedules(%s, %s)", [shop.vendor_id, shop.provider_id])
        done = keeper.round()
        assert (done.providers, done.failures) == (2, 1)
        assert done.published > 170
        assert keeper.round().providers == 0
    # Another worker has not failed with it, and tries at once.
    assert Keeper().round().published > 170


def test_the_worker_counts_what_it_publishes(shop, commands, database):
    schedule(shop)
    done = commands.run("worker", "--once", DATABASE_URL=database.app_url)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
    (line,) = [line for line in lines if line["event"] == "schedules published"]
    assert line["published"] == len(starts(shop)) > 170
    assert (line["providers"], line["failures"]) == (1, 0)
