-- Promise: the slot as it is to be: what is not NULL is new (p_price, a merge patch; JSON null: no price of its own).
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION slot_as_asked(
    p_slot slots, p_start timestamptz, p_end timestamptz, p_capacity integer, p_location_id uuid, p_price jsonb
) RETURNS slot_wanted
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_wanted slot_wanted;
    v_price  jsonb := price_json(p_slot.price_amount, p_slot.price_currency);
BEGIN
    v_price := CASE WHEN p_price IS NULL THEN v_price ELSE merge_patch(v_price, p_price) END;
    v_wanted.location_id := COALESCE(p_location_id, p_slot.location_id);
    v_wanted.starts := COALESCE(p_start, lower(p_slot.during));
    v_wanted.ends := COALESCE(p_end, upper(p_slot.during));
    v_wanted.capacity := COALESCE(p_capacity, p_slot.capacity);
    v_wanted.price_amount := price_amount_of(v_price);
    v_wanted.price_currency := price_currency_of(v_price);
    RETURN v_wanted;
END
$$;
