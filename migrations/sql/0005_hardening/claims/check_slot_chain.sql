-- Promise: NULL when several slots can be one booking, otherwise {"outcome", "facts"}. One provider's
-- slots must follow each other in time with none of that provider's left out between them; turnover
-- gaps are allowed when whole slots are booked, but not when a stretch of time is. Several
-- providers (a joint service) must all cover the same time.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_slot_chain(
    p_vendor_id uuid, p_parts slot_part[], p_start timestamptz, p_end timestamptz
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_link  record;
    v_spans bigint;
BEGIN
    FOR v_link IN
        SELECT part.during, part.slot_during, part.slot_id, part.provider_id, part.location_id,
               lag(part.during) OVER chain AS previous, lag(part.slot_during) OVER chain AS previous_slot
        FROM unnest(p_parts) AS part
        WINDOW chain AS (PARTITION BY part.provider_id ORDER BY part.ordinal)
    LOOP
        IF isempty(v_link.during) THEN
            RETURN invalid('slot_ids', 'outside_slot', jsonb_build_object('slot_id', v_link.slot_id));
        END IF;
        CONTINUE WHEN v_link.previous IS NULL;
        IF lower(v_link.slot_during) < upper(v_link.previous_slot) OR EXISTS (
            SELECT FROM slots s
            WHERE s.vendor_id = p_vendor_id AND s.provider_id = v_link.provider_id
              AND s.during && tstzrange(upper(v_link.previous_slot), lower(v_link.slot_during))
        ) THEN
            RETURN invalid('slot_ids', 'not_adjacent', jsonb_build_object('slot_id', v_link.slot_id));
        END IF;
        IF p_start IS NOT NULL AND lower(v_link.during) > upper(v_link.previous) THEN
            RETURN in_time_of(p_vendor_id, v_link.location_id, invalid('start', 'gap', jsonb_build_object(
                'start', utc(upper(v_link.previous)), 'end', utc(lower(v_link.during)))));
        END IF;
    END LOOP;
    SELECT count(DISTINCT span) INTO v_spans FROM (
        SELECT tstzrange(min(lower(part.during)), max(upper(part.during))) AS span
        FROM unnest(p_parts) AS part GROUP BY part.provider_id
        UNION ALL
        SELECT tstzrange(p_start, p_end) WHERE p_start IS NOT NULL
    ) AS spans;
    IF v_spans > 1 THEN
        RETURN CASE WHEN p_start IS NULL THEN invalid('slot_ids', 'different_span') ELSE invalid('start', 'outside_slot') END;
    END IF;
    RETURN NULL;
END
$$;
