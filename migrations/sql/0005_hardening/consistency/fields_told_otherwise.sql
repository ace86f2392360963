-- Promise: bookings that have another value in some field than the last event that tells this field says, with those
-- fields. An event that only names a field ({}: what may be personal, and rows mended by hand) tells nothing of it, nor does any before it.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION fields_told_otherwise(p_vendor_id uuid, p_since timestamptz)
RETURNS TABLE (vendor_id uuid, booking_id uuid, fields text[])
LANGUAGE sql STABLE
AS $$
    WITH doubtful AS (
        SELECT b.*, e.sequence, e.changes
        FROM bookings_in_scope(p_vendor_id, p_since) b
        JOIN events e ON e.vendor_id = b.vendor_id AND e.booking_id = b.id
        -- Nearly always the first event tells all there is, and nothing has changed since.
        WHERE CASE WHEN e.sequence = 1 THEN (
                       e.changes #>> '{kind,to}' = b.kind AND e.changes #>> '{quantity,to}' = b.quantity::text
                       AND e.changes #>> '{start,to}' = utc(lower(b.during)) AND e.changes #>> '{end,to}' = utc(upper(b.during))
                       AND e.changes #> '{slot_ids,to}' = to_jsonb(b.slot_ids)) IS NOT TRUE
                   ELSE e.changes ?| '{kind,quantity,start,end,slot_ids,provider_id,customer_id,guests,price,token_version}' END
    ), untold AS (
        SELECT d.vendor_id, d.id, field.name
        FROM doubtful d CROSS JOIN LATERAL (VALUES
            ('kind', to_jsonb(d.kind)), ('quantity', to_jsonb(d.quantity)), ('slot_ids', to_jsonb(d.slot_ids)),
            ('provider_id', to_jsonb(d.provider_id)), ('customer_id', to_jsonb(d.customer_id)), ('guests', to_jsonb(d.guests)),
            ('token_version', to_jsonb(d.token_version)),
            ('price', CASE WHEN d.price_amount IS NOT NULL THEN
                jsonb_build_object('amount', d.price_amount, 'currency', d.price_currency) END),
            ('start', NULL), ('end', NULL)) AS field (name, now)
        WHERE d.changes -> field.name ? 'to' AND CASE WHEN field.name IN ('start', 'end')
                -- As moments, however they are spelled; what is none is not what the booking has.
                THEN CASE WHEN pg_input_is_valid(d.changes #>> ARRAY[field.name, 'to'], 'timestamptz')
                          THEN (d.changes #>> ARRAY[field.name, 'to'])::timestamptz END
                     IS DISTINCT FROM CASE field.name WHEN 'start' THEN lower(d.during) ELSE upper(d.during) END
                ELSE d.changes #> ARRAY[field.name, 'to'] IS DISTINCT FROM COALESCE(field.now, 'null') END
          AND NOT EXISTS (
              SELECT FROM events later
              WHERE later.vendor_id = d.vendor_id AND later.booking_id = d.id AND later.sequence > d.sequence
                AND later.changes ? field.name)
    )
    SELECT u.vendor_id, u.id, array_agg(DISTINCT u.name ORDER BY u.name) FROM untold u GROUP BY u.vendor_id, u.id
$$;
