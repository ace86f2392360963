-- Promise: the slots that schedules want, typed, those that begin in [p_from, p_to).
-- [{"schedule_id", "location_id", "start", "end", "capacity", "price": {"amount", "currency"} or null, "whole"}]
-- Locks: none. Raises: SK001 where one is none, or two overlap.
CREATE OR REPLACE FUNCTION scheduled_slots(p_wanted jsonb, p_from timestamptz, p_to timestamptz) RETURNS scheduled_slot[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_slots scheduled_slot[];
    v_wrong boolean;
BEGIN
    SELECT array_agg(ROW(w.schedule_id, w.location_id, w.during, w.capacity, w.price_amount, w.price_currency, w.whole, '{}')::scheduled_slot
                     ORDER BY w.during),
           bool_or(w.wrong)
    INTO v_slots, v_wrong
    FROM (
        SELECT r.schedule_id, r.location_id, tstzrange(r.start, r."end") AS during, r.capacity,
               (r.price ->> 'amount')::bigint AS price_amount, r.price ->> 'currency' AS price_currency, r.whole,
               (r.start < lag(r."end") OVER (ORDER BY r.start)) IS TRUE OR (r."end" > r.start) IS NOT TRUE
                   OR num_nulls(r.schedule_id, r.location_id, r.capacity, r.whole) > 0 AS wrong
        FROM jsonb_to_recordset(p_wanted) AS r (
            schedule_id uuid, location_id uuid, start timestamptz, "end" timestamptz, capacity integer, price jsonb, whole boolean)
        WHERE r.start >= p_from AND r.start < p_to
    ) AS w;
    IF v_wrong THEN
        RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = 'p_wanted: a slot is not whole, or two overlap';
    END IF;
    RETURN COALESCE(v_slots, '{}');
EXCEPTION WHEN data_exception OR check_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'SK001', MESSAGE = format('p_wanted: %s', SQLERRM);
END
$$;
