-- Promise: claims that take a unit of a provider while an earlier claim still has it. Looked at only where claims meet in
-- time, and not unit by unit: two that share units share the first of one of their pieces, so a piece is looked at where
-- it begins and where another begins in it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_units_claimed_twice(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH laid_out AS (
        SELECT c.vendor_id, c.provider_id, c.booking_id, c.units, lower(c.during) AS starts, upper(c.during) AS ends,
               row_number() OVER calendar AS line, max(upper(c.during)) OVER earlier AS busy_until,
               lead(lower(c.during)) OVER calendar AS next_starts
        FROM claims_around_scope(p_vendor_id, p_since) c
        WINDOW calendar AS (PARTITION BY c.vendor_id, c.provider_id
                            ORDER BY lower(c.during), upper(c.during), c.booking_id, c.ordinal),
               earlier AS (calendar ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), met AS (
        -- Most claims end here: nobody else is there at their time. A crowd begins when everybody before has left.
        SELECT l.vendor_id, l.provider_id, l.booking_id, l.line, l.starts, l.ends, l.units,
               count(*) FILTER (WHERE (l.busy_until > l.starts) IS NOT TRUE) OVER (
                   PARTITION BY l.vendor_id, l.provider_id ORDER BY l.line ROWS UNBOUNDED PRECEDING) AS crowd
        FROM laid_out l WHERE l.busy_until > l.starts OR l.next_starts < GREATEST(l.busy_until, l.ends)
    ), pieces AS (
        SELECT m.vendor_id, m.provider_id, m.crowd, m.booking_id, m.line, m.starts, m.ends,
               lower(piece) AS first_unit, edge.at, edge.opens
        -- No slot has more places, whatever somebody has written.
        FROM met m CROSS JOIN LATERAL unnest(m.units * '{[1,100001)}'::int4multirange) AS piece
        CROSS JOIN LATERAL (VALUES (lower(piece), true), (upper(piece), false)) AS edge (at, opens)
    ), openings AS (
        SELECT p.*, p.opens AND (lag(p.at) OVER line, lag(p.opens) OVER line) IS DISTINCT FROM (p.at, true) AS is_new
        FROM pieces p
        WINDOW line AS (PARTITION BY p.vendor_id, p.provider_id, p.crowd ORDER BY p.at, p.opens)
    ), numbered AS (
        -- The units at which any piece begins, numbered: at a piece's beginning its own, at its end the last one in it.
        SELECT o.*, count(*) FILTER (WHERE o.is_new) OVER (
                   PARTITION BY o.vendor_id, o.provider_id, o.crowd ORDER BY o.at, o.opens) AS number
        FROM openings o
    ), spans AS (
        SELECT n.vendor_id, n.provider_id, n.crowd, n.booking_id, n.line, n.starts, n.ends, n.first_unit,
               min(n.number) AS first_number, max(n.number) AS last_number
        FROM numbered n
        GROUP BY n.vendor_id, n.provider_id, n.crowd, n.booking_id, n.line, n.starts, n.ends, n.first_unit
    ), taken AS (
        SELECT s.vendor_id, s.provider_id, s.booking_id, s.starts, max(s.ends) OVER earlier AS busy_until,
               max(s.first_unit) OVER (PARTITION BY s.vendor_id, s.provider_id, s.crowd, number) AS unit
        FROM spans s CROSS JOIN LATERAL generate_series(s.first_number, s.last_number) AS number
        WINDOW earlier AS (PARTITION BY s.vendor_id, s.provider_id, s.crowd, number ORDER BY s.line
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), found AS (
        SELECT t.*, row_number() OVER (ORDER BY t.vendor_id, t.provider_id, t.starts, t.unit) AS place
        FROM taken t WHERE t.busy_until > t.starts
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'provider_id', f.provider_id, 'unit', f.unit, 'booking_id', f.booking_id,
        'start', utc(f.starts), 'busy_until', utc(f.busy_until)) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
