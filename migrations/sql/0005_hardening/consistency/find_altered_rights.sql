-- Promise: rights of the application's role that the last migration did not leave it with, or that it
-- lacks, by whatever way it came to them; and, whatever any migration said, what it must never have: being
-- somebody special, owning anything, writing the truth, turning keys off, or being able to become somebody who can.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_altered_rights() RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH app AS (
        SELECT r.* FROM pg_roles r WHERE r.rolname = 'slotkeeper_app'
    ), truth AS (
        SELECT c.oid, c.relname FROM pg_class c
        WHERE c.oid IN ('slots'::regclass, 'bookings'::regclass, 'claims'::regclass, 'events'::regclass, 'idempotency_keys'::regclass,
                        'busy_blocks'::regclass, 'schema_seal'::regclass)
    ), opening (parameter) AS (
        -- Whoever may set one of these turns off keys, or brings code of their own into the server.
        VALUES ('session_replication_role'), ('session_preload_libraries'), ('dynamic_library_path'), ('allow_system_table_mods')
    ), others AS (
        SELECT r.oid, r.rolname, r.rolsuper OR r.rolcreaterole OR r.rolreplication
               OR r.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files', 'pg_create_subscription')
               OR EXISTS (SELECT FROM opening o WHERE has_parameter_privilege(r.oid, o.parameter, 'SET, ALTER SYSTEM'))
               OR EXISTS (
                   SELECT FROM truth t, unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS w (priv)
                   WHERE has_table_privilege(r.oid, t.oid, w.priv)
                      OR CASE WHEN w.priv IN ('INSERT', 'UPDATE') THEN has_any_column_privilege(r.oid, t.oid, w.priv) END) AS mighty
        FROM pg_roles r, app WHERE r.oid <> app.oid AND pg_has_role(app.oid, r.oid, 'MEMBER') AND NOT app.rolsuper
    ), wrong (rank, name, expected, found) AS (
        -- What gives many rights at once comes before each of them.
        SELECT 4, c.name, c.expected, c.found FROM find_schema_changes() c
        -- On what has itself gone there are none: that is another check's.
        WHERE c.kind = 'right' AND c.found IS NOT NULL AND EXISTS (SELECT FROM app)
        UNION ALL
        SELECT 1, 'role slotkeeper_app', 'there', 'missing' WHERE NOT EXISTS (SELECT FROM app)
        UNION ALL
        SELECT 1, 'attribute ' || a.name, 'no', 'yes'
        FROM app, LATERAL (VALUES ('SUPERUSER', app.rolsuper), ('CREATEROLE', app.rolcreaterole), ('CREATEDB', app.rolcreatedb),
                                  ('REPLICATION', app.rolreplication), ('BYPASSRLS', app.rolbypassrls)) AS a (name, given)
        WHERE a.given
        UNION ALL
        SELECT 2, 'member of ' || o.rolname, 'no', 'yes' FROM others o WHERE o.mighty
        UNION ALL
        SELECT 3, 'owns ' || o.name, 'no', 'yes'
        FROM app, LATERAL (
            SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relowner = app.oid AND c.relpersistence <> 't'
            UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.proowner = app.oid
            UNION ALL SELECT n.nspname FROM pg_namespace n WHERE n.nspowner = app.oid
            UNION ALL SELECT d.datname FROM pg_database d WHERE d.datdba = app.oid) AS o
        UNION ALL
        SELECT 4, format('%s on %s', w.priv, t.relname), 'no', 'yes'
        FROM app, truth t, unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS w (priv)
        WHERE has_table_privilege(app.oid, t.oid, w.priv)
           OR CASE WHEN w.priv IN ('INSERT', 'UPDATE') THEN has_any_column_privilege(app.oid, t.oid, w.priv) END
        UNION ALL
        SELECT 4, format('%s on parameter %s', w.priv, o.parameter), 'no', 'yes'
        FROM app, opening o, unnest('{SET,ALTER SYSTEM}'::text[]) AS w (priv)
        WHERE has_parameter_privilege(app.oid, o.parameter, w.priv) AND NOT app.rolsuper
        UNION ALL
        SELECT 4, 'CREATE in schema public', 'no', 'yes' FROM app WHERE has_schema_privilege(app.oid, 'public', 'CREATE')
        UNION ALL
        SELECT 4, 'CREATE in the database', 'no', 'yes'
        FROM app WHERE has_database_privilege(app.oid, current_database(), 'CREATE')
    ), found AS (
        SELECT w.*, row_number() OVER (ORDER BY w.rank, w.name, w.expected) AS place FROM wrong w
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'kind', 'right', 'name', f.name, 'expected', f.expected, 'found', f.found)
        ORDER BY f.place) FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
