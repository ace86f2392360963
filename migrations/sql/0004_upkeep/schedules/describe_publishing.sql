-- Promise: a plan in numbers, and the bookings in its way (those that occupy time it closes), the first hundred by time, each with
-- the time it shows, without any customer's data:
-- {"published", "removed", "resized", "kept", "in_the_way": [{"booking_id", "kind", "slot_id", "start", "end", "time_zone",
-- "quantity"}], "in_the_way_total"}.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION describe_publishing(p_vendor_id uuid, p_plan scheduled_plan) RETURNS jsonb
LANGUAGE sql VOLATILE
AS $$
    SELECT jsonb_build_object(
        'published', count(*) FILTER (WHERE c.slot_id IS NULL), 'removed', count(*) FILTER (WHERE (c.target).during IS NULL),
        'resized', count(*) FILTER (WHERE c.slot_id IS NOT NULL AND (c.target).during IS NOT NULL AND form.changes),
        'kept', p_plan.kept + count(*) FILTER (WHERE c.slot_id IS NOT NULL AND (c.target).during IS NOT NULL AND NOT form.changes))
        || (
        SELECT jsonb_build_object('in_the_way', COALESCE(jsonb_agg(jsonb_build_object(
            'booking_id', b.booking_id, 'kind', b.kind, 'slot_id', b.slot_id, 'start', utc(lower(b.during)),
            'end', utc(upper(b.during)), 'time_zone', b.time_zone, 'quantity', b.quantity) ORDER BY b.place)
            FILTER (WHERE b.place <= 100), '[]'), 'in_the_way_total', count(*))
        FROM (
            SELECT c.booking_id, b.kind, c.slot_id, shown_time(c.during, b.during) AS during, l.time_zone, c.quantity,
                   row_number() OVER (ORDER BY lower(c.during), c.booking_id) AS place
            FROM unnest(p_plan.changes) AS planned
            JOIN claims c ON c.vendor_id = p_vendor_id AND c.slot_id = planned.slot_id
            JOIN bookings b ON b.vendor_id = p_vendor_id AND b.id = c.booking_id
            JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = (planned.present).location_id
            WHERE planned.in_the_way AND c.during && (planned.target).closed AND NOT (b.status = 'held' AND b.hold_expires_at <= clock_timestamp())
              AND NOT EXISTS (SELECT FROM busy_blocks k WHERE k.vendor_id = p_vendor_id AND k.booking_id = c.booking_id)) AS b)
    FROM unnest(p_plan.changes) AS c
    -- A slot that is closed to others, or open again, is the same slot.
    CROSS JOIN LATERAL (SELECT
        ((c.present).schedule_id, (c.present).location_id, (c.present).during, (c.present).capacity, (c.present).price_amount, (c.present).price_currency)
        IS DISTINCT FROM
        ((c.target).schedule_id, (c.target).location_id, (c.target).during, (c.target).capacity, (c.target).price_amount, (c.target).price_currency)
        AS changes) AS form
$$;
