-- Promise: other providers who have p_quantity places at all the times wanted of several slots, one
-- slot for each: for whole slots, slots of the same times; for a stretch, slots that contain it. Up to
-- p_limit at the location wanted and as many elsewhere; it gives up after a few thousand slots.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION same_times_elsewhere(
    p_vendor_id uuid, p_parts slot_part[], p_quantity integer, p_limit integer
) RETURNS SETOF opening
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_looks_max CONSTANT integer := 2000;
    v_looks     integer := 0;
    v_first     slot_part := p_parts[1];
    v_part      slot_part;
    v_provider  record;
    v_slot      record;
    v_opening   opening;
    v_here      integer := 0;
    v_away      integer := 0;
BEGIN
    -- One provider after another, and each only until a part is short: a year of nights at two hundred
    -- providers is more than a refusal can count.
    FOR v_provider IN
        SELECT s.provider_id, s.location_id, s.location_id = v_first.location_id AS here
        FROM slots s
        JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
        WHERE s.vendor_id = p_vendor_id AND s.during && v_first.during AND s.during @> v_first.during
          AND (v_first.during <> v_first.slot_during OR s.during = v_first.slot_during)
          AND s.capacity >= p_quantity AND lower(v_first.during) > now() AND NOT s.closed && v_first.during
          AND s.provider_id <> ALL (ARRAY(SELECT taken.provider_id FROM unnest(p_parts) AS taken))
        ORDER BY here DESC, s.provider_id
    LOOP
        CONTINUE WHEN CASE WHEN v_provider.here THEN v_here ELSE v_away END >= p_limit;
        v_opening := ROW('{}'::uuid[], v_provider.provider_id, v_provider.location_id, NULL, NULL);
        FOREACH v_part IN ARRAY p_parts LOOP
            v_looks := v_looks + 1;
            SELECT s.id, free.available INTO v_slot
            FROM slots s
            CROSS JOIN LATERAL free_places(p_vendor_id, s.id, s.capacity, v_part.during) AS free (available)
            WHERE s.vendor_id = p_vendor_id AND s.provider_id = v_provider.provider_id
              AND s.during && v_part.during AND s.during @> v_part.during
              AND (v_part.during <> v_part.slot_during OR s.during = v_part.slot_during)
              AND s.capacity >= p_quantity AND free.available >= p_quantity AND NOT s.closed && v_part.during;
            -- Not one slot for two of them: joint slots of several providers lie at the same time.
            EXIT WHEN NOT FOUND OR v_slot.id = ANY (v_opening.slot_ids);
            v_opening.slot_ids := v_opening.slot_ids || v_slot.id;
            v_opening.available := LEAST(v_opening.available, v_slot.available);
        END LOOP;
        IF cardinality(v_opening.slot_ids) = cardinality(p_parts) THEN
            v_opening.during := tstzrange(lower(v_first.during), upper(v_part.during));
            v_here := v_here + v_provider.here::integer;
            v_away := v_away + (NOT v_provider.here)::integer;
            RETURN NEXT v_opening;
        END IF;
        EXIT WHEN v_looks >= v_looks_max;
    END LOOP;
END
$$;
