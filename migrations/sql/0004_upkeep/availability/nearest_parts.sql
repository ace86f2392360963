-- Promise: parts, as long as the one wanted, of the same provider's slots, with p_quantity places,
-- nearest in time to it, within a week either way. A part can only begin where a slot begins or a
-- claim ends, or end where a slot ends or a claim begins: the nearest free stretch touches one.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION nearest_parts(
    p_vendor_id uuid, p_wanted slot_part, p_quantity integer, p_limit integer
) RETURNS SETOF opening
LANGUAGE sql STABLE
AS $$
    WITH wanted AS (
        SELECT lower(p_wanted.during) AS start, upper(p_wanted.during) - lower(p_wanted.during) AS length
    ), near AS (
        SELECT s.id, s.provider_id, s.location_id, s.during, s.capacity, s.closed
        FROM slots s, wanted w
        WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_wanted.provider_id
          AND s.during && tstzrange(w.start - interval '7 days', w.start + interval '7 days')
          AND s.capacity >= p_quantity AND NOT s.during <@ s.closed
        ORDER BY abs(extract(epoch FROM lower(s.during) - w.start)) LIMIT 20
    ), edges AS (
        SELECT n.id, lower(n.during) AS start FROM near n
        UNION SELECT n.id, upper(n.during) - w.length FROM near n, wanted w
        UNION SELECT n.id, upper(c.during) FROM near n JOIN claims c ON c.vendor_id = p_vendor_id AND c.slot_id = n.id
        UNION SELECT n.id, lower(c.during) - w.length
              FROM near n JOIN claims c ON c.vendor_id = p_vendor_id AND c.slot_id = n.id, wanted w
        UNION SELECT n.id, edge.at FROM near n CROSS JOIN LATERAL unnest(n.closed) AS c, wanted w,
              LATERAL (VALUES (upper(c)), (lower(c) - w.length)) AS edge (at)
    ), openings AS (
        SELECT n.*, tstzrange(e.start, e.start + w.length) AS part
        FROM edges e JOIN near n ON n.id = e.id, wanted w
        WHERE e.start > now() AND e.start >= lower(n.during) AND e.start + w.length <= upper(n.during)
          AND NOT n.closed && tstzrange(e.start, e.start + w.length)
        ORDER BY abs(extract(epoch FROM e.start - w.start)), e.start LIMIT 500
    )
    SELECT ARRAY[o.id], o.provider_id, o.location_id, o.part, free.available
    FROM openings o
    -- Most openings of a busy day have no place even at their first moment, which is soon seen.
    CROSS JOIN LATERAL (
        SELECT o.capacity - COALESCE(sum(c.quantity), 0) FROM claims c
        WHERE c.vendor_id = p_vendor_id AND c.provider_id = o.provider_id
          AND c.during && tstzrange(lower(o.part), lower(o.part), '[]')) AS first (available)
    CROSS JOIN LATERAL free_places_of_provider(p_vendor_id, o.provider_id, o.capacity, o.part) AS free (available)
    WHERE first.available >= p_quantity AND free.available >= p_quantity
    LIMIT p_limit
$$;
