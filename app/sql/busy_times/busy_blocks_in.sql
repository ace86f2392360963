-- Promise: the blocks in these slots that stand for busy time.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION busy_blocks_in(p_vendor_id uuid, p_slot_ids uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE
AS $$
    SELECT COALESCE(array_agg(k.booking_id), '{}')
    FROM unnest(p_slot_ids) AS slot (id)
    CROSS JOIN LATERAL (
        SELECT c.booking_id FROM claims c WHERE c.vendor_id = p_vendor_id AND c.slot_id = slot.id OFFSET 0) AS c
    JOIN busy_blocks k ON k.vendor_id = p_vendor_id AND k.booking_id = c.booking_id
$$;
