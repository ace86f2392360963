-- Promise: booking, claims and first event, in that order, the booking with the time shown: what the parts
-- occupy, less the service's buffers, which it keeps; false when a rival has taken one of the
-- units meanwhile, and then the caller must undo what is half made.
-- Locks: claims (waits for raw writers in flight on the same units). The slots are locked already.
-- Raises: 23503, 23514 where a raw writer has changed what was looked at.
CREATE OR REPLACE FUNCTION insert_booking(
    p_vendor_id uuid, p_booking_id uuid, p_parts slot_part[], p_quantity integer, p_customer_id uuid,
    p_service services, p_hold_for interval, p_details jsonb, p_actor jsonb
) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    v_count  integer := cardinality(p_parts);
    v_first  slot_part := p_parts[1];
    v_status text := CASE WHEN p_hold_for IS NULL THEN 'confirmed' ELSE 'held' END;
    v_kind   text := COALESCE(p_details ->> 'kind', 'appointment');
    v_price  jsonb;
    v_during tstzrange := v_first.during;
    v_slots  uuid[] := ARRAY[v_first.slot_id];
    v_before integer := COALESCE(p_service.buffer_before_minutes, 0);
    v_after  integer := COALESCE(p_service.buffer_after_minutes, 0);
BEGIN
    IF v_count > 1 THEN
        SELECT array_agg(part.slot_id ORDER BY part.ordinal), tstzrange(min(lower(part.during)), max(upper(part.during)))
        INTO v_slots, v_during FROM unnest(p_parts) AS part;
    END IF;
    IF v_before > 0 OR v_after > 0 THEN
        v_during := tstzrange(lower(v_during) + make_interval(mins => v_before), upper(v_during) - make_interval(mins => v_after));
    END IF;
    IF v_kind = 'appointment' AND (v_count > 1 OR v_first.price_amount IS NOT NULL OR p_service.price_amount IS NOT NULL) THEN
        v_price := price_of_parts(p_parts, p_quantity, p_service);
    END IF;
    IF p_details ? 'as_made' AND COALESCE(p_actor ->> 'type', 'system') = 'system' THEN
        -- An import tells what it cost when it was made.
        v_price := CASE WHEN p_details -> 'as_made' ? 'price' THEN NULLIF(p_details #> '{as_made,price}', 'null') ELSE v_price END;
    END IF;
    INSERT INTO bookings (
        vendor_id, id, kind, status, quantity, claim_count, provider_id, location_id, service_id, customer_id,
        slot_ids, during, buffer_before_minutes, buffer_after_minutes, price_amount, price_currency, hold_expires_at, guests, channel, notes, internal_notes,
        metadata)
    VALUES (
        p_vendor_id, p_booking_id, v_kind, v_status, p_quantity, v_count, v_first.provider_id, v_first.location_id,
        p_service.id, p_customer_id, v_slots, v_during, v_before, v_after, (v_price ->> 'amount')::bigint, v_price ->> 'currency',
        clock_timestamp() + p_hold_for, (p_details ->> 'guests')::integer, p_details ->> 'channel',
        p_details ->> 'notes', p_details ->> 'internal_notes', COALESCE(NULLIF(p_details -> 'metadata', 'null'), '{}'));
    IF NOT insert_claims(p_vendor_id, p_booking_id, p_parts, p_quantity) THEN
        RETURN false;
    END IF;
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
    VALUES (p_vendor_id, p_booking_id, 1, v_status, actor_of(p_actor), p_actor ->> 'request_id', jsonb_build_object(
        'status', jsonb_build_object('from', NULL, 'to', v_status),
        'kind', jsonb_build_object('from', NULL, 'to', v_kind),
        'slot_ids', jsonb_build_object('from', NULL, 'to', to_jsonb(v_slots)),
        'start', jsonb_build_object('from', NULL, 'to', utc(lower(v_during))),
        'end', jsonb_build_object('from', NULL, 'to', utc(upper(v_during))),
        'quantity', jsonb_build_object('from', NULL, 'to', p_quantity)));
    RETURN true;
END
$$;
