-- Promise: the provider's slots that came from schedules and begin in [p_from, p_to) are those wanted, but for what bookings
-- keep: unclaimed time follows, claimed time stays, and the bookings in the way are named. Slots made by hand, and time that
-- has begun, are not touched. Busy time in what is published is blocked with it. What is so already writes nothing and
-- locks nothing. p_dry_run: only tells. p_close false: the caller closes busy time before anybody sees what is published.
-- p_wanted: as scheduled_slots reads it. What was read of the schedules is current only if the caller has had
-- lock_schedules before.
-- Locks, in order: the provider's schedules; slots that change (FOR UPDATE) and those of which busy time is to be closed, by id; lapsed
-- holds on the former by id, then blocks of busy time, then bookings that are dealt units again or come to another slot, by id; new slots in order of time; claims; what put_busy_blocks locks under them. Raises: SK001, 55P03, 57014. Refusals are returned.
CREATE OR REPLACE FUNCTION apply_schedules(
    p_vendor_id uuid, p_provider_id uuid, p_wanted jsonb, p_from timestamptz, p_to timestamptz,
    p_dry_run boolean DEFAULT false, p_actor jsonb DEFAULT '{}',
    p_close boolean DEFAULT true
) RETURNS TABLE (outcome text, changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    -- Planned for any vendor, not for this one: of one that is new since the last ANALYZE the planner expects a single booking, and then takes any
    -- index that begins with vendor_id, read from end to end, for as good as the key, once for every claim.
    SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    v_from   timestamptz := GREATEST(p_from, now());
    v_wanted scheduled_slot[];
    v_plan   scheduled_plan;
    v_locked uuid[] := '{}';
    v_change boolean;
BEGIN
    IF p_vendor_id IS NULL OR p_provider_id IS NULL OR p_from IS NULL OR p_to IS NULL OR p_dry_run IS NULL OR p_close IS NULL
       OR jsonb_typeof(p_wanted) IS DISTINCT FROM 'array' OR jsonb_typeof(p_actor) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001',
            MESSAGE = 'p_vendor_id, p_provider_id, p_wanted (an array), p_from, p_to, p_dry_run, p_actor (an object) and p_close are needed';
    END IF;
    IF NOT EXISTS (SELECT FROM providers p WHERE p.vendor_id = p_vendor_id AND p.id = p_provider_id AND p.archived_at IS NULL) THEN
        RETURN QUERY SELECT 'PROVIDER_NOT_FOUND', false, jsonb_build_object('provider_id', p_provider_id);
        RETURN;
    END IF;
    v_wanted := scheduled_slots(p_wanted, v_from, p_to);
    FOR v_attempt IN 1..3 LOOP
        v_plan := plan_schedules(p_vendor_id, p_provider_id, v_wanted, v_from, p_to);
        v_change := EXISTS (SELECT FROM unnest(v_plan.changes) AS c WHERE c.present IS DISTINCT FROM c.target);
        IF p_dry_run OR NOT v_change THEN
            RETURN QUERY SELECT 'PUBLISHED', v_change, describe_publishing(p_vendor_id, v_plan, v_wanted);
            RETURN;
        END IF;
        -- Kept from here on, so that from the second try on nobody publishes or reshapes in between.
        PERFORM lock_schedules(p_vendor_id, p_provider_id);
        -- What a try before this one has wanted is wanted, too: it is what others change.
        v_locked := ARRAY(
            SELECT c.slot_id FROM unnest(v_plan.changes) AS c WHERE (c.present).during IS NOT NULL UNION SELECT unnest(v_locked));
        BEGIN
            PERFORM lock_slots_to_change(
                p_vendor_id, v_locked, ARRAY(SELECT c.slot_id FROM busy_time_to_close(p_vendor_id, p_provider_id) AS c), p_actor);
            -- Again, now that no claim can come in between. Whatever it finds beyond what is locked, it has to lock first.
            -- (Where all is new, there is nothing that could be claimed.)
            IF cardinality(v_locked) > 0 THEN
                v_plan := plan_schedules(p_vendor_id, p_provider_id, v_wanted, v_from, p_to);
            END IF;
            IF EXISTS (SELECT FROM unnest(v_plan.changes) AS c WHERE (c.present).during IS NOT NULL AND c.slot_id <> ALL (v_locked)) THEN
                RAISE SQLSTATE 'SK002';
            END IF;
            PERFORM write_schedules(p_vendor_id, p_provider_id, v_plan.changes, p_actor);
            IF p_close THEN
                PERFORM put_busy_blocks(p_vendor_id, p_provider_id, NULL, p_actor);
            END IF;
            RETURN QUERY SELECT 'PUBLISHED', true, describe_publishing(p_vendor_id, v_plan, v_wanted);
            RETURN;
        EXCEPTION WHEN SQLSTATE 'SK002' OR exclusion_violation OR foreign_key_violation OR check_violation THEN
            -- Somebody published, or wrote by hand, where we looked: look again.
        END;
    END LOOP;
    RETURN QUERY SELECT 'CONCURRENCY_ABORT', false, '{}'::jsonb;
END
$$;
