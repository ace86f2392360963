-- Promise: up to p_limit ways to book the service instead of at p_start as asked for, that were free when it looked and that the public
-- could book: first at the same start with whoever was not asked for (kinds same_time, and other_location outside of p_places), then
-- as asked for at other times, the nearest first (same_provider if one was asked for, else other_time), and only where these are too few, at
-- other times with whoever was not asked for (other_time, other_location). Other times are spread (spread_openings). It looks
-- a day around the start, and then two weeks ahead, a piece at a time; after a second it makes do with what it has. p_everywhere: where the
-- channel leads.
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
    v_patience CONSTANT timestamptz := clock_timestamp() + interval '1 second';
    v_narrowed CONSTANT boolean := p_provider_id IS NOT NULL OR p_places IS DISTINCT FROM p_everywhere;
    v_found    jsonb := '[]';
    v_around   tstzrange;
    v_at       interval;
    v_until    interval;
    v_piece    interval;
    v_looked   timestamptz;
    v_openings jsonb[];
    v_more     jsonb[];
    v_starts_left integer;
    v_seen     integer;
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
        FOR i IN 1..2 LOOP
            v_at := CASE i WHEN 1 THEN -v_before ELSE v_after END;
            v_until := CASE i WHEN 1 THEN v_after ELSE v_farthest END;
            v_piece := v_before + v_after;
            v_starts_left := CASE i WHEN 2 THEN v_starts_max END;
            v_openings := '{}';
            WHILE v_at < v_until AND jsonb_array_length(v_found) < p_limit AND clock_timestamp() < v_patience LOOP
                v_around := tstzrange(p_start + v_at, p_start + LEAST(v_at + v_piece, v_until)) * v_starts;
                v_at := v_at + v_piece;
                v_looked := clock_timestamp();
                CONTINUE WHEN isempty(v_around);
                SELECT COALESCE(array_agg(shown_opening(
                           CASE WHEN NOT v_as_asked AND o.location_id <> ALL (p_places) THEN 'other_location'
                                WHEN v_as_asked AND p_provider_id IS NOT NULL THEN 'same_provider' ELSE 'other_time' END,
                           o.slot_ids, o.provider_ids, o.location_id, o.start, o.ends, o.time_zone, o.available)
                           ORDER BY abs(extract(epoch FROM o.start - p_start)), o.start, o.place), '{}'),
                       count(DISTINCT (o.start, o.ends))
                INTO v_more, v_seen
                FROM service_openings(
                    p_vendor_id, p_service, v_around, p_quantity, CASE WHEN v_as_asked THEN p_provider_id END,
                    CASE WHEN v_as_asked THEN p_places ELSE p_everywhere END, v_starts_left) AS o
                -- A start with three others says enough of it.
                WHERE o.place <= 3 AND o.start <> p_start;
                v_openings := v_openings || v_more;
                v_starts_left := v_starts_left - v_seen;
                -- What took a while is not asked twice as much of, or it would be over before anybody looks at the clock.
                v_piece := CASE WHEN clock_timestamp() - v_looked < '250 ms' THEN v_piece * 2 ELSE v_piece END;
                EXIT WHEN v_starts_left <= 0;
            END LOOP;
            v_found := spread_openings(v_found, v_openings, p_limit);
        END LOOP;
    END LOOP;
    RETURN v_found;
END
$$;
