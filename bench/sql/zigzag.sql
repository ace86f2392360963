-- Slots of two places, number %(first)s and so on, each of %(claims)s times ten minutes, in each of which one of the two places is booked.
-- Scattered: by turns the one and the other, so that whoever wants all of a slot finds a place free at every moment and no unit
-- free throughout; otherwise always the same.
WITH published AS (
    INSERT INTO slots (vendor_id, id, provider_id, location_id, during, capacity)
    SELECT %(vendor_id)s, ('01f00000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           (%(provider_ids)s::uuid[])[1 + n %% %(providers)s], %(location_id)s,
           tstzrange(start, start + %(claims)s * interval '10 minutes'), 2
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS n,
         LATERAL (SELECT timestamptz '2040-01-01 00:00Z' + n / %(providers)s * %(claims)s * interval '10 minutes' AS start) AS begins
    RETURNING id, provider_id, location_id, during
), wanted AS (
    SELECT uuidv7() AS booking_id, p.*, k,
           tstzrange(lower(p.during) + k * interval '10 minutes', lower(p.during) + (k + 1) * interval '10 minutes') AS part
    FROM published p, generate_series(0, %(claims)s - 1) AS k
), booked AS (
    INSERT INTO bookings (vendor_id, id, status, quantity, claim_count, provider_id, location_id, customer_id, slot_ids, during)
    SELECT %(vendor_id)s, booking_id, 'confirmed', 1, 1, provider_id, location_id,
           (SELECT id FROM customers WHERE vendor_id = %(vendor_id)s ORDER BY id LIMIT 1), ARRAY[id], part
    FROM wanted
), claimed AS (
    INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during, slot_capacity, during, units)
    SELECT %(vendor_id)s, booking_id, 1, 1, 1, id, provider_id, during, 2, part,
           CASE WHEN %(scattered)s AND k %% 2 = 1 THEN '{[1,2)}'::int4multirange ELSE '{[2,3)}' END
    FROM wanted
)
INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
SELECT %(vendor_id)s, booking_id, 1, 'confirmed', '{"type": "customer", "id": null}', '0123456789abcdef0123456789abcdef', '{}'
FROM wanted
