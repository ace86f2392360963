-- Promise: one booking that holds p_quantity places of every slot named, or a refusal that leaves no
-- trace. This is the only way to book; holds, blocks and bookings alike come through here. With a service, p_start
-- and p_end are the time shown, and its buffers before and after are claimed with it.
--
-- Locks, in order: idempotency key; the public caller's contacts, if the vendor bounds open bookings; all
-- slots by id (NO KEY UPDATE); lapsed holds in the way by id;
-- service and customer (KEY SHARE); bookings whose units are dealt again, by id; claims. The first look takes none: a sold-out slot is refused without writing or waiting.
-- Lock and look are separate statements, since a statement keeps the snapshot it began with.
--
-- Refusals are returned. Raises: SK001 (a broken caller), 55P03, 57014, 40P01 (raw writers), and a
-- 23503 or 23514 that three looks did not cure.
CREATE OR REPLACE FUNCTION claim_slot_and_create_booking(
    p_vendor_id       uuid,
    p_slot_ids        uuid[],
    p_start           timestamptz DEFAULT NULL,
    p_end             timestamptz DEFAULT NULL,
    p_quantity        integer DEFAULT 1,
    p_customer_id     uuid DEFAULT NULL,
    p_service_id      uuid DEFAULT NULL,
    p_hold_for        interval DEFAULT NULL,
    p_idempotency_key text DEFAULT NULL,
    p_fingerprint     bytea DEFAULT NULL,
    p_details         jsonb DEFAULT '{}',
    p_actor           jsonb DEFAULT '{}',
    p_alternatives    integer DEFAULT 3
) RETURNS TABLE (outcome text, booking_id uuid, replayed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- Arrays of unknown length make every custom plan look better than the generic one, so that each
-- call would plan each statement anew: most of its time.
SET plan_cache_mode = force_generic_plan
-- Every row is found by a key; a plan made while a table was small, or not yet analyzed, would read it
-- from end to end for as long as the session keeps it.
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_attempts_max CONSTANT integer := 3;
    v_attempt      integer := 0;
    v_booking_id   uuid := uuidv7();
    v_end          timestamptz := p_end;
    -- What is occupied: the time shown, and a service's buffers around it.
    v_from         timestamptz := p_start;
    v_to           timestamptz := p_end;
    v_fingerprint  bytea := p_fingerprint;
    v_quantity     integer := p_quantity;
    v_service      services;
    v_look         slots_look;
    v_locked       boolean := false;
    v_checked      boolean;
    v_refusal      jsonb;
    v_public       public_check;
    -- Where the booking's channel leads; NULL: anywhere.
    v_places       uuid[];
    -- Of an import: {"buffer_before_minutes", "buffer_after_minutes", "price"} of when it was made, elsewhere.
    v_as_made      jsonb;
BEGIN
    -- A value to assign, and not PERFORM, which would run a statement.
    v_checked := require_claim_arguments(p_vendor_id, p_slot_ids, p_quantity, p_details, p_actor);
    IF p_idempotency_key IS NOT NULL AND v_fingerprint IS NULL THEN
        -- Instants and seconds: as text they would read otherwise in a session of another time zone.
        v_fingerprint := sha256(convert_to(jsonb_build_array(p_slot_ids, utc(p_start), utc(p_end), p_quantity, p_customer_id,
            p_service_id, extract(epoch FROM p_hold_for), p_details, p_actor ->> 'type', p_actor ->> 'id')::text, 'UTF8'));
    END IF;

    -- 0. What can be known without looking at the calendar.
    IF p_service_id IS NOT NULL THEN
        SELECT s.* INTO v_service FROM services s
        WHERE s.vendor_id = p_vendor_id AND s.id = p_service_id AND s.archived_at IS NULL;
        IF p_details ? 'as_made' AND COALESCE(p_actor ->> 'type', 'system') = 'system' THEN
            v_as_made := p_details -> 'as_made';
            v_service.buffer_before_minutes := v_as_made ->> 'buffer_before_minutes';
            v_service.buffer_after_minutes := v_as_made ->> 'buffer_after_minutes';
        END IF;
        -- Years beyond which nothing can be added are refused next.
        IF p_start BETWEEN '1900-01-01Z' AND '3000-01-01Z' AND COALESCE(p_end, p_start) BETWEEN '1900-01-01Z' AND '3000-01-01Z' THEN
            v_end := COALESCE(p_end, p_start + make_interval(mins => v_service.duration_minutes));
            v_from := p_start - make_interval(mins => v_service.buffer_before_minutes);
            v_to := v_end + make_interval(mins => v_service.buffer_after_minutes);
        END IF;
    END IF;
    v_refusal := COALESCE(
        check_claim_request(p_vendor_id, p_slot_ids, p_start, v_end, p_quantity, p_customer_id, p_service_id,
                            v_service, p_hold_for, p_details),
        check_claim_details(p_customer_id, p_idempotency_key, p_details));
    IF v_refusal IS NULL AND p_actor ->> 'type' = 'customer' THEN
        v_public := check_public_customer(p_vendor_id, p_details -> 'customer');
        v_refusal := COALESCE(v_public.closed, v_public.refusal,
                              CASE WHEN p_end - p_start < interval '1 minute' THEN invalid('end', 'part_too_short') END);
        IF v_public.service_required AND p_service_id IS NULL THEN
            v_refusal := COALESCE(v_refusal, invalid('service_id', 'service_required'));
        END IF;
        IF v_public.channels <> '{}' THEN
            v_refusal := COALESCE(v_refusal, check_channel(v_public.channels, p_details ->> 'channel', true));
            v_places := channel_places(v_public.channels, p_details ->> 'channel', true);
        END IF;
    ELSIF v_refusal IS NULL AND p_details ->> 'channel' IS NOT NULL THEN
        SELECT channel_places(v.channels, p_details ->> 'channel', false) INTO v_places FROM vendors v WHERE v.id = p_vendor_id;
    END IF;

    <<looks>>
    WHILE v_refusal IS NULL LOOP
        -- 1. Look: first without any lock, later under them, each time in a new snapshot.
        v_look := look_at_slots(p_vendor_id, p_slot_ids, v_from, v_to, p_quantity);
        IF p_service_id IS NOT NULL AND cardinality(v_look.parts) > 1 AND v_as_made IS NULL THEN
            v_look.parts := parts_by_need(p_vendor_id, p_service_id, v_look.parts);
        END IF;
        v_refusal := check_slot_parts(p_vendor_id, v_look.parts, p_slot_ids, v_from, v_to, p_details, p_actor, v_service);
        EXIT looks WHEN v_refusal IS NOT NULL;
        IF v_places IS NOT NULL THEN
            v_refusal := check_places(v_look.parts, v_places);
            EXIT looks WHEN v_refusal IS NOT NULL;
        END IF;
        -- What was made elsewhere is taken as it is: the rules are of today.
        IF p_service_id IS NOT NULL AND v_as_made IS NULL THEN
            v_refusal := check_service_rules(p_vendor_id, v_service, v_look.parts, v_quantity, p_actor);
            EXIT looks WHEN v_refusal IS NOT NULL;
        END IF;
        IF cardinality(v_look.parts) > 1 AND p_details ->> 'kind' IS DISTINCT FROM 'block'
           AND price_of_parts(v_look.parts, 1, v_service) ? 'mixed' THEN
            v_refusal := invalid('slot_ids', 'mixed_currency');
            EXIT looks;
        END IF;
        IF p_quantity IS NULL THEN
            v_quantity := v_look.parts[1].slot_capacity;
            IF EXISTS (SELECT FROM unnest(v_look.parts) AS part WHERE part.slot_capacity <> v_quantity) THEN
                v_refusal := invalid('quantity', 'capacities_differ');
                EXIT looks;
            END IF;
        END IF;
        IF v_look.available < v_quantity THEN
            IF cardinality(v_look.lapsed) = 0 THEN
                v_refusal := explain_refusal(p_vendor_id, v_look.parts, v_quantity, p_alternatives, v_service);
                IF v_places IS NOT NULL THEN
                    v_refusal := alternatives_at(v_refusal, v_places);
                END IF;
                EXIT looks;
            END IF;
            -- A lapsed hold never blocks: go on to the locks, where it is expired. Whoever came for
            -- another of its slots may be quicker, and then too its places are free: look again.
            IF v_locked THEN
                PERFORM expire_in_the_way(p_vendor_id, p_slot_ids, lower(v_look.parts[1].during), v_look.lapsed, p_actor);
                CONTINUE looks;
            END IF;
        END IF;

        IF NOT v_locked THEN
            -- 2. The idempotency key, before any other lock: a twin in flight makes us wait here.
            IF p_idempotency_key IS NOT NULL THEN
                INSERT INTO idempotency_keys (vendor_id, key, fingerprint, booking_id)
                VALUES (p_vendor_id, p_idempotency_key, v_fingerprint, v_booking_id)
                ON CONFLICT DO NOTHING;
                IF NOT FOUND THEN
                    RETURN QUERY SELECT * FROM replay_booking(p_vendor_id, p_idempotency_key, v_fingerprint);
                    IF FOUND THEN
                        RETURN;
                    END IF;
                    -- Its owner gave it back, or it was forgotten, between the two statements.
                    CONTINUE looks;
                END IF;
            END IF;
            IF v_public.open_bookings_max IS NOT NULL THEN
                v_checked := lock_contacts(p_vendor_id, p_details -> 'customer');
            END IF;
            -- 3. All slots, whatever their capacity: a resize or delete in flight finishes first,
            -- and a crowd on one slot queues here instead of trying one another's units.
            v_locked := lock_slots(p_vendor_id, p_slot_ids);
            CONTINUE looks;
        END IF;

        IF v_public.open_bookings_max IS NOT NULL THEN
            -- Counted anew, now that nobody else books by this address or number.
            v_refusal := check_open_bookings(p_vendor_id, p_details -> 'customer', v_public.open_bookings_max);
            EXIT looks WHEN v_refusal IS NOT NULL;
        END IF;

        IF p_service_id IS NOT NULL THEN
            -- Held until the commit, so that it is not archived in between: whoever does waits and finds us. Its
            -- rules are those that were looked at: who changes them meanwhile comes after us.
            PERFORM FROM services s
            WHERE s.vendor_id = p_vendor_id AND s.id = p_service_id AND s.archived_at IS NULL FOR KEY SHARE;
            IF NOT FOUND THEN
                v_refusal := jsonb_build_object('outcome', 'SERVICE_NOT_FOUND', 'facts', jsonb_build_object('service_id', p_service_id));
                EXIT looks;
            END IF;
        END IF;

        IF p_customer_id IS NOT NULL THEN
            -- Likewise, so that nobody is erased while a booking to come is made for them.
            PERFORM FROM customers c
            WHERE c.vendor_id = p_vendor_id AND c.id = p_customer_id AND c.erased_at IS NULL FOR KEY SHARE;
            IF NOT FOUND THEN
                v_refusal := jsonb_build_object('outcome', 'CUSTOMER_NOT_FOUND', 'facts', jsonb_build_object('customer_id', p_customer_id));
                EXIT looks;
            END IF;
        END IF;

        -- 4. Take the lowest free units. Raw writers may still be there, and they take no slot
        -- lock; ON CONFLICT waits for them without deadlock. The block undoes a part-won booking.
        v_attempt := v_attempt + 1;
        BEGIN
            IF v_look.scattered THEN
                -- Places enough, but not on the same units from start to end: others make way.
                v_look.parts := make_room(p_vendor_id, v_look.parts, v_quantity);
            END IF;
            IF insert_booking(p_vendor_id, v_booking_id, v_look.parts, v_quantity,
                              COALESCE(p_customer_id, find_or_create_customer(p_vendor_id, p_details -> 'customer')),
                              v_service, p_hold_for, p_details, p_actor) THEN
                RETURN QUERY SELECT CASE WHEN p_hold_for IS NULL THEN 'CONFIRMED' ELSE 'HELD' END,
                                    v_booking_id, false, d.description
                             FROM booking_descriptions d WHERE d.vendor_id = p_vendor_id AND d.id = v_booking_id;
                RETURN;
            END IF;
            RAISE SQLSTATE 'SK002';
        EXCEPTION
            WHEN SQLSTATE 'SK002' THEN
                v_refusal := CASE WHEN v_attempt >= v_attempts_max
                    THEN jsonb_build_object('outcome', 'CONCURRENCY_ABORT', 'facts', '{}'::jsonb) END;
            WHEN foreign_key_violation OR check_violation THEN
                IF v_attempt >= v_attempts_max THEN
                    RAISE;
                END IF;
        END;
    END LOOP;

    -- 5. Refused. Only successes are remembered, so that trying again later can win.
    IF p_idempotency_key IS NOT NULL THEN
        IF v_locked THEN
            DELETE FROM idempotency_keys k WHERE k.vendor_id = p_vendor_id AND k.key = p_idempotency_key;
        ELSE
            -- Only now, in a newer snapshot: if our twin has won meanwhile, its booking is ours.
            RETURN QUERY SELECT * FROM replay_booking(p_vendor_id, p_idempotency_key, v_fingerprint);
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
    END IF;
    RETURN QUERY SELECT v_refusal ->> 'outcome', NULL::uuid, false, v_refusal -> 'facts';
END
$$;
