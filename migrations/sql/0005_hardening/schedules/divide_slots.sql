-- Promise: of what becomes of a slot's claims the first in time keeps the slot, and each further one gets a slot of its own (an id
-- that nobody has yet, no present shape, and claims_from, whose claims it takes over). What stands in the way beside one another, of one slot
-- and equally closed, stays together; NULL as NULL.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION divide_slots(p_held scheduled_change[]) RETURNS scheduled_change[]
LANGUAGE sql VOLATILE
AS $$
    WITH parts AS (
        SELECT h AS part, lag(h) OVER (PARTITION BY h.slot_id ORDER BY (h.target).during) AS before FROM unnest(p_held) AS h
    ), compared AS (
        SELECT p.part, (
            (p.before).in_the_way AND (p.part).in_the_way
            AND upper(((p.before).target).during) = lower(((p.part).target).during)
            AND (((p.before).target).schedule_id, ((p.before).target).location_id, ((p.before).target).price_amount, ((p.before).target).price_currency)
                IS NOT DISTINCT FROM (((p.part).target).schedule_id, ((p.part).target).location_id, ((p.part).target).price_amount, ((p.part).target).price_currency)
            -- Where nothing is open the places do not matter.
            AND CASE WHEN ((p.part).target).closed = tstzmultirange(((p.part).target).during)
                     THEN ((p.before).target).closed = tstzmultirange(((p.before).target).during)
                     ELSE ((p.before).target).capacity = ((p.part).target).capacity
                          AND ((p.before).target).closed <> tstzmultirange(((p.before).target).during) END) IS NOT TRUE AS begins
        FROM parts p
    ), numbered AS (
        SELECT c.part, count(*) FILTER (WHERE c.begins) OVER (PARTITION BY (c.part).slot_id ORDER BY ((c.part).target).during) AS number
        FROM compared c
    ), joined AS (
        SELECT (n.part).slot_id, n.number, (array_agg(n.part ORDER BY ((n.part).target).during))[1] AS part,
               range_merge(range_agg(((n.part).target).during)) AS during, max(((n.part).target).capacity) AS capacity,
               range_agg(((n.part).target).closed) AS closed
        FROM numbered n GROUP BY 1, 2
    )
    SELECT array_agg(ROW(
        CASE WHEN j.number = 1 THEN j.slot_id ELSE uuidv7() END, CASE WHEN j.number = 1 THEN (j.part).present END, true, (j.part).in_the_way, ROW(
            ((j.part).target).schedule_id, ((j.part).target).location_id, j.during, j.capacity, ((j.part).target).price_amount,
            ((j.part).target).price_currency, NULL, j.closed)::scheduled_slot,
        CASE WHEN j.number > 1 THEN j.slot_id END)::scheduled_change)
    FROM joined j
$$;
