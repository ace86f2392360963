-- Promise: the rows of busy_blocks that a check looks at: all, one vendor's, or those of bookings changed since p_since and,
-- to come, those of busy times changed since.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION busy_blocks_in_scope(p_vendor_id uuid, p_since timestamptz) RETURNS SETOF busy_blocks
LANGUAGE sql STABLE
AS $$
    SELECT k.* FROM busy_blocks k WHERE p_vendor_id IS NULL AND p_since IS NULL
    UNION ALL
    SELECT k.* FROM busy_blocks k WHERE k.vendor_id = p_vendor_id AND p_since IS NULL
    UNION ALL
    SELECT k.* FROM (
        SELECT b.vendor_id, b.id FROM bookings_in_scope(p_vendor_id, p_since) b WHERE p_since IS NOT NULL
        UNION
        SELECT near.vendor_id, near.booking_id
        FROM vendors v
        JOIN busy_times t ON t.vendor_id = v.id AND t.updated_at >= p_since
        JOIN busy_blocks near ON near.vendor_id = t.vendor_id AND near.provider_id = t.provider_id AND near.ends > now()
            AND near.busy_time_id = t.id
        WHERE p_vendor_id IS NULL OR v.id = p_vendor_id
    ) AS n
    JOIN busy_blocks k ON k.vendor_id = n.vendor_id AND k.booking_id = n.id
$$;
