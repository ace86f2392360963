-- Promise: the claims that a check looks at: all, one vendor's, or those of bookings changed since p_since.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION claims_in_scope(p_vendor_id uuid, p_since timestamptz) RETURNS SETOF claims
LANGUAGE sql STABLE
AS $$
    SELECT c.* FROM claims c WHERE p_vendor_id IS NULL AND p_since IS NULL
    UNION ALL
    SELECT c.* FROM claims c WHERE c.vendor_id = p_vendor_id AND p_since IS NULL
    UNION ALL
    SELECT c.* FROM bookings_in_scope(p_vendor_id, p_since) b
    JOIN claims c ON c.vendor_id = b.vendor_id AND c.booking_id = b.id
    WHERE p_since IS NOT NULL
$$;
