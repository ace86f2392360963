-- Promise: as expire_bookings, for lapsed holds in the way of whoever may deal units of these slots again in the same
-- transaction: among the claims that begin after p_from. How many expired.
-- Locks, in order: the holds, and those bookings to be dealt again that somebody may meet on other slots, too, all
-- together by id; the holds' claims. One after the other they could cross: two holds lapse, each on both of two slots.
-- (Bookings of one slot are met by nobody who has not locked that.) The caller holds the slots. Raises: nothing of its own.
CREATE OR REPLACE FUNCTION expire_in_the_way(
    p_vendor_id uuid, p_slot_ids uuid[], p_from timestamptz, p_lapsed uuid[], p_actor jsonb
) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF cardinality(p_lapsed) = 0 THEN
        RETURN 0;
    END IF;
    PERFORM lock_bookings(p_vendor_id, p_lapsed || ARRAY(
        SELECT c.booking_id
        FROM unnest(p_slot_ids) AS slot (id)
        JOIN claims c ON c.vendor_id = p_vendor_id AND c.slot_id = slot.id
        WHERE c.claim_count > 1 AND lower(c.during) > p_from));
    RETURN expire_bookings(p_vendor_id, p_lapsed, p_actor);
END
$$;
