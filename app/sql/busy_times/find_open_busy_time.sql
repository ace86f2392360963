-- Promise: every stretch of the provider's slots that are not over (of p_slot_ids alone, or those after p_after, where given) that lies in busy time and
-- has free places by head-count, with their number and the first busy time it lies in; in order of slots and time. A
-- lapsed hold takes no place. None: all busy time is closed, or booked.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_open_busy_time(
    p_vendor_id uuid, p_provider_id uuid, p_slot_ids uuid[] DEFAULT NULL, p_after uuid DEFAULT NULL
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
            WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id AND s.during && b.during AND (s.id > p_after) IS NOT FALSE OFFSET 0) AS s
        JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = s.location_id AND l.archived_at IS NULL
        WHERE upper(s.during) > now() AND (p_slot_ids IS NULL OR s.id = ANY (p_slot_ids))
    ), concerned AS (
        SELECT m.slot_id, m.capacity, array_agg(m.id ORDER BY m.id) AS ids, array_agg(m.part ORDER BY m.id) AS parts,
               array_agg(m.reason ORDER BY m.id) AS reasons
        FROM met m GROUP BY m.slot_id, m.capacity
    ), reach AS (
        SELECT m.id, range_merge(range_agg(m.part)) AS during FROM met m GROUP BY m.id
    ), taken AS (
        -- By busy time as well: slot by slot the planner may read a whole table for each, if that was small when it was analyzed.
        SELECT DISTINCT c.slot_id, c.booking_id, c.ordinal, c.during, c.quantity
        FROM reach r
        CROSS JOIN LATERAL (
            SELECT c.slot_id, c.booking_id, c.ordinal, c.during::tstzrange AS during, c.quantity FROM claims c
            WHERE c.vendor_id = p_vendor_id AND c.provider_id = p_provider_id AND c.during && r.during OFFSET 0) AS c
    ), edges AS (
        SELECT m.slot_id, edge.at, edge.busy, 0 AS taken, NULL::integer AS capacity, NULL::uuid[] AS ids, NULL::tstzrange[] AS parts, NULL::text[] AS reasons
        FROM met m CROSS JOIN LATERAL (VALUES (lower(m.part), 1), (upper(m.part), -1)) AS edge (at, busy)
        UNION ALL
        SELECT c.slot_id, edge.at, 0, edge.taken, NULL, NULL, NULL, NULL
        FROM taken c
        CROSS JOIN LATERAL (VALUES (lower(c.during), c.quantity), (upper(c.during), -c.quantity)) AS edge (at, taken)
        -- The holds that have lapsed, instead of each claim's booking: few, and many where the worker has been away. NOT IN
        -- hashes them whatever the planner expects; a join may compare each with each.
        WHERE c.booking_id NOT IN (
            SELECT b.id FROM bookings b
            WHERE b.vendor_id = p_vendor_id AND b.status = 'held' AND b.hold_expires_at <= clock_timestamp())
        UNION ALL
        -- What is known of the slot, once: joined, each level might be compared with each slot.
        SELECT o.slot_id, lower(o.parts[1]), 0, 0, o.capacity, o.ids, o.parts, o.reasons FROM concerned o
    ), levels AS (
        SELECT e.slot_id, e.at, lead(e.at) OVER line AS until, sum(sum(e.busy)) OVER line AS busy, sum(sum(e.taken)) OVER line AS taken,
               max(max(e.capacity)) OVER slot AS capacity, max(max(e.ids)) OVER slot AS ids, max(max(e.parts)) OVER slot AS parts,
               max(max(e.reasons)) OVER slot AS reasons
        FROM edges e GROUP BY e.slot_id, e.at
        -- Cut wherever a busy time begins or ends, also where another takes its place: a block is in one of them.
        HAVING bool_or(e.busy <> 0) OR sum(e.taken) <> 0
        WINDOW slot AS (PARTITION BY e.slot_id), line AS (PARTITION BY e.slot_id ORDER BY e.at)
    )
    SELECT first.id, l.slot_id, tstzrange(l.at, l.until), (l.capacity - l.taken)::integer, first.reason
    FROM levels l
    CROSS JOIN LATERAL (
        SELECT covering.id, covering.reason
        FROM unnest(l.ids, l.parts, l.reasons) WITH ORDINALITY AS covering (id, part, reason, place)
        WHERE covering.part @> tstzrange(l.at, l.until) ORDER BY covering.place LIMIT 1) AS first
    WHERE l.busy > 0 AND l.taken < l.capacity
    ORDER BY l.slot_id, l.at
$$;
