-- Only a booking that stands holds places.
SELECT concat('claim ', c.ordinal, ' of booking ', c.booking_id, ', which is ', COALESCE(b.status, 'not there'))
FROM claims c
LEFT JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
WHERE c.vendor_id = %(vendor_id)s
  AND (b.status = ANY (ARRAY['requested', 'held', 'confirmed', 'completed', 'no_show'])) IS NOT TRUE
ORDER BY 1
