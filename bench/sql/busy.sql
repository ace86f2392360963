-- For each of these providers a day off in which customers have booked them, and a calendar with events in slots that nobody has booked,
-- every two hours from 2041 on. Nothing is closed yet.
WITH planned AS (
    SELECT provider_id, n, tstzrange(start, start + interval '1 hour') AS during
    FROM unnest(%(provider_ids)s::uuid[]) AS provider_id, generate_series(1, %(events)s) AS n,
         LATERAL (SELECT timestamptz '2041-01-01 00:00Z' + n * interval '2 hours' AS start) AS begins
), published AS (
    INSERT INTO slots (vendor_id, provider_id, location_id, during, capacity)
    SELECT %(vendor_id)s, provider_id, %(location_id)s, during, 1 FROM planned
), imported AS (
    INSERT INTO busy_times (vendor_id, provider_id, during, source, calendar, event)
    SELECT %(vendor_id)s, provider_id, during, 'calendar', 'work', sha256(uuid_send(provider_id) || int4send(n)) FROM planned
)
INSERT INTO busy_times (vendor_id, provider_id, during, source)
SELECT %(vendor_id)s, provider_id, '[2039-12-31 00:00Z,2040-01-01 00:00Z)', 'time_off'
FROM unnest(%(provider_ids)s::uuid[]) AS provider_id
