-- Promise: the slots a publisher asks for, typed, each with the id it will have, in the order of the
-- request. What cannot be read comes back as something that check_slots_wanted refuses by its name.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION slots_wanted(p_slots jsonb, p_location_id uuid) RETURNS slot_wanted[]
LANGUAGE sql VOLATILE
AS $$
    SELECT ARRAY(
        SELECT ROW(
            wanted.ordinal::integer, uuidv7(),
            CASE WHEN slot ->> 'location_id' IS NULL THEN p_location_id
                 WHEN pg_input_is_valid(slot ->> 'location_id', 'uuid') THEN (slot ->> 'location_id')::uuid END,
            CASE WHEN pg_input_is_valid(slot ->> 'start', 'timestamptz') THEN (slot ->> 'start')::timestamptz END,
            CASE WHEN pg_input_is_valid(slot ->> 'end', 'timestamptz') THEN (slot ->> 'end')::timestamptz END,
            CASE WHEN slot ->> 'capacity' IS NULL THEN 1
                 WHEN pg_input_is_valid(slot ->> 'capacity', 'integer') THEN (slot ->> 'capacity')::integer
                 ELSE 0 END,
            price_amount_of(slot -> 'price'), price_currency_of(slot -> 'price'),
            CASE WHEN pg_input_is_valid(slot ->> 'schedule_id', 'uuid') THEN (slot ->> 'schedule_id')::uuid END)::slot_wanted
        FROM jsonb_array_elements(p_slots) WITH ORDINALITY AS wanted (slot, ordinal)
        ORDER BY wanted.ordinal)
$$;
