-- Promise: NULL when the service can be booked for so many places at once, otherwise the refusal.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION check_service_quantity(p_service services, p_quantity integer) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN p_quantity < p_service.quantity_min OR p_quantity > p_service.quantity_max THEN invalid(
    'quantity', CASE WHEN p_service.quantity_max IS NULL THEN 'service_quantity_least' ELSE 'service_quantity' END,
    jsonb_build_object('least', p_service.quantity_min, 'most', p_service.quantity_max)) END;
