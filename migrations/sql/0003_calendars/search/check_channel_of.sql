-- Promise: NULL when p_actor may say of the booking that it came through this channel, otherwise the refusal: as if they
-- booked its slots through it now.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_channel_of(p_booking bookings, p_channel text, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_channels jsonb;
    v_places   uuid[];
    v_public   boolean := p_actor ->> 'type' IS NOT DISTINCT FROM 'customer';
BEGIN
    SELECT v.channels INTO v_channels FROM vendors v WHERE v.id = p_booking.vendor_id;
    v_places := channel_places(v_channels, p_channel, v_public);
    RETURN COALESCE(
        check_channel(v_channels, p_channel, v_public),
        (SELECT invalid('channel', 'channel_elsewhere', jsonb_build_object('location_id', at.location_id))
         FROM (SELECT p_booking.location_id
               UNION ALL SELECT s.location_id FROM slots s
               WHERE s.vendor_id = p_booking.vendor_id AND s.id = ANY (p_booking.slot_ids)) AS at
         WHERE at.location_id <> ALL (v_places) LIMIT 1));
END
$$;
