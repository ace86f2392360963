-- No more places of a slot are taken at any moment than it has. The places in use change only when
-- a claim begins, so it is enough to count then.
SELECT concat('slot ', s.id, ': ', sum(piece.places), ' of ', s.capacity, ' places taken at ', moments.at)
FROM slots s
JOIN LATERAL (
    SELECT DISTINCT lower(c.during) AS at FROM claims c WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id
) AS moments ON true
JOIN claims c ON c.vendor_id = s.vendor_id AND c.slot_id = s.id
             AND lower(c.during) <= moments.at AND upper(c.during) > moments.at
JOIN LATERAL (
    SELECT sum(upper(unit_range) - lower(unit_range)) AS places FROM unnest(c.units) AS unit_range
) AS piece ON true
WHERE s.vendor_id = %(vendor_id)s
GROUP BY s.id, s.capacity, moments.at
HAVING sum(piece.places) > s.capacity
ORDER BY 1
