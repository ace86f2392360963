-- Promise: every way to book p_quantity places of the service at a start in p_starts: a row for each start, provider of
-- its first need and location, with the best of its other needs; in order of start, and then in the order in which a
-- booking tries them (place, from 1): by the location's place in p_places, the provider's preference, who has least
-- occupied time that day where it is, id. No more than the first p_limit starts. It starts on the service's grid, or, if p_any_start, at
-- the first moment of p_starts whatever the grid says. Neither notice nor window is asked here, nor quantity_min and _max.
-- p_provider_id (NULL: anybody) takes part, in whichever need; p_places (NULL: anywhere) are the locations. Starts
-- and ends up to (lower of p_starts, p_after_end) are left out. Lapsed holds count as free, but in busy time; closed time does not; without p_taken nothing is
-- taken, and it tells what was ever published. What it reads grows with p_starts.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION service_openings(
    p_vendor_id uuid, p_service services, p_starts tstzrange, p_quantity integer, p_provider_id uuid, p_places uuid[],
    p_limit integer, p_after_end timestamptz DEFAULT NULL, p_any_start boolean DEFAULT false, p_taken boolean DEFAULT true
) RETURNS TABLE (
    start timestamptz, ends timestamptz, place bigint, provider_ids uuid[], location_id uuid, time_zone text, slot_ids uuid[],
    available integer, price_amount bigint, price_currency text
)
LANGUAGE plpgsql STABLE
-- Planning takes longer than a page, and the planner cannot know how few rows each step has: whatever
-- is not a search by key is joined by hash, so that no product of two lists is ever gone through.
SET plan_cache_mode = force_generic_plan
SET enable_nestloop = off
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_whole  CONSTANT boolean := p_service.duration_minutes IS NULL;
    v_length CONSTANT interval := make_interval(mins => p_service.duration_minutes);
    v_before CONSTANT interval := make_interval(mins => p_service.buffer_before_minutes);
    v_after  CONSTANT interval := make_interval(mins => p_service.buffer_after_minutes);
    v_step   CONSTANT interval := make_interval(mins => p_service.start_step_minutes);
    -- All the time that a booking with such a start occupies; a whole slot's end is its own.
    v_reach  tstzrange := p_starts;
    v_instant CONSTANT interval := interval '1 microsecond';
    v_last   CONSTANT timestamptz := upper(p_starts) - CASE WHEN upper_inc(p_starts) THEN interval '0' ELSE interval '1 microsecond' END;
    v_needs  integer;
    v_need   integer;
    v_lapsed boolean;
