-- Promise: the parts in the order of the needs that their providers fill, and within one need in the order
-- given, numbered anew: the provider of need 1 is the booking's, however the slots were named.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION parts_by_need(p_vendor_id uuid, p_service_id uuid, p_parts slot_part[]) RETURNS slot_part[]
LANGUAGE sql STABLE
AS $$
    SELECT array_agg(ROW(ordered.place, ordered.slot_id, ordered.provider_id, ordered.location_id, ordered.slot_during,
                         ordered.slot_capacity, ordered.during, ordered.free, ordered.price_amount,
                         ordered.price_currency, ordered.available, ordered.closed)::slot_part ORDER BY ordered.place)
    FROM (
        SELECT part.*, row_number() OVER (ORDER BY sp.need, part.ordinal) AS place
        FROM unnest(p_parts) AS part
        LEFT JOIN service_providers sp
          ON sp.vendor_id = p_vendor_id AND sp.service_id = p_service_id AND sp.provider_id = part.provider_id
    ) AS ordered
$$;
