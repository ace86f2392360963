-- Promise: the slots a publisher asks for, typed, each with the id it will have, in the order of the
-- request. What cannot be read comes back as NULL and is refused by check_slots_wanted.
-- Locks: none. Raises: 22007, 22008, 22P02, 22003 on values that are no times, numbers or ids.
CREATE OR REPLACE FUNCTION slots_wanted(p_slots jsonb, p_location_id uuid) RETURNS slot_wanted[]
LANGUAGE sql VOLATILE
RETURN ARRAY(
    SELECT ROW(
        wanted.ordinal::integer, uuidv7(), COALESCE((wanted.slot ->> 'location_id')::uuid, p_location_id),
        (wanted.slot ->> 'start')::timestamptz, (wanted.slot ->> 'end')::timestamptz,
        COALESCE((wanted.slot ->> 'capacity')::integer, 1),
        (wanted.slot -> 'price' ->> 'amount')::bigint, wanted.slot -> 'price' ->> 'currency')::slot_wanted
    FROM jsonb_array_elements(p_slots) WITH ORDINALITY AS wanted (slot, ordinal)
    ORDER BY wanted.ordinal
);
