-- A booking that stands holds `quantity` places of each of its slots, one claim a slot, all of them.
SELECT concat('booking ', b.id, ' (', b.status, ', ', b.quantity, ' of each of ', cardinality(b.slot_ids), ' slots) holds ',
              COALESCE(held.places::text, 'nothing'))
FROM bookings b
LEFT JOIN LATERAL (
    SELECT array_agg(c.slot_id ORDER BY c.ordinal) AS slot_ids,
           array_agg(c.ordinal ORDER BY c.ordinal) AS ordinals,
           array_agg(COALESCE((SELECT sum(upper(unit_range) - lower(unit_range))
                               FROM unnest(c.units) AS unit_range), 0)::integer ORDER BY c.ordinal) AS places
    FROM claims c WHERE c.vendor_id = b.vendor_id AND c.booking_id = b.id
) AS held ON true
WHERE b.vendor_id = %(vendor_id)s
  AND b.status = ANY (ARRAY['requested', 'held', 'confirmed', 'completed', 'no_show'])
  AND (held.slot_ids = b.slot_ids
       AND held.ordinals = ARRAY(SELECT generate_series(1, cardinality(b.slot_ids)))
       AND held.places = array_fill(b.quantity::integer, ARRAY[cardinality(b.slot_ids)])) IS NOT TRUE
ORDER BY 1
