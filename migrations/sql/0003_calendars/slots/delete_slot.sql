-- Promise: the slot is gone, unless a booking holds some of it; then it stays and the bookings are
-- named. Blocks that stand for busy time go with it.
-- Locks, in order: the slot; lapsed holds on it by id; their claims. Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION delete_slot(
    p_vendor_id uuid, p_slot_id uuid, p_expected_version integer DEFAULT NULL, p_actor jsonb DEFAULT '{}'
) RETURNS TABLE (outcome text, slot_id uuid, changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_slot slots;
    v_busy uuid[];
BEGIN
    IF p_vendor_id IS NULL OR p_slot_id IS NULL OR jsonb_typeof(p_actor) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id, p_slot_id and p_actor (an object) are needed';
    END IF;
    v_slot := lock_slot(p_vendor_id, p_slot_id, p_actor);
    v_busy := busy_blocks_in(p_vendor_id, ARRAY[p_slot_id]);
    IF v_slot.id IS NULL THEN
        RETURN QUERY SELECT 'SLOT_NOT_FOUND', NULL::uuid, false, jsonb_build_object('slot_id', p_slot_id);
    ELSIF p_expected_version <> v_slot.version THEN
        RETURN QUERY SELECT 'PRECONDITION_FAILED', p_slot_id, false, jsonb_build_object('version', v_slot.version);
    ELSIF EXISTS (SELECT FROM claims c WHERE c.vendor_id = p_vendor_id AND c.slot_id = p_slot_id AND c.booking_id <> ALL (v_busy)) THEN
        RETURN QUERY SELECT 'SLOT_IN_USE', p_slot_id, false, jsonb_build_object(
            'bookings', bookings_in(p_vendor_id, v_slot.provider_id, v_slot.during));
    ELSE
        PERFORM lift_busy_blocks(p_vendor_id, v_busy, p_actor);
        DELETE FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = p_slot_id;
        RETURN QUERY SELECT 'DELETED', p_slot_id, true, '{}'::jsonb;
    END IF;
END
$$;
