-- Promise: {"amount": minor units, "currency"}, or NULL where there is no price.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION price_json(p_amount bigint, p_currency text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_amount IS NOT NULL THEN jsonb_build_object('amount', p_amount, 'currency', p_currency) END;
