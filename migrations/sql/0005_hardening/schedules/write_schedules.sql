-- Promise: the slots are as planned, and claims are on the slots that hold them. A booking that so comes to another slot keeps everything but
-- its slot_ids, which its history tells. True, always.
-- Locks, in order: bookings that are dealt units again or come to another slot, by id (NO KEY UPDATE); claims; new slots in order of time
-- (waits for a rival publisher). The caller holds the slots FOR UPDATE.
-- Raises: SK002 where somebody has published there since the look; 23P01, 23503, 23514 where raw writers wrote.
CREATE OR REPLACE FUNCTION write_schedules(p_vendor_id uuid, p_provider_id uuid, p_changes scheduled_change[], p_actor jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_dealt  dealt_claim[];
    v_moving uuid[];
    v_moved  claims[];
    v_count  integer;
BEGIN
    -- 1. Whatever fits by head-count is dealt units that are left; of all slots together, and with those that come to another
    -- slot, so that bookings are locked in order.
    v_dealt := units_of_schedules(p_vendor_id, p_provider_id, p_changes);
    v_moving := ARRAY(
        SELECT moving.booking_id FROM unnest(p_changes) AS c
        CROSS JOIN LATERAL (
            SELECT m.booking_id FROM claims m
            WHERE m.vendor_id = p_vendor_id AND m.slot_id = c.claims_from AND m.during <@ (c.target).during OFFSET 0) AS moving
        WHERE c.claims_from IS NOT NULL);
    PERFORM lock_bookings(p_vendor_id, v_moving || ARRAY(SELECT d.booking_id FROM unnest(v_dealt) AS d));
    IF NOT deal_again(p_vendor_id, v_dealt) THEN
        RAISE SQLSTATE 'SK002';
    END IF;

    -- 2. What comes to another slot lets go, as in deal_again: a booking's keys to its claims wait for the commit.
    IF cardinality(v_moving) > 0 THEN
        WITH gone AS (
            DELETE FROM claims m USING unnest(p_changes) AS c
            WHERE c.claims_from IS NOT NULL AND m.vendor_id = p_vendor_id AND m.slot_id = c.claims_from AND m.during <@ (c.target).during
            RETURNING m
        )
        SELECT array_agg(g.m) INTO v_moved FROM gone g;
    END IF;
    DELETE FROM slots s USING unnest(p_changes) AS c
    WHERE (c.target).during IS NULL AND s.vendor_id = p_vendor_id AND s.id = c.slot_id;

    -- 3. First all give way, then they take their new times: in one step they might meet on the way. Slot and claims in one
    -- statement: law 3's key is checked when it ends.
    WITH resized AS (
        UPDATE slots s SET during = (c.present).during * (c.target).during,
                           closed = s.closed * ((c.present).during * (c.target).during)::tstzmultirange
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

    -- 4. What is new, and who comes to it.
    INSERT INTO slots (vendor_id, id, provider_id, schedule_id, location_id, during, capacity, price_amount, price_currency, closed)
    SELECT p_vendor_id, COALESCE(c.slot_id, uuidv7()), p_provider_id, (c.target).schedule_id, (c.target).location_id, (c.target).during,
           (c.target).capacity, (c.target).price_amount, (c.target).price_currency, (c.target).closed
    FROM unnest(p_changes) AS c
    WHERE (c.present).during IS NULL
    ORDER BY lower((c.target).during)
    ON CONFLICT ON CONSTRAINT slots_no_overlap DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count < (SELECT count(*) FROM unnest(p_changes) AS c WHERE (c.present).during IS NULL)
       OR NOT put_claims(p_vendor_id, v_moved, p_actor) THEN
        RAISE SQLSTATE 'SK002';
    END IF;
    RETURN true;
END
$$;
