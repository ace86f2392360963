-- Promise: for each slot asked for, in the order asked, the part of it inside [p_start, p_end)
-- (NULL: open) and the units nobody claims at any moment of that part. A slot that is not there, or
-- whose provider is archived, is not returned. Bookings are not touched: a free place is known from claims alone.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION look_at_slots(
    p_vendor_id uuid, p_slot_ids uuid[], p_start timestamptz, p_end timestamptz
) RETURNS SETOF slot_part
LANGUAGE sql STABLE
AS $$
    SELECT wanted.ordinal::integer, s.id, s.provider_id, s.location_id, s.during, s.capacity,
           s.during * tstzrange(p_start, p_end),
           int4multirange(int4range(1, s.capacity + 1)) - COALESCE((
               SELECT range_agg(c.units)
               FROM claims c
               WHERE c.vendor_id = p_vendor_id AND c.slot_id = s.id
                 AND c.during && (s.during * tstzrange(p_start, p_end))), '{}'),
           s.price_amount, s.price_currency
    FROM unnest(p_slot_ids) WITH ORDINALITY AS wanted (slot_id, ordinal)
    JOIN slots s ON s.vendor_id = p_vendor_id AND s.id = wanted.slot_id
    JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
$$;
