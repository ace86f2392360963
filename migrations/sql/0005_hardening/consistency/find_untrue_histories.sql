-- Promise: bookings whose events are not numbered 1..version without a gap, whose last event of a
-- status is not of the status they have, or that have another value in a field than events told last; and
-- events of no booking at all.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_untrue_histories(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH scope AS (
        SELECT e.vendor_id, e.booking_id, e.sequence, e.kind FROM events e WHERE p_vendor_id IS NULL AND p_since IS NULL
        UNION ALL
        SELECT e.vendor_id, e.booking_id, e.sequence, e.kind FROM events e WHERE e.vendor_id = p_vendor_id AND p_since IS NULL
        UNION ALL
        SELECT e.vendor_id, e.booking_id, e.sequence, e.kind FROM bookings_in_scope(p_vendor_id, p_since) b
        JOIN events e ON e.vendor_id = b.vendor_id AND e.booking_id = b.id
        WHERE p_since IS NOT NULL
    ), numbered AS (
        SELECT s.*, row_number() OVER (PARTITION BY s.vendor_id, s.booking_id ORDER BY s.sequence) AS expected FROM scope s
    ), told AS (
        SELECT n.vendor_id, n.booking_id, count(*) AS events, bool_and(n.sequence = n.expected) AS complete,
               (array_agg(n.kind ORDER BY n.sequence DESC) FILTER (WHERE n.kind IN ('requested', 'held', 'confirmed',
                   'completed', 'no_show', 'cancelled', 'expired', 'declined')))[1] AS status
        FROM numbered n GROUP BY n.vendor_id, n.booking_id
    ), compared AS (
        SELECT COALESCE(b.vendor_id, t.vendor_id) AS vendor_id, COALESCE(b.id, t.booking_id) AS booking_id,
               b.status, t.status AS told_status, b.version, COALESCE(t.events, 0) AS events, o.fields, array_remove(ARRAY[
                   CASE WHEN b.id IS NULL THEN 'no_booking' END,
                   CASE WHEN t.complete IS FALSE THEN 'gap' END,
                   CASE WHEN b.id IS NOT NULL AND COALESCE(t.events, 0) IS DISTINCT FROM b.version THEN 'version' END,
                   CASE WHEN b.id IS NOT NULL AND t.status IS DISTINCT FROM b.status THEN 'status' END,
                   CASE WHEN o.booking_id IS NOT NULL THEN 'fields' END], NULL) AS reasons
        FROM bookings_in_scope(p_vendor_id, p_since) b
        FULL JOIN told t ON t.vendor_id = b.vendor_id AND t.booking_id = b.id
        LEFT JOIN fields_told_otherwise(p_vendor_id, p_since) o ON o.vendor_id = b.vendor_id AND o.booking_id = b.id
    ), found AS (
        SELECT c.*, row_number() OVER (ORDER BY c.vendor_id, c.booking_id) AS place
        FROM compared c WHERE cardinality(c.reasons) > 0
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'booking_id', f.booking_id, 'reasons', to_jsonb(f.reasons), 'status', f.status,
        'told_status', f.told_status, 'fields', COALESCE(to_jsonb(f.fields), '[]'), 'version', f.version, 'events', f.events)
        ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
