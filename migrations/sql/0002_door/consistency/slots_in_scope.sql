-- Promise: the slots that a check looks at: all, one vendor's, or those claimed by bookings changed since
-- p_since together with whatever overlaps them.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION slots_in_scope(p_vendor_id uuid, p_since timestamptz) RETURNS SETOF slots
LANGUAGE sql STABLE
AS $$
    SELECT s.* FROM slots s WHERE p_vendor_id IS NULL AND p_since IS NULL
    UNION ALL
    SELECT s.* FROM slots s WHERE s.vendor_id = p_vendor_id AND p_since IS NULL
    UNION ALL
    SELECT s.* FROM (
        SELECT DISTINCT near.vendor_id, near.id
        FROM claims_in_scope(p_vendor_id, p_since) c
        JOIN slots t ON t.vendor_id = c.vendor_id AND t.id = c.slot_id
        JOIN slots near ON near.vendor_id = t.vendor_id AND near.provider_id = t.provider_id AND near.during && t.during
        WHERE p_since IS NOT NULL
    ) AS n
    JOIN slots s ON s.vendor_id = n.vendor_id AND s.id = n.id
$$;
