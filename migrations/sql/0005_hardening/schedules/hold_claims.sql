-- Promise: what becomes of claims, where these pieces are wanted (none overlaps another). p_claimed: one for each cluster of a slot's
-- claims (those that overlap one another), with its times and the most places taken as target.
-- What fits a piece, at the same place, becomes that piece, with all of its slot that fits the same; claims of several slots in one piece that
-- can be cut keep their own part of it, in one that cannot they are in the way. What fits none is in the way, and stands as it
-- was brought.
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
        -- Of one slot or of several: none begins when another does.
        SELECT f.claimed, f.piece, f.number, f.fits,
               min(lower(((f.claimed).present).during)) FILTER (WHERE f.fits) OVER of_piece
               = max(lower(((f.claimed).present).during)) FILTER (WHERE f.fits) OVER of_piece AS alone
        FROM fitting f WINDOW of_piece AS (PARTITION BY f.number)
    ), judged AS (
        SELECT c.*, c.fits AND (c.alone OR NOT (c.piece).whole) AS held FROM counted c WHERE (c.claimed).slot_id IS NOT NULL
    ), answered AS (
        SELECT DISTINCT ON (j.number, (j.claimed).slot_id) ROW(
            (j.claimed).slot_id, (j.claimed).present, true, false, ROW(
                (j.piece).schedule_id, (j.piece).location_id,
                CASE WHEN j.alone THEN (j.piece).during ELSE (j.piece).during * ((j.claimed).present).during END,
                (j.piece).capacity, (j.piece).price_amount, (j.piece).price_currency, NULL, '{}')::scheduled_slot, NULL)::scheduled_change AS change
        FROM judged j WHERE j.held
        UNION ALL
        SELECT j.claimed FROM judged j WHERE j.held IS NOT TRUE
    )
    SELECT COALESCE(array_agg(a.change), '{}') FROM answered a
$$;
