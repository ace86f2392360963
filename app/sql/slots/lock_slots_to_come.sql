-- Promise: nobody can book any slot of this provider, or at this location, that is not over, until the caller has
-- committed: claims in flight finish first, later ones look again afterwards. True, always.
-- Locks: those slots by id (NO KEY UPDATE). Raises: 55P03.
CREATE OR REPLACE FUNCTION lock_slots_to_come(
    p_vendor_id uuid, p_provider_id uuid DEFAULT NULL, p_location_id uuid DEFAULT NULL
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM slots s
    WHERE s.vendor_id = p_vendor_id AND upper(s.during) > now()
      AND (s.provider_id = p_provider_id OR s.location_id = p_location_id)
    ORDER BY s.id FOR NO KEY UPDATE;
    RETURN true;
END
$$;
