-- Promise: of the provider's slot that a schedule made and that is under way at p_now (there is one at most) what is then still to come
-- and is not wanted at its place is closed, and what is closed is open again where it is wanted there for no fewer, but where it is claimed
-- only as before it began (keep_wanted_open); its times stay as they are. What is so already writes nothing and locks no slot.
-- p_now: the moment from which on the caller publishes the rest; what begins between the two would be nobody's (apply_schedules knows no
-- earlier one than now() either). p_wanted: what the schedules give around it, as scheduled_slots reads it. p_dry_run: only tells.
-- facts: {"in_the_way", "in_the_way_total"}, as describe_publishing has them.
-- Locks, in order: the provider's schedules; the slot (NO KEY UPDATE, which no claim gets past). Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION close_begun_slot(
    p_vendor_id uuid, p_provider_id uuid, p_wanted jsonb, p_now timestamptz, p_dry_run boolean DEFAULT false
) RETURNS TABLE (changed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_now     timestamptz := GREATEST(p_now, now());
    v_wanted  scheduled_slot[];
    v_slot    slots;
    v_to_come tstzmultirange;
    v_closed  tstzmultirange;
    v_claimed scheduled_change[];
    v_plan    scheduled_plan := ROW(0, '{}');
    v_present scheduled_slot;
BEGIN
    IF p_vendor_id IS NULL OR p_provider_id IS NULL OR jsonb_typeof(p_wanted) IS DISTINCT FROM 'array'
       OR p_now IS NULL OR p_dry_run IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id, p_provider_id, p_wanted (an array), p_now and p_dry_run are needed';
    END IF;
    IF NOT p_dry_run THEN
        PERFORM lock_schedules(p_vendor_id, p_provider_id);
    END IF;
    v_wanted := scheduled_slots(p_wanted, '-infinity', 'infinity');
    changed := false;
    LOOP
        SELECT s.* INTO v_slot FROM slots s
        WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id AND s.during @> v_now AND s.schedule_id IS NOT NULL;
        v_to_come := (v_slot.during * tstzrange(v_now, NULL))::tstzmultirange;
        SELECT (v_to_come - COALESCE(range_agg(w.during), '{}'))
               + (v_slot.closed * v_to_come - COALESCE(range_agg(w.during) FILTER (WHERE w.capacity >= v_slot.capacity), '{}'))
        INTO v_closed
        FROM unnest(v_wanted) AS w WHERE w.location_id = v_slot.location_id;
        v_present := ROW(v_slot.schedule_id, v_slot.location_id, v_slot.during, v_slot.capacity, v_slot.price_amount, v_slot.price_currency,
                         NULL, v_slot.closed);
        IF v_slot.closed * v_to_come <> '{}' THEN
            SELECT c.claimed INTO v_claimed
            FROM cluster_claims(p_vendor_id, ARRAY[ROW(v_slot.id, v_present, true, true, NULL, NULL)::scheduled_change]) AS c;
            SELECT v_closed + v_slot.closed * v_to_come * COALESCE(range_agg((h.target).closed), '{}') INTO v_closed
            FROM unnest(keep_wanted_open(v_wanted, hold_claims(v_wanted, v_claimed))) AS h;
        END IF;
        -- As it is after the locks, too: somebody may have changed the slot by hand meanwhile.
        EXIT WHEN v_slot.id IS NULL OR changed OR v_slot.closed * v_to_come = v_closed;
        changed := true;
        EXIT WHEN p_dry_run;
        PERFORM lock_slots(p_vendor_id, ARRAY[v_slot.id]);
    END LOOP;
    IF changed AND NOT p_dry_run AND v_slot.id IS NOT NULL THEN
        UPDATE slots s SET closed = v_closed, version = s.version + 1, updated_at = now()
        WHERE s.vendor_id = p_vendor_id AND s.id = v_slot.id;
    END IF;
    IF v_closed <> '{}' THEN
        v_plan.changes := ARRAY[ROW(v_slot.id, v_present, true, true, ROW(
            v_slot.schedule_id, v_slot.location_id, v_slot.during, v_slot.capacity, v_slot.price_amount, v_slot.price_currency,
            NULL, v_closed)::scheduled_slot, NULL)::scheduled_change];
    END IF;
    RETURN QUERY SELECT changed, jsonb_build_object(
        'in_the_way', told -> 'in_the_way', 'in_the_way_total', told -> 'in_the_way_total')
    FROM describe_publishing(p_vendor_id, v_plan, NULL) AS told;
END
$$;
