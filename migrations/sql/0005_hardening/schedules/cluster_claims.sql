-- Promise: of these slots, those that have claims, in parts: one for each cluster of claims, since only claims that overlap must share a slot, with its
-- times and the most places taken as target; and those that are free. A lapsed hold claims nothing, nor does a block that stands for busy time.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION cluster_claims(p_vendor_id uuid, p_slots scheduled_change[])
RETURNS TABLE (claimed scheduled_change[], free scheduled_change[])
LANGUAGE sql VOLATILE
AS $$
    SELECT array_agg(ROW(o.slot_id, o.present, true, true, ROW(
               (o.present).schedule_id, (o.present).location_id, cluster.hull, cluster.most, (o.present).price_amount,
               (o.present).price_currency, NULL, '{}')::scheduled_slot, NULL)::scheduled_change) FILTER (WHERE cluster.hull IS NOT NULL),
           array_agg(ROW(o.slot_id, o.present, false, false, NULL, NULL)::scheduled_change) FILTER (WHERE cluster.hull IS NULL)
    FROM unnest(p_slots) AS o
    LEFT JOIN LATERAL (
        SELECT tstzrange(min(lower(n.during)), max(upper(n.during))) AS hull,
               most_taken(array_agg(n.during), array_agg(n.quantity), (o.present).during) AS most
        FROM (
            SELECT l.during, l.quantity, count(*) FILTER (WHERE l.begins) OVER (ORDER BY l.during ROWS UNBOUNDED PRECEDING) AS number
            FROM (
                SELECT c.during::tstzrange AS during, c.quantity, (lower(c.during) < max(upper(c.during)) OVER (
                           ORDER BY c.during::tstzrange ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) IS NOT TRUE AS begins
                -- OFFSET 0: one search by key each.
                FROM (SELECT c.booking_id, c.during, c.quantity FROM claims c
                      WHERE c.vendor_id = p_vendor_id AND c.slot_id = o.slot_id OFFSET 0) AS c
                CROSS JOIN LATERAL (
                    SELECT b.status, b.hold_expires_at FROM bookings b
                    WHERE b.vendor_id = p_vendor_id AND b.id = c.booking_id OFFSET 0) AS b
                WHERE NOT (b.status = 'held' AND b.hold_expires_at <= clock_timestamp())
                  AND NOT EXISTS (SELECT FROM busy_blocks k WHERE k.vendor_id = p_vendor_id AND k.booking_id = c.booking_id)) AS l
        ) AS n GROUP BY n.number) AS cluster ON true
$$;
