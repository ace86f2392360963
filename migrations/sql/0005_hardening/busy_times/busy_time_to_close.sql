-- Promise: the slots in which busy time is free, or is blocked that is busy no more (unless p_lift is false; those after p_after, where given): what
-- close_busy_time works on.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION busy_time_to_close(p_vendor_id uuid, p_provider_id uuid, p_after uuid DEFAULT NULL, p_lift boolean DEFAULT true) RETURNS TABLE (slot_id uuid)
LANGUAGE sql STABLE
AS $$
    SELECT s.slot_id FROM stale_busy_blocks(p_vendor_id, p_provider_id) AS s WHERE p_lift AND (s.slot_id > p_after) IS NOT FALSE
    UNION
    SELECT o.slot_id FROM find_open_busy_time(p_vendor_id, p_provider_id, NULL, p_after) AS o
$$;
