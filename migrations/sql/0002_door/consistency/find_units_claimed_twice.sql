-- Promise: claims that take a unit of a provider while an earlier claim still has it. Each unit's
-- claims are laid in order of time; one that begins before all earlier ones have ended is a finding.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_units_claimed_twice(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH taken AS (
        SELECT c.vendor_id, c.provider_id, unit, c.booking_id, c.ordinal, lower(c.during) AS starts,
               max(upper(c.during)) OVER earlier AS busy_until
        FROM claims_around_scope(p_vendor_id, p_since) c
        CROSS JOIN LATERAL unnest(c.units) AS piece
        CROSS JOIN LATERAL generate_series(lower(piece), upper(piece) - 1) AS unit
        WINDOW earlier AS (PARTITION BY c.vendor_id, c.provider_id, unit
                           ORDER BY lower(c.during), upper(c.during), c.booking_id, c.ordinal
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
