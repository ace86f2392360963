-- Promise: moments at which the places that a provider's occupying bookings take add up to more than
-- the slot published for that moment has. It counts quantities of bookings, not units.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_capacity_exceeded(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH taken AS (
        SELECT c.vendor_id, c.slot_id, c.during, b.quantity,
               sum(b.quantity) OVER (PARTITION BY c.vendor_id, c.slot_id) AS ever_taken
        FROM claims_around_scope(p_vendor_id, p_since) c
        JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
        WHERE b.status IN ('requested', 'held', 'confirmed', 'completed', 'no_show')
    ), crowded AS (
        -- What does not add up to more over all time does not at any moment: most slots end here.
        SELECT t.vendor_id, t.slot_id, t.during, t.quantity
        FROM taken t JOIN slots s ON s.vendor_id = t.vendor_id AND s.id = t.slot_id
        WHERE t.ever_taken > s.capacity
    ), changes AS (
        SELECT edge.vendor_id, edge.slot_id, edge.at, sum(edge.change) AS change
        FROM (
            SELECT t.vendor_id, t.slot_id, lower(t.during) AS at, t.quantity AS change FROM crowded t
            UNION ALL SELECT t.vendor_id, t.slot_id, upper(t.during), -t.quantity FROM crowded t
        ) AS edge
        GROUP BY edge.vendor_id, edge.slot_id, edge.at
    ), levels AS (
        SELECT ch.vendor_id, ch.slot_id, ch.at,
               sum(ch.change) OVER (PARTITION BY ch.vendor_id, ch.slot_id ORDER BY ch.at) AS places
        FROM changes ch
    ), found AS (
        SELECT l.*, s.provider_id, s.capacity, row_number() OVER (ORDER BY l.vendor_id, l.slot_id, l.at) AS place
        FROM levels l
        JOIN slots s ON s.vendor_id = l.vendor_id AND s.id = l.slot_id
        WHERE l.places > s.capacity
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'provider_id', f.provider_id, 'slot_id', f.slot_id, 'at', utc(f.at),
        'places', f.places, 'capacity', f.capacity) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