BEGIN
    SELECT count(*) INTO v_needs FROM service_needs n WHERE n.vendor_id = p_vendor_id AND n.service_id = p_service.id;
    IF p_provider_id IS NOT NULL AND v_needs > 0 THEN
        SELECT sp.need INTO v_need FROM service_providers sp
        WHERE sp.vendor_id = p_vendor_id AND sp.service_id = p_service.id AND sp.provider_id = p_provider_id;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    IF NOT v_whole THEN
        v_reach := tstzrange(lower(p_starts) - v_before, upper(p_starts) + v_length + v_after);
    END IF;
    -- Bookings are looked at only where some hold of the vendor has lapsed.
    v_lapsed := EXISTS (SELECT FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.status = 'held' AND b.hold_expires_at <= now());
    RETURN QUERY
    WITH offered AS MATERIALIZED (
        SELECT sp.need::integer, sp.provider_id, sp.preference
        FROM service_providers sp
        JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = sp.provider_id AND p.archived_at IS NULL
        WHERE v_needs > 0 AND sp.vendor_id = p_vendor_id AND sp.service_id = p_service.id
          AND (sp.need IS DISTINCT FROM v_need OR sp.provider_id = p_provider_id)
        UNION ALL
        SELECT 1, p.id, 1 FROM providers p
        WHERE v_needs = 0 AND p.vendor_id = p_vendor_id AND p.archived_at IS NULL AND (p_provider_id IS NULL OR p.id = p_provider_id)
    ), published AS MATERIALIZED (
        SELECT o.need, o.provider_id, o.preference, s.*, l.time_zone, COALESCE(s.price_currency, p_service.price_currency) AS currency
        FROM offered o
        CROSS JOIN LATERAL (
            SELECT s.id, s.location_id, s.during::tstzrange, s.capacity::integer, s.price_amount::bigint, s.price_currency::text, s.closed
            FROM slots s
            WHERE s.vendor_id = p_vendor_id AND s.provider_id = o.provider_id AND s.during && v_reach AND s.capacity >= p_quantity
              AND (NOT v_whole OR lower(s.during) <@ p_starts AND s.closed = '{}') OFFSET 0) AS s
        JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = s.location_id AND l.archived_at IS NULL
        WHERE p_places IS NULL OR s.location_id = ANY (p_places)
    ), claimed AS MATERIALIZED (
        SELECT c.*
        FROM (SELECT s.provider_id, range_merge(range_agg(s.during)) * CASE WHEN v_whole THEN '(,)' ELSE v_reach END AS span
              FROM published s GROUP BY s.provider_id) AS p
        CROSS JOIN LATERAL (
            SELECT c.slot_id, c.during::tstzrange, c.quantity FROM claims c
            WHERE p_taken AND c.vendor_id = p_vendor_id AND c.provider_id = p.provider_id AND c.during && p.span
              AND (NOT v_lapsed OR NOT EXISTS (
                  SELECT FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id
                  AND b.status = 'held' AND b.hold_expires_at <= now())) OFFSET 0) AS c
        UNION ALL
        SELECT s.id, h.during, h.quantity
        FROM published s CROSS JOIN LATERAL lapsed_in_busy_time(p_vendor_id, s.provider_id, s.id) AS h
        WHERE p_taken AND v_lapsed
    ), levels AS MATERIALIZED (
        -- How many places of a slot are taken, from moment to moment.
        SELECT e.slot_id, tstzrange(e.at, lead(e.at) OVER times) AS during, (sum(e.change) OVER times)::integer AS taken
        FROM (SELECT c.slot_id, e.at, sum(e.change) AS change
              FROM claimed c CROSS JOIN LATERAL (VALUES (lower(c.during), c.quantity), (upper(c.during), -c.quantity)) AS e (at, change)
              GROUP BY c.slot_id, e.at) AS e
        WINDOW times AS (PARTITION BY e.slot_id ORDER BY e.at)
    ), short AS MATERIALIZED (
        SELECT v.slot_id, range_agg(v.during) AS times
        FROM levels v JOIN published s ON s.id = v.slot_id
        WHERE v.taken > s.capacity - p_quantity GROUP BY v.slot_id
    ), free AS MATERIALIZED (
        -- Where enough places are free throughout and nothing is closed. Slots that touch at one location are one stretch.
        SELECT s.need, s.provider_id, s.preference, s.location_id, s.time_zone,
               unnest(range_agg(s.during) - COALESCE(range_agg(t.times), '{}') - range_agg(s.closed)) AS span
        FROM published s LEFT JOIN short t ON t.slot_id = s.id
        WHERE NOT v_whole GROUP BY s.need, s.provider_id, s.preference, s.location_id, s.time_zone
        UNION ALL
        SELECT s.need, s.provider_id, s.preference, s.location_id, s.time_zone, s.during
        FROM published s LEFT JOIN short t ON t.slot_id = s.id
        WHERE v_whole AND t.slot_id IS NULL
    ), begins AS MATERIALIZED (
        SELECT f.provider_id, f.preference, f.location_id, f.time_zone, lower(f.span) AS start, upper(f.span) AS ends, f.span AS hull
        FROM free f
        WHERE v_whole AND f.need = 1 AND (p_after_end IS NULL OR (lower(f.span), upper(f.span)) > (lower(p_starts), p_after_end))
        UNION ALL
        SELECT f.provider_id, f.preference, f.location_id, f.time_zone, g.start, g.start + v_length,
               tstzrange(g.start - v_before, g.start + v_length + v_after)
        FROM free f
        JOIN published s ON s.provider_id = f.provider_id AND s.location_id = f.location_id AND s.during && f.span
        CROSS JOIN LATERAL (
            SELECT GREATEST(lower(s.during), lower(f.span) + v_before, lower(p_starts)) AS least,
                   LEAST(upper(s.during) - v_instant, v_last, upper(f.span) - v_length - v_after) AS most) AS bound
        CROSS JOIN LATERAL (SELECT date_bin(v_step, bound.least, lower(s.during)) AS before WHERE bound.least <= bound.most) AS grid
        CROSS JOIN LATERAL generate_series(
            CASE WHEN p_any_start OR grid.before = bound.least THEN bound.least ELSE grid.before + v_step END, bound.most, v_step) AS g (start)
        WHERE NOT v_whole AND f.need = 1 AND (NOT p_any_start OR g.start = lower(p_starts))
          AND (p_after_end IS NULL OR (g.start, g.start + v_length) > (lower(p_starts), p_after_end))
    ), days AS MATERIALIZED (
        SELECT DISTINCT b.location_id, (b.start AT TIME ZONE b.time_zone)::date AS day, b.time_zone FROM begins b
    ), loads AS MATERIALIZED (
        -- How much of a day each of them has occupied, in seconds of one place.
        SELECT f.provider_id, d.location_id, d.day, load.seconds
        FROM (SELECT DISTINCT f.provider_id, f.location_id FROM free f) AS f
        JOIN days d ON d.location_id = f.location_id
        CROSS JOIN LATERAL (
            SELECT tstzrange(d.day::timestamp AT TIME ZONE d.time_zone, (d.day + 1)::timestamp AT TIME ZONE d.time_zone) AS span) AS of_day
        CROSS JOIN LATERAL (
            SELECT COALESCE(sum(extract(epoch FROM upper(c.during * of_day.span) - lower(c.during * of_day.span)) * c.quantity), 0) AS seconds
            FROM claims c
            WHERE c.vendor_id = p_vendor_id AND c.provider_id = f.provider_id AND c.during && of_day.span
              AND (NOT v_lapsed OR NOT EXISTS (
                  SELECT FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id
                  AND b.status = 'held' AND b.hold_expires_at <= now()))) AS load
    ), currencies AS MATERIALIZED (
        -- One booking has one currency. Nearly always there is one, or none, and nothing is to be compared.
        SELECT DISTINCT s.currency FROM published s WHERE s.currency IS NOT NULL
        UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT FROM published s WHERE s.currency IS NOT NULL)
    ), options AS MATERIALIZED (
        SELECT DISTINCT ON (b.start, b.ends, b.provider_id, b.location_id)
               b.*, (b.start AT TIME ZONE b.time_zone)::date AS day, ARRAY[b.provider_id] || others.ids AS ids
        FROM begins b
        CROSS JOIN currencies m
        LEFT JOIN LATERAL (
            SELECT array_agg(best.provider_id ORDER BY best.need) AS ids, count(*) AS needs,
                   array_agg(ROW(best.preference, best.seconds, best.provider_id) ORDER BY best.need) AS ranks
            FROM (
                SELECT DISTINCT ON (f.need) f.need, f.provider_id, f.preference, o.seconds
                FROM free f
                LEFT JOIN loads o ON o.provider_id = f.provider_id AND o.location_id = b.location_id
                     AND o.day = (b.start AT TIME ZONE b.time_zone)::date
                WHERE f.need > 1 AND f.location_id = b.location_id
                  AND CASE WHEN v_whole THEN f.span = b.hull ELSE f.span @> b.hull END
                  AND ((SELECT count(*) FROM currencies) = 1 OR NOT EXISTS (
                      SELECT FROM published s WHERE s.provider_id = f.provider_id AND s.during && b.hull AND s.currency <> m.currency))
                ORDER BY f.need, f.preference, o.seconds, f.provider_id
            ) AS best
        ) AS others ON v_needs > 1
        WHERE (v_needs <= 1 OR others.needs = v_needs - 1)
          AND ((SELECT count(*) FROM currencies) = 1 OR NOT EXISTS (
              SELECT FROM published s WHERE s.provider_id = b.provider_id AND s.during && b.hull AND s.currency <> m.currency))
        ORDER BY b.start, b.ends, b.provider_id, b.location_id, others.ranks
    ), page AS MATERIALIZED (
        SELECT DISTINCT o.start, o.ends FROM options o ORDER BY o.start, o.ends LIMIT p_limit
    ), chosen AS MATERIALIZED (
        SELECT o.*, row_number() OVER (PARTITION BY o.start ORDER BY
                   array_position(p_places, o.location_id), o.preference, l.seconds, o.provider_id, o.location_id) AS place
        FROM page p
        JOIN options o ON o.start = p.start AND o.ends = p.ends
        JOIN loads l ON l.provider_id = o.provider_id AND l.location_id = o.location_id AND l.day = o.day
    ), parts AS MATERIALIZED (
        SELECT o.start, o.ends, o.place, u.need, o.hull, s.id, s.during, s.capacity, s.price_amount, s.price_currency
        FROM chosen o
        CROSS JOIN LATERAL unnest(o.ids) WITH ORDINALITY AS u (provider_id, need)
        JOIN published s ON s.provider_id = u.provider_id AND s.location_id = o.location_id
        WHERE s.during && o.hull AND (NOT v_whole OR s.during = o.hull)
    ), fullest AS MATERIALIZED (
        SELECT p.start, p.ends, p.place, p.id, max(v.taken) AS taken
        FROM parts p JOIN levels v ON v.slot_id = p.id
        WHERE p.capacity > 1 AND v.during && p.hull GROUP BY p.start, p.ends, p.place, p.id
    ), summed AS MATERIALIZED (
        SELECT p.start, p.ends, p.place, array_agg(p.id ORDER BY p.need, lower(p.during)) AS slot_ids,
               min(p.capacity - COALESCE(t.taken, 0)) AS available,
               -- As price_of_parts: each slot's own price, and the service's for those without; once, if it is of a fixed duration.
               COALESCE(sum(p.price_amount), CASE WHEN p_service.price_amount IS NOT NULL THEN 0 END)
               + COALESCE(p_service.price_amount, 0) * CASE WHEN v_whole THEN count(*) FILTER (WHERE p.price_amount IS NULL)
                                                            WHEN bool_or(p.price_amount IS NULL) THEN 1 ELSE 0 END AS amount,
               COALESCE(max(p.price_currency), p_service.price_currency) AS currency
        FROM parts p LEFT JOIN fullest t ON t.start = p.start AND t.ends = p.ends AND t.place = p.place AND t.id = p.id
        GROUP BY p.start, p.ends, p.place
    )
    SELECT o.start, o.ends, o.place, o.ids, o.location_id, o.time_zone, t.slot_ids, t.available, (t.amount * p_quantity)::bigint, t.currency
    FROM chosen o JOIN summed t ON t.start = o.start AND t.ends = o.ends AND t.place = o.place
    ORDER BY o.start, o.ends, o.place;
END
$$;
