-- Promise: up to p_limit ways to book the service instead of at p_start as asked for, that were free when it looked and that the public
-- could book: first at the same start with whoever was not asked for (kinds same_time, and other_location outside of p_places), then
-- as asked for at other times, the nearest first (same_provider if one was asked for, else other_time), and only where these are too few, at
-- other times with whoever was not asked for (other_time, other_location). Other times are spread (spread_openings). It looks
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
    v_starts_max CONSTANT integer := p_limit * 8;
    v_narrowed CONSTANT boolean := p_provider_id IS NOT NULL OR p_places IS DISTINCT FROM p_everywhere;
    v_found    jsonb := '[]';
    v_around   tstzrange;
    v_as_asked boolean;
BEGIN
    IF v_narrowed AND p_start <@ v_starts THEN
        SELECT COALESCE(jsonb_agg(shown_opening(
                   CASE WHEN p_places IS NULL OR o.location_id = ANY (p_places) THEN 'same_time' ELSE 'other_location' END,
                   o.slot_ids, o.provider_ids, o.location_id, o.start, o.ends, o.time_zone, o.available)), '[]')
        INTO v_found
        FROM (SELECT o.* FROM service_openings(p_vendor_id, p_service, tstzrange(p_start, p_start, '[]'), p_quantity, NULL, p_everywhere, NULL) AS o
              WHERE p_provider_id IS NULL OR p_provider_id <> ALL (o.provider_ids)
              ORDER BY o.location_id = ANY (COALESCE(p_places, ARRAY[o.location_id])) DESC, o.place LIMIT (p_limit + 1) / 2) AS o;
    END IF;
    FOREACH v_as_asked IN ARRAY CASE WHEN v_narrowed THEN ARRAY[true, false] ELSE ARRAY[true] END LOOP
        v_around := tstzrange(p_start - v_before, p_start + v_after) * v_starts;
        FOR i IN 1..2 LOOP
            IF NOT isempty(v_around) AND jsonb_array_length(v_found) < p_limit THEN
                v_found := spread_openings(v_found, ARRAY(
                    SELECT shown_opening(
                        CASE WHEN NOT v_as_asked AND o.location_id <> ALL (p_places) THEN 'other_location'
                             WHEN v_as_asked AND p_provider_id IS NOT NULL THEN 'same_provider' ELSE 'other_time' END,
                        o.slot_ids, o.provider_ids, o.location_id, o.start, o.ends, o.time_zone, o.available)
                    FROM service_openings(
                        p_vendor_id, p_service, v_around, p_quantity, CASE WHEN v_as_asked THEN p_provider_id END,
                        CASE WHEN v_as_asked THEN p_places ELSE p_everywhere END, CASE WHEN i = 2 THEN v_starts_max END) AS o
                    -- A start with three others says enough of it.
                    WHERE o.place <= 3 AND o.start <> p_start
                    ORDER BY abs(extract(epoch FROM o.start - p_start)), o.start, o.place), p_limit);
            END IF;
            v_around := tstzrange(p_start + v_after, p_start + v_farthest) * v_starts;
        END LOOP;
    END LOOP;
    RETURN v_found;
END
$$;
