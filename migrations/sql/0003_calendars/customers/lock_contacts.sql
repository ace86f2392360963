-- Promise: until the commit nobody else has these locks: one for the customer's mail address, one for the number,
-- so that bookings by the same person are counted one after another. True, always.
-- Locks, in order: advisory locks by number (two addresses may share one, and then wait for each other in vain).
-- They stand between the idempotency key and the slots; only vendors that set a maximum need them.
-- Raises: 55P03.
CREATE OR REPLACE FUNCTION lock_contacts(p_vendor_id uuid, p_customer jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_lock bigint;
BEGIN
    FOR v_lock IN
        SELECT DISTINCT hashtextextended(p_vendor_id || contact, 0) AS number
        FROM unnest(ARRAY['mail ' || folded(p_customer ->> 'email'), 'phone ' || phone_digits(p_customer ->> 'phone')]) AS contact
        WHERE contact IS NOT NULL ORDER BY number
    LOOP
        PERFORM pg_advisory_xact_lock(v_lock);
    END LOOP;
    RETURN true;
END
$$;
