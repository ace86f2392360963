-- Promise: whether the provider can take part in the service: one of those its needs name, or, if it has none, any of
-- the vendor's; NULL is nobody in particular, and can.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION service_has_provider(p_vendor_id uuid, p_service_id uuid, p_provider_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF p_provider_id IS NULL THEN
        RETURN true;
    END IF;
    IF EXISTS (SELECT FROM service_needs n WHERE n.vendor_id = p_vendor_id AND n.service_id = p_service_id) THEN
        RETURN EXISTS (SELECT FROM service_providers sp
                       WHERE sp.vendor_id = p_vendor_id AND sp.service_id = p_service_id AND sp.provider_id = p_provider_id);
    END IF;
    RETURN EXISTS (SELECT FROM providers p WHERE p.vendor_id = p_vendor_id AND p.id = p_provider_id);
END
$$;
