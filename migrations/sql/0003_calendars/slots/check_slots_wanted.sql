-- Promise: NULL when every slot wanted can be one, otherwise the refusal naming the first that
-- cannot, by its place (from 0) in the request.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_slots_wanted(
    p_vendor_id uuid, p_provider providers, p_provider_id uuid, p_wanted slot_wanted[]
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_bad record;
BEGIN
    IF p_provider.id IS NULL THEN
        RETURN jsonb_build_object('outcome', 'PROVIDER_NOT_FOUND', 'facts', jsonb_build_object('provider_id', p_provider_id));
    END IF;
    SELECT checked.ordinal - 1 AS index, checked.reason, checked.starts, checked.ends
    INTO v_bad
    FROM (
        SELECT w.ordinal, w.starts, w.ends, CASE
            WHEN w.starts IS NULL OR w.ends IS NULL OR NOT isfinite(w.starts) OR NOT isfinite(w.ends) THEN 'start_and_end_needed'
            WHEN check_slot_times(w.starts, w.ends) IS NOT NULL THEN 'times'
            WHEN w.capacity NOT BETWEEN 1 AND 100000 THEN 'capacity_out_of_range'
            WHEN (w.price_amount IS NULL) <> (w.price_currency IS NULL)
                 OR w.price_amount NOT BETWEEN 0 AND 10000000000 OR w.price_currency !~ '^[A-Z]{3}$' THEN 'price_invalid'
            WHEN l.id IS NULL THEN 'location' END AS reason
        FROM unnest(p_wanted) AS w
        LEFT JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = w.location_id AND l.archived_at IS NULL
    ) AS checked
    WHERE checked.reason IS NOT NULL
    ORDER BY checked.ordinal LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN CASE v_bad.reason
        WHEN 'location' THEN jsonb_build_object('outcome', 'LOCATION_NOT_FOUND', 'facts', jsonb_build_object('index', v_bad.index))
        WHEN 'times' THEN jsonb_build_object('outcome', 'INVALID_DATE_RANGE', 'facts',
            check_slot_times(v_bad.starts, v_bad.ends) || jsonb_build_object('index', v_bad.index))
        ELSE invalid('slots', v_bad.reason, jsonb_build_object('index', v_bad.index)) END;
END
$$;
