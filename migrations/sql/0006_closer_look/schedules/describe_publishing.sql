-- Promise: a plan in numbers, and the bookings in its way (those that occupy time it closes, but for whom p_wanted holds all the same: in
-- time that can be cut, or as exactly what is wanted, at their place and with places enough), the first hundred by time, each with the
-- time it shows, without any customer's data:
-- {"published", "removed", "resized", "kept", "in_the_way": [{"booking_id", "kind", "slot_id", "start", "end", "time_zone",
-- "quantity"}], "in_the_way_total"}. A slot that is cut is as many resized as it gives. p_wanted: in order of time.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION describe_publishing(p_vendor_id uuid, p_plan scheduled_plan, p_wanted scheduled_slot[]) RETURNS jsonb
LANGUAGE sql VOLATILE
AS $$
    WITH standing AS (
        SELECT planned.place, c.booking_id, c.slot_id, c.during::tstzrange AS during, c.quantity, b.kind,
               shown_time(c.during, b.during) AS shown, (planned.target).location_id, c.during && (planned.target).closed AS closed,
               -- The last that begins no later.
               p_wanted[width_bucket(lower(c.during), ARRAY(SELECT lower(w.during) FROM unnest(p_wanted) AS w))] AS wanted
        FROM unnest(p_plan.changes) WITH ORDINALITY AS planned (slot_id, present, claimed, in_the_way, target, claims_from, place)
        CROSS JOIN LATERAL (
            SELECT c.booking_id, c.slot_id, c.during, c.quantity FROM claims c
            -- IS TRUE: searched by slot, never by time, which all of the vendor's slots share.
            WHERE c.vendor_id = p_vendor_id AND c.slot_id = ANY (ARRAY[planned.slot_id, planned.claims_from])
              AND (c.during <@ (planned.target).during) IS TRUE OFFSET 0) AS c
        CROSS JOIN LATERAL (
            SELECT b.kind, b.during, b.status, b.hold_expires_at FROM bookings b
            WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id OFFSET 0) AS b
        WHERE planned.in_the_way AND NOT (b.status = 'held' AND b.hold_expires_at <= clock_timestamp())
          AND NOT EXISTS (SELECT FROM busy_blocks k WHERE k.vendor_id = p_vendor_id AND k.booking_id = c.booking_id)
    ), levels AS (
        SELECT s.place, tstzrange(edge.at, lead(edge.at) OVER line) AS during, sum(sum(edge.change)) OVER line AS taken
        FROM standing s
        CROSS JOIN LATERAL (VALUES (lower(s.during), s.quantity), (upper(s.during), -s.quantity)) AS edge (at, change)
        GROUP BY s.place, edge.at WINDOW line AS (PARTITION BY s.place ORDER BY edge.at)
    ), crowded AS MATERIALIZED (
        -- Once: the planner expects one claim, and would reckon this anew for each.
        SELECT l.place, w.capacity, range_agg(l.during) AS times
        FROM (SELECT DISTINCT s.place, (s.wanted).capacity FROM standing s) AS w
        JOIN levels l ON l.place = w.place AND l.taken > w.capacity
        GROUP BY l.place, w.capacity
    ), in_the_way AS (
        SELECT s.*, row_number() OVER (ORDER BY lower(s.during), s.booking_id) AS number
        FROM standing s
        LEFT JOIN crowded c ON c.place = s.place AND c.capacity = (s.wanted).capacity
        WHERE s.closed AND (
            CASE WHEN (s.wanted).whole THEN s.during = (s.wanted).during ELSE s.during <@ (s.wanted).during END
            AND s.location_id = (s.wanted).location_id AND (s.during && c.times) IS NOT TRUE) IS NOT TRUE
    )
    SELECT jsonb_build_object(
        'published', count(*) FILTER (WHERE c.slot_id IS NULL), 'removed', count(*) FILTER (WHERE (c.target).during IS NULL),
        'resized', count(*) FILTER (WHERE c.slot_id IS NOT NULL AND (c.target).during IS NOT NULL AND form.changes),
        'kept', p_plan.kept + count(*) FILTER (WHERE c.slot_id IS NOT NULL AND (c.target).during IS NOT NULL AND NOT form.changes))
        || (
        SELECT jsonb_build_object('in_the_way', COALESCE(jsonb_agg(jsonb_build_object(
            'booking_id', i.booking_id, 'kind', i.kind, 'slot_id', i.slot_id, 'start', utc(lower(i.shown)),
            'end', utc(upper(i.shown)), 'time_zone', l.time_zone, 'quantity', i.quantity) ORDER BY i.number)
            FILTER (WHERE i.number <= 100), '[]'), 'in_the_way_total', count(*))
        FROM in_the_way i JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = i.location_id)
    FROM unnest(p_plan.changes) AS c
    -- A slot that is closed to others, or open again, is the same slot.
    CROSS JOIN LATERAL (SELECT
        ((c.present).schedule_id, (c.present).location_id, (c.present).during, (c.present).capacity, (c.present).price_amount, (c.present).price_currency)
        IS DISTINCT FROM
        ((c.target).schedule_id, (c.target).location_id, (c.target).during, (c.target).capacity, (c.target).price_amount, (c.target).price_currency)
        AS changes) AS form
$$;
