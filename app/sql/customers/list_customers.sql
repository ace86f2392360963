-- Promise: the vendor's customers who match everything that is asked, oldest first, after p_after_id; never
-- those who were erased. p_name: a part of the name. p_email: how the address begins. p_phone: how the
-- number begins, by its digits. p_any: one of the three. Upper and lower case are the same, and so is what is
-- legible alike.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION list_customers(
    p_vendor_id uuid, p_any text DEFAULT NULL, p_name text DEFAULT NULL, p_email text DEFAULT NULL,
    p_phone text DEFAULT NULL, p_banned boolean DEFAULT NULL, p_after_id uuid DEFAULT NULL, p_limit integer DEFAULT 100
) RETURNS SETOF customers
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    v_few    CONSTANT integer := 1000;
    v_from   CONSTANT text := ' FROM customers c WHERE c.vendor_id = $1 AND c.erased_at IS NULL';
    v_name   CONSTANT text := 'folded(c.name) LIKE ''%%'' || regexp_replace(folded(%s), ''([\\%%_])'', ''\\\1'', ''g'') || ''%%''';
    v_email  CONSTANT text := 'folded(c.email) ^@ folded(%s)';
    v_phone  CONSTANT text := 'phone_digits(c.phone) ^@ phone_digits(%s)';
    v_wanted text := concat_ws(' AND ',
        CASE WHEN p_name IS NOT NULL THEN format(v_name, '$2') END,
        CASE WHEN p_email IS NOT NULL THEN format(v_email, '$3') END,
        CASE WHEN p_phone IS NOT NULL THEN format(v_phone, '$4') END,
        CASE WHEN p_any IS NOT NULL THEN '(' || concat_ws(' OR ', format(v_name, '$5'), format(v_email, '$5'),
            -- A word without digits would be the beginning of every number.
            CASE WHEN phone_digits(p_any) <> '' AND folded(p_any) !~ '[[:alpha:]@]' THEN format(v_phone, '$5') END) || ')' END,
        CASE WHEN p_banned THEN 'c.banned_at IS NOT NULL' END);
    v_after  CONSTANT text := CASE WHEN p_banned IS FALSE THEN ' AND c.banned_at IS NULL' ELSE '' END
                              || CASE WHEN p_after_id IS NOT NULL THEN ' AND c.id > $6' ELSE '' END;
    v_ids    uuid[];
BEGIN
    -- Each time planned for what is asked: the planner cannot know how many match. Few: they are found by their
    -- index, then sorted. More: they are met soon by reading customers in order. Who sorts those has read them all.
    IF v_wanted <> '' THEN
        EXECUTE 'SELECT array_agg(f.id) FROM (SELECT c.id' || v_from || ' AND ' || v_wanted || v_after || ' LIMIT $7) AS f'
        INTO v_ids USING p_vendor_id, p_name, p_email, p_phone, p_any, p_after_id, v_few + 1;
        IF v_ids IS NULL OR cardinality(v_ids) <= v_few THEN
            RETURN QUERY SELECT c.* FROM (SELECT f.id FROM unnest(v_ids) AS f (id) ORDER BY f.id LIMIT p_limit) AS f
                         JOIN customers c ON c.vendor_id = p_vendor_id AND c.id = f.id ORDER BY c.id;
            RETURN;
        END IF;
        -- IS TRUE: no index is searched for it.
        v_wanted := ' AND (' || v_wanted || ') IS TRUE';
    END IF;
    RETURN QUERY EXECUTE 'SELECT c.*' || v_from || v_wanted || v_after || ' ORDER BY c.id LIMIT $7'
        USING p_vendor_id, p_name, p_email, p_phone, p_any, p_after_id, p_limit;
END
$$;
