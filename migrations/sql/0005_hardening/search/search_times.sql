-- Promise: the times at which the public can book p_quantity places (NULL: as few as may be) of a service by its start alone, in [p_from, p_to),
-- by start and end, and for each the ways to book it in the order in which a booking would try them (service_openings):
-- p_limit of them as one text, JSON objects with commas between, and where the next page begins (NULL: there is none).
-- Everything shown can be booked as shown by a public caller, and what is not shown cannot. FOUND, or the outcome and
-- facts of a refusal. p_location_ids: only there, best first; if nothing is, they must be the vendor's, and p_provider_id
-- one who does it. p_channel: only where it leads (channel_places; p_public tells who asks). Numbers above p_told_max are
-- not told. It goes through time a piece at a time until the page is full, so what it reads grows with the page; after
-- p_patience it stops where it is, and the next page goes on from there, however short this one is.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION search_times(
    p_vendor_id uuid, p_service_id uuid, p_from timestamptz, p_to timestamptz, p_quantity integer DEFAULT NULL,
    p_provider_id uuid DEFAULT NULL, p_location_ids uuid[] DEFAULT NULL, p_channel text DEFAULT NULL, p_public boolean DEFAULT true,
    p_after_start timestamptz DEFAULT NULL, p_after_end timestamptz DEFAULT NULL, p_limit integer DEFAULT 100,
    p_told_max integer DEFAULT NULL, p_patience interval DEFAULT '2 seconds'
) RETURNS TABLE (outcome text, facts jsonb, items text, next_start timestamptz, next_end timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_longest CONSTANT interval := '16 days';
    v_began   CONSTANT timestamptz := clock_timestamp();
    v_piece   interval := '1 day';
    v_service services;
    v_channels jsonb;
    v_refusal jsonb;
    v_places  uuid[];
    v_starts  tstzrange;
    v_at      timestamptz;
    v_until   timestamptz;
    v_end     timestamptz;
    v_looked  timestamptz;
    v_found   integer;
    v_count   integer := 0;
    v_more    boolean := false;
    v_item    record;
    v_items   text[] := '{}';
BEGIN
    SELECT s.* INTO v_service FROM services s WHERE s.vendor_id = p_vendor_id AND s.id = p_service_id AND s.archived_at IS NULL;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'SERVICE_NOT_FOUND', jsonb_build_object('service_id', p_service_id), NULL, NULL::timestamptz, NULL::timestamptz;
        RETURN;
    END IF;
    SELECT v.channels INTO v_channels FROM vendors v WHERE v.id = p_vendor_id;
    v_refusal := COALESCE(check_channel(v_channels, p_channel, p_public), check_service_quantity(v_service, p_quantity),
        check_locations(p_vendor_id, p_location_ids));
    IF v_refusal IS NOT NULL THEN
        RETURN QUERY SELECT v_refusal ->> 'outcome', v_refusal -> 'facts', NULL, NULL::timestamptz, NULL::timestamptz;
        RETURN;
    END IF;
    v_places := places_wanted(p_location_ids, channel_places(v_channels, p_channel, p_public));
    v_starts := service_starts(v_service, true);
    v_at := GREATEST(p_from, earliest_start(true), lower(v_starts), p_after_start);
    -- The last moment of the window is in it.
    v_until := LEAST(p_to, upper(v_starts) + interval '1 microsecond');
    WHILE v_at < v_until AND NOT v_more LOOP
        v_end := LEAST(v_at + v_piece, v_until);
        v_found := v_count;
        v_looked := clock_timestamp();
        FOR v_item IN
            SELECT o.start, o.ends, '{"start":"' || utc(o.start) || '","end":"' || utc(o.ends) || '","options":[' || string_agg(
                '{"provider_id":"' || o.provider_ids[1] || '","provider_ids":' || to_json(o.provider_ids) || ',"location_id":"' || o.location_id
                || '","time_zone":' || to_json(o.time_zone)
                || ',"available":' || COALESCE(CASE WHEN o.available <= COALESCE(p_told_max, o.available) THEN o.available END::text, 'null')
                || ',"price":' || COALESCE(price_json(o.price_amount, o.price_currency)::text, 'null') || '}', ',' ORDER BY o.place) || ']}' AS item
            FROM service_openings(
                p_vendor_id, v_service, tstzrange(v_at, v_end), COALESCE(p_quantity, v_service.quantity_min), p_provider_id, v_places,
                p_limit + 1 - v_count, CASE WHEN v_at = p_after_start THEN p_after_end END) AS o
            GROUP BY o.start, o.ends ORDER BY o.start, o.ends
        LOOP
            v_more := v_count = p_limit;
            EXIT WHEN v_more;
            v_count := v_count + 1;
            v_items := v_items || v_item.item;
            next_start := v_item.start;
            next_end := v_item.ends;
        END LOOP;
        v_at := v_end;
        -- What took a while is not asked twice as much of, or it would be over before anybody looks at the clock.
        IF (v_count - v_found) * 4 < p_limit - v_count AND clock_timestamp() - v_looked < p_patience / 4 THEN
            v_piece := LEAST(v_piece * 2, v_longest);
        END IF;
        -- Nothing ends before it begins: what begins then comes after this.
        IF NOT v_more AND v_at < v_until AND clock_timestamp() >= v_began + p_patience THEN
            v_more := true;
            next_start := v_at;
            next_end := v_at;
        END IF;
    END LOOP;
    IF v_count = 0 THEN
        v_refusal := CASE WHEN NOT service_has_provider(p_vendor_id, p_service_id, p_provider_id)
            THEN invalid('provider_id', 'provider_does_not_offer', jsonb_build_object('provider_id', p_provider_id)) END;
        IF v_refusal IS NOT NULL THEN
            RETURN QUERY SELECT v_refusal ->> 'outcome', v_refusal -> 'facts', NULL, NULL::timestamptz, NULL::timestamptz;
            RETURN;
        END IF;
    END IF;
    outcome := 'FOUND';
    items := array_to_string(v_items, ',');
    IF NOT v_more THEN
        next_start := NULL;
        next_end := NULL;
    END IF;
    RETURN NEXT;
END
$$;
