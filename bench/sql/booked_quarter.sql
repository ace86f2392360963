-- Every fourth slot of each provider booked, with claim and event, as the claim function would have written it.
WITH wanted AS (
    SELECT uuidv7() AS booking_id, s.*
    FROM (SELECT s.*, row_number() OVER (PARTITION BY s.provider_id ORDER BY s.during) AS n FROM slots s WHERE s.vendor_id = %(vendor_id)s) AS s
    WHERE s.n %% 4 = 0
), booked AS (
    INSERT INTO bookings (vendor_id, id, status, quantity, claim_count, provider_id, location_id, customer_id, slot_ids, during)
    SELECT vendor_id, booking_id, 'confirmed', 1, 1, provider_id, location_id,
           (SELECT id FROM customers WHERE vendor_id = %(vendor_id)s ORDER BY id LIMIT 1), ARRAY[id], during
    FROM wanted
), claimed AS (
    INSERT INTO claims (vendor_id, booking_id, ordinal, claim_count, quantity, slot_id, provider_id, slot_during, slot_capacity, during, units)
    SELECT vendor_id, booking_id, 1, 1, 1, id, provider_id, during, 1, during, '{[1,2)}' FROM wanted
)
INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
SELECT vendor_id, booking_id, 1, 'confirmed', '{"type": "customer", "id": null}', '0123456789abcdef0123456789abcdef', '{}' FROM wanted
