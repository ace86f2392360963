-- Promise: {"amount", "currency"} of the parts: each slot's own price, or else the service's, times
-- the quantity, summed. A service of a fixed duration is done once, however many slots it joins, so
-- its price counts once. NULL when nothing has a price, {"mixed"} when currencies are mixed.
-- Locks: none. Raises: nothing.
-- Its body is text: parsed when it is made, it would keep the columns that a part had then.
CREATE OR REPLACE FUNCTION price_of_parts(
    p_parts slot_part[], p_quantity integer, p_service services
) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT CASE count(DISTINCT currency)
        WHEN 0 THEN NULL
        WHEN 1 THEN jsonb_build_object('amount', sum(amount) * p_quantity, 'currency', min(currency))
        ELSE jsonb_build_object('mixed', true) END
    FROM (
        SELECT part.price_amount AS amount, part.price_currency AS currency
        FROM unnest(p_parts) AS part WHERE part.price_amount IS NOT NULL
        UNION ALL
        (SELECT p_service.price_amount, p_service.price_currency
         FROM unnest(p_parts) AS part
         WHERE part.price_amount IS NULL AND p_service.price_amount IS NOT NULL
         LIMIT CASE WHEN p_service.duration_minutes IS NOT NULL THEN 1 END)
    ) AS prices
$$;
