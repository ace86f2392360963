-- Promise: who acted, as an event keeps it: a type and an id, and nothing else a caller may have
-- put there.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION actor_of(p_actor jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object('type', COALESCE(p_actor ->> 'type', 'system'), 'id', p_actor ->> 'id');
