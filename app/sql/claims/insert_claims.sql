-- Promise: the booking claims the lowest free units of every part; false when a rival took one of them
-- since the look, and then the caller must undo what is half made. ON CONFLICT waits for a raw
-- writer in flight and, unlike a plain INSERT, cannot deadlock with one.
-- Locks: claims. The caller holds the slots. Raises: 23503, 23514 where a raw writer has changed what
-- was looked at.
CREATE OR REPLACE FUNCTION insert_claims(
    p_vendor_id uuid, p_booking_id uuid, p_parts slot_part[], p_quantity integer
) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_taken integer;
BEGIN
    INSERT INTO claims (
        vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during, slot_capacity,
        during, units)
    SELECT p_vendor_id, p_booking_id, part.ordinal, cardinality(p_parts), p_quantity, part.slot_id, part.provider_id,
           part.slot_during, part.slot_capacity, part.during, lowest_units(part.free, p_quantity)
    FROM unnest(p_parts) AS part
    ON CONFLICT ON CONSTRAINT claims_no_overlap DO NOTHING;
    GET DIAGNOSTICS v_taken = ROW_COUNT;
    RETURN v_taken = cardinality(p_parts);
END
$$;
