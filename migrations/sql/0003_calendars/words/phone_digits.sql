-- Promise: a telephone number as its digits alone, so that two ways to write it compare equal: 0049 and +49
-- begin alike, and so do full-width, Arabic, Persian and Devanagari digits. The same expression as in the index
-- customers_by_phone, which is then found.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION phone_digits(p_phone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(translate(normalize(p_phone, NFKC), '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९', '012345678901234567890123456789'), '^[^0-9]*00|[^0-9]', '', 'g');
