-- Promise: the ids of those slots that found their time free, in the order of the request.
-- Locks: new slots in order of time. Raises: nothing of its own.
CREATE OR REPLACE FUNCTION insert_slots(p_vendor_id uuid, p_provider_id uuid, p_wanted slot_wanted[]) RETURNS uuid[]
LANGUAGE sql VOLATILE
AS $$
    WITH inserted AS (
        INSERT INTO slots (vendor_id, id, provider_id, location_id, during, capacity, price_amount, price_currency, schedule_id)
        SELECT p_vendor_id, w.id, p_provider_id, w.location_id, tstzrange(w.starts, w.ends), w.capacity,
               w.price_amount, w.price_currency, w.schedule_id
        FROM unnest(p_wanted) AS w
        ORDER BY w.starts, w.ordinal
        ON CONFLICT ON CONSTRAINT slots_no_overlap DO NOTHING
        RETURNING id
    )
    SELECT COALESCE(array_agg(w.id ORDER BY w.ordinal), '{}')
    FROM inserted JOIN unnest(p_wanted) AS w USING (id)
$$;
