-- Promise: like impossible_times, of what a vendor has set up: people, places, services, weeks, busy times, customers, keys.
-- (When a week was looked at last no program reads, and -infinity says that it is due.)
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION impossible_times_of_catalogue(p_vendor_id uuid)
RETURNS TABLE (vendor_id uuid, of text, row_key jsonb, name text, value text)
LANGUAGE sql STABLE
AS $$
    SELECT r.vendor_id, r.of, jsonb_build_object('id', r.id), t.name, t.value
    FROM (
        SELECT v.id AS vendor_id, 'vendors' AS of, v.id, v.created_at, v.updated_at, v.archived_at,
               NULL AS further, NULL::timestamptz AS at, NULL AS last, NULL::timestamptz AS until FROM vendors v
        UNION ALL SELECT l.vendor_id, 'locations', l.id, l.created_at, l.updated_at, l.archived_at, NULL, NULL, NULL, NULL FROM locations l
        UNION ALL SELECT p.vendor_id, 'providers', p.id, p.created_at, p.updated_at, p.archived_at, NULL, NULL, NULL, NULL FROM providers p
        UNION ALL SELECT s.vendor_id, 'services', s.id, s.created_at, s.updated_at, s.archived_at, NULL, NULL, NULL, NULL FROM services s
        UNION ALL SELECT s.vendor_id, 'schedules', s.id, s.created_at, s.updated_at, s.archived_at, NULL, NULL, NULL, NULL FROM schedules s
        UNION ALL
        SELECT e.vendor_id, 'schedule_exceptions', e.id, e.created_at, e.updated_at, e.archived_at, NULL, NULL, NULL, NULL FROM schedule_exceptions e
        UNION ALL
        SELECT b.vendor_id, 'busy_times', b.id, b.created_at, b.updated_at, b.archived_at, 'during', lower(b.during), 'during', upper(b.during)
        FROM busy_times b
        UNION ALL
        SELECT c.vendor_id, 'customers', c.id, c.created_at, c.updated_at, NULL, 'banned_at', c.banned_at, 'erased_at', c.erased_at FROM customers c
        UNION ALL
        SELECT k.vendor_id, 'api_keys', k.id, k.created_at, NULL, NULL, 'last_used_at', k.last_used_at, 'revoked_at', k.revoked_at FROM api_keys k
    ) AS r
    CROSS JOIN LATERAL (VALUES
        ('created_at', impossible(r.created_at)), ('updated_at', impossible(r.updated_at)), ('archived_at', impossible(r.archived_at)),
        (r.further, impossible(r.at)), (r.last, impossible(r.until))) AS t (name, value)
    WHERE t.value IS NOT NULL AND (p_vendor_id IS NULL OR r.vendor_id = p_vendor_id)
    UNION ALL
    SELECT d.vendor_id, d.of, jsonb_build_object('id', d.id), t.name, t.value
    FROM (
        SELECT s.vendor_id, 'schedules' AS of, s.id, 'valid_from' AS first, s.valid_from AS starts, 'valid_until' AS last, s.valid_until AS ends
        FROM schedules s
        UNION ALL SELECT e.vendor_id, 'schedule_exceptions', e.id, 'starts_on', e.starts_on, 'ends_on', e.ends_on FROM schedule_exceptions e
    ) AS d
    CROSS JOIN LATERAL (VALUES (d.first, impossible_day(d.starts)), (d.last, impossible_day(d.ends))) AS t (name, value)
    WHERE t.value IS NOT NULL AND (p_vendor_id IS NULL OR d.vendor_id = p_vendor_id)
$$;
