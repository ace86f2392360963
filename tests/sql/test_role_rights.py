"""The application's role writes the truth through the functions alone."""

from __future__ import annotations

import psycopg
import pytest

from tests.shop import TRUTH

READ_AND_WRITE = {"SELECT", "INSERT", "UPDATE"}
RIGHTS = {
    "vendors": READ_AND_WRITE,
    "locations": READ_AND_WRITE,
    "providers": READ_AND_WRITE,
    "services": READ_AND_WRITE,
    "service_needs": READ_AND_WRITE | {"DELETE"},
    "service_providers": READ_AND_WRITE | {"DELETE"},
    "schedules": READ_AND_WRITE,
    "schedule_exceptions": READ_AND_WRITE,
    "schedule_publishings": READ_AND_WRITE,
    "busy_times": READ_AND_WRITE,
    "busy_blocks": {"SELECT"},
    "customers": READ_AND_WRITE,
    "import_refs": {"SELECT", "INSERT"},
    "api_keys": READ_AND_WRITE,
    "operator_keys": READ_AND_WRITE,
    "slots": {"SELECT"},
    "bookings": {"SELECT"},
    "claims": {"SELECT"},
    "events": {"SELECT"},
    "idempotency_keys": {"SELECT"},
    "slot_availability": {"SELECT"},
    "alembic_version": {"SELECT"},
    "schema_seal": set(),
    "booking_descriptions": set(),
}
FUNCTIONS = {
    "apply_schedules",
    "lock_schedules",
    "availability_page",
    "block_time",
    "bookings_in_busy_time",
    "cancel_booking",
    "change_booking",
    "claim_service_and_create_booking",
    "claim_slot_and_create_booking",
    "close_begun_slot",
    "close_busy_time",
    "complete_booking",
    "confirm_booking",
    "delete_slot",
    "describe_booking",
    "describe_slot",
    "erase_customer",
    "expire_holds",
    "find_open_busy_time",
    "folded",
    "forget_old_idempotency_keys",
    "is_open",
    "legible",
    "list_availability",
    "list_customers",
    "lock_slots_between",
    "lock_slots_in",
    "lock_slots_to_come",
    "mark_no_show",
    "owners_writing",
    "phone_digits",
    "price_json",
    "shown_time",
    "times_json",
    "publish_slots",
    "remember_idempotency_key",
    "renew_manage_token",
    "resize_slot",
    "search_times",
    "settled_until",
    "slots_covering",
    "unblock_time",
    "units_count",
    "utc",
    "verify_booking_slot_consistency",
}
OURS = """
    SELECT p.oid, p.proname FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


@pytest.mark.parametrize("table", TRUTH)
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {} DEFAULT VALUES",
        "UPDATE {} SET vendor_id = vendor_id",
        "UPDATE {} SET vendor_id = vendor_id WHERE false",
        "DELETE FROM {}",
        "DELETE FROM {} WHERE false",
        "TRUNCATE {}",
        "TRUNCATE {} CASCADE",
        "COPY {} FROM STDIN",
        "SELECT FROM {} FOR UPDATE",
        "SELECT FROM {} FOR KEY SHARE",
        "LOCK TABLE {} IN ROW EXCLUSIVE MODE",
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "ALTER TABLE {} ADD COLUMN extra integer",
        "CREATE INDEX ON {} (vendor_id)",
        "DROP TABLE {}",
    ],
)
def test_the_application_cannot_write_or_lock_the_truth(shop, table, statement):
    shop.book(shop.slot())
    with shop.unchanged(), pytest.raises(psycopg.Error) as refusal, shop.app.transaction():
        shop.app.execute(statement.format(table))
    assert refusal.value.sqlstate == "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM vendors",
        "TRUNCATE vendors CASCADE",
        "TRUNCATE customers CASCADE",
        "CREATE TABLE public.mine (id integer)",
        "CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql RETURN 1",
        "CREATE SCHEMA mine",
        "SET session_replication_role = replica",
        "SET ROLE slotkeeper_owner",
        "ALTER ROLE slotkeeper_app SUPERUSER",
        "DROP FUNCTION units_count",
        "UPDATE alembic_version SET version_num = '0000'",
    ],
)
def test_the_application_cannot_get_round_its_rights(shop, statement):
    with shop.unchanged(), pytest.raises(psycopg.Error) as refusal:
        shop.app.execute(statement)
    assert refusal.value.sqlstate == "42501"


def test_the_rights_on_every_table_and_view_are_exactly_those_listed(module_owner):
    found = module_owner.execute("""
        SELECT c.relname, array_agg(right_name) FILTER (
            WHERE has_table_privilege('slotkeeper_app', c.oid, right_name))
        FROM pg_class c,
             unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}'::text[])
                 AS right_name
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = ANY ('{r,p,v,m,f,S}')
        GROUP BY c.relname
    """)
    assert {name: set(rights or ()) for name, rights in found} == RIGHTS


def test_no_column_has_rights_of_its_own(module_owner):
    found = module_owner.execute(
        "SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attacl IS NOT NULL"
        " AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
    )
    assert found.fetchall() == []


def test_nobody_else_was_given_anything(module_owner):
    found = module_owner.execute("""
        SELECT c.relname, a.grantee::regrole::text FROM pg_class c, aclexplode(c.relacl) AS a
        WHERE c.relnamespace = 'public'::regnamespace
          AND a.grantee::regrole::text NOT IN ('slotkeeper_owner', 'slotkeeper_app')
    """)
    assert found.fetchall() == []


def test_the_application_may_call_exactly_the_functions_listed(module_owner):
    found = module_owner.execute(
        f"SELECT proname FROM ({OURS}) p"
        " WHERE has_function_privilege('slotkeeper_app', oid, 'EXECUTE')"
    )
    assert {name for (name,) in found} == FUNCTIONS


def test_nobody_else_may_call_any_function(module_owner):
    found = module_owner.execute(f"""
        SELECT p.proname FROM ({OURS}) AS ours JOIN pg_proc p USING (oid),
               aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS a
        WHERE a.grantee::regrole::text NOT IN ('slotkeeper_owner', 'slotkeeper_app')
    """)
    assert found.fetchall() == []


def test_every_function_that_is_not_listed_refuses_the_application(shop):
    # Each NULL by a query: a strict function of a plain one is NULL and never called.
    inner = [
        row["call"]
        for row in shop.rows(
            f"""
            SELECT format('SELECT %%I(%%s)', p.proname, (
                SELECT string_agg(format('(SELECT NULL::%%s)', format_type(t, NULL)), ', '
                                  ORDER BY place)
                FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (t, place))) AS call
            FROM ({OURS}) AS ours JOIN pg_proc p USING (oid)
            WHERE %s::uuid IS NOT NULL AND p.proname <> ALL (%s)
              AND p.prorettype <> 'trigger'::regtype
            """,
            sorted(FUNCTIONS),
        )
    ]
    assert any("insert_booking" in call for call in inner)
    for call in inner:
        with pytest.raises(psycopg.Error) as refusal:
            shop.app.execute(call)
        assert refusal.value.sqlstate == "42501", call


def test_the_application_owns_nothing_and_is_nobody_special(module_owner):
    owned = module_owner.execute(
        "SELECT relname FROM pg_class WHERE relowner = 'slotkeeper_app'::regrole"
        " UNION ALL SELECT proname FROM pg_proc WHERE proowner = 'slotkeeper_app'::regrole"
    )
    assert owned.fetchall() == []
    special = module_owner.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
        " WHERE rolname = 'slotkeeper_app'"
    )
    assert special.fetchone() == (False,) * 5
    member_of = module_owner.execute(
        "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'slotkeeper_app'::regrole"
    )
    assert member_of.fetchall() == []


def test_the_owner_is_no_superuser(module_owner):
    found = module_owner.execute(
        "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    assert found.fetchone() == (False, False)


def test_the_applications_role_waits_only_so_long(module_app):
    assert module_app.execute("SHOW lock_timeout").fetchone() == ("3s",)
    assert module_app.execute("SHOW statement_timeout").fetchone() == ("10s",)
