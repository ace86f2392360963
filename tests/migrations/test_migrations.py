"""The schema can be taken away and made again, and is what the files and the models say."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects.postgresql import DOMAIN

from app import migrate
from app.config import sqlalchemy_url
from app.models import metadata
from tests.shop import Shop

SQL = Path(__file__).parents[2] / "app" / "sql"
FILES = sorted(path for path in SQL.rglob("*.sql") if path.name != "rights.sql")


def test_downgrading_to_nothing_leaves_nothing_and_upgrading_makes_all_of_it_again(
    database, picture
):
    before = picture(database.owner_url)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        shop = Shop(owner, owner)
        shop.book(shop.slot())
    migrate.downgrade(database.owner_url)
    nothing = picture(database.owner_url)
    assert {row[0] for row in nothing["relations"]} == {"alembic_version"}
    for part in ("functions", "domains", "triggers"):
        assert nothing[part] == []
    migrate.upgrade(database.owner_url)
    assert picture(database.owner_url) == before


def test_upgrading_what_is_up_to_date_changes_nothing(database, picture):
    before = picture(database.owner_url)
    newest = migrate.newest_revision()
    assert migrate.upgrade(database.owner_url) == (newest, newest)
    assert picture(database.owner_url) == before


def same_type(_context, _inspected_column, _metadata_column, inspected, declared):
    """A domain is mirrored as the type it is over; of other types Alembic judges (None)."""
    if isinstance(inspected, DOMAIN):
        return not isinstance(inspected.data_type, type(declared))
    return None


def test_the_models_mirror_the_tables_column_by_column(database):
    engine = sa.create_engine(sqlalchemy_url(database.owner_url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": same_type, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_the_models_name_every_constraint_that_the_tables_have(database):
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        found = owner.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND contype = ANY ('{f,x,u,c}')"
            " AND conrelid <> 0 AND conname NOT LIKE '%_vendor_id_fkey'"
        ).fetchall()
    declared = {
        (table.name, str(constraint.name))
        for table in metadata.tables.values()
        for constraint in [
            *table.constraints,
            *(c for col in table.columns for c in col.constraints),
        ]
        if constraint.name
    }
    assert declared == set(found)


def test_applying_every_file_again_changes_nothing(database, picture):
    before = picture(database.owner_url)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("SET check_function_bodies = off")
        for path in FILES:
            owner.execute(path.read_text().encode())
        owner.execute((SQL / "rights.sql").read_text().encode())
    assert picture(database.owner_url) == before


def test_there_is_one_file_for_each_function_and_one_function_for_each_file(module_database):
    with psycopg.connect(module_database.owner_url, autocommit=True) as owner:
        functions = owner.execute("""
            SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        """).fetchall()
    assert sorted(name for (name,) in functions) == sorted(path.stem for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_function_file_says_what_it_promises_locks_and_raises(path):
    text = path.read_text()
    opening = text.split("CREATE OR REPLACE FUNCTION")[0]
    assert text.startswith("-- Promise")
    assert re.search(r"\bLocks\b", opening)
    assert re.search(r"\bRaises: ", opening)
    assert re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)", text, re.MULTILINE) == [path.stem]


def test_every_function_body_is_valid(module_database):
    """Migrations switch the check off, since files come in alphabetical order."""
    with psycopg.connect(module_database.owner_url) as owner:
        owner.execute("SET check_function_bodies = on")
        for path in FILES:
            owner.execute(path.read_text().encode())
        owner.rollback()
