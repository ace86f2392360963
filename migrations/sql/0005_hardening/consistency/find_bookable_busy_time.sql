-- Promise: stretches of slots, from a minute from now on, in which their provider is busy and which bookings and blocks leave
-- places free in: somebody could book there. A lapsed hold keeps its places until somebody wants them. With p_since: in
-- busy times changed since, and those of providers whose bookings have.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_bookable_busy_time(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH scope AS (
        -- Three branches and no OR, as in bookings_in_scope.
        SELECT t.* FROM busy_times t WHERE p_vendor_id IS NULL AND p_since IS NULL
        UNION ALL
        SELECT t.* FROM busy_times t WHERE t.vendor_id = p_vendor_id AND p_since IS NULL
        UNION ALL
        SELECT t.* FROM (
            SELECT changed.vendor_id, changed.id
            FROM vendors v JOIN busy_times changed ON changed.vendor_id = v.id AND changed.updated_at >= p_since
            WHERE p_vendor_id IS NULL OR v.id = p_vendor_id
            UNION
            SELECT near.vendor_id, near.id
            FROM (SELECT DISTINCT b.vendor_id, b.provider_id FROM bookings_in_scope(p_vendor_id, p_since) b WHERE p_since IS NOT NULL) AS b
            JOIN busy_times near ON near.vendor_id = b.vendor_id AND near.provider_id = b.provider_id AND near.archived_at IS NULL
        ) AS n JOIN busy_times t ON t.vendor_id = n.vendor_id AND t.id = n.id
    ), busy AS (
        SELECT t.vendor_id, t.id, t.provider_id, t.during * tstzrange(now() + interval '1 minute', NULL) AS during
        FROM scope t WHERE t.archived_at IS NULL AND upper(t.during) > now() + interval '1 minute'
    ), met AS (
        -- OFFSET 0: one search of the calendar for each busy time.
        SELECT b.vendor_id, s.id AS slot_id, s.capacity, b.id AS busy_time_id, b.provider_id, part
        FROM busy b
        CROSS JOIN LATERAL (
            SELECT s.id, s.location_id, s.capacity, s.during, s.closed FROM slots s
            WHERE s.vendor_id = b.vendor_id AND s.provider_id = b.provider_id AND s.during && b.during OFFSET 0) AS s
        -- What is published by whom or where nobody is any more, or is closed for good, cannot be booked.
        JOIN providers p ON p.vendor_id = b.vendor_id AND p.id = b.provider_id AND p.archived_at IS NULL
        JOIN locations l ON l.vendor_id = b.vendor_id AND l.id = s.location_id AND l.archived_at IS NULL
        CROSS JOIN LATERAL unnest(tstzmultirange(s.during * b.during) - s.closed) AS part
    ), concerned AS (
        SELECT m.vendor_id, m.provider_id, m.slot_id, m.capacity, min(m.busy_time_id::text) AS busy_time_id
        FROM met m GROUP BY m.vendor_id, m.provider_id, m.slot_id, m.capacity
    ), changes AS (
        SELECT e.vendor_id, e.slot_id, e.at, sum(e.busy) AS busy, sum(e.taken) AS taken
        FROM (
            SELECT m.vendor_id, m.slot_id, lower(m.part) AS at, 1 AS busy, 0 AS taken FROM met m
            UNION ALL SELECT m.vendor_id, m.slot_id, upper(m.part), -1, 0 FROM met m
            UNION ALL
            SELECT c.vendor_id, c.slot_id, edge.at, 0, edge.taken
            FROM concerned o
            JOIN claims c ON c.vendor_id = o.vendor_id AND c.slot_id = o.slot_id
            CROSS JOIN LATERAL (VALUES (lower(c.during), c.quantity), (upper(c.during), -c.quantity)) AS edge (at, taken)
        ) AS e
        GROUP BY e.vendor_id, e.slot_id, e.at
    ), levels AS (
        SELECT ch.vendor_id, ch.slot_id, ch.at, lead(ch.at) OVER line AS until,
               sum(ch.busy) OVER line AS busy, sum(ch.taken) OVER line AS taken
        FROM changes ch
        WINDOW line AS (PARTITION BY ch.vendor_id, ch.slot_id ORDER BY ch.at)
    ), found AS (
        SELECT l.*, o.provider_id, o.capacity, o.busy_time_id, row_number() OVER (ORDER BY l.vendor_id, l.slot_id, l.at) AS place
        FROM levels l JOIN concerned o ON o.vendor_id = l.vendor_id AND o.slot_id = l.slot_id
        WHERE l.busy > 0 AND l.taken < o.capacity
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'provider_id', f.provider_id, 'slot_id', f.slot_id, 'busy_time_id', f.busy_time_id,
        'start', utc(f.at), 'end', utc(f.until), 'places', f.capacity - f.taken) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
