-- Promise: of what a vendor has set up (people, places, services, weeks, busy times, keys), the rows with those they name
-- that are not there, if any. more: what else tells which row it is, where it has no id of its own and is found by
-- that of a service or provider.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION orphans_of_catalogue(p_vendor_id uuid)
RETURNS TABLE (vendor_id uuid, kind text, id uuid, missing text[], more jsonb)
LANGUAGE sql STABLE
AS $$
    SELECT p.vendor_id, 'provider', p.id, array_remove(ARRAY[
        CASE WHEN v.id IS NULL THEN 'vendor' END, CASE WHEN l.id IS NULL THEN 'location' END], NULL), NULL::jsonb
    FROM providers p
    LEFT JOIN vendors v ON v.id = p.vendor_id
    LEFT JOIN locations l ON l.vendor_id = p.vendor_id AND l.id = p.location_id
    WHERE p_vendor_id IS NULL OR p.vendor_id = p_vendor_id
    UNION ALL
    SELECT named.vendor_id, named.kind, named.id, CASE WHEN v.id IS NULL THEN ARRAY['vendor'] END, NULL
    FROM (
        SELECT l.vendor_id, 'location' AS kind, l.id FROM locations l
        UNION ALL SELECT se.vendor_id, 'service', se.id FROM services se
        UNION ALL SELECT cu.vendor_id, 'customer', cu.id FROM customers cu
        UNION ALL SELECT a.vendor_id, 'api_key', a.id FROM api_keys a
    ) AS named LEFT JOIN vendors v ON v.id = named.vendor_id
    WHERE p_vendor_id IS NULL OR named.vendor_id = p_vendor_id
    UNION ALL
    SELECT n.vendor_id, 'service_need', n.service_id, CASE WHEN se.id IS NULL THEN ARRAY['service'] END,
           jsonb_build_object('need', n.need)
    FROM service_needs n LEFT JOIN services se ON se.vendor_id = n.vendor_id AND se.id = n.service_id
    WHERE p_vendor_id IS NULL OR n.vendor_id = p_vendor_id
    UNION ALL
    SELECT sp.vendor_id, 'service_provider', sp.service_id, array_remove(ARRAY[
        CASE WHEN n.need IS NULL THEN 'service_need' END, CASE WHEN p.id IS NULL THEN 'provider' END], NULL),
        jsonb_build_object('need', sp.need, 'provider_id', sp.provider_id)
    FROM service_providers sp
    LEFT JOIN service_needs n ON n.vendor_id = sp.vendor_id AND n.service_id = sp.service_id AND n.need = sp.need
    LEFT JOIN providers p ON p.vendor_id = sp.vendor_id AND p.id = sp.provider_id
    WHERE p_vendor_id IS NULL OR sp.vendor_id = p_vendor_id
    UNION ALL
    -- Of a provider: their weeks, the days on which those do not hold, what was published last, their busy times.
    SELECT o.vendor_id, o.kind, o.id, array_remove(ARRAY[
        CASE WHEN p.id IS NULL THEN 'provider' END,
        CASE WHEN o.location_id IS NOT NULL AND l.id IS NULL THEN 'location' END,
        CASE WHEN o.schedule_id IS NOT NULL AND sc.id IS NULL THEN 'schedule' END], NULL), NULL
    FROM (
        SELECT s.vendor_id, 'schedule' AS kind, s.id, s.provider_id, s.location_id, NULL::uuid AS schedule_id FROM schedules s
        UNION ALL SELECT e.vendor_id, 'schedule_exception', e.id, e.provider_id, NULL, e.schedule_id FROM schedule_exceptions e
        UNION ALL SELECT u.vendor_id, 'schedule_publishing', u.provider_id, u.provider_id, NULL, NULL FROM schedule_publishings u
        UNION ALL SELECT t.vendor_id, 'busy_time', t.id, t.provider_id, NULL, NULL FROM busy_times t
    ) AS o
    LEFT JOIN providers p ON p.vendor_id = o.vendor_id AND p.id = o.provider_id
    LEFT JOIN locations l ON l.vendor_id = o.vendor_id AND l.id = o.location_id
    LEFT JOIN schedules sc ON sc.vendor_id = o.vendor_id AND sc.id = o.schedule_id
    WHERE p_vendor_id IS NULL OR o.vendor_id = p_vendor_id
$$;
