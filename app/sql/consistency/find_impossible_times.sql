-- Promise: times that are none: infinite, or not of the years 1 to 9999. The tables take them where a person writes them by hand, and programs
-- cannot read such a row. With p_since: of bookings changed since, with their claims, slots, events and blocks of busy time.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_impossible_times(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH found AS (
        SELECT t.*, row_number() OVER (ORDER BY t.vendor_id, t.of, t.row_key, t.name, t.value) AS place
        FROM impossible_times(p_vendor_id, p_since) t WHERE t.value IS NOT NULL
    )
    SELECT count(*), COALESCE(jsonb_agg(f.row_key || jsonb_build_object(
        'vendor_id', f.vendor_id, 'table', f.of, 'column', f.name, 'value', f.value) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
