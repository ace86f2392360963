-- Promise: the refusal without those of its alternatives that are nowhere where the booking's channel leads.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION alternatives_at(p_refusal jsonb, p_places uuid[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_set(p_refusal, '{facts,alternatives}', (
    SELECT COALESCE(jsonb_agg(one ORDER BY place), '[]')
    FROM jsonb_array_elements(p_refusal #> '{facts,alternatives}') WITH ORDINALITY AS named (one, place)
    WHERE (one ->> 'location_id')::uuid = ANY (p_places)));
