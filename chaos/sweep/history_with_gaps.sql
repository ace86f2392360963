-- A booking's history has its lines 1, 2, 3 … to the booking's version, and tells its status last.
SELECT concat('booking ', b.id, ' (', b.status, ', version ', b.version, '): lines ', history.lines,
              ', last told ', history.told)
FROM bookings b
LEFT JOIN LATERAL (
    SELECT array_agg(e.sequence ORDER BY e.sequence) AS lines,
           (array_agg(e.kind ORDER BY e.sequence DESC) FILTER (WHERE e.kind <> 'changed'))[1] AS told
    FROM events e WHERE e.vendor_id = b.vendor_id AND e.booking_id = b.id
) AS history ON true
WHERE b.vendor_id = %(vendor_id)s AND b.id <> ALL (%(raw)s)
  AND (history.lines = ARRAY(SELECT generate_series(1, b.version)) AND history.told = b.status) IS NOT TRUE
ORDER BY 1
