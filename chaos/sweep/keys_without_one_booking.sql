-- An idempotency key of a booking names one that is there, and no two keys name the same.
SELECT concat('key ', k.key, ' names booking ', k.booking_id, ', which is ',
              CASE WHEN b.id IS NULL THEN 'not there' ELSE 'named by another key too' END)
FROM idempotency_keys k
LEFT JOIN bookings b ON b.vendor_id = k.vendor_id AND b.id = k.booking_id
WHERE k.vendor_id = %(vendor_id)s AND k.booking_id IS NOT NULL
  AND (b.id IS NULL OR EXISTS (
      SELECT FROM idempotency_keys twin
      WHERE twin.vendor_id = k.vendor_id AND twin.booking_id = k.booking_id AND twin.key <> k.key))
ORDER BY 1
