-- Promise: those of the openings that can be booked for the service as they are, with the time shown instead of
-- the time occupied: as long as the service takes, by a provider who does it alone, and for the public within
-- notice and window and on the start step.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION openings_of_service(
    p_vendor_id uuid, p_service services, p_openings opening[], p_public boolean
) RETURNS opening[]
LANGUAGE sql STABLE
AS $$
    SELECT COALESCE(array_agg(ROW(o.slot_ids, o.provider_id, o.location_id, shown.during, o.available)::opening), '{}')
    FROM unnest(p_openings) AS o
    CROSS JOIN LATERAL (
        SELECT tstzrange(lower(o.during) + make_interval(mins => p_service.buffer_before_minutes),
                         upper(o.during) - make_interval(mins => p_service.buffer_after_minutes)) AS during
        WHERE upper(o.during) - lower(o.during) > make_interval(mins => p_service.buffer_before_minutes + p_service.buffer_after_minutes)
    ) AS shown
    WHERE (p_service.duration_minutes IS NULL
           OR upper(shown.during) - lower(shown.during) = make_interval(mins => p_service.duration_minutes))
      AND (SELECT CASE count(*) WHEN 0 THEN true WHEN 1 THEN EXISTS (
                      SELECT FROM service_providers sp
                      WHERE sp.vendor_id = p_vendor_id AND sp.service_id = p_service.id AND sp.provider_id = o.provider_id)
                  ELSE false END
           FROM service_needs n WHERE n.vendor_id = p_vendor_id AND n.service_id = p_service.id)
      AND (NOT p_public OR lower(shown.during) <@ service_starts(p_service, true) AND NOT EXISTS (
              SELECT FROM slots s
              WHERE s.vendor_id = p_vendor_id AND s.id = ANY (o.slot_ids) AND lower(shown.during) <@ s.during
                AND grid_start(lower(shown.during), s.during, p_service.start_step_minutes) <> lower(shown.during)))
$$;
