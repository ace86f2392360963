-- Promise: p_limit rows of list_availability as one text, JSON objects with commas between them, just as the door
-- answers them; and where the next page begins, NULL when there is none. Written here, they need not be taken apart
-- and put together again on the way: most of what a page used to cost the door.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION availability_page(
    p_vendor_id uuid, p_from timestamptz, p_to timestamptz,
    p_provider_id uuid DEFAULT NULL, p_location_id uuid DEFAULT NULL, p_quantity integer DEFAULT 1,
    p_after_start timestamptz DEFAULT NULL, p_after_id uuid DEFAULT NULL, p_limit integer DEFAULT 100, p_public boolean DEFAULT false,
    p_channel text DEFAULT NULL
) RETURNS TABLE (items text, next_start timestamptz, next_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
    SELECT COALESCE(string_agg(
               '{"slot_id":"' || a.slot_id || '","provider_id":"' || a.provider_id || '","location_id":"' || a.location_id
               || '","start":"' || utc(a.slot_start) || '","end":"' || utc(a.slot_end) || '","time_zone":' || to_json(a.time_zone)
               || ',"capacity":' || a.capacity || ',"available":' || a.available || ',"status":"' || a.status
               || '","free":' || a.free || ',"price":' || COALESCE(price_json(a.price_amount, a.price_currency)::text, 'null') || '}',
               ',' ORDER BY a.place) FILTER (WHERE a.place <= p_limit), ''),
           -- The last one shown, if there is one more.
           CASE WHEN max(a.place) > p_limit THEN max(a.slot_start) FILTER (WHERE a.place = p_limit) END,
           CASE WHEN max(a.place) > p_limit THEN (array_agg(a.slot_id) FILTER (WHERE a.place = p_limit))[1] END
    FROM list_availability(
        p_vendor_id, p_from, p_to, p_provider_id, p_location_id, p_quantity, p_after_start, p_after_id, p_limit + 1, p_public, p_channel)
        WITH ORDINALITY AS a (slot_id, provider_id, location_id, slot_start, slot_end, time_zone, capacity, available, status,
                              free, price_amount, price_currency, place)
$$;
