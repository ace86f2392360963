-- Promise: every constraint and trigger by which the laws (app/sql/README.md) hold, whatever the seal says: whether it is there, valid,
-- enforced, about just these columns (of which NULL may stand in those with a ?), and with its triggers and index at work.
-- columns: NULL of a trigger. What an expression says of its columns, the seal alone knows.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION laws_that_bind() RETURNS TABLE (owner text, name text, columns text, binds boolean)
LANGUAGE sql STABLE
AS $$
    WITH laws (owner, name, columns) AS (
        VALUES ('slots', 'slots_no_overlap', 'vendor_id provider_id during'),
               ('slots', 'slots_shape_key', 'vendor_id id provider_id during capacity'),
               ('bookings', 'bookings_claimed_key', 'vendor_id id occupying quantity claim_count'),
               ('bookings', 'bookings_last_claim_fkey', 'vendor_id id last_ordinal?'),
               ('claims', 'claims_no_overlap', 'vendor_id provider_id during units'),
               ('claims', 'claims_slot_fkey', 'vendor_id slot_id provider_id slot_during slot_capacity'),
               ('claims', 'claims_inside_slot', 'during slot_during'), ('claims', 'claims_within_capacity', 'units slot_capacity'),
               ('claims', 'claims_units_are_quantity', 'units quantity'), ('claims', 'claims_booking_occupies', 'booking_occupying'),
               ('claims', 'claims_booking_fkey', 'vendor_id booking_id booking_occupying quantity claim_count'),
               ('claims', 'claims_previous_fkey', 'vendor_id booking_id previous_ordinal?'),
               ('events', 'events_are_append_only', NULL), ('events', 'events_are_never_truncated', NULL)
    ), bind AS (
        SELECT c.conrelid AS owner, c.conname AS name, (
            SELECT string_agg(a.attname || CASE WHEN a.attnotnull THEN '' ELSE '?' END, ' ' ORDER BY key.place)
            FROM unnest(c.conkey) WITH ORDINALITY AS key (attnum, place)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = key.attnum) AS columns
        FROM pg_constraint c
        WHERE c.convalidated AND c.conenforced
          -- A foreign key is four triggers; a key or an exclusion is its index, of all rows.
          AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgconstraint = c.oid AND g.tgenabled NOT IN ('O', 'A'))
          AND NOT EXISTS (
              SELECT FROM pg_index i
              WHERE i.indexrelid = c.conindid AND c.contype IN ('u', 'x') AND NOT (i.indisvalid AND i.indisready AND i.indpred IS NULL))
        UNION ALL
        SELECT g.tgrelid, g.tgname, NULL FROM pg_trigger g WHERE g.tgenabled = 'A'
    )
    SELECT l.owner, l.name, l.columns, EXISTS (
        SELECT FROM bind b
        WHERE b.owner = to_regclass('public.' || l.owner) AND b.name = l.name AND b.columns IS NOT DISTINCT FROM l.columns)
    FROM laws l
$$;
