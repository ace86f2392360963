-- Promise: the parts, each with units for p_quantity places free from its start to its end, after other claims of those
-- slots have been dealt other units where they were in the way. The look has found that there are places enough.
-- Locks, in order: the bookings that are dealt anew, of all parts together, by id; their claims. The caller holds the slots.
-- Raises: SK002 when raw writers have changed what was looked at; 23503, 23514 likewise. The caller then
-- undoes it and looks again.
CREATE OR REPLACE FUNCTION make_room(p_vendor_id uuid, p_parts slot_part[], p_quantity integer) RETURNS slot_part[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_parts slot_part[] := '{}';
    v_part  slot_part;
    v_dealt dealt_claim[];
    v_moved dealt_claim[] := '{}';
BEGIN
    FOREACH v_part IN ARRAY p_parts LOOP
        IF units_count(v_part.free) < p_quantity THEN
            v_dealt := deal_units(p_vendor_id, v_part.provider_id, v_part.slot_capacity,
                                  ARRAY[ROW(NULL, NULL, v_part.during, p_quantity, NULL)::dealt_claim]);
            IF v_dealt IS NULL THEN
                RAISE SQLSTATE 'SK002';
            END IF;
            v_part.free := v_dealt[1].units;
            v_moved := v_moved || v_dealt[2:];
        END IF;
        v_parts := v_parts || v_part;
    END LOOP;
    IF NOT deal_again(p_vendor_id, v_moved) THEN
        RAISE SQLSTATE 'SK002';
    END IF;
    RETURN v_parts;
END
$$;
