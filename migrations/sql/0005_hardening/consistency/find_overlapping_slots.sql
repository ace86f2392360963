-- Promise: slots that begin while an earlier slot of their provider still lasts, and slots without a
-- beginning, an end or a place, or with closed time that is not theirs, or that no schedule closed.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_overlapping_slots(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH laid_out AS (
        SELECT s.vendor_id, s.provider_id, s.id, lower(s.during) AS starts, max(upper(s.during)) OVER earlier AS busy_until,
               (s.capacity >= 1 AND lower_inc(s.during) AND NOT upper_inc(s.during)
                AND isfinite(lower(s.during)) AND isfinite(upper(s.during))) IS NOT TRUE AS malformed,
               (isempty(s.closed) OR s.closed <@ s.during::tstzrange AND s.schedule_id IS NOT NULL) IS NOT TRUE AS closed_amiss
        FROM slots_in_scope(p_vendor_id, p_since) s
        WINDOW earlier AS (PARTITION BY s.vendor_id, s.provider_id ORDER BY lower(s.during), upper(s.during), s.id
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), found AS (
        SELECT l.*, row_number() OVER (ORDER BY l.vendor_id, l.provider_id, l.starts, l.id) AS place
        FROM laid_out l WHERE l.busy_until > l.starts OR l.malformed OR l.closed_amiss
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'provider_id', f.provider_id, 'slot_id', f.id, 'start', utc(f.starts),
        'reason', CASE WHEN f.malformed THEN 'malformed' WHEN f.busy_until > f.starts THEN 'overlap' ELSE 'closed' END, 'busy_until', utc(f.busy_until))
        ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
