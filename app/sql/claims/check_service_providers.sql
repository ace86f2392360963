-- Promise: NULL when the parts' providers do the service: each of its needs has exactly one of them, out of
-- its list, and all parts are of one location. A service without needs takes any one provider of the vendor.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_service_providers(
    p_vendor_id uuid, p_service_id uuid, p_parts slot_part[]
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_first     slot_part := p_parts[1];
    v_providers uuid[] := ARRAY[v_first.provider_id];
    v_needs     integer := 0;
    v_needed    record;
    v_stranger  uuid;
BEGIN
    IF cardinality(p_parts) > 1 THEN
        v_providers := ARRAY(SELECT DISTINCT part.provider_id FROM unnest(p_parts) AS part);
        IF EXISTS (SELECT FROM unnest(p_parts) AS part WHERE part.location_id <> v_first.location_id) THEN
            RETURN invalid('slot_ids', 'different_locations');
        END IF;
    END IF;
    FOR v_needed IN
        SELECT n.need, n.role, (
            SELECT count(*) FROM service_providers sp
            WHERE sp.vendor_id = p_vendor_id AND sp.service_id = p_service_id AND sp.need = n.need
              AND sp.provider_id = ANY (v_providers)) AS filled
        FROM service_needs n
        WHERE n.vendor_id = p_vendor_id AND n.service_id = p_service_id
        ORDER BY n.need
    LOOP
        IF v_needs = 0 THEN
            SELECT id INTO v_stranger FROM unnest(v_providers) AS id
            WHERE NOT EXISTS (SELECT FROM service_providers sp
                              WHERE sp.vendor_id = p_vendor_id AND sp.service_id = p_service_id AND sp.provider_id = id)
            LIMIT 1;
            IF FOUND THEN
                RETURN invalid('provider_id', 'provider_does_not_offer', jsonb_build_object('provider_id', v_stranger));
            END IF;
        END IF;
        v_needs := v_needs + 1;
        IF v_needed.filled <> 1 THEN
            RETURN invalid('provider_id', CASE WHEN v_needed.filled = 0 THEN 'need_unfilled' ELSE 'need_filled_twice' END,
                           jsonb_build_object('need', v_needed.need, 'role', v_needed.role));
        END IF;
    END LOOP;
    IF v_needs = 0 AND cardinality(v_providers) > 1 THEN
        RETURN invalid('provider_id', 'one_provider');
    END IF;
    RETURN NULL;
END
$$;
