-- Promise: a digest of all lines of schema_seal but its own.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION seal_digest() RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $$
    SELECT encode(sha256(convert_to(COALESCE(string_agg(format('%L %L %L', seal.kind, seal.name, seal.definition), E'\n'
        ORDER BY seal.kind COLLATE "C", seal.name COLLATE "C"), ''), 'UTF8')), 'hex')
    FROM schema_seal seal WHERE seal.kind <> 'seal'
$$;
