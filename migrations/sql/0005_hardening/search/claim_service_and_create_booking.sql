-- Promise: one booking of the service at p_start, by whichever of its providers (or p_provider_id) at whichever location
-- (or one of p_location_ids, and of those of its channel) comes first in the order of service_openings and is free; refused only when nobody is. With
-- p_end it ends then, or is refused: of whole slots that begin together that one is meant. It is
-- claim_slot_and_create_booking that books: this one says for which slots, one try after another, so that a race costs a
-- try and not the booking. Whoever is locked is passed over, and waited for when nobody else is free: one after another, for lock_timeout
-- together, after which all are looked at once more.
--
-- Locks: those of claim_slot_and_create_booking, of one try at a time: a try that is refused is undone, and lets go of its
-- locks, its idempotency key included, before the next begins. So the order of locks holds.
--
-- Refusals are returned, with other times of the service as alternatives. Raises: what claim_slot_and_create_booking
-- raises; 55P03 only when nobody is free whom it did not have to wait for.
CREATE OR REPLACE FUNCTION claim_service_and_create_booking(
    p_vendor_id       uuid,
    p_service_id      uuid,
    p_start           timestamptz,
    p_quantity        integer DEFAULT 1,
    p_provider_id     uuid DEFAULT NULL,
    p_location_ids    uuid[] DEFAULT NULL,
    p_customer_id     uuid DEFAULT NULL,
    p_hold_for        interval DEFAULT NULL,
    p_idempotency_key text DEFAULT NULL,
    p_fingerprint     bytea DEFAULT NULL,
    p_details         jsonb DEFAULT '{}',
    p_actor           jsonb DEFAULT '{}',
    p_alternatives    integer DEFAULT 3,
    p_end             timestamptz DEFAULT NULL
) RETURNS TABLE (outcome text, booking_id uuid, replayed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    v_public      CONSTANT boolean := p_actor ->> 'type' IS NOT DISTINCT FROM 'customer';
    -- Which of the service's providers and places it may be is said here, and not once more of each try.
    v_details     CONSTANT jsonb := p_details - 'provider_id' - 'location_id';
    v_fingerprint bytea := p_fingerprint;
    v_service     services;
    v_channels    jsonb;
    v_places      uuid[];
    v_refusal     jsonb;
    v_opening     record;
    v_claim       record;
    v_tried       text[] := '{}';
    v_patience    CONSTANT text := current_setting('lock_timeout');
    v_short       CONSTANT interval := CASE WHEN v_patience::interval BETWEEN '1 ms' AND '250 ms' THEN v_patience ELSE '250 ms' END;
    v_round       integer := 1;
    v_full        boolean;
    v_deadline    timestamptz;
    v_locked      uuid[] := '{}';
    v_more        uuid[];
    v_waited      text;
    v_otherwise   boolean;
BEGIN
    IF p_vendor_id IS NULL OR p_service_id IS NULL OR p_start IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_vendor_id, p_service_id and p_start are needed';
    END IF;
    PERFORM require_claim_arguments(p_vendor_id, '{}', p_quantity, p_details, p_actor);
    IF v_fingerprint IS NULL AND p_idempotency_key IS NOT NULL THEN
        -- Without an end as it was before there was one: whoever sends again what was sent then is answered.
        v_fingerprint := sha256(convert_to((jsonb_build_array('service', p_service_id, utc(p_start), p_quantity, p_provider_id,
            p_location_ids, p_customer_id, extract(epoch FROM p_hold_for), p_details, p_actor ->> 'type', p_actor ->> 'id')
            || CASE WHEN p_end IS NULL THEN '[]' ELSE jsonb_build_array(utc(p_end)) END)::text, 'UTF8'));
    END IF;
    SELECT s.* INTO v_service FROM services s WHERE s.vendor_id = p_vendor_id AND s.id = p_service_id AND s.archived_at IS NULL;
    SELECT v.channels INTO v_channels FROM vendors v WHERE v.id = p_vendor_id;
    v_refusal := COALESCE(
        CASE WHEN v_service.id IS NULL THEN jsonb_build_object(
            'outcome', 'SERVICE_NOT_FOUND', 'facts', jsonb_build_object('service_id', p_service_id)) END,
        check_locations(p_vendor_id, p_location_ids), check_service_end(v_service, p_start, p_end),
        CASE WHEN NOT service_has_provider(p_vendor_id, p_service_id, p_provider_id) THEN invalid(
            'provider_id', 'provider_does_not_offer', jsonb_build_object('provider_id', p_provider_id)) END,
        check_channel(v_channels, p_details ->> 'channel', v_public));
    v_places := places_wanted(p_location_ids, channel_places(v_channels, p_details ->> 'channel', v_public));

    -- 1. One after another. The list is made anew before each try: whoever was taken meanwhile is not on it. First round: whoever is not locked;
    -- second: one of the others, for as long as it takes, and then from the beginning; third, if that was too long: whoever has come free meanwhile.
    WHILE v_refusal IS NULL LOOP
        EXIT WHEN v_round > 3;
        SELECT o.* INTO v_opening
        FROM service_openings(p_vendor_id, v_service, tstzrange(p_start, p_start, '[]'), p_quantity, p_provider_id, v_places,
                              NULL, p_without => v_locked, p_any_start => NOT v_public) AS o
        WHERE array_to_string(o.slot_ids, ',') <> ALL (v_tried) AND o.ends = COALESCE(p_end, o.ends)
        ORDER BY o.place LIMIT 1;
        IF NOT FOUND THEN
            EXIT WHEN v_locked = '{}' OR v_round = 3;
            v_round := v_round + 1;
            v_locked := '{}';
            CONTINUE;
        END IF;
        v_full := v_round = 2;
        IF v_full THEN
            v_locked := '{}';
        ELSIF v_waited IS NOT NULL THEN
            -- Who has waited once looks first, or ten who are locked would cost ten waits.
            v_more := locked_slots(p_vendor_id, v_opening.slot_ids);
            v_locked := v_locked || v_more;
            CONTINUE WHEN v_more <> '{}';
        END IF;
        -- One deadline for all who are waited for, since each wait may end in a refusal; a lock_timeout of 0 has none.
        v_deadline := COALESCE(v_deadline, CASE WHEN v_full THEN clock_timestamp() + NULLIF(v_patience::interval, '0') END);
        BEGIN
            PERFORM set_config('lock_timeout', CASE WHEN v_full AND v_deadline IS NULL THEN v_patience ELSE ceil(1000 * extract(epoch FROM GREATEST(
                '1 ms', LEAST(CASE WHEN NOT v_full THEN v_short END, v_deadline - clock_timestamp()))))::text END, true);
            SELECT c.* INTO v_claim FROM claim_slot_and_create_booking(
                p_vendor_id, v_opening.slot_ids, CASE WHEN v_service.duration_minutes IS NOT NULL THEN p_start END, NULL, p_quantity,
                p_customer_id, p_service_id, p_hold_for, p_idempotency_key, v_fingerprint, v_details, p_actor, 0) AS c;
            IF v_claim.booking_id IS NULL THEN
                RAISE SQLSTATE 'SK003';
            END IF;
            PERFORM set_config('lock_timeout', v_patience, true);
            RETURN QUERY SELECT v_claim.outcome, v_claim.booking_id, v_claim.replayed, v_claim.facts;
            RETURN;
        EXCEPTION
            WHEN SQLSTATE 'SK003' THEN
                v_tried := v_tried || array_to_string(v_opening.slot_ids, ',');
                v_round := CASE WHEN v_full THEN 1 ELSE v_round END;
                -- What is about the request and not about this provider would be refused of all others, too.
                IF v_claim.outcome NOT IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY', 'SLOT_NOT_FOUND', 'CONCURRENCY_ABORT')
                   AND (v_claim.outcome <> 'VALIDATION_ERROR' OR v_claim.facts ->> 'field' NOT IN ('start', 'slot_ids', 'provider_id')) THEN
                    v_refusal := jsonb_build_object('outcome', v_claim.outcome, 'facts', v_claim.facts);
                END IF;
            WHEN lock_not_available THEN
                -- Not locked when we looked, and yet we waited: for something else then, such as a twin with our key, and so would the others.
                v_round := v_round + (v_full OR v_waited IS NOT NULL)::integer;
                v_waited := SQLERRM;
        END;
    END LOOP;

    -- 2. Nobody: what is in the way is told of whoever has most left, or else of the first who was ever there.
    IF v_refusal IS NULL AND (v_locked <> '{}' OR v_round > 3) THEN
        RAISE EXCEPTION USING ERRCODE = '55P03', MESSAGE = v_waited;
    END IF;
    IF v_refusal IS NULL THEN
        SELECT o.* INTO v_opening
        FROM service_openings(p_vendor_id, v_service, tstzrange(p_start, p_start, '[]'), 1, p_provider_id, v_places,
                              NULL, p_any_start => true) AS o
        WHERE o.ends = COALESCE(p_end, o.ends)
        ORDER BY o.available DESC, o.place LIMIT 1;
        IF NOT FOUND THEN
            SELECT o.* INTO v_opening
            FROM service_openings(p_vendor_id, v_service, tstzrange(p_start, p_start, '[]'), 1, p_provider_id, v_places,
                                  NULL, p_any_start => true, p_taken => false) AS o
            ORDER BY o.ends = p_end DESC, o.place LIMIT 1;
            v_otherwise := v_opening.ends <> p_end;
        END IF;
        -- Also when nothing was ever published: a twin with our key may have won, or the request make no sense. Undone like
        -- a try: nobody waits for us while we look for other times.
        BEGIN
            SELECT c.* INTO v_claim FROM claim_slot_and_create_booking(
                p_vendor_id, CASE WHEN v_otherwise THEN '{}' ELSE COALESCE(v_opening.slot_ids, '{}') END,
                CASE WHEN v_service.duration_minutes IS NOT NULL THEN p_start END, NULL, p_quantity,
                p_customer_id, p_service_id, p_hold_for, p_idempotency_key, v_fingerprint, v_details, p_actor, 0) AS c;
            IF v_claim.booking_id IS NULL THEN
                RAISE SQLSTATE 'SK003';
            END IF;
            RETURN QUERY SELECT v_claim.outcome, v_claim.booking_id, v_claim.replayed, v_claim.facts;
            RETURN;
        EXCEPTION
            WHEN SQLSTATE 'SK003' THEN
                v_refusal := refuse_service(
                    p_vendor_id, v_claim.outcome, v_claim.facts, p_quantity, p_provider_id,
                    CASE WHEN v_otherwise THEN jsonb_build_object(
                        'start', utc(v_opening.start), 'end', utc(v_opening.ends), 'time_zone', v_opening.time_zone) END);
        END;
        IF p_alternatives > 0 AND v_refusal ->> 'outcome' IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY', 'SLOT_NOT_FOUND') THEN
            v_refusal := jsonb_set(v_refusal, '{facts,alternatives}', service_alternatives(
                p_vendor_id, v_service, p_start, p_quantity, p_provider_id, v_places,
                channel_places(v_channels, p_details ->> 'channel', v_public), p_alternatives));
        END IF;
    ELSIF p_idempotency_key IS NOT NULL THEN
        -- What was refused before anybody was tried may have been booked when the service and its vendor were otherwise.
        RETURN QUERY SELECT * FROM replay_booking(p_vendor_id, p_idempotency_key, v_fingerprint);
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT v_refusal ->> 'outcome', NULL::uuid, false, v_refusal -> 'facts';
END
$$;
