-- Promise: what would have to change for the provider's slots that came from schedules and begin in [p_from, p_to) to be
-- those wanted, and how many are already. Unclaimed time follows, between the claims of a slot too; claimed time is kept, and said to be in the
-- way where what is wanted cannot hold it, and closed to everybody else but where it is wanted all the same; slots made by hand
-- stand where they are. A lapsed hold claims nothing, nor does a block that stands for busy time: it is put again on what is then there.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION plan_schedules(
    p_vendor_id uuid, p_provider_id uuid, p_wanted scheduled_slot[], p_from timestamptz, p_to timestamptz
) RETURNS scheduled_plan
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_plan    scheduled_plan;
    v_ours    scheduled_change[];
    v_claimed scheduled_change[];
    v_free    scheduled_change[];
    v_held    scheduled_change[];
    v_wanted  scheduled_slot[];
    v_pieces  scheduled_slot[];
    v_others  tstzmultirange;
    v_taken   tstzmultirange;
    v_more    tstzmultirange;
BEGIN
    -- 1. What is there as it is wanted drops out on both sides: nearly always nearly all of it.
    SELECT d.kept, d.slots, d.wanted INTO v_plan.kept, v_ours, v_wanted
    FROM compare_schedules(p_vendor_id, p_provider_id, p_wanted, p_from, p_to) AS d;

    -- 2. Of the other slots, those with claims stand at least where their claims are.
    SELECT c.claimed, c.free INTO v_claimed, v_free FROM cluster_claims(p_vendor_id, v_ours) AS c;

    -- 3. What cannot be had: slots made by hand, and those that have begun.
    SELECT range_agg(s.during) INTO v_others FROM slots s
    WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id
      AND s.during && (SELECT range_merge(range_agg(w.during)) FROM unnest(v_wanted) AS w)
      AND (s.schedule_id IS NULL OR lower(s.during) < p_from OR lower(s.during) >= p_to);
    v_others := COALESCE(v_others, '{}');

    -- 4. Claimed slots find the piece that holds them. What is in the way may cut another's piece, so again until none is.
    v_taken := v_others;
    LOOP
        v_pieces := pieces_left(v_wanted, v_taken);
        EXIT WHEN v_claimed IS NULL;
        v_held := hold_claims(v_pieces, v_claimed);
        SELECT v_others + COALESCE(range_agg((h.target).during), '{}') INTO v_more FROM unnest(v_held) AS h WHERE h.in_the_way;
        EXIT WHEN v_more = v_taken;
        v_taken := v_more;
    END LOOP;

    v_held := divide_slots(keep_wanted_open(v_wanted, v_held));

    -- 5. What is then still wanted is published, where it is there already in another shape by changing that.
    IF v_held IS NOT NULL THEN
        SELECT range_agg((h.target).during) INTO v_taken FROM unnest(v_held) AS h;
        v_pieces := pieces_left(v_pieces, v_taken);
    END IF;
    SELECT array_agg(ROW(f.slot_id, f.present, false, false, CASE WHEN p.during IS NOT NULL THEN ROW(
               p.schedule_id, p.location_id, p.during, p.capacity, p.price_amount, p.price_currency, NULL, '{}')::scheduled_slot END, NULL)::scheduled_change)
    INTO v_free
    FROM unnest(v_free) AS f FULL JOIN unnest(v_pieces) AS p ON p.during = (f.present).during;
    SELECT v_plan.kept + count(*) FILTER (WHERE c.present IS NOT DISTINCT FROM c.target AND NOT c.in_the_way),
           COALESCE(array_agg(c) FILTER (WHERE c.present IS DISTINCT FROM c.target OR c.in_the_way), '{}')
    INTO v_plan.kept, v_plan.changes
    FROM unnest(v_held || v_free) AS c;
    RETURN v_plan;
END
$$;
