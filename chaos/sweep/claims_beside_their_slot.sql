-- A claim lies in a slot of its provider, within the slot's time and among its places.
SELECT concat('claim ', c.ordinal, ' of booking ', c.booking_id, ' on slot ', c.slot_id, ': ', c.during, ' ', c.units)
FROM claims c
LEFT JOIN slots s ON s.vendor_id = c.vendor_id AND s.id = c.slot_id
WHERE c.vendor_id = %(vendor_id)s
  AND (s.provider_id = c.provider_id
       AND lower(s.during) <= lower(c.during) AND lower(c.during) < upper(c.during) AND upper(c.during) <= upper(s.during)
       AND (SELECT bool_and(lower(unit_range) >= 1 AND upper(unit_range) <= s.capacity + 1)
            FROM unnest(c.units) AS unit_range)) IS NOT TRUE
ORDER BY 1
