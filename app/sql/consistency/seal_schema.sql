-- Promise: schema_seal says what the schema is now, in the words of describe_schema. p_altered: what
-- find_schema_changes found before a migration; where the migration has left such a thing alone, the
-- seal goes on expecting what it did, so that no migration makes lawful what somebody changed by hand.
-- Locks: the lines of schema_seal. Raises: nothing of its own.
CREATE OR REPLACE FUNCTION seal_schema(p_altered jsonb DEFAULT '[]') RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
BEGIN
    DELETE FROM schema_seal;
    INSERT INTO schema_seal (kind, name, definition)
    SELECT kept.* FROM (
        SELECT COALESCE(d.kind, a.kind), COALESCE(d.name, a.name),
               CASE WHEN a.kind IS NOT NULL AND d.definition IS NOT DISTINCT FROM a.found THEN a.expected ELSE d.definition END
        FROM describe_schema() AS d
        FULL JOIN jsonb_to_recordset(p_altered) AS a (kind text, name text, expected text, found text)
            ON a.kind = d.kind AND a.name = d.name
    ) AS kept (kind, name, definition)
    WHERE kept.definition IS NOT NULL AND kept.kind <> 'seal';
    INSERT INTO schema_seal (kind, name, definition) VALUES ('seal', 'digest', seal_digest());
END
$$;
