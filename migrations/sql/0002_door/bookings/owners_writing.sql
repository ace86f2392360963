-- Promise: since when each of the owner's transactions runs that is writing at this moment, by process. Other
-- roles' starts are hidden from the application's role.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION owners_writing(p_vendor_id uuid) RETURNS TABLE (pid integer, since timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT a.pid, a.xact_start FROM pg_stat_activity a
    WHERE p_vendor_id IS NOT NULL AND a.datname = current_database()
      AND a.backend_xid IS NOT NULL AND a.xact_start IS NOT NULL
$$;
