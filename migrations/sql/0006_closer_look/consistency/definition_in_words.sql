-- Promise: what describe_schema says of an object, in words where it has letters: whose a table is, whether a crash empties it, whether
-- triggers are on. PostgreSQL's own spelling stays as it is.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION definition_in_words(p_kind text, p_definition text) RETURNS text
LANGUAGE sql STABLE STRICT
AS $$
    SELECT CASE
        WHEN p_kind = 'table' THEN concat_ws(', ',
            CASE said.words[1] WHEN 'p' THEN 'partitioned table' ELSE 'table' END,
            CASE said.words[2] WHEN 'p' THEN 'logged' WHEN 'u' THEN 'unlogged: a crash empties it' ELSE 'temporary' END,
            whose.role, CASE WHEN p_definition LIKE '% row security' THEN 'row security on' END)
        WHEN p_kind = 'view' THEN concat_ws(', ', whose.role, substring(p_definition FROM '^\S+ (\{.*?\})')) || ': '
            || ltrim(regexp_replace(p_definition, '^\S+ (\{.*?\} )?', ''))
        WHEN p_kind = 'child' THEN 'inherits: its rows are read as rows of ours, and no law binds them'
        WHEN p_kind = 'function' THEN concat_ws(', ', whose.role, 'SHA-256 ' || said.words[2])
        WHEN p_kind = 'policy' THEN concat_ws(' ', CASE said.words[1]
            WHEN 'r' THEN 'for SELECT:' WHEN 'a' THEN 'for INSERT:' WHEN 'w' THEN 'for UPDATE:' WHEN 'd' THEN 'for DELETE:' ELSE 'for all:' END,
            array_to_string(said.words[2:], ' '))
        WHEN state.letters IS NOT NULL AND (p_kind = 'trigger' OR state.triggers <> '') THEN
            format('%s (%s%s)', state.rest, replace(state.triggers, 'triggers ', 'triggers, '), CASE state.letters
                WHEN 'O' THEN 'on' WHEN 'D' THEN 'off' WHEN 'A' THEN 'always on' WHEN 'R' THEN 'on for replicas only' ELSE 'not all alike' END)
        ELSE p_definition END
    FROM (SELECT string_to_array(p_definition, ' ') AS words) AS said
    CROSS JOIN LATERAL (
        SELECT CASE named.role WHEN 'owner' THEN 'of the owner' ELSE 'of the role ' || named.role END AS role
        FROM (SELECT said.words[CASE p_kind WHEN 'table' THEN 3 ELSE 1 END] AS role) AS named) AS whose
    LEFT JOIN LATERAL (
        SELECT parts[1] AS rest, parts[2] AS triggers, parts[3] AS letters
        FROM regexp_match(p_definition, '^(.*) \((\d+ triggers |)([A-Z]+)\)$') AS parts) AS state ON p_kind IN ('trigger', 'constraint')
$$;
