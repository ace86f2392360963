-- Promise: NULL when the slot may take its new form, otherwise {"outcome", "facts"}. Bookings that
-- would no longer fit are named, each with the time it shows: outside the new times, at moments when they take more places than the new capacity, or
-- all of them when the place changes, for they were promised the old one.
-- Locks: none; the caller holds the slot. Raises: nothing.
CREATE OR REPLACE FUNCTION check_slot_change(
    p_vendor_id uuid, p_slot_id uuid, p_slot slots, p_new slot_wanted, p_expected_version integer
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_in_the_way jsonb;
    v_crowded    tstzmultirange := '{}';
BEGIN
    IF p_slot.id IS NULL THEN
        RETURN jsonb_build_object('outcome', 'SLOT_NOT_FOUND', 'facts', jsonb_build_object('slot_id', p_slot_id));
    ELSIF p_expected_version <> p_slot.version THEN
        RETURN jsonb_build_object('outcome', 'PRECONDITION_FAILED', 'facts', jsonb_build_object('version', p_slot.version));
    ELSIF NOT isfinite(p_new.starts) OR NOT isfinite(p_new.ends) THEN
        RETURN jsonb_build_object('outcome', 'INVALID_DATE_RANGE', 'facts', '{"reason": "not_finite"}'::jsonb);
    ELSIF (p_new.starts <> lower(p_slot.during) OR p_new.ends <> upper(p_slot.during))
          AND check_slot_times(p_new.starts, p_new.ends) IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', 'INVALID_DATE_RANGE', 'facts', check_slot_times(p_new.starts, p_new.ends));
    ELSIF p_new.capacity NOT BETWEEN 1 AND 100000 THEN
        RETURN invalid('capacity', 'capacity_out_of_range');
    ELSIF (p_new.price_amount IS NULL) <> (p_new.price_currency IS NULL)
          OR p_new.price_amount NOT BETWEEN 0 AND 10000000000 OR p_new.price_currency !~ '^[A-Z]{3}$' THEN
        RETURN invalid('price', 'price_invalid');
    ELSIF p_new.location_id <> p_slot.location_id AND NOT EXISTS (
        SELECT FROM locations l
        WHERE l.vendor_id = p_vendor_id AND l.id = p_new.location_id AND l.archived_at IS NULL) THEN
        RETURN jsonb_build_object('outcome', 'LOCATION_NOT_FOUND', 'facts', jsonb_build_object('location_id', p_new.location_id));
    END IF;
    IF p_new.capacity < p_slot.capacity THEN
        v_crowded := crowded_times(p_vendor_id, p_slot_id, p_new.capacity);
    END IF;
    SELECT jsonb_agg(jsonb_build_object(
        'booking_id', c.booking_id, 'start', utc(lower(c.shown)), 'end', utc(upper(c.shown)),
        'time_zone', location_time_zone(p_vendor_id, p_slot.location_id), 'quantity', c.quantity) ORDER BY lower(c.shown), c.booking_id)
    INTO v_in_the_way
    FROM (
        SELECT c.booking_id, c.quantity, shown_time(c.during, b.during) AS shown
        FROM claims c JOIN bookings b ON b.vendor_id = p_vendor_id AND b.id = c.booking_id
        WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot_id
          AND NOT (c.during <@ tstzrange(p_new.starts, p_new.ends) AND NOT c.during && v_crowded
                   AND p_new.location_id = p_slot.location_id)
        LIMIT 100
    ) AS c;
    IF v_in_the_way IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', 'SLOT_IN_USE', 'facts', jsonb_build_object('bookings', v_in_the_way));
    END IF;
    RETURN NULL;
END
$$;
