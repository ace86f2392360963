-- Promise: returns true, and only if the caller gave what every claim needs; these are errors of a program,
-- never of a customer.
-- Locks: none. Raises: SK001.
CREATE OR REPLACE FUNCTION require_claim_arguments(
    p_vendor_id uuid, p_slot_ids uuid[], p_quantity integer, p_details jsonb, p_actor jsonb
) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF p_vendor_id IS NULL OR p_slot_ids IS NULL OR array_ndims(p_slot_ids) > 1
       OR array_position(p_slot_ids, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id and p_slot_ids (a list without NULLs) are needed';
    END IF;
    IF jsonb_typeof(p_details) IS DISTINCT FROM 'object' OR jsonb_typeof(p_actor) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_details and p_actor are JSON objects';
    END IF;
    IF p_quantity IS NULL AND p_details ->> 'kind' IS DISTINCT FROM 'block' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_quantity is needed: only a block may take all places';
    END IF;
    RETURN true;
END
$$;
