-- Promise: the provider's published time to come and their busy time agree: what is free in busy time is blocked, blocks whose
-- busy time is gone are lifted. Bookings that stand in busy time stay. What is so already writes nothing and locks no slot.
-- p_most: of so many slots at most, the first by id after p_after: a statement's time is limited, and a provider's slots are not.
-- p_lift false: the caller knows that no block is to be lifted (a piece that lifted none of those before it has told "stale": false).
-- changed: whether anything was; facts: {"blocked", "lifted"}, and where others may follow "next": that p_after.
-- Locks, in order: the provider's schedules; slots that change by id; blocks to lift by id; what put_busy_blocks locks.
-- Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION close_busy_time(
    p_vendor_id uuid, p_provider_id uuid, p_actor jsonb DEFAULT '{"type": "system", "id": "busy_times"}',
    p_after uuid DEFAULT NULL, p_most integer DEFAULT NULL, p_lift boolean DEFAULT true
) RETURNS TABLE (changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    -- Planned for any vendor, not for this one: of one that is new since the last ANALYZE the planner expects a single booking, and then takes any
    -- index that begins with vendor_id, read from end to end, for as good as the key, once for every claim.
    SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_slot_ids uuid[];
    v_stale    boolean := false;
    v_lifted   integer := 0;
    v_blocked  integer := 0;
BEGIN
    IF p_vendor_id IS NULL OR p_provider_id IS NULL OR jsonb_typeof(p_actor) IS DISTINCT FROM 'object' OR p_most < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id, p_provider_id and p_actor (an object) are needed, and p_most is at least 1';
    END IF;
    PERFORM lock_schedules(p_vendor_id, p_provider_id);
    v_slot_ids := ARRAY(
        SELECT c.slot_id FROM busy_time_to_close(p_vendor_id, p_provider_id, p_after, p_lift) AS c ORDER BY c.slot_id LIMIT p_most);
    IF cardinality(v_slot_ids) > 0 THEN
        PERFORM lock_slots(p_vendor_id, v_slot_ids);
        IF p_lift THEN
            v_stale := EXISTS (SELECT FROM stale_busy_blocks(p_vendor_id, p_provider_id));
        END IF;
        IF v_stale THEN
            v_lifted := lift_busy_blocks(p_vendor_id, ARRAY(
                SELECT s.booking_id FROM stale_busy_blocks(p_vendor_id, p_provider_id) AS s
                WHERE s.slot_id = ANY (v_slot_ids)), p_actor);
        END IF;
        -- In the same transaction: what another busy time still covers was never to be had in between.
        v_blocked := put_busy_blocks(p_vendor_id, p_provider_id, v_slot_ids, p_actor);
    END IF;
    RETURN QUERY SELECT v_lifted + v_blocked > 0, jsonb_build_object('blocked', v_blocked, 'lifted', v_lifted)
        || CASE WHEN cardinality(v_slot_ids) = p_most THEN jsonb_build_object('next', v_slot_ids[p_most], 'stale', v_stale) ELSE '{}' END;
END
$$;
