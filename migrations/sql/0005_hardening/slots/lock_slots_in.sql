-- Promise: all slots of this provider that overlap any of p_times are locked, those alone, so that whoever is about to work on many of
-- them, one after another in one transaction, has them in the order of everybody; how many. NULL or empty: none.
-- Locks: those slots by id (NO KEY UPDATE). Raises: 55P03, 57014.
CREATE OR REPLACE FUNCTION lock_slots_in(p_vendor_id uuid, p_provider_id uuid, p_times tstzmultirange) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_locked integer;
BEGIN
    PERFORM FROM slots s
    WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id AND s.during && p_times
    ORDER BY s.id FOR NO KEY UPDATE;
    GET DIAGNOSTICS v_locked = ROW_COUNT;
    RETURN v_locked;
END
$$;
