-- Promise: what an event tells of a change, {} if nothing changed: {"field": {"from", "to"}} for ids and
-- numbers; {"field": {}} for what may be personal, whose values stay out of history.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION booking_changes(
    p_old bookings, p_new bookings, p_old_customer jsonb, p_new_customer jsonb
) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT COALESCE(jsonb_object_agg(change.field, change.told ORDER BY change.field), '{}')
    FROM (
        VALUES ('guests', p_old.guests IS DISTINCT FROM p_new.guests,
                jsonb_build_object('from', p_old.guests, 'to', p_new.guests)),
               ('customer_id', p_old.customer_id IS DISTINCT FROM p_new.customer_id,
                jsonb_build_object('from', p_old.customer_id, 'to', p_new.customer_id)),
               ('customer.name', p_old_customer ->> 'name' IS DISTINCT FROM p_new_customer ->> 'name', '{}'),
               ('customer.email', p_old_customer ->> 'email' IS DISTINCT FROM p_new_customer ->> 'email', '{}'),
               ('customer.phone', p_old_customer ->> 'phone' IS DISTINCT FROM p_new_customer ->> 'phone', '{}'),
               ('notes', p_old.notes IS DISTINCT FROM p_new.notes, '{}'),
               ('internal_notes', p_old.internal_notes IS DISTINCT FROM p_new.internal_notes, '{}'),
               ('channel', p_old.channel IS DISTINCT FROM p_new.channel, '{}'),
               ('metadata', p_old.metadata IS DISTINCT FROM p_new.metadata, '{}')
    ) AS change (field, differs, told)
    WHERE change.differs
$$;
