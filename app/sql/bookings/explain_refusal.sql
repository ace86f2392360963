-- Promise: the refusal of a claim that finds too few places: {"outcome", "facts"} with what is in the
-- way (never whose), how many places are left, in which part, and what to take instead. With p_service: the time
-- shown of that part (of the whole, where the part is all buffer), and times that the public may book for the service.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION explain_refusal(
    p_vendor_id uuid, p_parts slot_part[], p_quantity integer, p_alternatives integer,
    p_service services
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_short     slot_part;
    v_available integer;
    v_reason    text := 'capacity';
    v_shown     tstzrange;
BEGIN
    SELECT part.* INTO v_short FROM unnest(p_parts) AS part ORDER BY part.available, part.ordinal LIMIT 1;
    v_available := v_short.available;
    v_shown := v_short.during;
    IF p_service.buffer_before_minutes > 0 OR p_service.buffer_after_minutes > 0 THEN
        SELECT tstzrange(min(lower(part.during)) + make_interval(mins => p_service.buffer_before_minutes),
                         max(upper(part.during)) - make_interval(mins => p_service.buffer_after_minutes))
        INTO v_shown FROM unnest(p_parts) AS part;
        v_shown := COALESCE(NULLIF(v_shown * v_short.during, 'empty'), v_shown);
    END IF;
    IF p_quantity <= v_short.slot_capacity THEN
        SELECT CASE WHEN bool_and(b.kind = 'block') THEN 'blocked'
                    WHEN bool_or(b.status = 'held') THEN 'held'
                    ELSE 'booked' END
        INTO v_reason
        FROM claims c
        JOIN bookings b ON b.vendor_id = p_vendor_id AND b.id = c.booking_id
        WHERE c.vendor_id = p_vendor_id AND c.slot_id = v_short.slot_id AND c.during && v_short.during;
    END IF;
    RETURN jsonb_build_object(
        'outcome', CASE WHEN v_available = 0 THEN 'BOOKING_CONFLICT' ELSE 'INSUFFICIENT_INVENTORY' END,
        'facts', jsonb_build_object(
            'reason', COALESCE(v_reason, 'booked'), 'requested', p_quantity, 'available', v_available,
            'slot_id', v_short.slot_id, 'start', utc(lower(v_shown)), 'end', utc(upper(v_shown)),
            'time_zone', location_time_zone(p_vendor_id, v_short.location_id),
            'alternatives', CASE WHEN p_alternatives > 0
                THEN find_alternatives(p_vendor_id, p_parts, p_quantity, p_alternatives, p_service) ELSE '[]' END));
END
$$;
