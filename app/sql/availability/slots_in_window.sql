-- Promise: the first p_limit slots after (p_after_start, p_after_id) that overlap [p_from, p_to), by start and id,
-- of providers and at locations that are not archived, p_location_id and in p_places (NULL: anywhere), but for those that are closed altogether. What is read grows with p_limit, not with the calendar nor with
-- the window: slots that begin in the window are read in the order of an index, and of those that
-- began before it, each provider has one at most.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION slots_in_window(
    p_vendor_id uuid, p_from timestamptz, p_to timestamptz, p_provider_id uuid, p_location_id uuid,
    p_after_start timestamptz, p_after_id uuid, p_limit integer, p_places uuid[] DEFAULT NULL
) RETURNS SETOF slots
LANGUAGE plpgsql STABLE
-- Arguments never change which way is best, and planning takes longer than a page. Only the few slots
-- that began before the window are sorted: whoever sorts the others has read them all.
SET plan_cache_mode = force_generic_plan
SET enable_sort = off
SET enable_bitmapscan = off
SET enable_seqscan = off
AS $$
DECLARE
    v_from  CONSTANT timestamptz := COALESCE(p_from, '-infinity');
    v_to    CONSTANT timestamptz := COALESCE(p_to, 'infinity');
    v_after timestamptz := p_after_start;
    v_id    uuid := COALESCE(p_after_id, '00000000-0000-0000-0000-000000000000');
    v_limit integer := p_limit;
    v_found integer;
BEGIN
    IF v_to <= v_from THEN
        RETURN;
    END IF;
    IF v_after IS NULL OR v_after < v_from THEN
        RETURN QUERY
            SELECT s.* FROM providers p
            -- Slots of a provider do not overlap: only the last that began before can still go on.
            CROSS JOIN LATERAL (
                SELECT s.* FROM slots s
                WHERE s.vendor_id = p_vendor_id AND s.provider_id = p.id AND lower(s.during) < v_from
                ORDER BY lower(s.during) DESC LIMIT 1) AS s
            JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = s.location_id AND l.archived_at IS NULL
            WHERE p.vendor_id = p_vendor_id AND p.archived_at IS NULL AND upper(s.during) > v_from AND NOT s.during <@ s.closed
              AND (p_provider_id IS NULL OR p.id = p_provider_id) AND (p_location_id IS NULL OR s.location_id = p_location_id)
              AND (p_places IS NULL OR s.location_id = ANY (p_places))
              AND (v_after IS NULL OR (lower(s.during), s.id) > (v_after, v_id))
            ORDER BY lower(s.during), s.id LIMIT v_limit;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        v_limit := v_limit - v_found;
        v_after := v_from;
        v_id := '00000000-0000-0000-0000-000000000000';
    END IF;
    IF p_provider_id IS NOT NULL THEN
        RETURN QUERY
            SELECT s.* FROM slots s
            JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
            JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = s.location_id AND l.archived_at IS NULL
            -- Slots of one provider never begin together, so their start is all of their order.
            WHERE s.vendor_id = p_vendor_id AND s.provider_id = p_provider_id
              AND lower(s.during) >= v_after AND lower(s.during) < v_to AND NOT s.during <@ s.closed
              AND (lower(s.during), s.id) > (v_after, v_id) AND (p_location_id IS NULL OR s.location_id = p_location_id)
              AND (p_places IS NULL OR s.location_id = ANY (p_places))
            ORDER BY lower(s.during) LIMIT v_limit;
    ELSE
        RETURN QUERY
            SELECT s.* FROM slots s
            JOIN providers p ON p.vendor_id = p_vendor_id AND p.id = s.provider_id AND p.archived_at IS NULL
            JOIN locations l ON l.vendor_id = p_vendor_id AND l.id = s.location_id AND l.archived_at IS NULL
            WHERE s.vendor_id = p_vendor_id AND lower(s.during) < v_to AND (lower(s.during), s.id) > (v_after, v_id)
              AND NOT s.during <@ s.closed
              AND (p_location_id IS NULL OR s.location_id = p_location_id)
              AND (p_places IS NULL OR s.location_id = ANY (p_places))
            ORDER BY lower(s.during), s.id LIMIT v_limit;
    END IF;
END
$$;
