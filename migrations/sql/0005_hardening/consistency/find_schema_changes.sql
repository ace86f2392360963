-- Promise: what in the schema differs from what the last migration left and wrote down in schema_seal:
-- gone, different, or (triggers, rules, policies, tables that inherit, further forms of our functions) added. Other
-- tables, columns, indexes and functions that somebody has added are nobody's business.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_schema_changes() RETURNS TABLE (kind text, name text, expected text, found text)
LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $$
    SELECT COALESCE(s.kind, d.kind), COALESCE(s.name, d.name), s.definition, d.definition
    FROM (SELECT seal.* FROM schema_seal seal WHERE seal.kind <> 'seal') AS s
    FULL JOIN describe_schema() AS d ON d.kind = s.kind AND d.name = s.name
    WHERE s.definition IS DISTINCT FROM d.definition
      AND (s.kind IS NOT NULL OR d.kind IN ('trigger', 'rule', 'policy') OR d.kind = 'child' AND EXISTS (
              SELECT FROM schema_seal known WHERE known.kind = 'table' AND known.name = split_part(d.name, '.', 1)) OR d.kind = 'function' AND EXISTS (
              SELECT FROM schema_seal known
              WHERE known.kind = 'function' AND split_part(known.name, '(', 1) = split_part(d.name, '(', 1)))
    UNION ALL
    SELECT 'seal', 'digest', seal.definition, now.digest
    FROM (SELECT seal_digest() AS digest) AS now
    LEFT JOIN schema_seal seal ON seal.kind = 'seal' AND seal.name = 'digest'
    WHERE seal.definition IS DISTINCT FROM now.digest
$$;
