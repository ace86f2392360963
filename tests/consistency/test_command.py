"""`slotkeeper consistency check`, as a real process: what it prints, writes and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from app.consistency.checks import CHECKS
from tests.consistency.busy import have_a_busy_day
from tests.shop import Shop

NAMES = [check.name for check in CHECKS]
UNALTERED = "functions_are_unaltered"
SHIPPED = "functions_are_as_shipped"
LAWS = "laws_are_in_force"
TIMES = "times_are_possible"
REPLACED = (
    "DROP FUNCTION {check}; CREATE FUNCTION {check}(p_vendor_id uuid, p_since timestamptz,"
    " p_checks text[], OUT nothing integer) LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON"
    " FUNCTION {check} TO slotkeeper_app"
)


@pytest.fixture(scope="module")
def check(commands, module_database):
    """Run the check with these options; its result, with what it printed."""

    def run(*words: str, url: str | None = None):
        address = url or module_database.app_url
        return commands.run("consistency", "check", *words, DATABASE_URL=address)

    return run


@pytest.fixture(name="damaged")
def _damaged(shop):
    """A vendor with one wrong version, alone among others in good order."""
    have_a_busy_day(shop)
    booking_id = shop.book(shop.slot(22, 23))
    shop.owner.execute("UPDATE bookings SET version = 2 WHERE id = %s", [booking_id])
    yield shop, str(booking_id)
    shop.owner.execute("UPDATE bookings SET version = 1 WHERE id = %s", [booking_id])


def slug(shop):
    return shop.rows("SELECT slug FROM vendors WHERE id = %s")[0]["slug"]


def test_sound_data_is_clean_for_people_and_programs(check, shop):
    have_a_busy_day(shop)
    for words in ([], ["--vendor", slug(shop)], ["--since", "15m"], ["--repair-plan"]):
        done = check(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("PASS") == len(NAMES)
    assert "nothing to repair" in done.stdout
    done = check("--json", "--since", "2h", "--vendor", slug(shop))
    document = json.loads(done.stdout)
    assert list(document) == ["format", "status", "at", "seconds", "vendor", "since", "checks"]
    assert (document["format"], document["status"]) == (1, "clean")
    assert document["vendor"] == slug(shop)
    assert document["since"] < document["at"]
    assert [one["check_name"] for one in document["checks"]] == NAMES
    for one in document["checks"]:
        assert list(one) == ["check_name", "status", "violations", "offenders", "seconds"]
        assert (one["status"], one["violations"], one["offenders"]) == ("PASS", 0, [])


def test_a_finding_is_shown_with_its_offender_and_what_could_be_done(check, damaged):
    shop, booking_id = damaged
    done = check("--repair-plan")
    assert done.returncode == 1
    assert done.stdout.count("FAIL") == 1
    assert booking_id in done.stdout
    assert "INSERT INTO events" in done.stdout
    assert "Nothing of this has been done" in done.stdout
    assert len(shop.events(booking_id)) == 1, "it does nothing itself"
    document = json.loads(check("--json", "--repair-plan").stdout)
    assert document["status"] == "findings"
    (failed,) = [one for one in document["checks"] if one["status"] == "FAIL"]
    assert failed["check_name"] == "events_retell_bookings"
    (repair,) = document["repair_plan"]
    assert repair["offender"] == failed["offenders"][0]
    assert repair["offender"]["booking_id"] == booking_id


def test_only_the_named_vendor_and_the_named_checks_are_looked_at(check, damaged, module_app):
    other = Shop(module_app, damaged[0].owner)
    assert check("--vendor", slug(other)).returncode == 0
    assert check("--vendor", slug(damaged[0])).returncode == 1
    done = check("--json", "--check", "nothing_is_orphaned", "--check", SHIPPED)
    assert done.returncode == 0
    assert [one["check_name"] for one in json.loads(done.stdout)["checks"]] == [
        "nothing_is_orphaned",
        SHIPPED,
    ]


@pytest.mark.parametrize(
    "words, says",
    [
        (["--vendor", "nobody"], "no vendor of this name"),
        (["--since", "yesterday"], "90s, 15m"),
        (["--since", "2026-01-01T00:00:00"], "90s, 15m"),
        (["--since", "2999-01-01T00:00:00Z"], "still to come"),
        (["--check", "all_is_well"], "all_is_well"),
        (["--textfile", "/nowhere/at/all.prom"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_neither_clean_nor_a_finding(check, words, says):
    done = check(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_database_programs_are_told_that_nothing_is_known(check, tmp_path):
    file = tmp_path / "slotkeeper.prom"
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    done = check("--json", "--textfile", str(file), url=nowhere)
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert (document["status"], document["checks"]) == ("could_not_run", [])
    assert document["error"]
    assert 'slotkeeper_consistency_status{scope="all",vendor=""} 2' in file.read_text()


def test_another_schema_than_the_programs_is_not_checked(check, database):
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '9999_later'")
    done = check(url=database.app_url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "9999_later" in done.stderr
    assert "slotkeeper migrate" in done.stderr


@pytest.mark.usefixtures("damaged")
def test_metrics_are_written_whole_and_by_name(check, tmp_path):
    file = tmp_path / "slotkeeper.prom"
    file.write_text("of the run before")
    check("--since", "1h", "--textfile", str(file))
    lines = file.read_text().splitlines()
    assert 'slotkeeper_consistency_status{scope="since",vendor=""} 1' in lines
    for name in NAMES:
        found = 1 if name == "events_retell_bookings" else 0
        labels = f'check="{name}",scope="since",vendor=""'
        assert f"slotkeeper_consistency_violations{{{labels}}} {found}" in lines
    types = [line for line in lines if line.startswith("# TYPE")]
    assert len(types) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["slotkeeper.prom"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_check_that_was_itself_replaced_is_found_by_the_file_it_came_from(check, database):
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        superuser.execute("DROP FUNCTION find_altered_functions")
        superuser.execute(
            "CREATE FUNCTION find_altered_functions(OUT violations bigint, OUT offenders jsonb)"
            " LANGUAGE sql AS $$SELECT 0::bigint, '[]'::jsonb$$"
        )
        superuser.execute("ALTER FUNCTION find_altered_functions OWNER TO slotkeeper_owner")
    checks = json.loads(check("--json", url=database.app_url).stdout)["checks"]
    status = {one["check_name"]: one["status"] for one in checks}
    assert (status[UNALTERED], status[SHIPPED]) == ("PASS", "FAIL")
    assert checks[-1]["offenders"] == [
        {"kind": "function", "name": "find_altered_functions", "reason": "different"}
    ]


def test_the_time_limit_of_the_applications_role_does_not_end_it(check, database):
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        # Each session of the role would give up after a millisecond.
        superuser.execute(f"ALTER DATABASE {database.name} SET statement_timeout = '1ms'")
    assert check(url=database.app_url).returncode == 0


def _broken(database, statement):
    with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
        superuser.execute(statement)


@pytest.mark.parametrize(
    "statement, able, explained_by",
    [
        ("REVOKE EXECUTE ON FUNCTION {check} FROM slotkeeper_app", {SHIPPED}, set()),
        ("DROP FUNCTION {check}", {SHIPPED}, {SHIPPED}),
        ("ALTER TABLE claims RENAME COLUMN units TO places", set(NAMES[6:]) - {TIMES}, {LAWS}),
        (REPLACED, {SHIPPED}, {SHIPPED}),
    ],
    ids=["may not", "gone", "cannot", "another"],
)
def test_a_check_that_cannot_run_is_a_finding_and_the_others_run(
    *, check, database, tmp_path, statement, able, explained_by
):
    file = tmp_path / "slotkeeper.prom"
    _broken(database, statement.format(check="verify_booking_slot_consistency"))
    done = check("--json", "--repair-plan", "--textfile", str(file), url=database.app_url)
    document = json.loads(done.stdout)
    nothing_known = able == {SHIPPED}
    if nothing_known:
        assert (done.returncode, document["status"]) == (2, "could_not_run")
        assert document["error"] in done.stderr
        assert "--repair-plan" in done.stderr
    else:
        assert (done.returncode, document["status"], done.stderr) == (1, "findings", "")
    checks = {one["check_name"]: one for one in document["checks"]}
    assert list(checks) == NAMES
    unable = {
        name for name, one in checks.items() if "could_not_run" in json.dumps(one["offenders"])
    }
    assert unable
    assert not unable & able
    assert {name for name in checks.keys() - unable if checks[name]["violations"]} == explained_by
    assert all(repair["statements"] for repair in document["repair_plan"])
    labels = 'scope="all",vendor=""'
    told = file.read_text()
    assert f"slotkeeper_consistency_status{{{labels}}} {done.returncode}" in told
    assert f'check="{NAMES[0]}",{labels}}} 1' in told
    if nothing_known and statement != REPLACED:
        lines = [line for one in document["repair_plan"] for line in one["statements"]]
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            for line in dict.fromkeys(lines):
                file = line.removeprefix("\\i ")
                owner.execute(Path(file).read_bytes() if file != line else line)
        assert check(url=database.app_url).returncode == 0
