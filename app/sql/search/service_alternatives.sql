-- Promise: up to p_limit ways to book the service instead of at p_start as asked for, that were free when it looked and that the public
-- could book: first at the same start with whoever was not asked for (kinds same_time, and other_location outside of p_places), then
-- as asked for at other times, the nearest first (same_provider if one was asked for, else other_time). It looks
-- a day around the start, and then two weeks ahead. p_everywhere: where the channel leads.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION service_alternatives(
    p_vendor_id uuid, p_service services, p_start timestamptz, p_quantity integer, p_provider_id uuid, p_places uuid[],
    p_everywhere uuid[], p_limit integer
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_starts   tstzrange := service_starts(p_service, true) * tstzrange(earliest_start(true), NULL);
    v_before   CONSTANT interval := '4 hours';
    v_after    CONSTANT interval := '20 hours';
    v_farthest CONSTANT interval := '14 days';
    v_found    jsonb := '[]';
    v_around   tstzrange;
BEGIN
    IF (p_provider_id IS NOT NULL OR p_places IS DISTINCT FROM p_everywhere) AND p_start <@ v_starts THEN
        SELECT COALESCE(jsonb_agg(shown_opening(
                   CASE WHEN p_places IS NULL OR o.location_id = ANY (p_places) THEN 'same_time' ELSE 'other_location' END,
                   o.slot_ids, o.provider_ids, o.location_id, o.start, o.ends, o.time_zone, o.available)), '[]')
        INTO v_found
        FROM (SELECT o.* FROM service_openings(p_vendor_id, p_service, tstzrange(p_start, p_start, '[]'), p_quantity, NULL, p_everywhere, NULL) AS o
              WHERE p_provider_id IS NULL OR p_provider_id <> ALL (o.provider_ids)
              ORDER BY o.location_id = ANY (COALESCE(p_places, ARRAY[o.location_id])) DESC, o.place LIMIT (p_limit + 1) / 2) AS o;
    END IF;
    v_around := tstzrange(p_start - v_before, p_start + v_after) * v_starts;
    FOR i IN 1..2 LOOP
        IF NOT isempty(v_around) AND jsonb_array_length(v_found) < p_limit THEN
            SELECT v_found || COALESCE(jsonb_agg(shown_opening(
                       CASE WHEN p_provider_id IS NULL THEN 'other_time' ELSE 'same_provider' END,
                       o.slot_ids, o.provider_ids, o.location_id, o.start, o.ends, o.time_zone, o.available)), '[]')
            INTO v_found
            FROM (SELECT o.*
                  FROM service_openings(p_vendor_id, p_service, v_around, p_quantity, p_provider_id, p_places, CASE WHEN i = 2 THEN p_limit END) AS o
                  WHERE o.place = 1 AND o.start <> p_start
                  ORDER BY abs(extract(epoch FROM o.start - p_start)), o.start LIMIT p_limit - jsonb_array_length(v_found)) AS o;
        END IF;
        v_around := tstzrange(p_start + v_after, p_start + v_farthest) * v_starts;
    END LOOP;
    RETURN v_found;
END
$$;
