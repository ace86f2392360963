-- Promise: a text as it is legible, with upper and lower case alike, in every script and under every collation of the
-- database. The same expression as in the indexes of customers, which are then found.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION folded(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT casefold(legible(p_text) COLLATE "pg_unicode_fast") COLLATE "default" $$;
