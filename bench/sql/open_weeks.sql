-- Providers who are there day and night for %(days)s days, a slot a day, and an hour's service that any of them does.
WITH service AS (
    INSERT INTO services (vendor_id, name, duration_minutes, start_step_minutes)
    VALUES (%(vendor_id)s, 'An hour', 60, 60) RETURNING id
), published AS (
    INSERT INTO slots (vendor_id, provider_id, location_id, during, capacity)
    SELECT %(vendor_id)s, provider_id, %(location_id)s, tstzrange(day, day + interval '24 hours'), 1
    FROM unnest(%(provider_ids)s::uuid[]) AS provider_id,
         generate_series(timestamptz '2040-01-02 00:00Z',
                         timestamptz '2040-01-02 00:00Z' + %(days)s * interval '24 hours', interval '24 hours') AS day
)
SELECT id FROM service
