-- Promise: p_target as the JSON merge patch p_patch leaves it (RFC 7396): members that are null go,
-- objects are merged member by member, anything else is replaced.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION merge_patch(p_target jsonb, p_patch jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    v_merged jsonb := CASE WHEN jsonb_typeof(p_target) = 'object' THEN p_target ELSE '{}' END;
    v_name   text;
    v_value  jsonb;
BEGIN
    IF jsonb_typeof(p_patch) <> 'object' THEN
        RETURN p_patch;
    END IF;
    FOR v_name, v_value IN SELECT e.key, e.value FROM jsonb_each(p_patch) AS e LOOP
        IF v_value = 'null' THEN
            v_merged := v_merged - v_name;
        ELSE
            v_merged := v_merged || jsonb_build_object(v_name, merge_patch(v_merged -> v_name, v_value));
        END IF;
    END LOOP;
    RETURN v_merged;
END
$$;
