-- Promise: a moment before which no change of a booking can come to light any more: whoever has read what was
-- changed before it, in a later statement, has read all of it.
-- updated_at is the clock's time after the transaction has begun to write, and a change is seen only when that
-- commits. So this is now, or when the oldest transaction began that is writing; whoever only
-- reads, a backup for instance, holds nothing back. Transactions of a superuser cannot be seen into: they are
-- taken to have begun a minute ago.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION settled_until(p_vendor_id uuid) RETURNS timestamptz
LANGUAGE sql VOLATILE
AS $$
    -- now() and not the clock: it was read before the transactions are looked at.
    SELECT LEAST(now(), min(COALESCE(a.xact_start, o.since, now() - interval '1 minute')))
    FROM pg_stat_activity a
    LEFT JOIN owners_writing(p_vendor_id) o ON o.pid = a.pid
    WHERE a.datname = current_database() AND a.usesysid IS NOT NULL AND a.backend_xid IS NOT NULL
$$;
