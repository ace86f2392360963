-- Promise: occupying bookings whose start and end (the buffers they were made with around them) are not those of their claims
-- on each of their providers, with no time left out between; whose provider or slots are not theirs; whose time has other
-- bounds. (Those that lack claims are another check's.)
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION find_bookings_unlike_claims(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (violations bigint, offenders jsonb)
LANGUAGE sql STABLE
AS $$
    WITH laid_out AS (
        SELECT c.vendor_id, c.booking_id, c.ordinal, c.slot_id, c.provider_id, lower(c.during) AS starts,
               first_value(lower(c.during)) OVER of_provider AS first_starts,
               max(upper(c.during)) OVER so_far AS ends, lead(c.booking_id) OVER of_provider IS NULL AS is_last,
               -- Whole slots may have a gap between them, parts of slots not.
               (lower(c.during) = lag(upper(c.during)) OVER of_provider
                OR lower(c.during) = lower(c.slot_during)
                   AND lag(upper(c.during)) OVER of_provider = lag(upper(c.slot_during)) OVER of_provider) IS FALSE AS gap
        FROM claims_in_scope(p_vendor_id, p_since) c
        WINDOW of_provider AS (PARTITION BY c.vendor_id, c.booking_id, c.provider_id ORDER BY lower(c.during), c.ordinal),
               so_far AS (of_provider ROWS UNBOUNDED PRECEDING)
    ), claimed AS (
        SELECT l.vendor_id, l.booking_id, count(*) AS claims, min(l.first_starts) AS starts, max(l.first_starts) AS starts_last,
               min(l.ends) FILTER (WHERE l.is_last) AS ends_first, max(l.ends) AS ends, bool_or(l.gap) AS gap,
               array_agg(l.slot_id ORDER BY l.ordinal) AS slot_ids,
               (array_agg(l.provider_id ORDER BY l.ordinal))[1] AS provider_id
        FROM laid_out l
        GROUP BY l.vendor_id, l.booking_id
    ), compared AS (
        SELECT b.vendor_id, b.id, b.during, c.starts, c.ends, array_remove(ARRAY[
            CASE WHEN lower(b.during) - make_interval(mins => b.buffer_before_minutes) IS DISTINCT FROM c.starts THEN 'start' END,
            CASE WHEN upper(b.during) + make_interval(mins => b.buffer_after_minutes) IS DISTINCT FROM c.ends THEN 'end' END,
            -- One provider's claims are shorter than another's, or have a gap. (A slot that has grown into one since it
            -- was booked leaves its claims as they are, and so does one that has come to be in its place.)
            CASE WHEN c.starts_last <> c.starts OR c.ends_first <> c.ends OR c.gap AND NOT EXISTS (
                     SELECT FROM slots s WHERE s.vendor_id = b.vendor_id AND s.id = ANY (c.slot_ids) AND s.version > 1)
                     AND NOT EXISTS (
                     SELECT FROM events e WHERE e.vendor_id = b.vendor_id AND e.booking_id = b.id AND e.sequence > 1 AND e.changes ? 'slot_ids')
                 THEN 'time_left_out' END,
            CASE WHEN (lower_inc(b.during) AND NOT upper_inc(b.during)) IS FALSE THEN 'bounds' END,
            CASE WHEN b.provider_id IS DISTINCT FROM c.provider_id THEN 'provider' END,
            CASE WHEN b.slot_ids IS DISTINCT FROM c.slot_ids THEN 'slots' END], NULL) AS reasons
        FROM claimed c
        JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
        WHERE c.claims = b.claim_count AND b.status IN ('requested', 'held', 'confirmed', 'completed', 'no_show')
    ), found AS (
        SELECT co.*, row_number() OVER (ORDER BY co.vendor_id, co.id) AS place
        FROM compared co WHERE cardinality(co.reasons) > 0
    )
    SELECT count(*), COALESCE(jsonb_agg(jsonb_build_object(
        'vendor_id', f.vendor_id, 'booking_id', f.id, 'reasons', to_jsonb(f.reasons), 'start', utc(lower(f.during)),
        'end', utc(upper(f.during)), 'claimed_start', utc(f.starts), 'claimed_end', utc(f.ends)) ORDER BY f.place)
        FILTER (WHERE f.place <= 10), '[]')
    FROM found f
$$;
