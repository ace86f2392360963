-- Promise: the claims that must be dealt again where a plan leaves a slot, or the part of one, fewer places, each with the units it is to have.
-- Locks: none; the caller holds the slots. Raises: SK002 when places would be short at some moment.
CREATE OR REPLACE FUNCTION units_of_schedules(p_vendor_id uuid, p_provider_id uuid, p_changes scheduled_change[]) RETURNS dealt_claim[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_smaller record;
    v_of_one  dealt_claim[];
    v_dealt   dealt_claim[] := '{}';
BEGIN
    FOR v_smaller IN
        SELECT s.id, (c.target).during, (c.target).capacity FROM unnest(p_changes) AS c
        JOIN slots s ON s.vendor_id = p_vendor_id AND s.id = COALESCE(c.claims_from, c.slot_id)
        WHERE c.claimed AND (c.target).capacity < s.capacity ORDER BY s.id
    LOOP
        v_of_one := deal_units(p_vendor_id, p_provider_id, v_smaller.capacity, ARRAY(
            SELECT ROW(c.booking_id, c.ordinal, c.during, c.quantity, NULL)::dealt_claim FROM claims c
            WHERE c.vendor_id = p_vendor_id AND c.slot_id = v_smaller.id AND c.during <@ v_smaller.during
              AND NOT c.units <@ int4range(1, v_smaller.capacity + 1)));
        IF v_of_one IS NULL THEN
            RAISE SQLSTATE 'SK002';
        END IF;
        v_dealt := v_dealt || v_of_one;
    END LOOP;
    RETURN v_dealt;
END
$$;
