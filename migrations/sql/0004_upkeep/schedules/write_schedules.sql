-- Promise: the slots are as planned. True, always.
-- Locks, in order: those of deal_again where capacities shrink; claims; new slots in order of time (waits for a rival
-- publisher). The caller holds the slots FOR UPDATE.
-- Raises: SK002 where somebody has published there since the look; 23P01, 23503, 23514 where raw writers wrote.
CREATE OR REPLACE FUNCTION write_schedules(p_vendor_id uuid, p_provider_id uuid, p_changes scheduled_change[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_smaller record;
    v_of_one  dealt_claim[];
    v_dealt   dealt_claim[] := '{}';
    v_new     integer;
BEGIN
    -- Whatever fits by head-count is dealt units that are left; of all slots together, so that bookings are locked in order.
    FOR v_smaller IN
        SELECT s AS slot, (c.target).capacity FROM unnest(p_changes) AS c
        JOIN slots s ON s.vendor_id = p_vendor_id AND s.id = c.slot_id
        WHERE c.claimed AND (c.target).capacity < (c.present).capacity ORDER BY s.id
    LOOP
        v_of_one := units_within(p_vendor_id, v_smaller.slot, v_smaller.capacity);
        IF v_of_one IS NULL THEN
            RAISE SQLSTATE 'SK002';
        END IF;
        v_dealt := v_dealt || v_of_one;
    END LOOP;
    IF NOT deal_again(p_vendor_id, v_dealt) THEN
        RAISE SQLSTATE 'SK002';
    END IF;
    DELETE FROM slots s USING unnest(p_changes) AS c
    WHERE (c.target).during IS NULL AND s.vendor_id = p_vendor_id AND s.id = c.slot_id;
    -- First all give way, then they take their new times: in one step they might meet on the way. Slot and claims in one
    -- statement: law 3's key is checked when it ends.
    WITH resized AS (
        UPDATE slots s SET during = (c.present).during * (c.target).during
        FROM unnest(p_changes) AS c
        WHERE s.vendor_id = p_vendor_id AND s.id = c.slot_id AND NOT (c.present).during <@ (c.target).during
        RETURNING s.id, s.during
    )
    UPDATE claims c SET slot_during = resized.during FROM resized
    WHERE c.vendor_id = p_vendor_id AND c.slot_id = resized.id;
    WITH resized AS (
        UPDATE slots s
        SET during = (c.target).during, capacity = (c.target).capacity, location_id = (c.target).location_id,
            price_amount = (c.target).price_amount, price_currency = (c.target).price_currency,
            schedule_id = (c.target).schedule_id, closed = (c.target).closed, version = s.version + 1, updated_at = now()
        FROM unnest(p_changes) AS c
        WHERE s.vendor_id = p_vendor_id AND s.id = c.slot_id AND (c.target).during IS NOT NULL AND c.present IS DISTINCT FROM c.target
        RETURNING s.id, s.during, s.capacity
    )
    UPDATE claims c SET slot_during = resized.during, slot_capacity = resized.capacity FROM resized
    WHERE c.vendor_id = p_vendor_id AND c.slot_id = resized.id
      AND (c.slot_during, c.slot_capacity) IS DISTINCT FROM (resized.during, resized.capacity);
    INSERT INTO slots (vendor_id, id, provider_id, schedule_id, location_id, during, capacity, price_amount, price_currency)
    SELECT p_vendor_id, uuidv7(), p_provider_id, (c.target).schedule_id, (c.target).location_id, (c.target).during,
           (c.target).capacity, (c.target).price_amount, (c.target).price_currency
    FROM unnest(p_changes) AS c
    WHERE c.slot_id IS NULL
    ORDER BY lower((c.target).during)
    ON CONFLICT ON CONSTRAINT slots_no_overlap DO NOTHING;
    GET DIAGNOSTICS v_new = ROW_COUNT;
    IF v_new < (SELECT count(*) FROM unnest(p_changes) AS c WHERE c.slot_id IS NULL) THEN
        RAISE SQLSTATE 'SK002';
    END IF;
    RETURN true;
END
$$;
