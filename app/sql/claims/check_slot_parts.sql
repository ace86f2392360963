-- Promise: NULL when the parts are what the caller asked for and may be booked together, otherwise
-- {"outcome", "facts"} of the refusal. Whether places are left is not asked here. p_start and p_end: the time
-- occupied; with p_service, its buffers are part of it, and the facts tell the time shown.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_slot_parts(
    p_vendor_id uuid, p_parts slot_part[], p_slot_ids uuid[], p_start timestamptz, p_end timestamptz,
    p_details jsonb, p_actor jsonb, p_service services
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_count   integer := COALESCE(cardinality(p_parts), 0);
    v_missing uuid;
    v_first   slot_part := p_parts[1];
    v_before  interval;
BEGIN
    IF v_count < cardinality(p_slot_ids) THEN
        SELECT id INTO v_missing FROM unnest(p_slot_ids) AS id
        WHERE id NOT IN (SELECT part.slot_id FROM unnest(p_parts) AS part) LIMIT 1;
        RETURN jsonb_build_object('outcome', 'SLOT_NOT_FOUND', 'facts', jsonb_build_object('slot_id', v_missing));
    END IF;
    IF lower(p_details ->> 'provider_id') <> v_first.provider_id::text THEN
        RETURN invalid('provider_id', 'provider_mismatch');
    END IF;
    IF lower(p_details ->> 'location_id') <> v_first.location_id::text THEN
        RETURN invalid('location_id', 'location_mismatch');
    END IF;
    -- A block takes whatever is published of its time; the rules below are for customers' bookings.
    IF p_details ->> 'kind' = 'block' THEN
        -- Unless a slot was moved out of it since it was found.
        SELECT part.slot_id INTO v_missing FROM unnest(p_parts) AS part WHERE isempty(part.during) LIMIT 1;
        RETURN CASE WHEN v_missing IS NOT NULL THEN jsonb_build_object(
            'outcome', 'SLOT_NOT_FOUND', 'facts', jsonb_build_object('slot_id', v_missing, 'reason', 'slots_changed')) END;
    END IF;
    -- What a schedule gives no more stays for those who have it, and for nobody else.
    IF v_count = 1 THEN
        v_missing := CASE WHEN v_first.closed && v_first.during THEN v_first.slot_id END;
    ELSE
        SELECT part.slot_id INTO v_missing FROM unnest(p_parts) AS part WHERE part.closed && part.during LIMIT 1;
    END IF;
    IF v_missing IS NOT NULL THEN
        RETURN jsonb_build_object('outcome', 'SLOT_NOT_FOUND', 'facts', jsonb_build_object('slot_id', v_missing, 'reason', 'closed'));
    END IF;
    v_before := make_interval(mins => COALESCE(p_service.buffer_before_minutes, 0));
    -- A vendor may write down what has happened already: walk-ins, phone calls.
    IF p_actor ->> 'type' = 'customer' AND COALESCE(p_start, lower(v_first.during)) + v_before < now() THEN
        RETURN invalid('start', 'in_the_past');
    END IF;
    IF v_count = 1 THEN
        IF v_first.during = tstzrange(COALESCE(p_start, lower(v_first.during)), COALESCE(p_end, upper(v_first.during))) THEN
            RETURN NULL;
        END IF;
        RETURN invalid('start', 'outside_slot', jsonb_build_object(
            'start', utc(lower(v_first.slot_during) + v_before),
            'end', utc(upper(v_first.slot_during) - make_interval(mins => COALESCE(p_service.buffer_after_minutes, 0)))));
    END IF;
    RETURN check_slot_chain(p_vendor_id, p_parts, p_start, p_end);
END
$$;
