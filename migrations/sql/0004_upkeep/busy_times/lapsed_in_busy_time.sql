-- Promise: what lapsed holds on the slot leave to busy time of its provider when they are tidied (free_booking), and to nobody
-- else: those parts of their claims, with their places. So whoever shows what is free takes these for taken.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION lapsed_in_busy_time(
    p_vendor_id uuid, p_provider_id uuid, p_slot_id uuid
) RETURNS TABLE (during tstzrange, quantity integer)
LANGUAGE sql STABLE
AS $$
    SELECT unnest(range_agg(t.during * c.during)), c.quantity
    FROM claims c
    JOIN bookings b ON b.vendor_id = p_vendor_id AND b.id = c.booking_id AND b.status = 'held' AND b.hold_expires_at <= now()
    JOIN busy_times t ON t.vendor_id = p_vendor_id AND t.provider_id = p_provider_id AND t.archived_at IS NULL
        AND t.during && c.during AND upper(t.during) > now()
    WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot_id AND upper(c.during) > now()
    GROUP BY c.booking_id, c.quantity, c.during
$$;
