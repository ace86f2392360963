-- Promise: the vendor's customers who match everything that is asked, oldest first, after p_after_id; never
-- those who were erased. p_name: a part of the name. p_email: how the address begins. p_phone: how the
-- number begins, by its digits. p_any: one of the three. Upper and lower case are the same.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION list_customers(
    p_vendor_id uuid, p_any text DEFAULT NULL, p_name text DEFAULT NULL, p_email text DEFAULT NULL,
    p_phone text DEFAULT NULL, p_banned boolean DEFAULT NULL, p_after_id uuid DEFAULT NULL, p_limit integer DEFAULT 100
) RETURNS SETOF customers
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_name   CONSTANT text := 'lower(c.name) LIKE ''%%'' || regexp_replace(lower(%s), ''([\\%%_])'', ''\\\1'', ''g'') || ''%%''';
    v_email  CONSTANT text := 'lower(c.email) ^@ lower(%s)';
    v_phone  CONSTANT text := 'phone_digits(c.phone) ^@ phone_digits(%s)';
    v_wanted text := '';
BEGIN
    IF p_name IS NOT NULL THEN
        v_wanted := v_wanted || ' AND ' || format(v_name, '$2');
    END IF;
    IF p_email IS NOT NULL THEN
        v_wanted := v_wanted || ' AND ' || format(v_email, '$3');
    END IF;
    IF p_phone IS NOT NULL THEN
        v_wanted := v_wanted || ' AND ' || format(v_phone, '$4');
    END IF;
    IF p_any IS NOT NULL THEN
        v_wanted := v_wanted || ' AND (' || format(v_name, '$5') || ' OR ' || format(v_email, '$5')
            -- A word without digits would be the beginning of every number.
            || CASE WHEN phone_digits(p_any) <> '' AND p_any !~ '[[:alpha:]@]' THEN ' OR ' || format(v_phone, '$5') ELSE '' END || ')';
    END IF;
    IF p_banned IS NOT NULL THEN
        v_wanted := v_wanted || CASE WHEN p_banned THEN ' AND c.banned_at IS NOT NULL' ELSE ' AND c.banned_at IS NULL' END;
    END IF;
    IF p_after_id IS NOT NULL THEN
        v_wanted := v_wanted || ' AND c.id > $6';
    END IF;
    -- Planned for what is asked this time: which index is best depends on how rare the name is.
    RETURN QUERY EXECUTE
        'SELECT c.* FROM customers c WHERE c.vendor_id = $1 AND c.erased_at IS NULL' || v_wanted || ' ORDER BY c.id LIMIT $7'
        USING p_vendor_id, p_name, p_email, p_phone, p_any, p_after_id, p_limit;
END
$$;
