-- Promise: the rights that the application's role has, by whatever way it came to them, a line a table
-- or view ("none", or a list, in which a column's right names it), and a line a function (yes or no).
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION describe_rights() RETURNS TABLE (name text, definition text)
LANGUAGE sql STABLE SET search_path = public, pg_temp SET quote_all_identifiers = off
AS $$
    WITH relations AS (
        SELECT c.oid, c.relname::text AS name FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ), held AS (
        SELECT r.oid, w.priv
        FROM relations r, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}'::text[]) AS w (priv)
        WHERE has_table_privilege(to_regrole('slotkeeper_app'), r.oid, w.priv)
    ), of_columns AS (
        SELECT r.oid, format('%s (%s)', w.priv, a.attname) AS priv
        FROM relations r
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) AS w (priv)
        WHERE has_column_privilege(to_regrole('slotkeeper_app'), r.oid, a.attnum, w.priv)
          AND NOT has_table_privilege(to_regrole('slotkeeper_app'), r.oid, w.priv)
    )
    SELECT 'on ' || r.name, COALESCE(string_agg(g.priv, ', ' ORDER BY g.priv), 'none')
    FROM relations r LEFT JOIN (SELECT * FROM held UNION ALL SELECT * FROM of_columns) AS g ON g.oid = r.oid
    GROUP BY r.name
    UNION ALL
    SELECT 'to call ' || p.oid::regprocedure::text,
           CASE WHEN has_function_privilege(to_regrole('slotkeeper_app'), p.oid, 'EXECUTE') THEN 'yes' ELSE 'no' END
    FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
$$;
