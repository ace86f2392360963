-- Promise: NEW when nobody has used the key (it is then remembered with the ids about to be made, if
-- the transaction commits; with {"done": true} where nothing is); REPLAY with the ids made before when the same request did;
-- IDEMPOTENCY_CONFLICT when another request did.
-- Locks: the key. Call it before any other lock; a twin in flight is waited for.
-- Raises: SK001, 57014.
CREATE OR REPLACE FUNCTION remember_idempotency_key(
    p_vendor_id uuid, p_key text, p_fingerprint bytea, p_made jsonb
) RETURNS TABLE (outcome text, made jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- A row that says nothing at all is a key that has lost what it stood for: the consistency check finds it.
    v_made CONSTANT jsonb := CASE WHEN p_made = '{}' THEN '{"done": true}' ELSE p_made END;
    v_row  idempotency_keys;
BEGIN
    IF p_vendor_id IS NULL OR p_key IS NULL OR p_fingerprint IS NULL OR jsonb_typeof(p_made) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id, p_key, p_fingerprint and p_made (an object) are needed';
    END IF;
    IF length(p_key) NOT BETWEEN 16 AND 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_key has 16 to 255 characters';
    END IF;
    LOOP
        INSERT INTO idempotency_keys (vendor_id, key, fingerprint, made)
        VALUES (p_vendor_id, p_key, p_fingerprint, v_made) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN QUERY SELECT 'NEW', v_made;
            RETURN;
        END IF;
        SELECT k.* INTO v_row FROM idempotency_keys k WHERE k.vendor_id = p_vendor_id AND k.key = p_key;
        IF FOUND THEN
            IF v_row.fingerprint = p_fingerprint AND v_row.booking_id IS NULL THEN
                RETURN QUERY SELECT 'REPLAY', v_row.made::jsonb;
            ELSE
                RETURN QUERY SELECT 'IDEMPOTENCY_CONFLICT', '{}'::jsonb;
            END IF;
            RETURN;
        END IF;
    END LOOP;
END
$$;
