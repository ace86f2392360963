-- Promise: holds whose time has been over for an hour and more. They block nobody, but nobody tidies
-- either: `slotkeeper worker` is not running, or cannot keep up. And holds for longer than anybody can be given (seven days): nobody
-- takes those places up, and nobody else gets them. p_since changes nothing here.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_lapsed_holds(p_vendor_id uuid) RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH found AS (
        SELECT b.vendor_id, b.id, b.hold_expires_at, row_number() OVER (ORDER BY b.hold_expires_at, b.id) AS place
        FROM bookings b
        WHERE b.status = 'held' AND (b.hold_expires_at < now() - interval '1 hour' OR b.hold_expires_at IS NULL
               OR b.hold_expires_at > now() + interval '7 days 1 hour' AND isfinite(b.hold_expires_at))
          AND (p_vendor_id IS NULL OR b.vendor_id = p_vendor_id)
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'booking_id', f.id, 'hold_expires_at', utc(f.hold_expires_at)) ORDER BY f.place)
        FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
