-- Promise: what migrations make in the schema, a line an object, as PostgreSQL itself spells it: tables with
-- what inherits from them, columns, constraints with the state of their triggers, domains, indexes, triggers, rules,
-- policies, types, views, functions (by digest), and rights as of describe_rights.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION describe_schema() RETURNS TABLE (kind text, name text, definition text)
LANGUAGE sql STABLE SET search_path = public, pg_temp SET quote_all_identifiers = off
AS $$
    WITH relations AS (
        -- The owner is told as such, so that a copy restored under another name is the same.
        SELECT c.oid, c.relname::text AS name, c.relkind, c.relpersistence, c.relrowsecurity, c.reloptions, c.reltype,
               CASE WHEN c.relowner = ours.relowner THEN 'owner' ELSE c.relowner::regrole::text END AS owner
        FROM pg_class c, pg_class ours
        WHERE ours.oid = 'schema_seal'::regclass AND c.relnamespace = ours.relnamespace AND c.relkind IN ('r', 'p', 'v', 'c')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ), functions AS (
        SELECT p.oid, p.oid::regprocedure::text AS name,
               CASE WHEN p.proowner = ours.relowner THEN 'owner' ELSE p.proowner::regrole::text END AS owner
        FROM pg_proc p, pg_class ours
        WHERE ours.oid = 'schema_seal'::regclass AND p.pronamespace = ours.relnamespace AND p.prokind IN ('f', 'p')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    )
    SELECT 'table', r.name, concat_ws(' ', r.relkind, r.relpersistence, r.owner,
        CASE WHEN r.relrowsecurity THEN 'row security' END)
    FROM relations r WHERE r.relkind IN ('r', 'p')
    UNION ALL
    -- Rows of such a table are read as rows of ours, and no law of ours is asked about them.
    SELECT 'child', r.name || '.' || i.inhrelid::regclass::text, 'inherits'
    FROM relations r JOIN pg_inherits i ON i.inhparent = r.oid AND r.relkind IN ('r', 'p')
    UNION ALL
    SELECT 'view', r.name, concat_ws(' ', r.owner, r.reloptions::text, pg_get_viewdef(r.oid))
    FROM relations r WHERE r.relkind = 'v'
    UNION ALL
    SELECT 'column', r.name || '.' || a.attname, concat_ws(' ',
        format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE a.attgenerated WHEN 's' THEN 'STORED' WHEN 'v' THEN 'VIRTUAL' END,
        'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), NULLIF('IDENTITY ' || a.attidentity::text, 'IDENTITY '))
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE r.relkind IN ('r', 'p')
    UNION ALL
    SELECT 'type', r.name, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE r.relkind = 'c' GROUP BY r.name
    UNION ALL
    SELECT CASE WHEN r.oid IS NULL THEN 'domain constraint' ELSE 'constraint' END,
        COALESCE(r.name, t.typname) || '.' || c.conname, concat_ws(' ', pg_get_constraintdef(c.oid),
        CASE WHEN NOT c.convalidated THEN '(not validated)' END,
        (SELECT '(index not valid)' FROM pg_index i
         WHERE i.indexrelid = c.conindid AND c.contype IN ('p', 'u', 'x') AND NOT (i.indisvalid AND i.indisready AND i.indislive)),
        (SELECT format('(%s triggers %s)', count(*), string_agg(DISTINCT g.tgenabled::text, ''))
         FROM pg_trigger g WHERE g.tgconstraint = c.oid HAVING count(*) > 0))
    FROM pg_constraint c LEFT JOIN relations r ON r.oid = c.conrelid
    LEFT JOIN pg_type t ON t.oid = c.contypid AND t.typnamespace = 'public'::regnamespace
    WHERE r.oid IS NOT NULL OR t.oid IS NOT NULL
    UNION ALL
    SELECT 'domain', t.typname, concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
        CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || t.typdefault)
    FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typtype = 'd'
    UNION ALL
    SELECT 'index', i.indexrelid::regclass::text, concat_ws(' ', pg_get_indexdef(i.indexrelid),
        CASE WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN '(not valid)' END)
    FROM relations r JOIN pg_index i ON i.indrelid = r.oid
    -- Those of constraints are told with them.
    WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT 'trigger', r.name || '.' || g.tgname, pg_get_triggerdef(g.oid) || ' (' || g.tgenabled::text || ')'
    FROM relations r JOIN pg_trigger g ON g.tgrelid = r.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'rule', r.name || '.' || w.rulename, pg_get_ruledef(w.oid)
    FROM relations r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
    UNION ALL
    SELECT 'policy', r.name || '.' || p.polname, concat_ws(' ', p.polcmd::text,
        pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT 'function', f.name, f.owner || ' ' || encode(sha256(convert_to(pg_get_functiondef(f.oid), 'UTF8')), 'hex')
    FROM functions f
    UNION ALL
    SELECT 'right', g.name, g.definition FROM describe_rights() AS g
$$;
