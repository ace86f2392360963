-- Promise: all slots of these providers that overlap [p_from, p_to) are locked, so that whoever is about to work on many
-- of them, one after another in one transaction, has them in the order of everybody; how many.
-- Locks: those slots by id (NO KEY UPDATE). Raises: 55P03, 57014.
CREATE OR REPLACE FUNCTION lock_slots_between(
    p_vendor_id uuid, p_provider_ids uuid[], p_from timestamptz, p_to timestamptz
) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_locked integer;
BEGIN
    PERFORM FROM slots s
    WHERE s.vendor_id = p_vendor_id AND s.provider_id = ANY (p_provider_ids) AND s.during && tstzrange(p_from, p_to)
    ORDER BY s.id FOR NO KEY UPDATE;
    GET DIAGNOSTICS v_locked = ROW_COUNT;
    RETURN v_locked;
END
$$;
