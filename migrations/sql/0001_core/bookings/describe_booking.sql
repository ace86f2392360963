-- Promise: the booking as every answer shows it, or NULL. A door must leave out token_version
-- always, and internal_notes from whoever has no key.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION describe_booking(p_vendor_id uuid, p_booking_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT d.description FROM booking_descriptions d WHERE d.vendor_id = p_vendor_id AND d.id = p_booking_id
$$;
