-- Bookings number %(first)s and so on of %(total)s, up to 2040, five to a slot of 12 seats and of 1, 2, 3, 2 and 1 seats, each
-- made under a key, held, confirmed and completed: what the functions would have written, under the same laws.
WITH numbered AS (
    SELECT n, ('01e00000-0000-7000-8000-' || lpad(to_hex(n / 5), 12, '0'))::uuid AS slot_id,
           ('01e80000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS booking_id,
           (%(provider_ids)s::uuid[])[1 + n / 5 %% %(providers)s] AS provider_id,
           (%(customer_ids)s::uuid[])[1 + n %% 1000] AS customer_id,
           ('{1,2,3,2,1}'::integer[])[1 + n %% 5] AS quantity,
           ('{1,2,4,7,9}'::integer[])[1 + n %% 5] AS first_unit,
           tstzrange(start, start + interval '30 minutes') AS during
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS n,
         LATERAL (SELECT timestamptz '2040-01-01 00:00Z'
              - (%(total)s / 5 / %(providers)s - n / 5 / %(providers)s) * interval '30 minutes' AS start) AS begins
), published AS (
    INSERT INTO slots (vendor_id, id, provider_id, location_id, during, capacity)
    SELECT %(vendor_id)s, slot_id, provider_id, %(location_id)s, during, 12 FROM numbered WHERE n %% 5 = 0
), booked AS (
    INSERT INTO bookings (vendor_id, id, status, version, quantity, claim_count, provider_id, location_id, customer_id,
                          slot_ids, during)
    SELECT %(vendor_id)s, booking_id, 'completed', 3, quantity, 1, provider_id, %(location_id)s, customer_id,
           ARRAY[slot_id], during
    FROM numbered
), claimed AS (
    INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during,
                        slot_capacity, during, units)
    SELECT %(vendor_id)s, booking_id, 1, 1, quantity, slot_id, provider_id, during, 12, during,
           int4multirange(int4range(first_unit, first_unit + quantity))
    FROM numbered
), remembered AS (
    INSERT INTO idempotency_keys (vendor_id, key, fingerprint, booking_id)
    SELECT %(vendor_id)s, 'key of booking ' || booking_id, sha256(uuid_send(booking_id)), booking_id FROM numbered
)
INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
SELECT %(vendor_id)s, booking_id, told.sequence, told.kind, '{"type": "customer", "id": null}',
       '0123456789abcdef0123456789abcdef',
       jsonb_build_object('status', jsonb_build_object('from', told.before, 'to', told.kind))
       || CASE WHEN told.sequence > 1 THEN '{}' ELSE jsonb_build_object(
           'kind', jsonb_build_object('from', NULL, 'to', 'appointment'),
           'slot_ids', jsonb_build_object('from', NULL, 'to', ARRAY[slot_id]),
           'start', jsonb_build_object('from', NULL, 'to', utc(lower(during))),
           'end', jsonb_build_object('from', NULL, 'to', utc(upper(during))),
           'quantity', jsonb_build_object('from', NULL, 'to', quantity)) END
FROM numbered
CROSS JOIN (VALUES (1, 'held', NULL), (2, 'confirmed', 'held'), (3, 'completed', 'confirmed')) AS told (sequence, kind, before)
