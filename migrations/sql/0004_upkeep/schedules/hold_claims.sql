-- Promise: what becomes of slots that have claims, where these pieces are wanted (none overlaps another).
-- A slot whose claims all fit one piece, at the same place, becomes that piece; several in one piece that can be cut keep
-- their own part of it, several in one that cannot are in the way. Otherwise a slot is in the way, and shrinks to its
-- claims: that is what p_claimed brings as target.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION hold_claims(p_pieces scheduled_slot[], p_claimed scheduled_change[]) RETURNS scheduled_change[]
LANGUAGE sql STABLE
AS $$
    -- Both in one line of time instead of a join, which may compare each with each: of arrays the planner expects few.
    WITH line AS (
        SELECT lower(p.during) AS starts, p AS piece, NULL::scheduled_change AS claimed FROM unnest(p_pieces) AS p
        UNION ALL
        SELECT lower((c.target).during), NULL, c FROM unnest(p_claimed) AS c
    ), numbered AS (
        SELECT line.*, count((line.piece).during) OVER (
            ORDER BY line.starts, (line.claimed).slot_id NULLS FIRST ROWS UNBOUNDED PRECEDING) AS number
        FROM line
    ), met AS (
        -- The last piece that begins no later than the claims.
        SELECT n.claimed, n.number, first_value(n.piece) OVER (
            PARTITION BY n.number ORDER BY (n.claimed).slot_id NULLS FIRST) AS piece
        FROM numbered n
    ), fitting AS (
        SELECT m.claimed, m.number, m.piece, (m.claimed).slot_id IS NOT NULL AND m.number > 0 AND ((m.claimed).target).during <@ (m.piece).during
            AND ((m.claimed).target).location_id = (m.piece).location_id
            AND ((m.claimed).target).capacity <= (m.piece).capacity AS fits
        FROM met m
    ), counted AS (
        SELECT f.claimed, f.piece, count(*) FILTER (WHERE f.fits) OVER (PARTITION BY f.number) AS together, f.fits
        FROM fitting f
    )
    SELECT COALESCE(array_agg(CASE
        WHEN c.fits AND (c.together = 1 OR NOT (c.piece).whole) THEN ROW(
            (c.claimed).slot_id, (c.claimed).present, true, false, ROW(
                (c.piece).schedule_id, (c.piece).location_id,
                CASE WHEN c.together = 1 THEN (c.piece).during ELSE (c.piece).during * ((c.claimed).present).during END,
                (c.piece).capacity, (c.piece).price_amount, (c.piece).price_currency, NULL, '{}')::scheduled_slot)::scheduled_change
        ELSE c.claimed END), '{}')
    FROM counted c
    WHERE (c.claimed).slot_id IS NOT NULL
$$;
