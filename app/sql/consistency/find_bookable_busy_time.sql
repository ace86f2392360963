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
        -- OFFSET 0: one search of the calendar for each busy time. IS TRUE: who is there is hashed once, whatever the planner
        -- expects; a join may compare each busy time with each provider where nobody has analyzed the tables.
        SELECT b.vendor_id, s.id AS slot_id, s.capacity, b.id AS busy_time_id, b.provider_id, part
        FROM busy b
        CROSS JOIN LATERAL (
            SELECT s.id, s.location_id, s.capacity, s.during, s.closed FROM slots s
            WHERE s.vendor_id = b.vendor_id AND s.provider_id = b.provider_id AND s.during && b.during OFFSET 0) AS s
        CROSS JOIN LATERAL unnest(tstzmultirange(s.during * b.during) - s.closed) AS part
        -- What is published by whom or where nobody is any more, or is closed for good, cannot be booked.
        WHERE ((b.vendor_id, b.provider_id) IN (SELECT p.vendor_id, p.id FROM providers p WHERE p.archived_at IS NULL)) IS TRUE
          AND ((b.vendor_id, s.location_id) IN (SELECT l.vendor_id, l.id FROM locations l WHERE l.archived_at IS NULL)) IS TRUE
    ), concerned AS (
        SELECT m.vendor_id, m.provider_id, m.slot_id, m.capacity, min(m.busy_time_id::text) AS busy_time_id, min(lower(m.part)) AS first
        FROM met m GROUP BY m.vendor_id, m.provider_id, m.slot_id, m.capacity
    ), edges AS (
        SELECT m.vendor_id, m.slot_id, edge.at, edge.busy, 0 AS taken, NULL::text[] AS about
        FROM met m CROSS JOIN LATERAL (VALUES (lower(m.part), 1), (upper(m.part), -1)) AS edge (at, busy)
        UNION ALL
        SELECT c.vendor_id, c.slot_id, edge.at, 0, edge.taken, NULL
        FROM concerned o
        JOIN claims c ON c.vendor_id = o.vendor_id AND c.slot_id = o.slot_id
        CROSS JOIN LATERAL (VALUES (lower(c.during), c.quantity), (upper(c.during), -c.quantity)) AS edge (at, taken)
        UNION ALL
        -- What is known of the slot, once: joined, each level might be compared with each slot.
        SELECT o.vendor_id, o.slot_id, o.first, 0, 0, ARRAY[o.provider_id::text, o.busy_time_id, o.capacity::text] FROM concerned o
    ), levels AS (
        SELECT e.vendor_id, e.slot_id, e.at, lead(e.at) OVER line AS until, sum(sum(e.busy)) OVER line AS busy,
               sum(sum(e.taken)) OVER line AS taken, max(max(e.about)) OVER slot AS about
        FROM edges e GROUP BY e.vendor_id, e.slot_id, e.at
        WINDOW slot AS (PARTITION BY e.vendor_id, e.slot_id), line AS (PARTITION BY e.vendor_id, e.slot_id ORDER BY e.at)
    ), found AS (
        SELECT l.*, l.about[3]::integer - l.taken AS places, row_number() OVER (ORDER BY l.vendor_id, l.slot_id, l.at) AS place
        FROM levels l WHERE l.busy > 0 AND l.taken < l.about[3]::integer
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'provider_id', f.about[1], 'slot_id', f.slot_id, 'busy_time_id', f.about[2],
        'start', utc(f.at), 'end', utc(f.until), 'places', f.places) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
