-- Promise: up to p_limit lapsed holds of the vendor become expired; how many. Nothing depends on its
-- being called: a lapsed hold never blocks. Slots that somebody is working on are left for next time.
-- Locks, in order: the holds' slots by id (those in use are skipped); the bookings by id; their claims.
-- Raises: 57014.
CREATE OR REPLACE FUNCTION expire_holds(p_vendor_id uuid, p_limit integer DEFAULT 500) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_lapsed uuid[];
    v_locked uuid[];
BEGIN
    v_lapsed := ARRAY(
        SELECT b.id FROM bookings b
        WHERE b.vendor_id = p_vendor_id AND b.status = 'held' AND b.hold_expires_at <= clock_timestamp()
        ORDER BY b.hold_expires_at LIMIT p_limit);
    v_locked := ARRAY(
        SELECT s.id FROM slots s
        WHERE s.vendor_id = p_vendor_id AND s.id IN (
            SELECT unnest(b.slot_ids) FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.id = ANY (v_lapsed))
        ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED);
    RETURN expire_bookings(p_vendor_id, ARRAY(
        SELECT b.id FROM bookings b
        WHERE b.vendor_id = p_vendor_id AND b.id = ANY (v_lapsed) AND b.slot_ids <@ v_locked), '{}');
END
$$;
