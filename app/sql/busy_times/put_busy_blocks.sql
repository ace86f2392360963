-- Promise: nothing is free any more in the provider's busy time in these slots (NULL: in all to come): each free stretch is
-- claimed by a block that knows its busy time, in the way and under the laws of any booking. Bookings that stand there
-- stay. How many blocks were made; none where there was nothing to close.
-- Locks, in order: slots with open busy time by id; what claim_slot_and_create_booking locks under them. Raises: 55P03, 57014.
CREATE OR REPLACE FUNCTION put_busy_blocks(
    p_vendor_id uuid, p_provider_id uuid, p_slot_ids uuid[], p_actor jsonb
) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_slot_ids uuid[];
    v_open     record;
    v_block_id uuid;
    v_refused  boolean;
    v_put      integer := 0;
BEGIN
    -- Nearly always there is no busy time at all, and then this is one search.
    IF NOT EXISTS (SELECT FROM busy_times t WHERE t.vendor_id = p_vendor_id AND t.provider_id = p_provider_id
                   AND t.archived_at IS NULL AND t.during && tstzrange(now(), NULL)) THEN
        RETURN 0;
    END IF;
    v_slot_ids := ARRAY(SELECT DISTINCT o.slot_id FROM find_open_busy_time(p_vendor_id, p_provider_id, p_slot_ids) AS o);
    IF cardinality(v_slot_ids) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM lock_slots(p_vendor_id, v_slot_ids);
    -- Again, now that nobody can book there. Who is refused met a lapsed hold, which has left what it held, and that alone, to the busy
    -- time (free_booking), or a raw writer: whatever is free beside them is found by the next look, and nobody lapses for ever.
    FOR v_look IN 1..3 LOOP
        v_refused := false;
        FOR v_open IN
            SELECT o.*, s.location_id, s.during AS slot_during, s.capacity
            FROM find_open_busy_time(p_vendor_id, p_provider_id, v_slot_ids) AS o
            CROSS JOIN LATERAL (
                SELECT s.location_id, s.during, s.capacity FROM slots s WHERE s.vendor_id = p_vendor_id AND s.id = o.slot_id OFFSET 0) AS s
        LOOP
            v_block_id := NULL;
            IF v_open.places = v_open.capacity THEN
                -- Nobody has any of it, and nearly always that is so: no look at the slot is needed.
                v_block_id := uuidv7();
                BEGIN
                    IF NOT insert_booking(
                        p_vendor_id, v_block_id,
                        ARRAY[ROW(1, v_open.slot_id, p_provider_id, v_open.location_id, v_open.slot_during, v_open.capacity, v_open.during,
                                  int4multirange(int4range(1, v_open.capacity + 1)), NULL, NULL, v_open.places, '{}')::slot_part],
                        v_open.places, NULL, NULL::services, NULL, jsonb_build_object('kind', 'block', 'notes', v_open.reason), p_actor) THEN
                        RAISE SQLSTATE 'SK002';
                    END IF;
                EXCEPTION WHEN SQLSTATE 'SK002' OR foreign_key_violation OR check_violation THEN
                    -- But a lapsed hold, or a raw writer.
                    v_block_id := NULL;
                END;
            END IF;
            IF v_block_id IS NULL THEN
                SELECT c.booking_id INTO v_block_id FROM claim_slot_and_create_booking(
                    p_vendor_id => p_vendor_id, p_slot_ids => ARRAY[v_open.slot_id],
                    p_start => lower(v_open.during), p_end => upper(v_open.during), p_quantity => v_open.places,
                    p_details => jsonb_build_object('kind', 'block', 'notes', v_open.reason), p_actor => p_actor,
                    p_alternatives => 0) AS c;
            END IF;
            v_refused := v_refused OR v_block_id IS NULL;
            IF v_block_id IS NOT NULL THEN
                INSERT INTO busy_blocks (vendor_id, booking_id, busy_time_id, provider_id, ends)
                VALUES (p_vendor_id, v_block_id, v_open.busy_time_id, p_provider_id, upper(v_open.during));
                v_put := v_put + 1;
            END IF;
        END LOOP;
        EXIT WHEN NOT v_refused;
    END LOOP;
    RETURN v_put;
END
$$;
