-- Promise: a time that can be booked instead, as an answer shows it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION shown_opening(
    p_kind text, p_slot_ids uuid[], p_provider_ids uuid[], p_location_id uuid, p_start timestamptz, p_end timestamptz,
    p_time_zone text, p_available integer
) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object(
    'kind', p_kind, 'slot_ids', to_jsonb(p_slot_ids), 'provider_id', p_provider_ids[1], 'provider_ids', to_jsonb(p_provider_ids),
    'location_id', p_location_id, 'start', utc(p_start), 'end', utc(p_end), 'time_zone', p_time_zone, 'available', p_available);
