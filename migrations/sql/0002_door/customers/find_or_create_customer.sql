-- Promise: the customer with exactly these details {"name", "email", "phone"}, made if there is none;
-- NULL when no detail is given. Nobody else's details are read, matched in part, or changed.
-- Locks: the customer found (KEY SHARE, as the booking's reference to it does anyway), so that one who is being
-- erased meanwhile is not joined; the unique key of the details, while a twin is being made. Raises: 23514 on bad lengths.
CREATE OR REPLACE FUNCTION find_or_create_customer(p_vendor_id uuid, p_customer jsonb) RETURNS uuid
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_id    uuid;
    v_email text := p_customer ->> 'email';
    v_phone text := p_customer ->> 'phone';
    v_name  text := p_customer ->> 'name';
BEGIN
    IF jsonb_typeof(p_customer) IS DISTINCT FROM 'object' THEN
        RETURN NULL;
    END IF;
    LOOP
        -- IS NOT DISTINCT FROM cannot search an index, = and IS NULL can: hence a statement for each first
        -- detail that is given, lest every booking read all customers of the vendor.
        IF v_email IS NOT NULL THEN
            SELECT c.id INTO v_id FROM customers c
            WHERE c.vendor_id = p_vendor_id AND c.email = v_email
              AND c.phone IS NOT DISTINCT FROM v_phone AND c.name IS NOT DISTINCT FROM v_name
              AND c.erased_at IS NULL
            FOR KEY SHARE;
        ELSIF v_phone IS NOT NULL THEN
            SELECT c.id INTO v_id FROM customers c
            WHERE c.vendor_id = p_vendor_id AND c.email IS NULL AND c.phone = v_phone
              AND c.name IS NOT DISTINCT FROM v_name AND c.erased_at IS NULL
            FOR KEY SHARE;
        ELSIF v_name IS NOT NULL THEN
            SELECT c.id INTO v_id FROM customers c
            WHERE c.vendor_id = p_vendor_id AND c.email IS NULL AND c.phone IS NULL AND c.name = v_name
              AND c.erased_at IS NULL
            FOR KEY SHARE;
        ELSE
            RETURN NULL;
        END IF;
        EXIT WHEN v_id IS NOT NULL;
        INSERT INTO customers (vendor_id, name, email, phone) VALUES (p_vendor_id, v_name, v_email, v_phone)
        ON CONFLICT (vendor_id, email, phone, name) WHERE erased_at IS NULL DO NOTHING
        RETURNING id INTO v_id;
        EXIT WHEN v_id IS NOT NULL;
        -- A twin has made it meanwhile: look again, in a newer snapshot.
    END LOOP;
    RETURN v_id;
END
$$;
