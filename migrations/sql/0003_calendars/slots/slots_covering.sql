-- Promise: all slots of the provider that overlap [p_start, p_end), in order of time; empty when
-- there are none, or when the range is none. With a service, p_end may be left out, and its buffers belong to the
-- range: what a booking shown at that time occupies.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION slots_covering(
    p_vendor_id uuid, p_provider_id uuid, p_start timestamptz, p_end timestamptz, p_service_id uuid DEFAULT NULL
) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_start timestamptz := p_start;
    v_end   timestamptz := p_end;
BEGIN
    IF p_service_id IS NOT NULL THEN
        SELECT p_start - make_interval(mins => s.buffer_before_minutes),
               COALESCE(p_end, p_start + make_interval(mins => s.duration_minutes)) + make_interval(mins => s.buffer_after_minutes)
        INTO v_start, v_end
        FROM services s WHERE s.vendor_id = p_vendor_id AND s.id = p_service_id;
        IF NOT FOUND THEN
            -- That there is no such service is for the claim to say.
            v_start := p_start;
            v_end := p_end;
        END IF;
    END IF;
    IF p_end <= p_start OR (v_end > v_start) IS NOT TRUE THEN
        RETURN '{}';
    END IF;
    RETURN (
        SELECT COALESCE(array_agg(s.id ORDER BY lower(s.during)), '{}')
        FROM slots s
        WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id AND s.during && tstzrange(v_start, v_end));
END
$$;
