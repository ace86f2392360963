-- Promise: every stretch of the provider's slots that are not over (of p_slot_ids alone, where given) that lies in busy time and
-- has free places by head-count, with their number and the first busy time it lies in; in order of slots and time. A
-- lapsed hold takes no place. None: all busy time is closed, or booked.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_open_busy_time(
    p_vendor_id uuid, p_provider_id uuid, p_slot_ids uuid[] DEFAULT NULL
) RETURNS TABLE (busy_time_id uuid, slot_id uuid, during tstzrange, places integer, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH busy AS (
        SELECT t.id, t.during, t.reason FROM busy_times t
        WHERE t.vendor_id = p_vendor_id AND t.provider_id = p_provider_id AND t.archived_at IS NULL
          AND t.during && tstzrange(now(), NULL)
          AND (p_slot_ids IS NULL OR t.during && (
              SELECT range_merge(range_agg(s.during)) FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = ANY (p_slot_ids)))
    ), met AS (
        -- OFFSET 0: one search of the calendar for each busy time.
        SELECT b.id, b.reason, s.id AS slot_id, s.capacity, (s.during * b.during)::tstzrange AS part
        FROM busy b
        CROSS JOIN LATERAL (
            SELECT s.id, s.location_id, s.capacity, s.during FROM slots s
            WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id AND s.during && b.during OFFSET 0) AS s
        JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = s.location_id AND l.archived_at IS NULL
        WHERE upper(s.during) > now() AND (p_slot_ids IS NULL OR s.id = ANY (p_slot_ids))
    ), concerned AS (
        SELECT m.slot_id, m.capacity, array_agg(m.id ORDER BY m.id) AS ids, array_agg(m.part ORDER BY m.id) AS parts,
               array_agg(m.reason ORDER BY m.id) AS reasons
        FROM met m GROUP BY m.slot_id, m.capacity
    ), edges AS (
        SELECT m.slot_id, edge.at, edge.busy, 0 AS taken
        FROM met m CROSS JOIN LATERAL (VALUES (lower(m.part), 1), (upper(m.part), -1)) AS edge (at, busy)
        UNION ALL
        SELECT o.slot_id, edge.at, 0, edge.taken
        FROM concerned o
        CROSS JOIN LATERAL (
            SELECT c.booking_id, c.during, c.quantity FROM claims c
            WHERE c.vendor_id = p_vendor_id AND c.slot_id = o.slot_id OFFSET 0) AS c
        CROSS JOIN LATERAL (
            SELECT b.status, b.hold_expires_at FROM bookings b
            WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id OFFSET 0) AS b
        CROSS JOIN LATERAL (VALUES (lower(c.during), c.quantity), (upper(c.during), -c.quantity)) AS edge (at, taken)
        WHERE NOT (b.status = 'held' AND b.hold_expires_at <= clock_timestamp())
    ), levels AS (
        SELECT e.slot_id, e.at, lead(e.at) OVER line AS until, sum(sum(e.busy)) OVER line AS busy,
               sum(sum(e.taken)) OVER line AS taken
        FROM edges e GROUP BY e.slot_id, e.at
        -- Cut wherever a busy time begins or ends, also where another takes its place: a block is in one of them.
        HAVING bool_or(e.busy <> 0) OR sum(e.taken) <> 0
        WINDOW line AS (PARTITION BY e.slot_id ORDER BY e.at)
    )
    SELECT first.id, l.slot_id, tstzrange(l.at, l.until), (o.capacity - l.taken)::integer, first.reason
    FROM levels l
    JOIN concerned o ON o.slot_id = l.slot_id
    CROSS JOIN LATERAL (
        SELECT covering.id, covering.reason
        FROM unnest(o.ids, o.parts, o.reasons) WITH ORDINALITY AS covering (id, part, reason, place)
        WHERE covering.part @> tstzrange(l.at, l.until) ORDER BY covering.place LIMIT 1) AS first
    WHERE l.busy > 0 AND l.taken < o.capacity
    ORDER BY l.slot_id, l.at
$$;
