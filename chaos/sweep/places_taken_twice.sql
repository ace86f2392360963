-- No numbered place of a provider is taken by two claims at one moment.
WITH places AS (
    SELECT c.provider_id, c.booking_id, c.ordinal, lower(c.during) AS starts, upper(c.during) AS ends, place
    FROM claims c
    CROSS JOIN LATERAL unnest(c.units) AS unit_range
    CROSS JOIN LATERAL generate_series(lower(unit_range), upper(unit_range) - 1) AS place
    WHERE c.vendor_id = %(vendor_id)s
)
SELECT concat('place ', one.place, ' of provider ', one.provider_id, ' from ', greatest(one.starts, other.starts),
              ': bookings ', one.booking_id, ' and ', other.booking_id)
FROM places one
JOIN places other ON other.provider_id = one.provider_id AND other.place = one.place
                 AND other.starts < one.ends AND one.starts < other.ends
                 AND (one.booking_id, one.ordinal) < (other.booking_id, other.ordinal)
ORDER BY 1
