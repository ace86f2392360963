-- Promise: the customer, locked together with all its bookings, as it is under the locks; NULL if there is none. Until
-- the commit nobody can make a booking refer to it, and none of its bookings changes.
-- Locks: the customer (FOR UPDATE), then those of its bookings that nobody else has. This goes against the order, and
-- whoever has one of them may be waiting for the customer: who books over a lapsed hold of their own, or confirms
-- again. So no booking is waited for with the customer in hand: we let go of everything, wait for that booking alone,
-- let go of it too, and begin again.
-- Raises: 55P03; SK002 only inside, to let go.
CREATE OR REPLACE FUNCTION lock_customer(p_vendor_id uuid, p_customer_id uuid) RETURNS customers
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_customer customers;
    v_busy     uuid;
BEGIN
    LOOP
        BEGIN
            SELECT c.* INTO v_customer FROM customers c WHERE c.vendor_id = p_vendor_id AND c.id = p_customer_id FOR UPDATE;
            WITH locked AS MATERIALIZED (
                SELECT b.id FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.customer_id = p_customer_id
                ORDER BY b.id FOR NO KEY UPDATE SKIP LOCKED
            )
            SELECT b.id INTO v_busy FROM bookings b
            WHERE b.vendor_id = p_vendor_id AND b.customer_id = p_customer_id
              AND NOT EXISTS (SELECT FROM locked WHERE locked.id = b.id)
            ORDER BY b.id LIMIT 1;
            IF v_busy IS NULL THEN
                RETURN v_customer;
            END IF;
            RAISE SQLSTATE 'SK002';
        EXCEPTION WHEN SQLSTATE 'SK002' THEN
            NULL;  -- The customer is let go of.
        END;
        BEGIN
            PERFORM FROM bookings b WHERE b.vendor_id = p_vendor_id AND b.id = v_busy FOR NO KEY UPDATE;
            RAISE SQLSTATE 'SK002';
        EXCEPTION WHEN SQLSTATE 'SK002' THEN
            NULL;  -- And so is the booking.
        END;
    END LOOP;
END
$$;
