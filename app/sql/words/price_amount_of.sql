-- Promise: the amount of a price {"amount", "currency"} that somebody wrote; NULL when there is no price, or
-- no amount that could be one.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION price_amount_of(p_price jsonb) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN pg_input_is_valid(p_price ->> 'amount', 'bigint') THEN (p_price ->> 'amount')::bigint END;
