-- Promise: the customer with exactly these details {"name", "email", "phone"}, made if there is none;
-- NULL for NULL. Nobody else's details are read, matched in part, or changed.
-- Locks: the unique key of the details, while a twin is being made. Raises: 23514 on bad lengths.
CREATE OR REPLACE FUNCTION find_or_create_customer(p_vendor_id uuid, p_customer jsonb) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_id uuid;
BEGIN
    IF jsonb_typeof(p_customer) IS DISTINCT FROM 'object' THEN
        RETURN NULL;
    END IF;
    INSERT INTO customers (vendor_id, name, email, phone)
    VALUES (p_vendor_id, p_customer ->> 'name', p_customer ->> 'email', p_customer ->> 'phone')
    ON CONFLICT ON CONSTRAINT customers_details_key DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        SELECT c.id INTO v_id FROM customers c
        WHERE c.vendor_id = p_vendor_id
          AND c.email IS NOT DISTINCT FROM p_customer ->> 'email'
          AND c.phone IS NOT DISTINCT FROM p_customer ->> 'phone'
          AND c.name IS NOT DISTINCT FROM p_customer ->> 'name';
    END IF;
    RETURN v_id;
END
$$;
