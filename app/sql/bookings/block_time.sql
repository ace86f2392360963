-- Promise: all published time of the provider in [p_start, p_end) is closed for p_quantity places
-- (NULL: all of them) by a booking without a customer, under the same laws as any other; refused,
-- naming the bookings, when some are in the way. What is published beside or cut while it waits is closed with it: whoever
-- finds other slots there afterwards begins anew, and gives up with CONCURRENCY_ABORT after three times.
-- Locks: those of claim_slot_and_create_booking, of one try at a time: a try that closes too little is undone, and lets go of
-- its locks, its idempotency key included, before the next, so that no slot is waited for out of order. Raises: SK001, 55P03, 57014.
CREATE OR REPLACE FUNCTION block_time(
    p_vendor_id uuid, p_provider_id uuid, p_start timestamptz, p_end timestamptz,
    p_quantity integer DEFAULT NULL, p_reason text DEFAULT NULL,
    p_idempotency_key text DEFAULT NULL, p_fingerprint bytea DEFAULT NULL, p_actor jsonb DEFAULT '{}'
) RETURNS TABLE (outcome text, booking_id uuid, replayed boolean, facts jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_slot_ids uuid[];
    v_claim    record;
BEGIN
    IF p_start IS NULL OR p_end IS NULL OR p_provider_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_provider_id, p_start and p_end are needed';
    END IF;
    FOR v_try IN 1..3 LOOP
        v_slot_ids := slots_covering(p_vendor_id, p_provider_id, p_start, p_end);
        BEGIN
            SELECT c.* INTO v_claim FROM claim_slot_and_create_booking(
                p_vendor_id => p_vendor_id, p_slot_ids => v_slot_ids,
                p_start => p_start, p_end => p_end, p_quantity => p_quantity,
                p_idempotency_key => p_idempotency_key, p_fingerprint => p_fingerprint,
                p_details => jsonb_build_object('kind', 'block', 'notes', p_reason), p_actor => p_actor,
                p_alternatives => 0) AS c;
            -- In a newer snapshot: who cuts a slot that is claimed has committed by now, or waits for us. What was blocked
            -- long ago is told as it is, whatever has been published since.
            IF NOT v_claim.replayed AND slots_covering(p_vendor_id, p_provider_id, p_start, p_end) <> v_slot_ids THEN
                RAISE SQLSTATE 'SK003';
            END IF;
            IF v_claim.outcome IN ('BOOKING_CONFLICT', 'INSUFFICIENT_INVENTORY') THEN
                v_claim.facts := v_claim.facts || jsonb_build_object(
                    'bookings', bookings_in(p_vendor_id, p_provider_id, tstzrange(p_start, p_end)));
            END IF;
            RETURN QUERY SELECT v_claim.outcome, v_claim.booking_id, v_claim.replayed, v_claim.facts;
            RETURN;
        EXCEPTION WHEN SQLSTATE 'SK003' THEN
            NULL;
        END;
    END LOOP;
    RETURN QUERY SELECT 'CONCURRENCY_ABORT', NULL::uuid, false, '{}'::jsonb;
END
$$;
