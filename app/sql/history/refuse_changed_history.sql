-- Promise (law 6): no event is ever changed, deleted or truncated, by anybody.
-- Locks: none. Raises: SK006, always.
CREATE OR REPLACE FUNCTION refuse_changed_history() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'SK006',
        MESSAGE = format('%s on %s: events are append-only', TG_OP, TG_TABLE_NAME),
        HINT = 'To correct a booking, change the booking: that writes a further event.';
END
$$;
