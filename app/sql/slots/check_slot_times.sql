-- Promise: NULL when a slot may have these times, otherwise the field that is wrong and why: {"field", "reason"}. A slot
-- lasts from a minute to 366 days and lies within twenty years of now, either way: what lies outside is a slip of
-- somebody's hand or program, such as a year mistyped. A slot that is there already keeps its times.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_slot_times(p_start timestamptz, p_end timestamptz) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN p_end <= p_start THEN '{"field": "end", "reason": "end_not_after_start"}'
        WHEN p_start < now() - interval '20 years' THEN '{"field": "start", "reason": "slot_too_far_back"}'
        WHEN p_start > now() + interval '20 years' THEN '{"field": "start", "reason": "slot_too_far_ahead"}'
        WHEN p_end > now() + interval '20 years' THEN '{"field": "end", "reason": "slot_too_far_ahead"}'
        WHEN p_end - p_start < interval '1 minute' THEN '{"field": "end", "reason": "slot_too_short"}'
        WHEN p_end - p_start > interval '366 days' THEN '{"field": "end", "reason": "slot_too_long"}'
    END::jsonb
$$;
