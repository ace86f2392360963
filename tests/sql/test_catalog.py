"""The catalog says what the design says: vendor first, constraints by name, fixed search paths."""

from __future__ import annotations

import re

# Whoever adds a name here has to say why a distributed PostgreSQL would not mind.
ACROSS_VENDORS = {
    "vendors_pkey": "vendors are the tenants themselves",
    "vendors_slug_key": "a slug finds its vendor",
    "api_keys_hash_key": "a key is looked up before its vendor is known",
    "operator_keys_pkey": "those who run the installation belong to no vendor",
    "operator_keys_hash_key": "as operator_keys_pkey",
    "alembic_version_pkc": "not a table of tenants",
    "schema_seal_pkey": "not a table of tenants",
}
# Functions of values, which know no vendor, and steps that take a vendor's rows as they are.
OF_VALUES = {
    "divide_slots", "hold_claims", "keep_wanted_open", "pieces_left", "scheduled_slots",
    "shown_time", "slot_as_asked", "spread_openings", "times_json",
    "alternatives_at", "channel_places", "check_channel", "check_places", "check_service_quantity",
    "places_wanted", "shown_opening",
    "actor_of", "check_claim_details", "check_service_duration", "check_service_end",
    "check_slot_times",
    "earliest_start", "fits_text", "folded", "free_stretches", "grid_start", "impossible",
    "impossible_day", "invalid", "legible",
    "lowest_units", "merge_patch", "most_taken",
    "phone_digits", "price_amount_of", "price_currency_of", "price_json", "price_of_parts",
    "refuse_changed_history", "service_starts", "slots_wanted", "units_count", "utc",
}  # fmt: skip
OF_ROWS = {
    "booking_changes", "check_booking_change", "check_channel_of",
    "check_expected_booking", "claim_again", "is_open",
    "free_booking", "keep_service_and_customer", "move_booking", "reshape_slot",
}  # fmt: skip
# Of the schema, which is all vendors' one.
OF_SCHEMA = {
    "definition_in_words", "describe_rights", "describe_schema", "find_altered_functions",
    "find_altered_laws", "find_altered_rights", "find_schema_changes", "laws_that_bind",
    "seal_digest", "seal_schema",
}  # fmt: skip
# Readable with the application's own rights, so they need none of the owner's.
GRANTED_WITHOUT_DEFINER = {
    "describe_slot",
    "folded",
    "is_open",
    "legible",
    "phone_digits",
    "price_json",
    "settled_until",
    "shown_time",
    "times_json",
    "units_count",
    "utc",
}

