-- Promise: claims that do not fit their slot (gone, another provider's, other shape, outside its time
-- or units) or their booking (gone, not occupying, other quantity or number of claims, the first at another place than the booking), repeat something else than
-- either says, or stand in time that was closed before they were made, or made again after a cancellation. (Closed since the slot was changed last:
-- no row says when. Ten minutes: whoever closed it may have been at work so long.)
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_misfit_claims(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH misfits AS (
        SELECT c.vendor_id, c.booking_id, c.ordinal, c.slot_id, array_remove(ARRAY[
            CASE WHEN s.id IS NULL THEN 'slot_missing' END,
            CASE WHEN s.provider_id <> c.provider_id OR c.provider_id IS NULL THEN 'other_provider' END,
            CASE WHEN (s.during = c.slot_during AND s.capacity = c.slot_capacity) IS NOT TRUE AND s.id IS NOT NULL
                 THEN 'slot_shape' END,
            CASE WHEN lower(c.during) < lower(s.during) OR upper(c.during) > upper(s.during)
                      OR isempty(c.during) OR c.during IS NULL OR lower(c.during) IS NULL OR upper(c.during) IS NULL
                 THEN 'outside_slot' END,
            -- Without its first moment, or with its last, it is not the time it looks like.
            CASE WHEN NOT isempty(c.during) AND (NOT lower_inc(c.during) OR upper_inc(c.during)) THEN 'bounds' END,
            CASE WHEN c.during && s.closed AND b.kind <> 'block' AND s.updated_at + interval '10 minutes' < COALESCE((
                     SELECT min(e.occurred_at) FROM events e
                     WHERE e.vendor_id = b.vendor_id AND e.booking_id = b.id AND e.kind IN ('requested', 'held', 'confirmed')
                       AND e.sequence > COALESCE((
                           SELECT max(gone.sequence) FROM events gone
                           WHERE gone.vendor_id = b.vendor_id AND gone.booking_id = b.id AND gone.kind = 'cancelled'), 0)), b.created_at)
                 THEN 'closed_time' END,
            CASE WHEN c.units IS NULL OR isempty(c.units) OR lower(c.units) < 1 OR upper(c.units) > s.capacity + 1
                 THEN 'beyond_capacity' END,
            CASE WHEN b.id IS NULL THEN 'booking_missing' END,
            -- Of somebody and their room, at two places, the first named says where.
            CASE WHEN c.ordinal = 1 AND s.location_id <> b.location_id THEN 'other_place' END,
            CASE WHEN (b.status IN ('requested', 'held', 'confirmed', 'completed', 'no_show')) IS NOT TRUE AND b.id IS NOT NULL
                 THEN 'booking_does_not_occupy' END,
            CASE WHEN b.quantity IS DISTINCT FROM (SELECT sum(upper(r)::bigint - lower(r)) FROM unnest(c.units) AS r)
                 THEN 'quantity' END,
            CASE WHEN (c.quantity = b.quantity AND c.booking_occupying) IS NOT TRUE AND b.id IS NOT NULL
                 THEN 'booking_shape' END,
            CASE WHEN (b.claim_count = c.claim_count AND c.ordinal BETWEEN 1 AND b.claim_count) IS NOT TRUE AND b.id IS NOT NULL
                 THEN 'claim_count' END
            ], NULL) AS reasons
        FROM claims_in_scope(p_vendor_id, p_since) c
        LEFT JOIN slots s ON s.vendor_id = c.vendor_id AND s.id = c.slot_id
        LEFT JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
    ), found AS (
        SELECT m.*, row_number() OVER (ORDER BY m.vendor_id, m.booking_id, m.ordinal) AS place
        FROM misfits m WHERE cardinality(m.reasons) > 0
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'booking_id', f.booking_id, 'ordinal', f.ordinal, 'slot_id', f.slot_id,
        'reasons', to_jsonb(f.reasons)) ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
