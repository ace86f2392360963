-- Promise: the currency of a price {"amount", "currency"} that somebody wrote; NULL when there is no price.
-- Whatever else is no such object has the currency '', which no check lets through: what cannot be
-- read as a price must not become a slot without one.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION price_currency_of(p_price jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_price <> 'null' THEN COALESCE(p_price ->> 'currency', '') END;
