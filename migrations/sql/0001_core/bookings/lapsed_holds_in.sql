-- Promise: the ids of held bookings past their time that claim something of these parts. Only asked
-- when places are short.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION lapsed_holds_in(p_vendor_id uuid, p_parts slot_part[]) RETURNS uuid[]
LANGUAGE sql STABLE
AS $$
    SELECT COALESCE(array_agg(DISTINCT b.id), '{}')
    FROM unnest(p_parts) AS part
    JOIN claims c ON c.vendor_id = p_vendor_id AND c.slot_id = part.slot_id AND c.during && part.during
    JOIN bookings b ON b.vendor_id = p_vendor_id AND b.id = c.booking_id
    WHERE b.status = 'held' AND b.hold_expires_at <= clock_timestamp()
$$;
