-- Promise: the customer with these details {"name", "email", "phone"}, all of them and no other, made if there is none;
-- NULL when no detail is given. Address and name are compared as they are legible, the address in whatever case,
-- the number by its digits; of several, who has them in these very words is taken, then the oldest. Nobody else's
-- details are read, matched in part, or changed.
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
            WHERE c.vendor_id = p_vendor_id AND folded(c.email) = folded(v_email)
              AND phone_digits(c.phone) IS NOT DISTINCT FROM phone_digits(v_phone)
              AND legible(c.name) IS NOT DISTINCT FROM legible(v_name) AND c.erased_at IS NULL
            ORDER BY (c.email, c.phone, c.name) IS DISTINCT FROM (v_email, v_phone, v_name), c.id LIMIT 1
            FOR KEY SHARE;
        ELSIF v_phone IS NOT NULL THEN
            SELECT c.id INTO v_id FROM customers c
            WHERE c.vendor_id = p_vendor_id AND phone_digits(c.phone) = phone_digits(v_phone) AND c.email IS NULL
              AND legible(c.name) IS NOT DISTINCT FROM legible(v_name) AND c.erased_at IS NULL
            ORDER BY (c.phone, c.name) IS DISTINCT FROM (v_phone, v_name), c.id LIMIT 1
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
