-- Promise: the ids of held bookings past their time that claim something of these parts. Only asked
-- when places are short.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION lapsed_holds_in(p_vendor_id uuid, p_parts slot_part[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_few CONSTANT integer := 100;
    v_now          timestamptz := clock_timestamp();
    v_lapsed       uuid[];
BEGIN
    v_lapsed := ARRAY(
        SELECT b.id FROM bookings b
        WHERE b.vendor_id = p_vendor_id AND b.status = 'held' AND b.hold_expires_at <= v_now
        LIMIT v_few + 1);
    IF cardinality(v_lapsed) = 0 THEN
        RETURN v_lapsed;
    END IF;
    -- Start from whatever is less: the lapsed holds of the vendor, when they are swept, or else the
    -- claims of the slots. OFFSET 0 keeps the planner, which cannot know, from turning that round.
    IF cardinality(v_lapsed) <= v_few THEN
        RETURN ARRAY(
            SELECT DISTINCT c.booking_id
            FROM unnest(v_lapsed) AS lapsed (id)
            CROSS JOIN LATERAL (
                SELECT c.booking_id, c.slot_id, c.during FROM claims c
                WHERE c.vendor_id = p_vendor_id AND c.booking_id = lapsed.id OFFSET 0) AS c
            JOIN unnest(p_parts) AS part ON part.slot_id = c.slot_id AND part.during && c.during);
    END IF;
    RETURN ARRAY(
        SELECT DISTINCT c.booking_id
        FROM unnest(p_parts) AS part
        CROSS JOIN LATERAL (
            SELECT c.booking_id FROM claims c
            WHERE c.vendor_id = p_vendor_id AND c.slot_id = part.slot_id AND c.during && part.during OFFSET 0) AS c
        CROSS JOIN LATERAL (
            SELECT b.status, b.hold_expires_at FROM bookings b
            WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id OFFSET 0) AS b
        WHERE b.status = 'held' AND b.hold_expires_at <= v_now);
END
$$;
