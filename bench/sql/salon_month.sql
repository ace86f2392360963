-- January 2040 of a salon: each provider from nine to five (UTC) at capacity one, and an hour's service that all of them
-- do. Of each day's eight hours six in ten are booked, spread evenly and the same each time.
WITH service AS (
    INSERT INTO services (vendor_id, name, duration_minutes, start_step_minutes, price_amount, price_currency)
    VALUES (%(vendor_id)s, 'An hour', 60, 15, 4500, 'EUR') RETURNING id
), published AS (
    INSERT INTO slots (vendor_id, provider_id, location_id, during, capacity)
    SELECT %(vendor_id)s, provider_id, %(location_id)s, tstzrange(day + interval '9 hours', day + interval '17 hours'), 1
    FROM unnest(%(provider_ids)s::uuid[]) AS provider_id,
         -- A day after the history's last slot.
         generate_series(timestamptz '2040-01-02 00:00Z', timestamptz '2040-02-01 00:00Z', interval '24 hours') AS day
    RETURNING id, provider_id, location_id, during
), wanted AS (
    SELECT uuidv7() AS booking_id, p.*, tstzrange(lower(p.during) + h * interval '1 hour', lower(p.during) + (h + 1) * interval '1 hour') AS hour
    FROM (SELECT p.*, row_number() OVER (ORDER BY provider_id, during) AS n FROM published p) AS p, generate_series(0, 7) AS h
    WHERE (p.n * 7 + h * 3) %% 10 < 6
), booked AS (
    INSERT INTO bookings (vendor_id, id, status, quantity, claim_count, provider_id, location_id, customer_id, slot_ids, during)
    SELECT %(vendor_id)s, booking_id, 'confirmed', 1, 1, provider_id, location_id,
           (SELECT id FROM customers WHERE vendor_id = %(vendor_id)s ORDER BY id LIMIT 1), ARRAY[id], hour
    FROM wanted
), claimed AS (
    INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during, slot_capacity, during, units)
    SELECT %(vendor_id)s, booking_id, 1, 1, 1, id, provider_id, during, 1, hour, '{[1,2)}' FROM wanted
)
INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
SELECT %(vendor_id)s, booking_id, 1, 'confirmed', '{"type": "customer", "id": null}', '0123456789abcdef0123456789abcdef', '{}'
FROM wanted
RETURNING (SELECT id FROM service)
