-- Promise: keys older than p_older_than (never less than 24 hours) are forgotten; how many.
-- Locks: the keys. Raises: 57014.
CREATE OR REPLACE FUNCTION forget_old_idempotency_keys(
    p_vendor_id uuid, p_older_than interval DEFAULT '24 hours'
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_forgotten integer;
BEGIN
    DELETE FROM idempotency_keys k
    WHERE k.vendor_id = p_vendor_id AND k.created_at < now() - GREATEST(p_older_than, interval '24 hours');
    GET DIAGNOSTICS v_forgotten = ROW_COUNT;
    RETURN v_forgotten;
END
$$;
