-- Promise: p_found and, up to p_limit together, of p_openings (as shown_opening has them, the best first) those that help most beside
-- it: each start once, and whoever is named already not again at a time that overlaps, as long as there is another choice.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION spread_openings(p_found jsonb, p_openings jsonb[], p_limit integer) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_found   jsonb := p_found;
    v_opening jsonb;
BEGIN
    FOR v_round IN 1..2 LOOP
        FOREACH v_opening IN ARRAY p_openings LOOP
            EXIT WHEN jsonb_array_length(v_found) >= p_limit;
            CONTINUE WHEN EXISTS (
                SELECT FROM jsonb_array_elements(v_found) AS named (one)
                WHERE one ->> 'start' = v_opening ->> 'start'
                   -- A step later with the same person is the same choice once more.
                   OR v_round = 1 AND one ->> 'provider_id' = v_opening ->> 'provider_id'
                      AND (one ->> 'start')::timestamptz < (v_opening ->> 'end')::timestamptz
                      AND (v_opening ->> 'start')::timestamptz < (one ->> 'end')::timestamptz);
            v_found := v_found || jsonb_build_array(v_opening);
        END LOOP;
    END LOOP;
    RETURN v_found;
END
$$;
