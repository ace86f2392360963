-- Promise: these claims, which their slots have let go, are there again with all they had, each on the slot that holds it now, and their
-- bookings tell so, with a version and an event; NULL: none. False when somebody took a unit of theirs meanwhile, and then the caller must undo what is half made.
-- Locks: the claims. The caller holds slots and bookings. Raises: 23503, 23514 (raw writers).
CREATE OR REPLACE FUNCTION put_claims(p_vendor_id uuid, p_claims claims[], p_actor jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_count integer;
BEGIN
    IF p_claims IS NULL THEN
        RETURN true;
    END IF;
    INSERT INTO claims (
        vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during, slot_capacity, during, units)
    SELECT m.vendor_id, m.booking_id, m.ordinal, m.claim_count, m.quantity, s.id, m.provider_id, s.during, s.capacity, m.during, m.units
    FROM unnest(p_claims) AS m
    -- OFFSET 0: one search each.
    CROSS JOIN LATERAL (
        SELECT s.id, s.during, s.capacity FROM slots s
        WHERE s.vendor_id = p_vendor_id AND s.provider_id = m.provider_id AND s.during @> m.during::tstzrange OFFSET 0) AS s
    ON CONFLICT ON CONSTRAINT claims_no_overlap DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count IS DISTINCT FROM cardinality(p_claims) THEN
        RETURN false;
    END IF;
    WITH claimed AS (
        SELECT c.booking_id, array_agg(c.slot_id ORDER BY c.ordinal) AS slot_ids FROM claims c
        WHERE c.vendor_id = p_vendor_id AND c.booking_id = ANY (ARRAY(SELECT m.booking_id FROM unnest(p_claims) AS m))
        GROUP BY c.booking_id
    ), told AS (
        UPDATE bookings b SET slot_ids = c.slot_ids, version = b.version + 1, updated_at = clock_timestamp()
        FROM claimed c WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id
        RETURNING b.id, b.version, old.slot_ids AS slots_before, b.slot_ids
    )
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
    SELECT p_vendor_id, t.id, t.version, 'changed', actor_of(p_actor), p_actor ->> 'request_id',
           jsonb_build_object('slot_ids', jsonb_build_object('from', to_jsonb(t.slots_before), 'to', to_jsonb(t.slot_ids)))
    FROM told t;
    RETURN true;
END
$$;
