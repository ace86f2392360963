-- Promise: the claims of the slot that must be dealt again so that all have units up to p_capacity, each with those it
-- is to have; NULL when places would be short at some moment.
-- Locks: none; the caller holds the slot. Raises: nothing.
CREATE OR REPLACE FUNCTION units_within(p_vendor_id uuid, p_slot slots, p_capacity integer) RETURNS dealt_claim[]
LANGUAGE sql STABLE
AS $$
    SELECT deal_units(p_vendor_id, p_slot.provider_id, p_capacity, ARRAY(
        SELECT ROW(c.booking_id, c.ordinal, c.during, c.quantity, NULL)::dealt_claim FROM claims c
        WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot.id AND NOT c.units <@ int4range(1, p_capacity + 1)))
$$;
