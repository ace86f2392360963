-- Promise: where a booking through a channel may land: the locations that the vendor has mapped the channel to, best
-- first; NULL: anywhere. The public books through `web` if it names no channel; a key that names none, or one that is not
-- mapped, may book anywhere.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION channel_places(p_channels jsonb, p_channel text, p_public boolean) RETURNS uuid[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    v_channel text := COALESCE(p_channel, CASE WHEN p_public THEN 'web' END);
BEGIN
    IF p_channels = '{}' OR v_channel IS NULL OR NOT p_channels ? v_channel THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY(SELECT place.id::uuid FROM jsonb_array_elements_text(p_channels -> v_channel) WITH ORDINALITY AS place (id, rank)
                 ORDER BY place.rank);
END
$$;
