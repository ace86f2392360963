-- Promise: the refusal that names a field of the request and what is wrong with it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION invalid(p_field text, p_reason text, p_more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object(
    'outcome', 'VALIDATION_ERROR',
    'facts', jsonb_build_object('field', p_field, 'reason', p_reason) || p_more);
