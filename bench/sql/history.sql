-- Bookings number %(first)s and so on of %(total)s, up to 2040, each of a slot of its own, with claim and
-- event: what the claim function would have written, in one statement and under the same laws, by which
-- the owner is bound, too.
WITH numbered AS (
    SELECT n, ('01e00000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS slot_id,
           ('01e80000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS booking_id,
           (%(provider_ids)s::uuid[])[1 + n %% %(providers)s] AS provider_id,
           (%(customer_ids)s::uuid[])[1 + n %% 1000] AS customer_id,
           tstzrange(start, start + interval '30 minutes') AS during
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS n,
         LATERAL (SELECT timestamptz '2040-01-01 00:00Z'
              - (%(total)s / %(providers)s - n / %(providers)s) * interval '30 minutes' AS start) AS begins
), published AS (
    INSERT INTO slots (vendor_id, id, provider_id, location_id, during, capacity)
    SELECT %(vendor_id)s, slot_id, provider_id, %(location_id)s, during, 1 FROM numbered
), booked AS (
    INSERT INTO bookings (vendor_id, id, status, quantity, claim_count, provider_id, location_id, customer_id,
                          slot_ids, during)
    SELECT %(vendor_id)s, booking_id, 'confirmed', 1, 1, provider_id, %(location_id)s, customer_id,
           ARRAY[slot_id], during
    FROM numbered
), claimed AS (
    INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during,
                        slot_capacity, during, units)
    SELECT %(vendor_id)s, booking_id, 1, 1, 1, slot_id, provider_id, during, 1, during, '{[1,2)}'
    FROM numbered
)
INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
SELECT %(vendor_id)s, booking_id, 1, 'confirmed', '{"type": "customer", "id": null}',
       '0123456789abcdef0123456789abcdef', jsonb_build_object(
           'status', jsonb_build_object('from', NULL, 'to', 'confirmed'),
           'kind', jsonb_build_object('from', NULL, 'to', 'appointment'),
           'slot_ids', jsonb_build_object('from', NULL, 'to', ARRAY[slot_id]),
           'start', jsonb_build_object('from', NULL, 'to', utc(lower(during))),
           'end', jsonb_build_object('from', NULL, 'to', utc(upper(during))),
           'quantity', jsonb_build_object('from', NULL, 'to', 1))
FROM numbered
