-- Promise: NULL when the request makes sense in itself, otherwise {"outcome", "facts"}. A condition
-- with a query inside stands in an IF of its own, so that it is run only when it is asked.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_claim_request(
    p_vendor_id uuid, p_slot_ids uuid[], p_start timestamptz, p_end timestamptz, p_quantity integer,
    p_customer_id uuid, p_service_id uuid, p_service services, p_hold_for interval, p_details jsonb
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_block     CONSTANT boolean := p_details ->> 'kind' IS NOT DISTINCT FROM 'block';
    -- A year of nights; a block may close a season of short slots.
    v_slots_max CONSTANT integer := CASE WHEN v_block THEN 10000 ELSE 366 END;
BEGIN
    IF cardinality(p_slot_ids) > v_slots_max THEN
        RETURN invalid(CASE WHEN v_block THEN 'end' ELSE 'slot_ids' END, 'too_many_slots', jsonb_build_object('most', v_slots_max));
    END IF;
    IF cardinality(p_slot_ids) > 1 THEN
        IF (SELECT count(DISTINCT id) FROM unnest(p_slot_ids) AS id) < cardinality(p_slot_ids) THEN
            RETURN invalid('slot_ids', 'duplicate_slots');
        END IF;
    END IF;
    IF p_quantity NOT BETWEEN 1 AND 100000 THEN
        RETURN invalid('quantity', 'quantity_out_of_range', '{"least": 1, "most": 100000}');
    END IF;
    IF p_end <= p_start THEN
        RETURN jsonb_build_object('outcome', 'INVALID_DATE_RANGE', 'facts', '{"reason": "end_not_after_start"}'::jsonb);
    END IF;
    -- As a request in words may say: between the years 1900 and 2999.
    IF p_start NOT BETWEEN '1900-01-01Z' AND '3000-01-01Z' OR p_end NOT BETWEEN '1900-01-01Z' AND '3000-01-01Z' THEN
        RETURN jsonb_build_object('outcome', 'INVALID_DATE_RANGE', 'facts', '{"reason": "not_finite"}'::jsonb);
    END IF;
    IF cardinality(p_slot_ids) = 0 THEN
        RETURN jsonb_build_object('outcome', 'SLOT_NOT_FOUND', 'facts', jsonb_build_object('reason', 'nothing_published'));
    END IF;
    IF p_service_id IS NOT NULL AND p_service.id IS NULL THEN
        RETURN jsonb_build_object('outcome', 'SERVICE_NOT_FOUND', 'facts', jsonb_build_object('service_id', p_service_id));
    END IF;
    IF (p_start IS NULL) <> (p_end IS NULL) THEN
        RETURN invalid(CASE WHEN p_start IS NULL THEN 'start' ELSE 'end' END, 'start_and_end_go_together');
    END IF;
    IF p_hold_for NOT BETWEEN interval '1 second' AND interval '7 days' THEN
        RETURN invalid('hold', 'hold_out_of_range', '{"least_seconds": 1, "most_seconds": 604800}');
    END IF;
    IF p_customer_id IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM customers c WHERE c.vendor_id = p_vendor_id AND c.id = p_customer_id AND c.erased_at IS NULL) THEN
            RETURN jsonb_build_object('outcome', 'CUSTOMER_NOT_FOUND', 'facts', jsonb_build_object('customer_id', p_customer_id));
        END IF;
    END IF;
    RETURN NULL;
END
$$;
