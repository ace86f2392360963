-- Promise: the booking has the new status, its claims are gone if that status does not occupy, and
-- the event is written: one statement, so that no law is broken in between. p_reason: why it is cancelled, told in
-- history by name only. p_price: what it costs from now on, 'null' for nothing; NULL: as before.
-- Locks: the booking's claims. The caller holds the booking FOR UPDATE and has checked the move.
-- Raises: nothing of its own.
CREATE OR REPLACE FUNCTION move_booking(
    p_booking bookings, p_status text, p_actor jsonb, p_reason text DEFAULT NULL, p_price jsonb DEFAULT NULL
) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    WITH freed AS (
        DELETE FROM claims c
        WHERE c.vendor_id = p_booking.vendor_id AND c.booking_id = p_booking.id
          AND p_status IN ('cancelled', 'expired', 'declined')
    ), moved AS (
        UPDATE bookings b
        SET status = p_status, version = b.version + 1, updated_at = clock_timestamp(),
            hold_expires_at = CASE WHEN p_status <> 'confirmed' THEN b.hold_expires_at END,
            cancellation_reason = p_reason,
            price_amount = CASE WHEN p_price IS NULL THEN b.price_amount ELSE (p_price ->> 'amount')::bigint END,
            price_currency = CASE WHEN p_price IS NULL THEN b.price_currency ELSE p_price ->> 'currency' END
        WHERE b.vendor_id = p_booking.vendor_id AND b.id = p_booking.id
    )
    INSERT INTO events (vendor_id, booking_id, sequence, kind, actor, request_id, changes)
    VALUES (p_booking.vendor_id, p_booking.id, p_booking.version + 1, p_status, actor_of(p_actor),
            p_actor ->> 'request_id',
            jsonb_build_object('status', jsonb_build_object('from', p_booking.status, 'to', p_status))
            || CASE WHEN p_reason IS DISTINCT FROM p_booking.cancellation_reason
                    THEN '{"cancellation_reason": {}}'::jsonb ELSE '{}' END
            || CASE WHEN p_price <> COALESCE(price_json(p_booking.price_amount, p_booking.price_currency), 'null')
                    THEN jsonb_build_object('price', jsonb_build_object(
                        'from', price_json(p_booking.price_amount, p_booking.price_currency), 'to', p_price))
                    ELSE '{}' END);
$$;
