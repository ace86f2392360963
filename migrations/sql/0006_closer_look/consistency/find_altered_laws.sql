-- Promise: constraints, triggers, columns, domains, indexes, types and views that are gone, different, not valid,
-- not enforced or disabled, or that somebody has put in between; and settings that turn off keys, or that lead
-- the owner's or the application's unqualified names elsewhere, or hide rows even from the owner. That the laws themselves (app/sql/README.md) are there and bind
-- is looked at by name, too, whatever the seal says; a seal that is not whole is a finding.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_altered_laws() RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH laws AS (
        SELECT l.* FROM laws_that_bind() AS l
    ), changes AS (
        -- A line of the seal that is lost does not make a law of ours something that was put in between.
        SELECT c.kind, c.name,
               CASE WHEN c.kind = 'seal' AND c.expected IS NULL THEN 'what the last migration wrote down'
                    ELSE definition_in_words(c.kind, c.expected) END AS expected,
               CASE WHEN c.kind = 'seal' AND NOT EXISTS (SELECT FROM schema_seal) THEN 'empty: there is nothing to compare with'
                    WHEN c.kind = 'seal' THEN 'lines lost or changed: ' || c.found ELSE definition_in_words(c.kind, c.found) END AS found
        FROM find_schema_changes() c
        WHERE c.kind NOT IN ('function', 'right') AND NOT (c.expected IS NULL AND c.kind = 'trigger' AND EXISTS (
            SELECT FROM laws l WHERE c.name = l.owner || '.' || l.name))
    ), settings AS (
        SELECT s.setrole, NULLIF(s.setrole, 0)::regrole::text AS role, setting
        FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS setting
        WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
    ), found AS (
        SELECT changes.*, row_number() OVER (ORDER BY changes.kind <> 'row security', changes.kind, changes.name) AS place
        FROM (
            SELECT c.* FROM changes c
            UNION ALL
            SELECT 'law', l.owner || '.' || l.name, concat_ws(', ', 'there', 'about ' || replace(translate(l.columns, '?', ''), ' ', ', '), 'in force for all rows'), NULL
            FROM laws l
            WHERE NOT l.binds AND NOT EXISTS (SELECT FROM changes c WHERE c.name = l.owner || '.' || l.name)
            UNION ALL
            -- Then not even our functions see all rows, nor do these checks: it comes first.
            SELECT 'row security', r.relname, 'not forced', 'forced on the owner, too'
            FROM pg_class r JOIN schema_seal known ON known.kind = 'table' AND known.name = r.relname
            WHERE r.relnamespace = 'public'::regnamespace AND r.relforcerowsecurity
            UNION ALL
            -- With it, a session checks no foreign key and fires no trigger but the ALWAYS ones.
            SELECT 'setting', concat_ws(' of ', 'session_replication_role', s.role), 'origin', s.setting
            FROM settings s
            WHERE s.setting LIKE 'session\_replication\_role=%' AND s.setting <> 'session_replication_role=origin'
            UNION ALL
            SELECT 'setting', 'session_replication_role', 'origin', current_setting('session_replication_role')
            WHERE current_setting('session_replication_role') <> 'origin'
            UNION ALL
            -- A table of the same name in a schema that comes before ours would be taken for it.
            SELECT 'setting', concat_ws(' of ', 'search_path', s.role), 'public first', s.setting
            FROM settings s
            WHERE (s.setrole IN (0, (SELECT ours.relowner FROM pg_class ours WHERE ours.oid = 'schema_seal'::regclass))
                   OR s.role = 'slotkeeper_app')
              AND s.setting LIKE 'search\_path=%'
              AND s.setting !~ '^search_path=(("\$user"|pg_catalog) *, *)*"?public"? *(,|$)'
        ) AS changes
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'kind', f.kind, 'name', f.name, 'expected', f.expected, 'found', f.found) ORDER BY f.place)
        FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
