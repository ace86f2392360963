-- Promise: NULL unless the public names a channel that a vendor with channels does not have, otherwise the refusal. `web`
-- is the public's own and can be named always: without an entry it leads everywhere.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_channel(p_channels jsonb, p_channel text, p_public boolean) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_public AND p_channels <> '{}' AND p_channel <> 'web' AND NOT p_channels ? p_channel
    THEN invalid('channel', 'unknown_channel') END;
