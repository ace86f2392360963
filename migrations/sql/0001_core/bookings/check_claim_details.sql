-- Promise: NULL when everything that is kept with the booking can be, otherwise {"outcome", "facts"}. What
-- has the wrong type is refused, never left out or turned into text.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_claim_details(
    p_customer_id uuid, p_idempotency_key text, p_details jsonb
) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    v_customer jsonb := NULLIF(p_details -> 'customer', 'null');
    v_field    text;
BEGIN
    IF length(p_idempotency_key) NOT BETWEEN 16 AND 255 THEN
        RETURN invalid('idempotency_key', 'length_out_of_range', '{"least": 16, "most": 255}');
    END IF;
    IF p_details = '{}' THEN
        RETURN NULL;
    END IF;
    IF p_details ->> 'kind' NOT IN ('appointment', 'block') THEN
        RETURN invalid('kind', 'unknown_kind');
    END IF;
    IF p_details ->> 'kind' = 'block' AND (p_customer_id IS NOT NULL OR v_customer IS NOT NULL) THEN
        RETURN invalid('customer', 'block_has_no_customer');
    END IF;
    IF p_details ->> 'guests' IS NOT NULL THEN
        IF NOT pg_input_is_valid(p_details ->> 'guests', 'integer') THEN
            RETURN invalid('guests', 'not_a_whole_number');
        ELSIF (p_details ->> 'guests')::integer NOT BETWEEN 0 AND 100000 THEN
            RETURN invalid('guests', 'guests_out_of_range', '{"least": 0, "most": 100000}');
        END IF;
    END IF;
    IF jsonb_typeof(p_details -> 'metadata') NOT IN ('object', 'null') THEN
        RETURN invalid('metadata', 'not_an_object');
    END IF;
    v_field := CASE WHEN NOT fits_text(p_details -> 'channel', 0, 100) THEN 'channel'
                    WHEN NOT fits_text(p_details -> 'notes', 0, 10000) THEN 'notes'
                    WHEN NOT fits_text(p_details -> 'internal_notes', 0, 10000) THEN 'internal_notes'
                    WHEN jsonb_typeof(v_customer) <> 'object' THEN 'customer'
                    WHEN NOT fits_text(v_customer -> 'name', 1, 200) THEN 'customer.name'
                    WHEN NOT fits_text(v_customer -> 'email', 3, 254) THEN 'customer.email'
                    WHEN NOT fits_text(v_customer -> 'phone', 3, 40) THEN 'customer.phone' END;
    RETURN CASE WHEN v_field IS NOT NULL THEN invalid(v_field, 'not_a_fitting_text') END;
END
$$;
