-- Promise: NULL when all parts are at locations where the booking's channel leads, otherwise the refusal.
-- Locks: none. Raises: nothing.
-- Its body is text: parsed when it is made, it would keep the columns that a part had then.
CREATE OR REPLACE FUNCTION check_places(p_parts slot_part[], p_places uuid[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT invalid('channel', 'channel_elsewhere', jsonb_build_object('location_id', part.location_id))
    FROM unnest(p_parts) AS part WHERE part.location_id <> ALL (p_places) LIMIT 1
$$;
