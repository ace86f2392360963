-- Half-hour slots of one place, number %(first)s and so on, dealt out to the providers in turn. Their ids
-- are made of their numbers, so that each client of a load can name slots of its own.
INSERT INTO slots (vendor_id, id, provider_id, location_id, during, capacity)
SELECT %(vendor_id)s, ('01f00000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       (%(provider_ids)s::uuid[])[1 + n %% %(providers)s], %(location_id)s,
       tstzrange(start, start + interval '30 minutes'), 1
FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS n,
     LATERAL (SELECT timestamptz '2040-01-01 00:00Z' + n / %(providers)s * interval '30 minutes' AS start) AS begins
