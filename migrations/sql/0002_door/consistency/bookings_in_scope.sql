-- Promise: the bookings that a check looks at: all, one vendor's, or those that say they have changed
-- since p_since. Three branches and no OR, so that the planner keeps the one that applies and its index.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION bookings_in_scope(p_vendor_id uuid, p_since timestamptz) RETURNS SETOF bookings
LANGUAGE sql STABLE
AS $$
    SELECT b.* FROM bookings b WHERE p_vendor_id IS NULL AND p_since IS NULL
    UNION ALL
    SELECT b.* FROM bookings b WHERE b.vendor_id = p_vendor_id AND p_since IS NULL
    UNION ALL
    SELECT b.* FROM vendors v JOIN bookings b ON b.vendor_id = v.id AND b.updated_at >= p_since
    WHERE p_vendor_id IS NULL OR v.id = p_vendor_id
$$;
