-- Promise: functions that are gone, say something else than the last migration made them say, belong to
-- somebody else, or have got a second form beside them.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_altered_functions() RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH found AS (
        SELECT c.*, row_number() OVER (ORDER BY c.name) AS place FROM find_schema_changes() c WHERE c.kind = 'function'
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'kind', f.kind, 'name', f.name, 'expected', definition_in_words(f.kind, f.expected),
        'found', definition_in_words(f.kind, f.found)) ORDER BY f.place)
        FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
