"""What somebody can alter in the schema by hand, and the checks that must find it: those alone."""

from __future__ import annotations

LAWS = "laws_are_in_force"
FUNCTIONS = "functions_are_unaltered"
RIGHTS = "rights_are_as_designed"

_INSIDE = "CHECK (during <@ slot_during)"
_TO_SLOT = (
    "FOREIGN KEY (vendor_id, slot_id, provider_id, slot_during, slot_capacity)"
    " REFERENCES slots (vendor_id, id, provider_id, during, capacity)"
)
_NO_OVERLAP = "EXCLUDE USING gist (vendor_id WITH =, provider_id WITH =, during WITH &&"


def _again(name: str, rule: str, table: str = "claims") -> str:
    """Drop a constraint and put it back in another form."""
    return f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {rule}"


ALTERED_LAWS = {
    "an exclusion constraint dropped": "ALTER TABLE claims DROP CONSTRAINT claims_no_overlap",
    "one that forgets the units": _again("claims_no_overlap", f"{_NO_OVERLAP})"),
    "one with an exception": _again(
        "claims_no_overlap", f"{_NO_OVERLAP}, units WITH &&) WHERE (ordinal < 9)"
    ),
    "slots may overlap": "ALTER TABLE slots DROP CONSTRAINT slots_no_overlap",
    "a foreign key dropped": "ALTER TABLE claims DROP CONSTRAINT claims_slot_fkey",
    "one put back NOT VALID": _again("claims_slot_fkey", f"{_TO_SLOT} NOT VALID"),
    "one put back NOT ENFORCED": _again("claims_slot_fkey", f"{_TO_SLOT} NOT ENFORCED"),
    "one that waits for the commit": _again("claims_slot_fkey", f"{_TO_SLOT} DEFERRABLE"),
    "one that cascades": _again("claims_slot_fkey", f"{_TO_SLOT} ON UPDATE CASCADE"),
    "one whose triggers sleep": "ALTER TABLE claims DISABLE TRIGGER ALL",
    "a check dropped": "ALTER TABLE claims DROP CONSTRAINT claims_inside_slot",
    "one put back NOT VALID, a check": _again("claims_inside_slot", f"{_INSIDE} NOT VALID"),
    "one put back NOT ENFORCED, a check": _again("claims_inside_slot", f"{_INSIDE} NOT ENFORCED"),
    "a weaker check": _again("claims_inside_slot", "CHECK (during && slot_during)"),
    "a primary key dropped": "ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey",
    "a NOT NULL lost": "ALTER TABLE claims ALTER COLUMN units DROP NOT NULL",
    "a NOT NULL put back NOT VALID": _again("claims_units_not_null", "NOT NULL units NOT VALID"),
    "a generated column that says otherwise": (
        "ALTER TABLE bookings ALTER COLUMN last_ordinal SET EXPRESSION AS (NULL::integer)"
    ),
    "a generated column that is none": (
        "ALTER TABLE bookings ALTER COLUMN occupying DROP EXPRESSION"
    ),
    "a default lost": "ALTER TABLE events ALTER COLUMN transaction_id DROP DEFAULT",
    "a column of another type": "ALTER TABLE events ALTER COLUMN kind TYPE text",
    "a column renamed": "ALTER TABLE api_keys RENAME COLUMN prefix TO beginning",
    "a domain's rule dropped": "ALTER DOMAIN time_range DROP CONSTRAINT time_range_form",
    "a domain's rule put back NOT VALID": (
        "ALTER DOMAIN place_count DROP CONSTRAINT place_count_limits; ALTER DOMAIN place_count"
        " ADD CONSTRAINT place_count_limits CHECK (VALUE BETWEEN 1 AND 100000) NOT VALID"
    ),
    "a domain's rule loosened": (
        "ALTER DOMAIN booking_status DROP CONSTRAINT booking_status_known; ALTER DOMAIN"
        " booking_status ADD CONSTRAINT booking_status_known CHECK (VALUE <> '')"
    ),
    "an index dropped": "DROP INDEX slots_by_start",
    "an index of other columns": (
        "DROP INDEX slots_by_start; CREATE INDEX slots_by_start ON slots (vendor_id, id)"
    ),
    "an index that was never finished": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'claims_no_overlap'::regclass"
    ),
    "a trigger dropped": "DROP TRIGGER events_are_append_only ON events",
    "a trigger disabled": "ALTER TABLE events DISABLE TRIGGER events_are_append_only",
    "a trigger that a replica skips": "ALTER TABLE events ENABLE TRIGGER events_are_append_only",
    "a trigger put in between": (
        "CREATE TRIGGER mine BEFORE INSERT ON claims"
        " FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "a rule put in between": "CREATE RULE mine AS ON DELETE TO claims DO INSTEAD NOTHING",
    "rows read from elsewhere": "CREATE TABLE mine () INHERITS (claims)",
    "rows hidden": "ALTER TABLE bookings ENABLE ROW LEVEL SECURITY",
    "rows hidden from the owner, too": (
        "ALTER TABLE bookings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    ),
    "rows to be hidden from the owner": "ALTER TABLE claims FORCE ROW LEVEL SECURITY",
    "a policy": "CREATE POLICY mine ON bookings USING (true)",
    "a table that a crash empties": "ALTER TABLE idempotency_keys SET UNLOGGED",
    "a table given away": "ALTER TABLE operator_keys OWNER TO postgres",
    "a view that reads with other rights": (
        "ALTER VIEW slot_availability SET (security_invoker = false)"
    ),
    "a type with one field more": "ALTER TYPE opening ADD ATTRIBUTE extra integer",
    "keys turned off for the database": (
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica',"
        " current_database()); END$$"
    ),
    "keys turned off for the owner": (
        "ALTER ROLE slotkeeper_owner SET session_replication_role = replica"
    ),
    "keys turned off here": "SET LOCAL session_replication_role = replica",
    "names that the application finds elsewhere": (
        "CREATE SCHEMA mine; ALTER ROLE slotkeeper_app SET search_path = mine, public"
    ),
    "names that the owner finds elsewhere": (
        "ALTER ROLE slotkeeper_owner SET search_path = pg_temp, public"
    ),
    "names that all find elsewhere": (
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = other',"
        " current_database()); END$$"
    ),
    "the seal broken": "DELETE FROM schema_seal",
    "a line of the seal lost": "DELETE FROM schema_seal WHERE name = 'claims.claims_no_overlap'",
    "the law of places lost together with the seal": (
        "DELETE FROM schema_seal; ALTER TABLE claims DROP CONSTRAINT claims_no_overlap"
    ),
    "a law's triggers put to sleep and sealed": (
        "ALTER TABLE claims DISABLE TRIGGER ALL; SELECT seal_schema()"
    ),
    "a law that says nothing, sealed": (
        _again("claims_inside_slot", "CHECK (true)") + "; SELECT seal_schema()"
    ),
    "an exclusion of no rows, sealed": (
        _again("claims_no_overlap", f"{_NO_OVERLAP}, units WITH &&) WHERE (false)")
        + "; SELECT seal_schema()"
    ),
    "a law opened by NULL, sealed": (
        "ALTER TABLE claims ALTER COLUMN units DROP NOT NULL; SELECT seal_schema()"
    ),
    "a law lost and what is left sealed": (
        "ALTER TABLE claims DROP CONSTRAINT claims_no_overlap; SELECT seal_schema()"
    ),
    "a law asleep and that sealed": (
        "ALTER TABLE events DISABLE TRIGGER events_are_append_only; SELECT seal_schema()"
    ),
    "a law broken and the seal changed to fit": (
        "ALTER TABLE claims DROP CONSTRAINT claims_no_overlap;"
        " DELETE FROM schema_seal WHERE name LIKE '%claims_no_overlap'"
    ),
}

_UNITS_COUNT = (
    "CREATE OR REPLACE FUNCTION units_count(p_units int4multirange) RETURNS integer LANGUAGE sql"
)
ALTERED_FUNCTIONS = {
    "a function that says otherwise": f"{_UNITS_COUNT} IMMUTABLE RETURN 1",
    "a function dropped": "DROP FUNCTION expire_holds",
    "a function with its caller's rights": "ALTER FUNCTION cancel_booking SECURITY INVOKER",
    "a function that looks elsewhere": "ALTER FUNCTION cancel_booking SET search_path = pg_temp",
    "a function of another cost": "ALTER FUNCTION cancel_booking COST 7",
    "a function given away": "ALTER FUNCTION cancel_booking OWNER TO postgres",
    "a second form of a function": (
        "CREATE FUNCTION expire_holds(p_vendor_id uuid) RETURNS integer LANGUAGE sql RETURN 0"
    ),
    "law 6 asleep": (
        "CREATE OR REPLACE FUNCTION refuse_changed_history() RETURNS trigger LANGUAGE plpgsql"
        " SET search_path = public, pg_temp AS 'BEGIN RETURN NEW; END'"
    ),
}

ALTERED_RIGHTS = {
    "the truth may be updated": "GRANT UPDATE ON bookings TO slotkeeper_app",
    "one column may be updated": "GRANT UPDATE (status) ON bookings TO slotkeeper_app",
    "everybody may insert": "GRANT INSERT ON events TO PUBLIC",
    "the truth may be truncated": "GRANT TRUNCATE ON claims TO slotkeeper_app",
    "vendors may be deleted": "GRANT DELETE ON vendors TO slotkeeper_app",
    "a column of the catalogue may be referred to": (
        "GRANT REFERENCES (slug) ON vendors TO slotkeeper_app"
    ),
    "slots may not be read": "REVOKE SELECT ON slots FROM slotkeeper_app",
    "an inner function may be called": "GRANT EXECUTE ON FUNCTION insert_booking TO slotkeeper_app",
    "an inner function may be called by all": "GRANT EXECUTE ON FUNCTION move_booking TO PUBLIC",
    "a function may not be called": "REVOKE EXECUTE ON FUNCTION cancel_booking FROM slotkeeper_app",
    "things may be made": "GRANT CREATE ON SCHEMA public TO slotkeeper_app",
    "a superuser": "ALTER ROLE slotkeeper_app SUPERUSER",
    "a maker of roles": "ALTER ROLE slotkeeper_app CREATEROLE",
    "beyond row security": "ALTER ROLE slotkeeper_app BYPASSRLS",
    "a member of the owner": (
        "REVOKE slotkeeper_app FROM slotkeeper_owner; GRANT slotkeeper_owner TO slotkeeper_app"
    ),
    "a member who would have to say so": (
        "CREATE ROLE writers; GRANT UPDATE ON bookings TO writers;"
        " GRANT writers TO slotkeeper_app WITH INHERIT FALSE"
    ),
    "a member of those who write all": "GRANT pg_write_all_data TO slotkeeper_app",
    "a member of those who write one column": (
        "CREATE ROLE writers; GRANT UPDATE (status) ON bookings TO writers;"
        " GRANT writers TO slotkeeper_app WITH INHERIT FALSE"
    ),
    "a member of those who run programs": "GRANT pg_execute_server_program TO slotkeeper_app",
    "a member of those who write files": "GRANT pg_write_server_files TO slotkeeper_app",
    "keys may be turned off": "GRANT SET ON PARAMETER session_replication_role TO slotkeeper_app",
    "keys may be turned off by all": "GRANT SET ON PARAMETER session_replication_role TO PUBLIC",
    "keys may be turned off for all": (
        "GRANT ALTER SYSTEM ON PARAMETER session_replication_role TO slotkeeper_app"
    ),
    "a member of those who may turn keys off": (
        "CREATE ROLE writers; GRANT SET ON PARAMETER session_replication_role TO writers;"
        " GRANT writers TO slotkeeper_app WITH INHERIT FALSE"
    ),
    "what stands for busy time may be written": "GRANT INSERT ON busy_blocks TO slotkeeper_app",
    "an owner of a table": "CREATE TABLE mine (); ALTER TABLE mine OWNER TO slotkeeper_app",
}

ALTERATIONS = [
    *((name, statement, {LAWS}) for name, statement in ALTERED_LAWS.items()),
    *((name, statement, {FUNCTIONS}) for name, statement in ALTERED_FUNCTIONS.items()),
    *((name, statement, {RIGHTS}) for name, statement in ALTERED_RIGHTS.items()),
    ("keys given away", "ALTER TABLE operator_keys OWNER TO slotkeeper_app", {LAWS, RIGHTS}),
    (
        "a function given to the application",
        "ALTER FUNCTION cancel_booking OWNER TO slotkeeper_app",
        {FUNCTIONS, RIGHTS},
    ),
]

HARMLESS = {
    "an index more": "CREATE INDEX mine ON bookings (vendor_id, channel)",
    "a column more": "ALTER TABLE customers ADD COLUMN birthday date",
    "a rule more for one's own": (
        "ALTER TABLE bookings ADD CONSTRAINT mine CHECK (guests < 1000) NOT VALID"
    ),
    "a table and a function of somebody's own": (
        "CREATE TABLE reports (); CREATE FUNCTION report() RETURNS integer LANGUAGE sql RETURN 1"
    ),
    "somebody who reads": "CREATE ROLE analyst; GRANT SELECT ON bookings TO analyst",
    "a group that may do nothing": "CREATE ROLE clients; GRANT clients TO slotkeeper_app",
    "other settings of a table": "ALTER TABLE claims SET (fillfactor = 80)",
    "statistics": "ANALYZE bookings; ALTER TABLE slots ALTER COLUMN provider_id SET STATISTICS 500",
    "a time limit of one's own": "ALTER ROLE slotkeeper_app SET statement_timeout = '5s'",
    "a schema of one's own behind ours": (
        'CREATE SCHEMA mine; ALTER ROLE slotkeeper_app SET search_path = "$user", public, mine'
    ),
    "a parameter that opens nothing": "GRANT SET ON PARAMETER log_min_messages TO slotkeeper_app",
    "a table that inherits from one's own": (
        "CREATE TABLE mine (); CREATE TABLE more () INHERITS (mine)"
    ),
    "an index made anew": "REINDEX TABLE claims",
}
