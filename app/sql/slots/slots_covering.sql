-- Promise: all slots of the provider that overlap [p_start, p_end), in order of time; empty when
-- there are none, or when the range is none.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION slots_covering(
    p_vendor_id uuid, p_provider_id uuid, p_start timestamptz, p_end timestamptz
) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT COALESCE(array_agg(s.id ORDER BY lower(s.during)), '{}')
    FROM slots s
    WHERE p_end > p_start AND s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id
      AND s.during && tstzrange(p_start, GREATEST(p_start, p_end))
$$;
