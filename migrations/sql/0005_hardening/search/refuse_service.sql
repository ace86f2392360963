-- Promise: what somebody who asked for a service by its start is told when the last claim of it was refused with p_outcome and p_facts. Whose slots
-- were tried is our choice, so a refusal that is about them says that nobody has this time; or, if they end otherwise than asked for, when they
-- do (p_instead).
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION refuse_service(
    p_vendor_id uuid, p_outcome text, p_facts jsonb, p_quantity integer, p_provider_id uuid, p_instead jsonb
) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    -- Who does the service may have changed since we looked.
    IF p_outcome <> 'SLOT_NOT_FOUND' AND (p_outcome <> 'VALIDATION_ERROR' OR p_facts ->> 'field' <> 'slot_ids'
                                          AND (p_provider_id IS NOT NULL OR p_facts ->> 'field' <> 'provider_id')) THEN
        RETURN jsonb_build_object('outcome', p_outcome, 'facts', p_facts);
    END IF;
    RETURN COALESCE(
        CASE WHEN p_instead IS NOT NULL THEN invalid('end', 'end_of_whole_slot', p_instead) END,
        jsonb_build_object('outcome', 'SLOT_NOT_FOUND', 'facts', jsonb_build_object(
            'reason', 'nothing_published', 'requested', p_quantity, 'available', 0)));
END
$$;
