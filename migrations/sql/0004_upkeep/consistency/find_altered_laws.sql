-- Promise: constraints, triggers, columns, domains, indexes, types and views that are gone, different, not valid,
-- not enforced or disabled, or that somebody has put in between; and settings that turn off keys, or that lead
-- the owner's or the application's unqualified names elsewhere.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_altered_laws() RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH settings AS (
        SELECT s.setrole, NULLIF(s.setrole, 0)::regrole::text AS role, setting
        FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS setting
        WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
    ), found AS (
        SELECT changes.*, row_number() OVER (ORDER BY changes.kind, changes.name) AS place
        FROM (
            SELECT c.* FROM find_schema_changes() c WHERE c.kind NOT IN ('function', 'right')
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
