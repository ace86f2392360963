-- Promise: the slot has the new times, capacity, place and price (NULL: as it was; p_price, a merge patch; JSON null:
-- none of its own), together with the shape its claims repeat; refused, naming the bookings, when
-- they would no longer fit, and when another slot is in the way. With fewer places the claims are first dealt units
-- among those that stay. Blocks that stand for busy time are in nobody's way: they follow.
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
    v_slot    slots;
    v_new     slots;
    v_wanted  slot_wanted;
    v_refusal jsonb;
    v_price   jsonb;
    v_busy    uuid[];
    v_answer  record;
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
    v_wanted.location_id := COALESCE(p_location_id, v_slot.location_id);
    v_wanted.starts := COALESCE(p_start, lower(v_slot.during));
    v_wanted.ends := COALESCE(p_end, upper(v_slot.during));
    v_wanted.capacity := COALESCE(p_capacity, v_slot.capacity);
    v_price := price_json(v_slot.price_amount, v_slot.price_currency);
    v_price := CASE WHEN p_price IS NULL THEN v_price ELSE merge_patch(v_price, p_price) END;
    v_wanted.price_amount := price_amount_of(v_price);
    v_wanted.price_currency := price_currency_of(v_price);
    v_refusal := check_slot_change(p_vendor_id, p_slot_id, v_slot, v_wanted, p_expected_version);
    IF v_refusal IS NOT NULL THEN
        RETURN QUERY SELECT v_refusal ->> 'outcome', p_slot_id, false, v_refusal -> 'facts';
        RETURN;
    END IF;
    v_new := v_slot;
    v_new.location_id := v_wanted.location_id;
    v_new.during := tstzrange(v_wanted.starts, v_wanted.ends);
    v_new.capacity := v_wanted.capacity;
    v_new.price_amount := v_wanted.price_amount;
    v_new.price_currency := v_wanted.price_currency;
    IF v_new IS NOT DISTINCT FROM v_slot THEN
        RETURN QUERY SELECT 'RESIZED', p_slot_id, false, describe_slot(p_vendor_id, p_slot_id);
        RETURN;
    END IF;
    BEGIN
        IF v_new.capacity < v_slot.capacity AND NOT deal_again(p_vendor_id, units_within(p_vendor_id, v_slot, v_new.capacity)) THEN
            RAISE exclusion_violation;
        END IF;
        -- Both sides in one statement: law 3's key is checked when it ends, and holds then.
        WITH resized AS (
            UPDATE slots s
            SET during = v_new.during, capacity = v_new.capacity, location_id = v_new.location_id,
                price_amount = v_new.price_amount, price_currency = v_new.price_currency, schedule_id = NULL,
                version = s.version + 1, updated_at = now()
            WHERE s.vendor_id = p_vendor_id AND s.id = p_slot_id
            RETURNING s.during, s.capacity
        )
        UPDATE claims c SET slot_during = resized.during, slot_capacity = resized.capacity
        FROM resized WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot_id
          AND (c.slot_during, c.slot_capacity) IS DISTINCT FROM (resized.during, resized.capacity);
        PERFORM put_busy_blocks(p_vendor_id, v_slot.provider_id, ARRAY[p_slot_id], p_actor);
        RETURN QUERY SELECT 'RESIZED', p_slot_id, true, describe_slot(p_vendor_id, p_slot_id);
    EXCEPTION
        WHEN exclusion_violation THEN
            SELECT jsonb_build_object('slot_id', s.id, 'start', utc(lower(v_new.during)), 'end', utc(upper(v_new.during)),
                                      'other_start', utc(lower(s.during)), 'other_end', utc(upper(s.during)))
            INTO v_refusal
            FROM slots s WHERE s.vendor_id = p_vendor_id AND s.provider_id = v_slot.provider_id
              AND s.id <> p_slot_id AND s.during && v_new.during LIMIT 1;
            -- None: the rival's slot has gone again, or a raw writer took units, so the same change may now succeed.
            RETURN QUERY SELECT CASE WHEN v_refusal IS NULL THEN 'CONCURRENCY_ABORT' ELSE 'SLOT_OVERLAP' END,
                                p_slot_id, false, COALESCE(v_refusal, '{}');
        WHEN check_violation OR foreign_key_violation THEN
            -- A raw writer's claim was committed while we waited for the slot's key.
            RETURN QUERY SELECT 'SLOT_IN_USE', p_slot_id, false, jsonb_build_object(
                'bookings', bookings_in(p_vendor_id, v_slot.provider_id, v_slot.during));
    END;
END
$$;
