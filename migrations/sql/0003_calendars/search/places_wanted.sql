-- Promise: the locations where a booking may land, best first, given those asked for (NULL: all, as best first) and
-- those of its channel (NULL: all); NULL: anywhere.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION places_wanted(p_location_ids uuid[], p_places uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_location_ids IS NULL THEN p_places
            WHEN p_places IS NULL THEN p_location_ids
            ELSE ARRAY(SELECT wanted.id FROM unnest(p_location_ids) WITH ORDINALITY AS wanted (id, rank)
                       WHERE wanted.id = ANY (p_places) ORDER BY wanted.rank) END;
