-- Promise: until the commit no busy time of this provider begins or changes, so that whoever publishes time by hand sees
-- all that closes it. Publishers do not wait for one another. True, always.
-- Locks: the provider's schedules (see lock_schedules), shared. Raises: 55P03.
CREATE OR REPLACE FUNCTION lock_busy_times(p_vendor_id uuid, p_provider_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(p_vendor_id || ' schedules ' || p_provider_id, 0));
    RETURN true;
END
$$;
