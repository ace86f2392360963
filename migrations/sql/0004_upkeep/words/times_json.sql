-- Promise: the times in order, [{"start", "end"}]; [] where there are none.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION times_json(p_times tstzmultirange) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT COALESCE(jsonb_agg(jsonb_build_object('start', utc(lower(one)), 'end', utc(upper(one))) ORDER BY one), '[]')
        FROM unnest(p_times) AS one);
