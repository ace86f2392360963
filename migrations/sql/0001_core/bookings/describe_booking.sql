-- Promise: the booking as every answer shows it, or NULL. A door must leave out token_version
-- always, and internal_notes from whoever has no key.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION describe_booking(p_vendor_id uuid, p_booking_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object(
        'id', b.id, 'kind', b.kind, 'status', b.status, 'version', b.version,
        'provider_id', b.provider_id, 'location_id', b.location_id, 'service_id', b.service_id,
        'slot_ids', to_jsonb(b.slot_ids), 'start', utc(lower(b.during)), 'end', utc(upper(b.during)),
        'time_zone', l.time_zone, 'quantity', b.quantity, 'guests', b.guests,
        'customer', CASE WHEN c.id IS NOT NULL THEN
            jsonb_build_object('id', c.id, 'name', c.name, 'email', c.email, 'phone', c.phone) END,
        'price', price_json(b.price_amount, b.price_currency), 'hold_expires_at', utc(b.hold_expires_at),
        'channel', b.channel, 'notes', b.notes, 'internal_notes', b.internal_notes, 'metadata', b.metadata,
        'created_at', utc(b.created_at), 'updated_at', utc(b.updated_at), 'token_version', b.token_version)
    FROM bookings b
    JOIN locations l ON l.vendor_id = b.vendor_id AND l.id = b.location_id
    LEFT JOIN customers c ON c.vendor_id = b.vendor_id AND c.id = b.customer_id
    WHERE b.vendor_id = p_vendor_id AND b.id = p_booking_id
$$;
