-- The reverse of tables.sql, part by part, last first.

DROP TABLE import_refs;
ALTER TYPE slot_wanted DROP ATTRIBUTE schedule_id;

DROP INDEX customers_by_email, customers_by_phone, customers_by_name;
CREATE INDEX customers_by_email ON customers (vendor_id, lower(email) text_pattern_ops) WHERE email IS NOT NULL;
CREATE INDEX customers_by_phone ON customers (vendor_id, regexp_replace(phone, '^[^0-9]*00|[^0-9]', '', 'g') text_pattern_ops)
    WHERE phone IS NOT NULL;
CREATE INDEX customers_by_name ON customers USING gin (vendor_id, lower(name) gin_trgm_ops) WITH (gin_pending_list_limit = 256);

-- The view as it was; the newer one has been dropped before its functions.
CREATE VIEW booking_descriptions WITH (security_invoker = true) AS
SELECT b.vendor_id, b.id, jsonb_build_object(
    'id', b.id, 'kind', b.kind, 'status', b.status, 'version', b.version,
    'provider_id', b.provider_id, 'location_id', b.location_id, 'service_id', b.service_id,
    'slot_ids', to_jsonb(b.slot_ids), 'start', utc(lower(b.during)), 'end', utc(upper(b.during)),
    'time_zone', l.time_zone, 'quantity', b.quantity, 'guests', b.guests,
    'customer', CASE WHEN c.id IS NOT NULL THEN
        jsonb_build_object('id', c.id, 'name', c.name, 'email', c.email, 'phone', c.phone) END,
    'price', price_json(b.price_amount, b.price_currency), 'hold_expires_at', utc(b.hold_expires_at),
    'channel', b.channel, 'notes', b.notes, 'internal_notes', b.internal_notes, 'metadata', b.metadata,
    'created_at', utc(b.created_at), 'updated_at', utc(b.updated_at), 'token_version', b.token_version) AS description
FROM bookings b
JOIN locations l ON l.vendor_id = b.vendor_id AND l.id = b.location_id
LEFT JOIN customers c ON c.vendor_id = b.vendor_id AND c.id = b.customer_id;

ALTER TABLE bookings DROP COLUMN cancellation_reason;

ALTER TYPE public_check DROP ATTRIBUTE channels;
-- Counted by units again.
CREATE OR REPLACE VIEW slot_availability WITH (security_invoker = true) AS
SELECT s.vendor_id, s.id AS slot_id, s.provider_id, s.location_id, s.during, s.capacity,
       s.capacity - units_count(COALESCE(taken.units, '{}')) AS available_count
FROM slots s
LEFT JOIN LATERAL (
    SELECT range_agg(c.units) AS units
    FROM claims c
    JOIN bookings b ON b.vendor_id = c.vendor_id AND b.id = c.booking_id
    WHERE c.vendor_id = s.vendor_id AND c.slot_id = s.id
      AND NOT (b.status = 'held' AND b.hold_expires_at <= now())
) taken ON true;
DROP TYPE dealt_claim;
ALTER TYPE slots_look DROP ATTRIBUTE scattered;
ALTER TYPE slot_part DROP ATTRIBUTE available;

ALTER TABLE vendors DROP COLUMN channels;
ALTER TABLE bookings DROP COLUMN buffer_before_minutes, DROP COLUMN buffer_after_minutes;
DROP TABLE busy_blocks, busy_times;
DROP TYPE scheduled_plan, scheduled_change, scheduled_slot;
ALTER TABLE slots DROP COLUMN schedule_id;
DROP TABLE schedule_publishings, schedule_exceptions, schedules;
DROP TABLE service_providers, service_needs;
ALTER TABLE services DROP COLUMN buffer_before_minutes, DROP COLUMN buffer_after_minutes, DROP COLUMN start_step_minutes,
    DROP COLUMN notice_minutes, DROP COLUMN window_days, DROP COLUMN quantity_min, DROP COLUMN quantity_max;
