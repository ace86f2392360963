-- Promise: what is left of slots that are wanted where p_taken cannot be had: those whose length is fixed whole or not at
-- all, of others every piece.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION pieces_left(p_wanted scheduled_slot[], p_taken tstzmultirange) RETURNS scheduled_slot[]
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN isempty(p_taken) THEN p_wanted ELSE (
    SELECT COALESCE(array_agg(
        ROW(w.schedule_id, w.location_id, piece, w.capacity, w.price_amount, w.price_currency, w.whole, w.closed)::scheduled_slot), '{}')
    FROM unnest(p_wanted) AS w
    CROSS JOIN LATERAL unnest(CASE
        WHEN NOT w.during && p_taken THEN tstzmultirange(w.during)
        WHEN NOT w.whole THEN tstzmultirange(w.during) - p_taken END) AS piece) END
$$;
