-- Promise: until the commit nobody else publishes this provider's schedules, so that what was read of them is what is
-- published. True, always.
-- Locks: one advisory lock. It stands between the idempotency key and the slots. Raises: SK001, 55P03.
CREATE OR REPLACE FUNCTION lock_schedules(p_vendor_id uuid, p_provider_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF p_vendor_id IS NULL OR p_provider_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id and p_provider_id are needed';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(p_vendor_id || ' schedules ' || p_provider_id, 0));
    RETURN true;
END
$$;
