-- Promise: like claims_in_scope, and every other claim on the same slots: the neighbours a changed booking
-- could have collided with.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION claims_around_scope(p_vendor_id uuid, p_since timestamptz) RETURNS SETOF claims
LANGUAGE sql STABLE
AS $$
    SELECT c.* FROM claims c WHERE p_vendor_id IS NULL AND p_since IS NULL
    UNION ALL
    SELECT c.* FROM claims c WHERE c.vendor_id = p_vendor_id AND p_since IS NULL
    UNION ALL
    SELECT c.* FROM (
        SELECT DISTINCT touched.vendor_id, touched.slot_id FROM claims_in_scope(p_vendor_id, p_since) touched
        WHERE p_since IS NOT NULL
    ) AS t
    JOIN claims c ON c.vendor_id = t.vendor_id AND c.slot_id = t.slot_id
$$;