# Constraint -> kind (p, u, f, c, x) of every law, and whether it waits for the commit.
LAWS = {
    "slots_no_overlap": ("slots", "x", False),
    "slots_shape_key": ("slots", "u", False),
    "claims_no_overlap": ("claims", "x", False),
    "claims_slot_fkey": ("claims", "f", False),
    "claims_inside_slot": ("claims", "c", False),
    "claims_within_capacity": ("claims", "c", False),
    "bookings_claimed_key": ("bookings", "u", False),
    "claims_booking_fkey": ("claims", "f", False),
    "claims_booking_occupies": ("claims", "c", False),
    "claims_units_are_quantity": ("claims", "c", False),
    "claims_previous_fkey": ("claims", "f", True),
    "bookings_last_claim_fkey": ("bookings", "f", True),
}
DEFERRED = {"claims_previous_fkey", "bookings_last_claim_fkey", "idempotency_keys_booking_fkey"}
OURS = """
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


def test_vendor_id_is_the_first_column_of_every_key(module_owner):
    found = module_owner.execute("""
        SELECT c.conname FROM pg_constraint c
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('p', 'u', 'f', 'x')
          AND a.attname <> 'vendor_id'
    """)
    assert {name for (name,) in found} == ACROSS_VENDORS.keys()


def test_every_foreign_key_joins_vendor_to_vendor(module_owner):
    crossed = module_owner.execute("""
        SELECT c.conname FROM pg_constraint c
        JOIN pg_attribute theirs ON theirs.attrelid = c.confrelid AND theirs.attnum = c.confkey[1]
        WHERE c.connamespace = 'public'::regnamespace AND c.contype = 'f'
          AND theirs.attname
              <> CASE WHEN c.confrelid = 'vendors'::regclass THEN 'id' ELSE 'vendor_id' END
    """)
    assert crossed.fetchall() == []


def test_every_index_that_is_unique_begins_with_the_vendor(module_owner):
    found = module_owner.execute("""
        SELECT i.indexrelid::regclass::text FROM pg_index i
        JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE (i.indisunique OR i.indisexclusion) AND a.attname IS DISTINCT FROM 'vendor_id'
    """)
    assert {name for (name,) in found} == ACROSS_VENDORS.keys()


def test_every_tenant_table_carries_the_vendor(module_owner):
    found = module_owner.execute("""
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'vendor_id')
    """)
    assert {name for (name,) in found} == {
        "vendors", "operator_keys", "alembic_version", "schema_seal",
    }  # fmt: skip


def test_the_vendor_is_the_first_argument_of_every_function(module_owner):
    found = module_owner.execute(
        f"SELECT p.proname, (p.proargnames)[1], (p.proargtypes::oid[])[0]::regtype::text {OURS}"
    ).fetchall()
    without = {name for name, first, kind in found if (first, kind) != ("p_vendor_id", "uuid")}
    assert without == OF_VALUES | OF_ROWS | OF_SCHEMA
    assert {kind for name, _, kind in found if name in OF_ROWS} == {"bookings", "slots"}


def test_every_law_is_a_valid_constraint_of_its_name(module_owner):
    found = module_owner.execute("""
        SELECT conname, conrelid::regclass::text, contype, condeferrable AND condeferred
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND convalidated AND conenforced
    """)
    constraints = {name: (table, kind, waits) for name, table, kind, waits in found}
    assert {name: constraints.get(name) for name in LAWS} == LAWS


def test_the_laws_say_word_for_word_what_the_design_says(module_owner):
    found = dict(
        module_owner.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace"
        ).fetchall()
    )
    plain = {name: re.sub(r"[()]|::\w+", "", text) for name, text in found.items()}
    assert plain["slots_no_overlap"] == (
        "EXCLUDE USING gist vendor_id WITH =, provider_id WITH =, during WITH &&"
    )
    assert plain["claims_no_overlap"] == (
        "EXCLUDE USING gist vendor_id WITH =, provider_id WITH =, during WITH &&, units WITH &&"
    )
    assert plain["claims_slot_fkey"] == (
        "FOREIGN KEY vendor_id, slot_id, provider_id, slot_during, slot_capacity"
        " REFERENCES slotsvendor_id, id, provider_id, during, capacity"
    )
    assert plain["claims_booking_fkey"] == (
        "FOREIGN KEY vendor_id, booking_id, booking_occupying, quantity, claim_count"
        " REFERENCES bookingsvendor_id, id, occupying, quantity, claim_count"
    )
    assert plain["claims_previous_fkey"] == (
        "FOREIGN KEY vendor_id, booking_id, previous_ordinal"
        " REFERENCES claimsvendor_id, booking_id, ordinal DEFERRABLE INITIALLY DEFERRED"
    )
    assert plain["bookings_last_claim_fkey"] == (
        "FOREIGN KEY vendor_id, id, last_ordinal"
        " REFERENCES claimsvendor_id, booking_id, ordinal DEFERRABLE INITIALLY DEFERRED"
    )


def test_nothing_but_the_chains_and_the_key_waits_for_the_commit(module_owner):
    found = module_owner.execute(
        "SELECT conname FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND condeferrable"
    )
    assert {name for (name,) in found} == DEFERRED


def test_every_constraint_is_validated_enforced_and_without_cascades(module_owner):
    loose = module_owner.execute("""
        SELECT conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND (
            NOT convalidated OR NOT conenforced
            OR contype = 'f' AND (confupdtype <> 'a' OR confdeltype <> 'a' OR confmatchtype <> 's'))
    """)
    assert loose.fetchall() == []


def test_every_trigger_is_enabled_and_history_has_its_two_for_everybody(module_owner):
    found = module_owner.execute("""
        SELECT tgname, tgenabled, tgisinternal FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid AND c.relnamespace = 'public'::regnamespace
    """).fetchall()
    assert {(name, how) for name, how, internal in found if not internal} == {
        ("events_are_append_only", "A"),
        ("events_are_never_truncated", "A"),
    }
    assert {how for _, how, internal in found if internal} == {"O"}


def test_there_is_no_sequence_and_no_serial_column(module_owner):
    found = module_owner.execute("""
        SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'public'::regnamespace AND a.attidentity <> ''
    """)
    assert found.fetchall() == []


def test_every_id_is_made_as_uuidv7(module_owner):
    found = module_owner.execute("""
        SELECT c.relname, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND a.attname = 'id' AND a.attnum > 0
    """).fetchall()
    assert len(found) == 12
    assert {default for _, default in found} == {"uuidv7()"}


def test_functions_with_the_owners_rights_fix_their_search_path(module_owner):
    found = module_owner.execute(f"SELECT p.proname, p.proconfig {OURS} AND p.prosecdef").fetchall()
    assert found
    for name, settings in found:
        assert settings is not None, name
        path = [s for s in settings if s.startswith("search_path=")]
        assert path == ["search_path=public, pg_temp"], name


def test_functions_with_the_owners_rights_are_those_granted_to_the_application(module_owner):
    definers = {n for (n,) in module_owner.execute(f"SELECT p.proname {OURS} AND p.prosecdef")}
    granted = {
        name
        for (name,) in module_owner.execute(
            f"SELECT p.proname {OURS}"
            " AND has_function_privilege('slotkeeper_app', p.oid, 'EXECUTE')"
        )
    }
    assert granted - definers == GRANTED_WITHOUT_DEFINER
    assert definers - granted == set()


def test_no_function_has_two_forms(module_owner):
    found = module_owner.execute(f"SELECT p.proname {OURS} GROUP BY 1 HAVING count(*) > 1")
    assert found.fetchall() == []


def test_the_view_of_free_places_reads_with_its_callers_rights(module_owner):
    found = module_owner.execute(
        "SELECT reloptions FROM pg_class WHERE oid = 'slot_availability'::regclass"
    )
    assert found.fetchone() == (["security_invoker=true"],)
