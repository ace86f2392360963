-- Promise: the booking is cancelled or expired (p_status) and holds nothing, as move_booking does it; what it held in a busy
-- time of its provider is in the same instant held by blocks, on the very same units, and so never to be had. Without busy
-- time there it costs one search.
-- Locks: the booking's claims; of slots that the caller has not locked, those that nobody is reshaping (KEY SHARE, SKIP
-- LOCKED: who reshapes one waits for us, and closes it himself). The caller holds the booking FOR UPDATE. Raises: nothing of its own.
CREATE OR REPLACE FUNCTION free_booking(p_booking bookings, p_status text, p_actor jsonb, p_reason text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_claims   claims[];
    v_left     record;
    v_block_id uuid;
BEGIN
    SELECT array_agg(c) INTO v_claims FROM claims c
    WHERE c.vendor_id = p_booking.vendor_id AND c.booking_id = p_booking.id AND upper(c.during) > now() AND EXISTS (
        SELECT FROM busy_times t
        WHERE t.vendor_id = p_booking.vendor_id AND t.provider_id = c.provider_id AND t.archived_at IS NULL
          AND t.during && c.during AND upper(t.during) > now());
    PERFORM move_booking(p_booking, p_status, p_actor, p_reason);
    IF v_claims IS NULL THEN
        RETURN;
    END IF;
    FOR v_left IN
        SELECT c.slot_id, c.provider_id, s.location_id, c.slot_during, c.slot_capacity, c.quantity, c.units,
               t.id AS busy_time_id, t.reason, piece AS during
        FROM unnest(v_claims) AS c
        JOIN slots s ON s.vendor_id = p_booking.vendor_id AND s.id = c.slot_id
        JOIN busy_times t ON t.vendor_id = p_booking.vendor_id AND t.provider_id = c.provider_id AND t.archived_at IS NULL
            AND t.during && c.during AND upper(t.during) > now()
        -- Where two overlap, the first has it.
        CROSS JOIN LATERAL unnest(tstzmultirange(c.during * t.during) - COALESCE((
            SELECT range_agg(earlier.during) FROM busy_times earlier
            WHERE earlier.vendor_id = p_booking.vendor_id AND earlier.provider_id = c.provider_id AND earlier.archived_at IS NULL
              AND earlier.during && c.during AND upper(earlier.during) > now() AND earlier.id < t.id), '{}')) AS piece
        ORDER BY c.slot_id, piece
    LOOP
        PERFORM FROM slots s WHERE s.vendor_id = p_booking.vendor_id AND s.id = v_left.slot_id FOR KEY SHARE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        v_block_id := uuidv7();
        BEGIN
            IF NOT insert_booking(
                p_booking.vendor_id, v_block_id,
                ARRAY[ROW(1, v_left.slot_id, v_left.provider_id, v_left.location_id, v_left.slot_during, v_left.slot_capacity,
                          v_left.during, v_left.units, NULL, NULL, v_left.quantity, '{}')::slot_part],
                v_left.quantity, NULL, NULL::services, NULL, jsonb_build_object('kind', 'block', 'notes', v_left.reason),
                '{"type": "system", "id": "busy_times"}'::jsonb || jsonb_strip_nulls(
                    jsonb_build_object('request_id', p_actor ->> 'request_id'))) THEN
                RAISE SQLSTATE 'SK002';
            END IF;
            INSERT INTO busy_blocks (vendor_id, booking_id, busy_time_id, provider_id, ends)
            VALUES (p_booking.vendor_id, v_block_id, v_left.busy_time_id, v_left.provider_id, upper(v_left.during));
        EXCEPTION WHEN SQLSTATE 'SK002' OR foreign_key_violation OR check_violation THEN
            -- A raw writer was there: close_busy_time finds what is left.
        END;
    END LOOP;
END
$$;
