-- Promise: these claims have the units given, all of them at one moment; false when there are none to be had (NULL), when
-- one of them has gone meanwhile, or somebody took a unit of theirs, and then the caller must undo what is half made. Neither an event nor a new
-- version: which unit a booking has is nobody's business.
-- Locks, in order: their bookings by id (NO KEY UPDATE: whoever expires one from another of its slots, or deals that
-- anew, comes before us or after); the claims. The caller holds the slot. Raises: 23503, 23514 (raw writers).
CREATE OR REPLACE FUNCTION deal_again(p_vendor_id uuid, p_claims dealt_claim[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_gone  claims[];
    v_count integer;
BEGIN
    PERFORM lock_bookings(p_vendor_id, ARRAY(SELECT d.booking_id FROM unnest(p_claims) AS d));
    -- Away with all of them before the first comes back: two who exchange units would be in each other's way, and
    -- what judges that is not deferred. The keys that bind a booking to its claims are, to the commit.
    WITH gone AS (
        DELETE FROM claims c USING unnest(p_claims) AS d
        WHERE c.vendor_id = p_vendor_id AND c.booking_id = d.booking_id AND c.ordinal = d.ordinal AND c.during = d.during
        RETURNING c
    )
    SELECT array_agg(g.c) INTO v_gone FROM gone g;
    INSERT INTO claims (
        vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during, slot_capacity, during, units)
    SELECT g.vendor_id, g.booking_id, g.ordinal, g.claim_count, g.quantity, g.slot_id, g.provider_id, g.slot_during,
           g.slot_capacity, g.during, d.units
    FROM unnest(v_gone) AS g
    JOIN unnest(p_claims) AS d ON d.booking_id = g.booking_id AND d.ordinal = g.ordinal
    ON CONFLICT ON CONSTRAINT claims_no_overlap DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count IS NOT DISTINCT FROM cardinality(p_claims);
END
$$;
