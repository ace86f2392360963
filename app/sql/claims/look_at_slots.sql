-- Promise: for each slot asked for, in the order asked, the part of it inside [p_start, p_end)
-- (NULL: open), the units nobody claims at any moment of that part, and how many places are free throughout it by
-- head-count; the least of those; whether units must be dealt again to have them; and, only
-- when they are fewer than p_quantity (NULL: all places), the lapsed holds in the way. A slot that is not there,
-- or whose provider or location is archived, is not returned. Bookings are not touched while there is room: a free place
-- is known from claims alone.
-- One snapshot for all of it, that of the calling statement: a hold that somebody expired between two would
-- be in the way in the first and not there in the second.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION look_at_slots(
    p_vendor_id uuid, p_slot_ids uuid[], p_start timestamptz, p_end timestamptz, p_quantity integer
) RETURNS slots_look
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_look     slots_look;
    -- Gathered here and not in v_look: appending to a member of a row copies the array each time.
    v_parts    slot_part[];
    v_part     slot_part;
    v_slot_id  uuid;
    v_ordinal  integer := 0;
    v_archived timestamptz;
    v_taken    int4multirange;
    v_covering boolean;
BEGIN
    v_look.scattered := false;
    -- One table a statement: each is a search by key, and setting up a join costs more than all three.
    FOREACH v_slot_id IN ARRAY p_slot_ids LOOP
        v_ordinal := v_ordinal + 1;
        SELECT v_ordinal, s.id, s.provider_id, s.location_id, s.during, s.capacity,
               s.during * tstzrange(p_start, p_end), NULL, s.price_amount, s.price_currency, NULL, s.closed
        INTO v_part
        FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = v_slot_id;
        CONTINUE WHEN NOT FOUND;
        SELECT COALESCE(p.archived_at, (SELECT l.archived_at FROM locations l
                                        WHERE l.vendor_id = p_vendor_id AND l.id = v_part.location_id))
        INTO v_archived
        FROM providers p WHERE p.vendor_id = p_vendor_id AND p.id = v_part.provider_id;
        CONTINUE WHEN v_archived IS NOT NULL;
        SELECT range_agg(c.units), bool_and(c.during @> v_part.during) INTO v_taken, v_covering
        FROM claims c
        WHERE c.vendor_id = p_vendor_id AND c.slot_id = v_slot_id
          -- IS TRUE: searched by slot, never by time, which all of the vendor's slots share.
          AND (c.during && v_part.during) IS TRUE;
        v_part.free := int4multirange(int4range(1, v_part.slot_capacity + 1)) - COALESCE(v_taken, '{}');
        v_part.available := units_count(v_part.free);
        -- Claims that all take the whole of the part have a unit of their own for each place: nothing to count.
        IF NOT v_covering AND v_part.available < COALESCE(p_quantity, v_part.slot_capacity) THEN
            -- As most_taken, in place: to call that costs as much again.
            SELECT v_part.slot_capacity - max(level.taken) INTO v_part.available
            FROM (
                SELECT sum(sum(edge.change)) OVER (ORDER BY edge.at) AS taken
                FROM claims c
                CROSS JOIN LATERAL (VALUES (GREATEST(lower(c.during), lower(v_part.during)), c.quantity),
                                           (upper(c.during), -c.quantity)) AS edge (at, change)
                WHERE c.vendor_id = p_vendor_id AND c.slot_id = v_slot_id AND (c.during && v_part.during) IS TRUE
                  AND edge.at < upper(v_part.during)
                GROUP BY edge.at
            ) AS level;
            v_look.scattered := v_look.scattered OR v_part.available >= COALESCE(p_quantity, v_part.slot_capacity);
        END IF;
        v_parts := v_parts || v_part;
        v_look.available := LEAST(v_look.available, v_part.available);
    END LOOP;
    v_look.parts := v_parts;
    IF v_look.available < COALESCE(p_quantity, v_parts[1].slot_capacity) THEN
        v_look.lapsed := lapsed_holds_in(p_vendor_id, v_parts);
    END IF;
    RETURN v_look;
END
$$;
