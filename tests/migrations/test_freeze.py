"""Changed functions become revisions: frozen, applied, put back; one form of each function."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from migrations import frozen

CHECKOUT = Path(__file__).parents[2]
# Three functions that nothing else depends on.
CHANGED = "app/sql/customers/find_or_create_customer.sql"
RESHAPED = "app/sql/idempotency/forget_old_idempotency_keys.sql"
DELETED = "app/sql/claims/check_service_duration.sql"
ADDED = "app/sql/words/tomorrow.sql"
NEWEST = frozen.revisions()[-1]
NEXT = f"{int(NEWEST[:4]) + 1:04d}_second"


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the checkout's code that may be changed."""
    for folder in ("app", "migrations"):
        shutil.copytree(
            CHECKOUT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=copy, capture_output=True, text=True, check=False
    )


def freeze(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(copy, "-m", "migrations.freeze", *arguments)


def migrate(copy: Path, call: str, url: str, revision: str) -> None:
    code = "import sys; from app import migrate; getattr(migrate, sys.argv[1])(*sys.argv[2:])"
    done = run(copy, "-c", code, call, url, revision)
    assert done.returncode == 0, done.stderr


def change(copy: Path, path: str, old: str, new: str) -> None:
    text = (copy / path).read_text()
    assert old in text
    (copy / path).write_text(text.replace(old, new))


def change_all(copy: Path) -> None:
    """Change one function, reshape a second, delete a third and add a fourth."""
    change(copy, CHANGED, "DECLARE", "-- The very same, but not word for word.\nDECLARE")
    change(
        copy,
        RESHAPED,
        "p_older_than interval DEFAULT '24 hours'",
        "p_older_than interval DEFAULT '24 hours', p_limit integer DEFAULT 1000",
    )
    (copy / DELETED).unlink()
    (copy / ADDED).write_text(
        "-- Promise: the day after today.\n-- Locks: none. Raises: nothing.\n"
        "CREATE OR REPLACE FUNCTION tomorrow() RETURNS date\nLANGUAGE sql STABLE\n"
        "RETURN current_date + 1;\n"
    )


def test_what_is_checked_in_is_frozen(copy):
    done = freeze(copy, "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "everything is frozen already" in freeze(copy, "nothing_new").stdout


def test_what_is_not_frozen_is_named_and_fails_the_check(copy):
    change_all(copy)
    done = freeze(copy, "--check")
    assert done.returncode == 1
    named = [line.removeprefix("not frozen: ") for line in done.stderr.splitlines()]
    files = [path.removeprefix("app/sql/") for path in (CHANGED, RESHAPED, ADDED)]
    assert sorted(named) == sorted([*files, "check_service_duration (gone)"])


def test_a_revision_holds_only_what_changed_and_then_the_check_passes(copy):
    change_all(copy)
    assert freeze(copy, "second").returncode == 0
    folder = copy / "migrations" / "sql" / NEXT
    held = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert held == {
        "customers/find_or_create_customer.sql",
        "idempotency/forget_old_idempotency_keys.sql",
        "words/tomorrow.sql",
        "dropped.txt",
    }
    assert freeze(copy, "--check").returncode == 0


def functions(url: str) -> dict[str, str]:
    """Signature -> definition of every function of ours."""
    with psycopg.connect(url, autocommit=True) as connection:
        return dict(
            connection.execute("""
                SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) || p.proacl::text
                FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
            """).fetchall()
        )


def test_upgrading_applies_the_revision_and_downgrading_puts_the_earlier_text_back(
    copy, database, picture
):
    before, functions_before = picture(database.owner_url), functions(database.owner_url)
    change_all(copy)
    freeze(copy, "second")
    migrate(copy, "upgrade", database.owner_url, "head")
    after = functions(database.owner_url)
    old, new = functions_before.keys() - after.keys(), after.keys() - functions_before.keys()
    # The reshaped function is there once, in its new form: no overload is left behind.
    assert {name.split("(")[0] for name in old} == {
        "forget_old_idempotency_keys",
        "check_service_duration",
    }
    assert {name.split("(")[0] for name in new} == {"forget_old_idempotency_keys", "tomorrow"}
    kept = functions_before.keys() & after.keys()
    changed = {name for name in kept if after[name] != functions_before[name]}
    assert {name.split("(")[0] for name in changed} == {"find_or_create_customer"}
    with psycopg.connect(database.app_url, autocommit=True) as app:
        app.execute("SELECT forget_old_idempotency_keys(uuidv7(), p_limit => 5)")
    migrate(copy, "downgrade", database.owner_url, NEWEST)
    assert picture(database.owner_url) == before


def test_a_fresh_database_and_an_upgraded_one_are_equal(copy, database, postgres, picture):
    change_all(copy)
    freeze(copy, "second")
    migrate(copy, "upgrade", database.owner_url, "head")
    fresh = f"{database.name}_fresh"
    with psycopg.connect(postgres.superuser_url(), autocommit=True) as superuser:
        superuser.execute(f"CREATE DATABASE {fresh} OWNER slotkeeper_owner")
        try:
            migrate(copy, "upgrade", postgres.owner_url(fresh), "head")
            assert picture(postgres.owner_url(fresh)) == picture(database.owner_url)
        finally:
            superuser.execute(f"DROP DATABASE {fresh} WITH (FORCE)")


def test_changed_rights_are_frozen_and_put_back(copy, database, picture):
    before = picture(database.owner_url)
    change(
        copy,
        "app/sql/rights.sql",
        "GRANT SELECT ON events TO slotkeeper_app;\n",
        "REVOKE ALL ON events FROM slotkeeper_app;\n",
    )
    freeze(copy, "rights")
    migrate(copy, "upgrade", database.owner_url, "head")
    with (
        psycopg.connect(database.app_url, autocommit=True) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("SELECT FROM events")
    migrate(copy, "downgrade", database.owner_url, NEWEST)
    assert picture(database.owner_url) == before


def test_the_newest_revision_can_be_frozen_again_before_its_release(copy):
    change_all(copy)
    freeze(copy, "second")
    change(copy, ADDED, "current_date + 1", "current_date + 2 - 1")
    assert freeze(copy, "--check").returncode == 1
    assert freeze(copy, "--again").stdout == f"rewrote {NEXT}\n"
    assert freeze(copy, "--check").returncode == 0


@pytest.mark.parametrize("arguments", [[], ["With Blanks"], ["UPPER"]], ids=str)
def test_a_revision_needs_a_name(copy, arguments):
    done = freeze(copy, *arguments)
    assert done.returncode == 2
    assert "name" in done.stderr
