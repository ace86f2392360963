-- Promise: the slot has the new times, capacity, place and price (NULL: as it was; p_price, a merge patch; JSON null:
-- none of its own), together with the shape its claims repeat; refused, naming the bookings, when
-- they would no longer fit, and when another slot is in the way. From then on it is the vendor's own: no schedule touches it, and
-- nothing of it is closed. Blocks that stand for busy time are in nobody's way: they follow.
-- Locks, in order: the provider's schedules, shared; the slot; lapsed holds on it by id; bookings whose units are dealt again by id; claims. Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION resize_slot(
    p_vendor_id uuid, p_slot_id uuid,
    p_start timestamptz DEFAULT NULL, p_end timestamptz DEFAULT NULL, p_capacity integer DEFAULT NULL,
    p_location_id uuid DEFAULT NULL, p_price jsonb DEFAULT NULL,
    p_expected_version integer DEFAULT NULL, p_actor jsonb DEFAULT '{}'
) RETURNS TABLE (outcome text, slot_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_slot   slots;
    v_wanted slot_wanted;
    v_result jsonb;
    v_busy   uuid[];
    v_answer record;
BEGIN
    IF p_vendor_id IS NULL OR p_slot_id IS NULL OR jsonb_typeof(p_actor) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id, p_slot_id and p_actor (an object) are needed';
    END IF;
    -- A slot stays its provider's for ever.
    PERFORM lock_busy_times(p_vendor_id, s.provider_id) FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = p_slot_id;
    v_slot := lock_slot(p_vendor_id, p_slot_id, p_actor);
    v_busy := busy_blocks_in(p_vendor_id, ARRAY[p_slot_id]);
    IF cardinality(v_busy) > 0 THEN
        BEGIN
            PERFORM lift_busy_blocks(p_vendor_id, v_busy, p_actor);
            SELECT r.* INTO v_answer FROM resize_slot(
                p_vendor_id, p_slot_id, p_start, p_end, p_capacity, p_location_id, p_price, p_expected_version, p_actor) AS r;
            IF NOT v_answer.changed THEN
                -- Refused, or nothing to do: they were never lifted.
                RAISE SQLSTATE 'SK002';
            END IF;
        EXCEPTION WHEN SQLSTATE 'SK002' THEN
        END;
        RETURN QUERY SELECT v_answer.outcome, v_answer.slot_id, v_answer.changed, v_answer.facts;
        RETURN;
    END IF;
    v_wanted := slot_as_asked(v_slot, p_start, p_end, p_capacity, p_location_id, p_price);
    v_result := check_slot_change(p_vendor_id, p_slot_id, v_slot, v_wanted, p_expected_version);
    IF v_result IS NULL THEN
        IF (v_wanted.location_id, tstzrange(v_wanted.starts, v_wanted.ends), v_wanted.capacity, v_wanted.price_amount, v_wanted.price_currency)
           IS NOT DISTINCT FROM (v_slot.location_id, v_slot.during::tstzrange, v_slot.capacity::integer, v_slot.price_amount::bigint, v_slot.price_currency::text) THEN
            RETURN QUERY SELECT 'RESIZED', p_slot_id, false, describe_slot(p_vendor_id, p_slot_id);
            RETURN;
        END IF;
        v_result := reshape_slot(v_slot, v_wanted, p_actor);
    END IF;
    RETURN QUERY SELECT v_result ->> 'outcome', p_slot_id, v_result ->> 'outcome' = 'RESIZED', v_result -> 'facts';
END
$$;
