-- Promise: the provider's blocks to come that stand for busy time which is gone, or is now another: they are not inside it, or
-- tell another reason; each with its slot.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION stale_busy_blocks(p_vendor_id uuid, p_provider_id uuid)
RETURNS TABLE (booking_id uuid, slot_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT k.booking_id, b.slot_ids[1]
    FROM busy_blocks k
    -- OFFSET 0: one search by key each.
    CROSS JOIN LATERAL (
        SELECT b.slot_ids, b.during, b.notes, b.occupying FROM bookings b
        WHERE b.vendor_id = p_vendor_id AND b.id = k.booking_id OFFSET 0) AS b
    JOIN busy_times t ON t.vendor_id = p_vendor_id AND t.id = k.busy_time_id
    WHERE k.vendor_id = p_vendor_id AND k.provider_id = p_provider_id AND k.ends > now()
      AND (t.archived_at IS NOT NULL OR NOT b.during <@ t.during OR b.notes IS DISTINCT FROM t.reason OR NOT b.occupying)
$$;
