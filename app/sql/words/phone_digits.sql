-- Promise: a telephone number as its digits alone, so that two ways to write it compare equal: 0049 and +49
-- begin alike. The same expression as in the index customers_by_phone, which is then found.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION phone_digits(p_phone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(p_phone, '^[^0-9]*00|[^0-9]', '', 'g');
