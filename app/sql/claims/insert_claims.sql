-- Promise: the booking claims the lowest free units of every part; false when a rival took one of them
-- since the look, and then the caller must undo what is half made. ON CONFLICT waits for a raw
-- writer in flight and, unlike a plain INSERT, cannot deadlock with one.
-- Locks: claims, in the order of the parts. The caller holds the slots. Raises: 23503, 23514 where a raw writer
-- has changed what was looked at.
CREATE OR REPLACE FUNCTION insert_claims(
    p_vendor_id uuid, p_booking_id uuid, p_parts slot_part[], p_quantity integer
) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_count integer := cardinality(p_parts);
    v_part  slot_part;
BEGIN
    FOREACH v_part IN ARRAY p_parts LOOP
        INSERT INTO claims (
            vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during, slot_capacity,
            during, units)
        VALUES (
            p_vendor_id, p_booking_id, v_part.ordinal, v_count, p_quantity, v_part.slot_id, v_part.provider_id,
            v_part.slot_during, v_part.slot_capacity, v_part.during, lowest_units(v_part.free, p_quantity))
        ON CONFLICT ON CONSTRAINT claims_no_overlap DO NOTHING;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END
$$;
