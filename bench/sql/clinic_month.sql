-- January 2040 of a clinic: each provider from nine to five (UTC) at capacity one, the first %(rooms)s of them rooms, the others therapists. Every
-- therapist is booked from nine to ten; of every room the first half of each hour until two, so that an hour with a room begins at two at the earliest.
-- The id of a service of an hour with a therapist and a room, and of one with a therapist alone.
WITH people AS (
    SELECT id AS provider_id, n <= %(rooms)s AS room FROM unnest(%(provider_ids)s::uuid[]) WITH ORDINALITY AS named (id, n)
), together AS (
    INSERT INTO services (vendor_id, name, duration_minutes, start_step_minutes) VALUES (%(vendor_id)s, 'With a room', 60, 15) RETURNING id
), alone AS (
    INSERT INTO services (vendor_id, name, duration_minutes, start_step_minutes) VALUES (%(vendor_id)s, 'Without', 60, 15) RETURNING id
), needs AS (
    INSERT INTO service_needs (vendor_id, service_id, need, role)
    SELECT %(vendor_id)s, id, 1, 'therapist' FROM together UNION ALL SELECT %(vendor_id)s, id, 2, 'room' FROM together
    UNION ALL SELECT %(vendor_id)s, id, 1, 'therapist' FROM alone
), filled AS (
    INSERT INTO service_providers (vendor_id, service_id, provider_id, need, preference)
    SELECT %(vendor_id)s, id, provider_id, CASE WHEN room THEN 2 ELSE 1 END, 1 FROM together, people
    UNION ALL SELECT %(vendor_id)s, id, provider_id, 1, 1 FROM alone, people WHERE NOT room
), published AS (
    INSERT INTO slots (vendor_id, provider_id, location_id, during, capacity)
    SELECT %(vendor_id)s, provider_id, %(location_id)s, tstzrange(day + interval '9 hours', day + interval '17 hours'), 1
    FROM people, generate_series(timestamptz '2040-01-02 00:00Z', timestamptz '2040-02-01 00:00Z', interval '24 hours') AS day
    RETURNING id, provider_id, location_id, during
), wanted AS (
    SELECT uuidv7() AS booking_id, p.*, tstzrange(taken.start, taken.start + interval '30 minutes') AS part
    FROM published p JOIN people USING (provider_id)
    CROSS JOIN LATERAL (
        SELECT lower(p.during) + h * CASE WHEN room THEN interval '1 hour' ELSE interval '30 minutes' END AS start
        FROM generate_series(0, CASE WHEN room THEN 4 ELSE 1 END) AS h) AS taken
), booked AS (
    INSERT INTO bookings (vendor_id, id, status, quantity, claim_count, provider_id, location_id, customer_id, slot_ids, during)
    SELECT %(vendor_id)s, booking_id, 'confirmed', 1, 1, provider_id, location_id,
           (SELECT id FROM customers WHERE vendor_id = %(vendor_id)s ORDER BY id LIMIT 1), ARRAY[id], part
    FROM wanted
), claimed AS (
    INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during, slot_capacity, during, units)
    SELECT %(vendor_id)s, booking_id, 1, 1, 1, id, provider_id, during, 1, part, '{[1,2)}' FROM wanted
), told AS (
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
    SELECT %(vendor_id)s, booking_id, 1, 'confirmed', '{"type": "customer", "id": null}', '0123456789abcdef0123456789abcdef', '{}'
    FROM wanted
)
SELECT together.id AS together_id, alone.id AS alone_id FROM together, alone
