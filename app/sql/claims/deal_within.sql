-- Promise: all claims of the slot have units up to p_capacity; false when they cannot, or when a raw writer was in the
-- way, and then the caller must undo what is half made.
-- Locks: those of deal_again. The caller holds the slot. Raises: 23503, 23514 (raw writers).
CREATE OR REPLACE FUNCTION deal_within(p_vendor_id uuid, p_slot slots, p_capacity integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_beyond dealt_claim[] := ARRAY(
        SELECT ROW(c.booking_id, c.ordinal, c.during, c.quantity, NULL)::dealt_claim FROM claims c
        WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot.id AND NOT c.units <@ int4range(1, p_capacity + 1));
BEGIN
    IF cardinality(v_beyond) = 0 THEN
        RETURN true;
    END IF;
    v_beyond := deal_units(p_vendor_id, p_slot.provider_id, p_capacity, v_beyond);
    RETURN v_beyond IS NOT NULL AND deal_again(p_vendor_id, v_beyond);
END
$$;
